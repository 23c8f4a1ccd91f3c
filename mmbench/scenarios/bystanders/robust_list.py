"""A victim in a full memory cgroup that faults before exit_mm, as exit_robust_list does on memory that was swapped out.

Every fault fails its charge and is tried again, until there is memory in the cgroup. Source: Rik van Riel and Johannes
Weiner, linux-mm, 12 Dec 2024 (a4ebf1b6ca1e, v5.16: victims may not exceed the limit either).
"""

from mmbench.machine.protocol import Op, step
from mmbench.scenarios.bystander import JIFFY_PS, MAX_COUNT, Bystander, Option

BYSTANDER = Bystander(
    key="robust-list",
    what="the victim itself: a fault that needs memory before exit_mm",
    steps=lambda values: (
        step("the charge fails", Op.ALLOC_SLEEP, ps=JIFFY_PS),
        step("exit_robust_list faults", Op.ALLOC, otherwise="the charge fails"),
    ),
    options=(
        Option(
            "fault_needs_pages", "pages", 0, 0, MAX_COUNT,
            "before exit_mm the victim faults, and waits until so much is freed (0: it does not)",
        ),
    ),
    when="fault_needs_pages",
    needs="fault_needs_pages",
    of_victim=True,
)  # fmt: skip

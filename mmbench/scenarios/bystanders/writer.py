"""Holds mmap_lock for write, as khugepaged or a sibling thread may."""

from mmbench.machine.protocol import Op, step
from mmbench.scenarios.bystander import BEFORE_THE_KILL, MAX_PS, Bystander, Option

BYSTANDER = Bystander(
    key="writer",
    what="holds mmap_lock for write for some time",
    steps=lambda values: (
        step("mmap_write_lock", Op.MMAP_WRITE_LOCK),
        step("hold", Op.HOLD_FOR),
        step("mmap_write_unlock", Op.MMAP_WRITE_UNLOCK),
    ),
    options=(
        Option(
            "writer_hold_ps", "ps", 0, 0, MAX_PS,
            "somebody holds mmap_lock for write from the kill on (0: nobody)", old=True,
        ),
    ),
    when="writer_hold_ps",
    starts_ps=BEFORE_THE_KILL,
    holds="writer_hold_ps",
    rank=40,
)  # fmt: skip

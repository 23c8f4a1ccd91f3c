"""Holds a page lock while its own allocation waits until pages have been freed: the thread's worry.

Its allocation is an allocation like any other: it kills again once MMF_OOM_SKIP lets it.
"""

from mmbench.machine.protocol import Op, step
from mmbench.scenarios.bystander import BEFORE_THE_KILL, JIFFY_PS, MAX_COUNT, Bystander, Option

BYSTANDER = Bystander(
    key="holder",
    what="holds a page lock until its own allocation succeeds",
    steps=lambda values: (
        step("lock_page", Op.LOCK_PAGE),
        step("allocate", Op.ALLOC, otherwise="out_of_memory", to="unlock_page"),
        step(
            "out_of_memory", Op.OUT_OF_MEMORY, loses_sight=values["killer_blind"], by_page=values["need_by_page"],
            otherwise="sleep", to="allocate",
        ),
        step("sleep", Op.ALLOC_SLEEP, ps=JIFFY_PS),
        step("retry", Op.GOTO, to="allocate"),
        step("unlock_page", Op.UNLOCK_PAGE),
    ),
    options=(
        Option(
            "holder_needs_pages", "pages", 0, 0, MAX_COUNT,
            "a page-lock holder waits until so much is freed (0: no such holder)", old=True,
        ),
    ),
    when="holder_needs_pages",
    starts_ps=BEFORE_THE_KILL,
    needs="holder_needs_pages",
    locks_page=True,
    rank=20,
)  # fmt: skip

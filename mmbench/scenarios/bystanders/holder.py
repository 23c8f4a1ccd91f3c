"""Holds a page lock while its own allocation waits until pages have been freed: the thread's worry.

Its allocation is an allocation like any other: it kills again once MMF_OOM_SKIP lets it.
"""

from mmbench.machine.protocol import Op, step
from mmbench.scenarios.bystander import BEFORE_THE_KILL, MAX_COUNT, Bystander, Option, allocation

BYSTANDER = Bystander(
    key="holder",
    what="holds a page lock until its own allocation succeeds",
    steps=lambda values: (
        step("lock_page", Op.LOCK_PAGE),
        *allocation(values, then="unlock_page"),
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

"""Holds a page lock for a given time."""

from mmbench.machine.protocol import Op, step
from mmbench.scenarios.bystander import BEFORE_THE_KILL, MAX_PS, Bystander, Option

BYSTANDER = Bystander(
    key="timed-holder",
    what="holds a page lock for some time",
    steps=lambda values: (
        step("lock_page", Op.LOCK_PAGE),
        step("hold", Op.HOLD_FOR),
        step("unlock_page", Op.UNLOCK_PAGE),
    ),
    options=(
        Option(
            "holder_hold_ps", "ps", 0, 0, MAX_PS, "a page-lock holder holds for this time (0: no such holder)", old=True
        ),
        Option(
            "holder_at_ppm",
            "ppm",
            0,
            0,
            999_999,
            "which mlocked page is held, from 0 (the first) on",
            old=True,
        ),
    ),
    when="holder_hold_ps",
    task="holder",
    starts_ps=BEFORE_THE_KILL,
    holds="holder_hold_ps",
    locks_page=True,
    rank=30,
)

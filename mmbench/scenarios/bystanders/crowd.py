"""The holders of all randomly contended pages: one lock is let go after somebody has waited for it."""

from mmbench.machine.protocol import Op, step
from mmbench.scenarios.bystander import MS, SECOND, Bystander, Option

BYSTANDER = Bystander(
    key="crowd",
    what="stands in for the holders of contended pages, one after the other",
    steps=lambda values: (
        step("hold a contended page", Op.AWAIT_PAGE_WAITER),
        step("unlock_page", Op.UNLOCK_PAGE),
        step("next", Op.GOTO, to="hold a contended page"),
    ),
    options=(
        Option("contended_ppm", "ppm", 0, 0, 10**6, "share of mlocked pages found locked by somebody", old=True),
        Option("hold_mean_ps", "ps", MS, 0, 1000 * SECOND, "mean time that such a page lock is still held", old=True),
    ),
    when="contended_ppm",
    n_tasks=2,
    waited_for=False,
    endless=True,
    rank=10,
)

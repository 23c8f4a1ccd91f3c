"""Bug 8, second form: MMF_UNSTABLE as test-and-set, and the loser sets MMF_OOM_SKIP while the winner still reaps.

The killer then takes the next victim although the memory of this one is about to be free. (The first form,
e2fe14564d33, is a window between the last watermark try and the scan; the model's OUT_OF_MEMORY does both in one step.)
"""

from dataclasses import replace

from mmbench.checker.edit import put
from mmbench.machine.protocol import MMF_UNSTABLE, Op, Role, step
from mmbench.strategies import v4_17


def roles() -> dict[str, Role]:
    fixed = v4_17.roles()
    test = step("somebody reaps?", Op.UNLESS_FLAG, flag=MMF_UNSTABLE, otherwise="set MMF_OOM_SKIP")
    (reap,) = (s for s in fixed["exit"] if s.label == "self-reap")
    return {**fixed, "exit": put(fixed["exit"], "self-reap", test, reap)}


STRATEGY = replace(v4_17.STRATEGY, id="bug08-loser-sets-skip", status="history", roles=roles)

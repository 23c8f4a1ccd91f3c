"""Bug 2 (fix 4837fe37adff, v4.15): exit_mmap asked whether *current* is the OOM victim.

The last mmput came from a third task, which is not one: no MMF_OOM_SKIP, no barrier, and the tables went away under
the reaper. The variant is v4.14 with what that answer skips left out.
"""

from dataclasses import replace

from mmbench.checker.edit import without
from mmbench.machine.protocol import Role
from mmbench.strategies import v4_14


def roles() -> dict[str, Role]:
    fixed = v4_14.roles()
    victim_part = ("oom victim?", "set MMF_OOM_SKIP", "barrier: lock", "barrier: unlock")
    return {**fixed, "exit": without(fixed["exit"], *victim_part)}


STRATEGY = replace(v4_14.STRATEGY, id="bug02-victim-identity", status="history", roles=roles)

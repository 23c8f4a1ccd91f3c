"""Bug 10 (fix fde591dad109, before v6.18): a lost negation; process_mrelease reaped only once MMF_OOM_SKIP was set."""

from dataclasses import replace

from mmbench.checker.edit import put
from mmbench.machine.protocol import MMF_OOM_SKIP, Op, Role, step
from mmbench.strategies import v6_18


def roles() -> dict[str, Role]:
    fixed = v6_18.roles()
    inverted = step("still clear? (inverted)", Op.IF_FLAG, flag=MMF_OOM_SKIP, otherwise="mmap_read_unlock")
    return {**fixed, "mrelease": put(fixed["mrelease"], "still clear?", inverted)}


STRATEGY = replace(v6_18.STRATEGY, id="bug10-inverted-test", status="history", roles=roles)

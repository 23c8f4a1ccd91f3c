"""Bug 5 (fix f798a1d4f94d, v5.17; syzbot 2ccf63a4bd07cf39cab0): mm->mmap still pointed at the freed VMAs."""

from dataclasses import replace

from mmbench.checker.edit import without
from mmbench.machine.protocol import Role
from mmbench.strategies import v5_17


def roles() -> dict[str, Role]:
    fixed = v5_17.roles()
    return {**fixed, "exit": without(fixed["exit"], "mm->mmap = NULL")}


STRATEGY = replace(v5_17.STRATEGY, id="bug05-dangling-list", status="history", roles=roles)

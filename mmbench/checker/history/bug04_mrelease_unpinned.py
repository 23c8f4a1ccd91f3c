"""Bug 4 (fix 337546e83fc7, v5.15-rc8): process_mrelease pinned only the struct, and exit_mmap took no lock.

The target was dying but no OOM victim, so there was neither MMF_OOM_SKIP nor a barrier: the caller walked freed tables.
"""

from dataclasses import replace

from mmbench.machine.protocol import Role, process_mrelease
from mmbench.strategies import v4_17


def roles() -> dict[str, Role]:
    return {**v4_17.roles(), "mrelease": process_mrelease(pins_users=False, skip=v4_17.SKIP, lru_batch=15)}


STRATEGY = replace(v4_17.STRATEGY, id="bug04-mrelease-unpinned", status="history", roles=roles)

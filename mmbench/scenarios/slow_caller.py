"""A process_mrelease caller that has taken hold of the mm, and asks for mmap_lock later, after a preemption say."""

from mmbench.errors import InputError
from mmbench.machine.ops import Op
from mmbench.machine.protocol import Role, step


def asking_late(role: Role) -> Role:
    """The role with a wait after it has found the mm. Raises InputError when it never looks for one."""
    for k, s in enumerate(role):
        if s.op in (Op.FIND_MM, Op.MMGET_NOT_ZERO):
            return (*role[: k + 1], step("asks for the lock later", Op.HOLD_FOR), *role[k + 1 :])
    raise InputError("this design's process_mrelease never looks for the mm, so it cannot have it early.")

"""Bug 11 (fix ec8d7c14ea14, v4.7): the reaper pinned mm_users, so its mmput could run exit_mmap and block in it.

The variant fixes who is last: exit_mm comes while the reaper has its pin. With mmput=sync the reaper then tears down,
page locks and all; with mmput=async (the fix) it leaves that to another task.
"""

from mmbench.machine.protocol import MMF_OOM_SKIP, Op, Param, Role, Strategy, step
from mmbench.strategies import v5_17

PINNED = 8  # a flag of this variant: the reaper has its pin

TEARDOWN = (
    step("last mmput", Op.WAIT_LAST_USER),
    step("munlock", Op.UNLOCK_RANGE, claims_vma=1),
    step("tlb_gather_mmu", Op.TLB_GATHER_MMU),
    step("unmap_vmas", Op.UNMAP_VMAS, lru_batch=15),
    step("free_pgtables", Op.FREE_PGTABLES),
    step("tlb_finish_mmu", Op.TLB_FINISH_MMU),
    step("remove VMAs", Op.REMOVE_VMAS),
)


def roles(mmput: str) -> dict[str, Role]:
    sync = mmput == "sync"
    elsewhere = step("is the last user?", Op.UNLESS_FLAG, flag=PINNED, otherwise="done")
    return {
        "exit": (
            step("the reaper has its pin?", Op.IF_FLAG, flag=PINNED, otherwise="not yet", to="exit_mm"),
            step("not yet", Op.SLEEP, ps=0, to="the reaper has its pin?"),
            step("exit_mm", Op.EXIT_MM),
            *((elsewhere,) if sync else ()),
            *TEARDOWN,
        ),
        "reaper": (
            step("mmget_not_zero", Op.MMGET_NOT_ZERO, otherwise="done"),
            step("has its pin", Op.SET_FLAG, flag=PINNED),
            step("mmap_read_lock", Op.MMAP_READ_LOCK),
            step("reap pass", Op.REAP_PASS, skip=v5_17.SKIP, direction=1, lru_batch=15),
            step("mmap_read_unlock", Op.MMAP_READ_UNLOCK),
            step("set MMF_OOM_SKIP", Op.SET_FLAG, flag=MMF_OOM_SKIP),
            step("mmput", Op.MMPUT),
            *(TEARDOWN if sync else ()),
        ),
    }


STRATEGY = Strategy(
    id="bug11-reaper-last-user",
    title="the reaper pins mm_users and may be the last to let go",
    status="history",
    sources=("ec8d7c14ea14 (v4.7)",),
    holds="nothing",
    never="nothing",
    assumes={},
    roles=roles,
    params={"mmput": Param("sync", ("sync", "async"), "async is the fix")},
)

"""drop-oom-skip: the patch of the thread's subject. One write lock over the whole teardown, nothing else."""

from mmbench.machine.protocol import (
    NO_LRU_BATCH,
    OOM_REAPER_DELAY_PS,
    VM_HUGETLB,
    VM_LOCKED,
    VM_PFNMAP,
    Op,
    Param,
    Role,
    Strategy,
    oom_reaper,
    process_mrelease,
    step,
)

SKIP = VM_LOCKED | VM_HUGETLB | VM_PFNMAP


def roles(reaper_delay: str) -> dict[str, Role]:
    delay_ps = OOM_REAPER_DELAY_PS if reaper_delay == "2s" else 0
    return {
        "exit": (
            step("exit_mm", Op.EXIT_MM),
            step("last mmput", Op.WAIT_LAST_USER),
            step("mmap_write_lock", Op.MMAP_WRITE_LOCK),
            step("unlock_range", Op.UNLOCK_RANGE, claims_vma=1),
            step("tlb_gather_mmu", Op.TLB_GATHER_MMU),
            step("unmap_vmas", Op.UNMAP_VMAS, lru_batch=NO_LRU_BATCH),
            step("free_pgtables", Op.FREE_PGTABLES),
            step("tlb_finish_mmu", Op.TLB_FINISH_MMU),
            step("remove VMAs", Op.REMOVE_VMAS),
            step("mm->mmap = NULL", Op.CLEAR_MMAP),
            step("mmap_write_unlock", Op.MMAP_WRITE_UNLOCK),
        ),
        "reaper": oom_reaper(delay_ps=delay_ps, skip=SKIP, lru_batch=NO_LRU_BATCH),
        "mrelease": process_mrelease(pins_users=False, skip=SKIP, lru_batch=NO_LRU_BATCH),
    }


STRATEGY = Strategy(
    id="drop-oom-skip",
    title="write lock over the whole teardown; no self-reap, no MMF_OOM_SKIP from exit_mmap",
    status="never merged",
    sources=('Michal Hocko, "mm: drop MMF_OOM_SKIP from exit_mmap", linux-mm, 9 Dec 2021',),
    holds="mmap_lock for write over munlock, unmap and free_pgtables",
    never="lets the reaper in beside exit_mmap; never sets MMF_OOM_SKIP itself",
    assumes={"reaper skips": "VM_LOCKED, VM_HUGETLB, VM_PFNMAP", "process_mrelease": "v5.17: mmgrab only"},
    roles=roles,
    params={
        "reaper_delay": Param("none", ("none", "2s"), "the patch predates the 2 s delay of v5.18 (e4a38402c36e)"),
    },
)

"""v5.17: self-reap and MMF_OOM_SKIP first, then one write lock over old munlock, unmap and tables."""

from mmbench.machine.protocol import (
    NO_LRU_BATCH,
    VM_HUGETLB,
    VM_LOCKED,
    VM_PFNMAP,
    Op,
    Role,
    Strategy,
    oom_reaper,
    process_mrelease,
    self_reap,
    step,
)

SKIP = VM_LOCKED | VM_HUGETLB | VM_PFNMAP


def roles() -> dict[str, Role]:
    return {
        "exit": (
            step("exit_mm", Op.EXIT_MM),
            step("last mmput", Op.WAIT_LAST_USER),
            *self_reap(skip=SKIP, lru_batch=NO_LRU_BATCH, then="mmap_write_lock"),
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
        "reaper": oom_reaper(delay_ps=0, skip=SKIP, lru_batch=NO_LRU_BATCH),
        "mrelease": process_mrelease(pins_users=False, skip=SKIP, lru_batch=NO_LRU_BATCH),
    }


STRATEGY = Strategy(
    id="v5.17",
    title="self-reap and MMF_OOM_SKIP, then the write lock over old munlock, unmap and tables",
    status="shipped 5.17",
    sources=("64591e8605d6, ba535c1caf3e, f798a1d4f94d (v5.17)",),
    holds="mmap_lock for write over munlock, unmap_vmas and free_pgtables",
    never="lets the reaper or process_mrelease in beside unmap_vmas",
    assumes={
        "reaper delay": "none",
        "reaper skips": "VM_LOCKED, VM_HUGETLB, VM_PFNMAP",
        "process_mrelease": "mmgrab only; waits for the write lock of a victim that is not an OOM victim",
    },
    roles=roles,
)

"""v5.18: munlock happens at rmap removal without page locks; the write lock over the teardown stays."""

from mmbench.machine.protocol import (
    OOM_REAPER_DELAY_PS,
    VM_HUGETLB,
    VM_PFNMAP,
    Op,
    Role,
    Strategy,
    oom_reaper,
    process_mrelease,
    self_reap,
    step,
)

SKIP = VM_HUGETLB | VM_PFNMAP


def roles() -> dict[str, Role]:
    return {
        "exit": (
            step("exit_mm", Op.EXIT_MM),
            step("last mmput", Op.WAIT_LAST_USER),
            *self_reap(skip=SKIP, lru_batch=15, then="mmap_write_lock"),
            step("mmap_write_lock", Op.MMAP_WRITE_LOCK),
            step("tlb_gather_mmu", Op.TLB_GATHER_MMU),
            step("unmap_vmas", Op.UNMAP_VMAS, lru_batch=15),
            step("free_pgtables", Op.FREE_PGTABLES),
            step("tlb_finish_mmu", Op.TLB_FINISH_MMU),
            step("remove VMAs", Op.REMOVE_VMAS),
            step("mm->mmap = NULL", Op.CLEAR_MMAP),
            step("mmap_write_unlock", Op.MMAP_WRITE_UNLOCK),
        ),
        "reaper": oom_reaper(delay_ps=OOM_REAPER_DELAY_PS, skip=SKIP, lru_batch=15),
        "mrelease": process_mrelease(pins_users=False, skip=SKIP, lru_batch=15),
    }


STRATEGY = Strategy(
    id="v5.18",
    title="munlock at rmap removal, no page lock; the reaper frees mlocked pages too",
    status="shipped 5.18-6.0",
    sources=("a213e5cf71cb, cea86fe246b6, b109b87050df, 2fbb0c10d1e8 (Hugh Dickins, v5.18)", "e4a38402c36e (delay)"),
    holds="mmap_lock for write over unmap_vmas and free_pgtables, after self-reap and MMF_OOM_SKIP",
    never="takes a page lock",
    assumes={
        "reaper delay": "2 s",
        "reaper skips": "VM_HUGETLB, VM_PFNMAP",
        "munlock batch": "15 folios per CPU",
        "process_mrelease": "mmgrab only; waits for the write lock of a victim that is not an OOM victim",
    },
    roles=roles,
)

"""write-downgrade: option 1. Munlock under the write lock, downgrade, unmap beside the reaper."""

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
    self_reap,
    step,
)

SKIP = VM_LOCKED | VM_HUGETLB | VM_PFNMAP


def roles(self_reaping: str, reaper_delay: str) -> dict[str, Role]:
    kept = self_reap(skip=SKIP, lru_batch=NO_LRU_BATCH, then="mmap_write_lock") if self_reaping == "kept" else ()
    delay_ps = OOM_REAPER_DELAY_PS if reaper_delay == "2s" else 0
    return {
        "exit": (
            step("exit_mm", Op.EXIT_MM),
            step("last mmput", Op.WAIT_LAST_USER),
            *kept,
            step("mmap_write_lock", Op.MMAP_WRITE_LOCK),
            step("unlock_range", Op.UNLOCK_RANGE, claims_vma=1),
            step("mmap_write_downgrade", Op.MMAP_WRITE_DOWNGRADE),
            step("tlb_gather_mmu", Op.TLB_GATHER_MMU),
            step("unmap_vmas", Op.UNMAP_VMAS, lru_batch=NO_LRU_BATCH),
            step("mmap_read_unlock", Op.MMAP_READ_UNLOCK),
            step("mmap_write_lock again", Op.MMAP_WRITE_LOCK),
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
    id="write-downgrade",
    title="option 1: munlock under the write lock, downgrade, unmap in parallel with the reaper",
    status="never posted",
    sources=("Suren Baghdasaryan, linux-mm, 29 Dec 2021, option 1",),
    holds="mmap_lock for write over munlock, for read over unmap_vmas, for write over free_pgtables",
    never="leaves a VM_LOCKED VMA for the reaper to skip, once it has downgraded",
    assumes={"reaper skips": "VM_LOCKED, VM_HUGETLB, VM_PFNMAP", "process_mrelease": "v5.17: mmgrab only"},
    roles=roles,
    params={
        "self_reaping": Param(
            "dropped",
            ("dropped", "kept"),
            "whether self-reap and MMF_OOM_SKIP stay was never said. kept: MMF_OOM_SKIP comes before the lock, so no "
            "OOM reaper ever uses the downgrade, and the design does what v5.17 does",
        ),
        "reaper_delay": Param("none", ("none", "2s"), "the proposal predates the 2 s delay of v5.18 (e4a38402c36e)"),
    },
)

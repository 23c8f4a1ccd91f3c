"""v4.17: the victim reaps itself first and sets MMF_OOM_SKIP, so the reaper never meets its munlock."""

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
            *self_reap(skip=SKIP, lru_batch=NO_LRU_BATCH, then="unlock_range"),
            step("barrier: lock", Op.MMAP_WRITE_LOCK),
            step("barrier: unlock", Op.MMAP_WRITE_UNLOCK),
            step("unlock_range", Op.UNLOCK_RANGE, claims_vma=1),
            step("tlb_gather_mmu", Op.TLB_GATHER_MMU),
            step("unmap_vmas", Op.UNMAP_VMAS, lru_batch=NO_LRU_BATCH),
            step("free_pgtables", Op.FREE_PGTABLES),
            step("tlb_finish_mmu", Op.TLB_FINISH_MMU),
            step("remove VMAs", Op.REMOVE_VMAS),
        ),
        "reaper": oom_reaper(delay_ps=0, skip=SKIP, lru_batch=NO_LRU_BATCH),
        "mrelease": process_mrelease(pins_users=True, skip=SKIP, lru_batch=NO_LRU_BATCH),
    }


STRATEGY = Strategy(
    id="v4.17",
    title="self-reap, MMF_OOM_SKIP, lock barrier, then munlock and unmap without mmap_lock",
    status="shipped 4.17-5.16",
    sources=("27ae357fa82b (v4.17)", "884a7e5964e0, 337546e83fc7 (process_mrelease, v5.15)"),
    holds="nothing: MMF_OOM_SKIP and the barrier keep the reaper out",
    never="frees mlocked memory before MMF_OOM_SKIP is set",
    assumes={
        "reaper delay": "none",
        "reaper skips": "VM_LOCKED, VM_HUGETLB, VM_PFNMAP",
        "process_mrelease": "v5.15: pins mm_users, so exit_mmap waits for it",
    },
    roles=roles,
)

"""v4.14: the reaper runs beside a lockless munlock. Broken: CVE-2018-1000200."""

from mmbench.machine.protocol import (
    MMF_OOM_SKIP,
    MMF_OOM_VICTIM,
    NO_LRU_BATCH,
    VM_HUGETLB,
    VM_LOCKED,
    VM_PFNMAP,
    Op,
    Role,
    Strategy,
    oom_reaper,
    step,
)


def roles() -> dict[str, Role]:
    return {
        "exit": (
            step("exit_mm", Op.EXIT_MM),
            step("last mmput", Op.WAIT_LAST_USER),
            step("munlock", Op.UNLOCK_RANGE, claims_vma=1),
            step("tlb_gather_mmu", Op.TLB_GATHER_MMU),
            step("unmap_vmas", Op.UNMAP_VMAS, lru_batch=NO_LRU_BATCH),
            step("oom victim?", Op.IF_FLAG, flag=MMF_OOM_VICTIM, otherwise="free_pgtables"),
            step("set MMF_OOM_SKIP", Op.SET_FLAG, flag=MMF_OOM_SKIP),
            step("barrier: lock", Op.MMAP_WRITE_LOCK),
            step("barrier: unlock", Op.MMAP_WRITE_UNLOCK),
            step("free_pgtables", Op.FREE_PGTABLES),
            step("tlb_finish_mmu", Op.TLB_FINISH_MMU),
            step("remove VMAs", Op.REMOVE_VMAS),
        ),
        "reaper": oom_reaper(delay_ps=0, skip=VM_LOCKED | VM_HUGETLB | VM_PFNMAP, lru_batch=NO_LRU_BATCH),
    }


STRATEGY = Strategy(
    id="v4.14",
    title="reaper in parallel with a lockless munlock (the broken one)",
    status="shipped 4.14-4.16",
    sources=(
        "212925802454 (v4.14)",
        "CVE-2018-1000200, fixed by 27ae357fa82b (v4.17)",
        "5.10 tolerates these steps (no forced race did harm): its follow_page_mask reads a pmd once and tests it "
        "again under the lock, and a zap frees no table; I5 is a rule of the design, which 4.14 is thought to need",
    ),
    holds="nothing over munlock and unmap; MMF_OOM_SKIP and a lock barrier before the tables go",
    never="keeps the reaper out of a VMA whose VM_LOCKED it has just cleared",
    assumes={"reaper delay": "none", "reaper skips": "VM_LOCKED, VM_HUGETLB, VM_PFNMAP", "process_mrelease": "none"},
    roles=roles,
)

"""v6.18: as v6.1, but the reaper walks VMAs from the top, to meet exit_mmap once instead of trailing it."""

from mmbench.machine.protocol import (
    HIGH_TO_LOW,
    MMF_OOM_SKIP,
    OOM_REAPER_DELAY_PS,
    VM_HUGETLB,
    VM_PFNMAP,
    Op,
    Role,
    Strategy,
    oom_reaper,
    process_mrelease,
    step,
)

SKIP = VM_HUGETLB | VM_PFNMAP


def roles() -> dict[str, Role]:
    return {
        "exit": (
            step("exit_mm", Op.EXIT_MM),
            step("last mmput", Op.WAIT_LAST_USER),
            step("mmap_read_lock", Op.MMAP_READ_LOCK),
            step("tlb_gather_mmu", Op.TLB_GATHER_MMU),
            step("unmap_vmas", Op.UNMAP_VMAS, lru_batch=31),
            step("mmap_read_unlock", Op.MMAP_READ_UNLOCK),
            step("set MMF_OOM_SKIP", Op.SET_FLAG, flag=MMF_OOM_SKIP),
            step("mmap_write_lock", Op.MMAP_WRITE_LOCK),
            step("free_pgtables", Op.FREE_PGTABLES),
            step("tlb_finish_mmu", Op.TLB_FINISH_MMU),
            step("remove VMAs", Op.REMOVE_VMAS),
            step("destroy the tree", Op.CLEAR_MMAP),
            step("mmap_write_unlock", Op.MMAP_WRITE_UNLOCK),
        ),
        "reaper": oom_reaper(delay_ps=OOM_REAPER_DELAY_PS, skip=SKIP, lru_batch=31, direction=HIGH_TO_LOW),
        "mrelease": process_mrelease(pins_users=False, skip=SKIP, lru_batch=31, direction=HIGH_TO_LOW),
    }


STRATEGY = Strategy(
    id="v6.18",
    title="v6.1 with the reaper walking VMAs from the top",
    status="shipped 6.18",
    sources=("5e1953dc71af (v6.18)", "bf3980c85212 (v6.1)"),
    holds="mmap_lock for read over unmap_vmas, for write over free_pgtables",
    never="takes a page lock; never keeps the reaper out of unmap_vmas",
    assumes={
        "reaper delay": "2 s",
        "reaper skips": "VM_HUGETLB, VM_PFNMAP",
        "reaper order": "VMAs high to low, pages inside a VMA low to high",
        "munlock batch": "31 folios per CPU",
        "process_mrelease": "mmgrab only; tests MMF_OOM_SKIP again under the read lock",
        "page tables": "freed by RCU in batches; without a batch page by call_rcu or synchronize_rcu (7.3), no IPI; "
        "one price here",
        "zone lock": "held for pcp->batch pages at a time since 6.19 (20251013190812.787205-4), before for 1,000 to "
        "2,000; nobody here waits for that",
        "LRU batch": "a folio that only the batch holds is freed at the drain since 7.2 (9669b87065a6), before put on "
        "the LRU first; freed at its flush here",
    },
    roles=roles,
)

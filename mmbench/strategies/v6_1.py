"""v6.1: unmap under the read lock, MMF_OOM_SKIP, then the write lock for the tables."""

from mmbench.machine.protocol import (
    LOW_TO_HIGH,
    MMF_OOM_SKIP,
    OOM_REAPER_DELAY_PS,
    VM_HUGETLB,
    VM_PFNMAP,
    Op,
    Param,
    Role,
    Strategy,
    oom_reaper,
    process_mrelease,
    step,
)

SKIP = VM_HUGETLB | VM_PFNMAP


def roles(lru_batch: str) -> dict[str, Role]:
    batch = int(lru_batch)
    return {
        "exit": (
            step("exit_mm", Op.EXIT_MM),
            step("last mmput", Op.WAIT_LAST_USER),
            step("mmap_read_lock", Op.MMAP_READ_LOCK),
            step("tlb_gather_mmu", Op.TLB_GATHER_MMU),
            step("unmap_vmas", Op.UNMAP_VMAS, lru_batch=batch),
            step("mmap_read_unlock", Op.MMAP_READ_UNLOCK),
            step("set MMF_OOM_SKIP", Op.SET_FLAG, flag=MMF_OOM_SKIP),
            step("mmap_write_lock", Op.MMAP_WRITE_LOCK),
            step("free_pgtables", Op.FREE_PGTABLES),
            step("tlb_finish_mmu", Op.TLB_FINISH_MMU),
            step("remove VMAs", Op.REMOVE_VMAS),
            step("destroy the tree", Op.CLEAR_MMAP),
            step("mmap_write_unlock", Op.MMAP_WRITE_UNLOCK),
        ),
        "reaper": oom_reaper(delay_ps=OOM_REAPER_DELAY_PS, skip=SKIP, lru_batch=batch, direction=LOW_TO_HIGH),
        "mrelease": process_mrelease(pins_users=False, skip=SKIP, lru_batch=batch, direction=LOW_TO_HIGH),
    }


STRATEGY = Strategy(
    id="v6.1",
    title="unmap under the read lock beside the reaper, MMF_OOM_SKIP, write lock for free_pgtables",
    status="shipped 6.1-6.17",
    sources=("bf3980c85212, b3541d912a84 (v6.1)", "9cecde80aae0 (munlock batch of 31, v6.9)"),
    holds="mmap_lock for read over unmap_vmas, for write over free_pgtables",
    never="takes a page lock; never keeps the reaper out of unmap_vmas",
    assumes={
        "reaper delay": "2 s",
        "reaper skips": "VM_HUGETLB, VM_PFNMAP",
        "reaper order": "VMAs low to high, pages inside a VMA low to high",
        "munlock batch": "31 folios per CPU",
        "process_mrelease": "mmgrab only; tests MMF_OOM_SKIP again under the read lock",
        "page tables": "freed by RCU in batches; without a batch page after an IPI to every CPU; one price here",
        "zone lock": "a free may hold it and the pcp lock for 1,000 to 2,000 pages; nobody here waits for that",
    },
    roles=roles,
    params={
        "lru_batch": Param("31", ("15", "31"), "15 up to v6.8, 31 from v6.9 on"),
    },
)

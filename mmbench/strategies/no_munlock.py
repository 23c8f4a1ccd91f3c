"""no-munlock: exit_mmap does not munlock at all, since the zap of v5.10 clears PG_mlocked by itself."""

from mmbench.machine.protocol import (
    MMF_OOM_SKIP,
    NO_LRU_BATCH,
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


def roles(reaper_delay: str) -> dict[str, Role]:
    delay_ps = OOM_REAPER_DELAY_PS if reaper_delay == "2s" else 0
    return {
        "exit": (
            step("exit_mm", Op.EXIT_MM),
            step("last mmput", Op.WAIT_LAST_USER),
            step("mmap_read_lock", Op.MMAP_READ_LOCK),
            step("tlb_gather_mmu", Op.TLB_GATHER_MMU),
            step("unmap_vmas", Op.UNMAP_VMAS, lru_batch=NO_LRU_BATCH),
            step("mmap_read_unlock", Op.MMAP_READ_UNLOCK),
            step("set MMF_OOM_SKIP", Op.SET_FLAG, flag=MMF_OOM_SKIP),
            step("mmap_write_lock", Op.MMAP_WRITE_LOCK),
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
    id="no-munlock",
    title="no munlock at exit, no VM_LOCKED in the reaper's mask: v5.10's zap munlocks by itself",
    status="never proposed",
    sources=(
        "page_remove_rmap -> clear_page_mlock, mm/rmap.c and mm/mlock.c (v5.10): no page lock, at a page's last unmap",
        "seen in a booted 5.10 with these steps in place of its exit_mmap and reap pass; the lock modes are v6.1's",
    ),
    holds="mmap_lock for read over unmap_vmas, for write over free_pgtables",
    never="takes a page lock; its price: a page that another mm maps stays mlocked until that one lets go, too (I7)",
    assumes={
        "reaper skips": "VM_HUGETLB, VM_PFNMAP",
        "process_mrelease": "v5.17: mmgrab only",
    },
    roles=roles,
    params={
        "reaper_delay": Param("none", ("none", "2s"), "it was to be had before the delay of v5.18 (e4a38402c36e)"),
    },
)

"""trylock: exit_mmap munlocks with lock_page, the reaper with trylock_page, leaving contended pages behind."""

from mmbench.machine.protocol import (
    CLEARS_VM_LOCKED,
    LOCKED_VMAS_ONLY,
    NO_LRU_BATCH,
    OOM_REAPER_DELAY_PS,
    VM_HUGETLB,
    VM_PFNMAP,
    VM_UNLOCKING,
    Op,
    Param,
    Role,
    Strategy,
    oom_reaper,
    process_mrelease,
    step,
)

SKIP = VM_HUGETLB | VM_PFNMAP


def roles(bail_out: str, exit_lock: str, vm_locked: str, tries: str, reaper_delay: str) -> dict[str, Role]:
    reap = Op.REAP_PASS_TRYLOCK_PAGES if bail_out == "page" else Op.REAP_PASS_TRYLOCK_VMAS
    how = CLEARS_VM_LOCKED * (vm_locked == "cleared") | LOCKED_VMAS_ONLY * (tries == "locked-vmas")
    delay_ps = OOM_REAPER_DELAY_PS if reaper_delay == "2s" else 0
    mark = VM_UNLOCKING * (bail_out == "vma" and tries == "every-page")  # exit_mmap is inside: the reaper's only hint
    munlock = step("unlock_range", Op.UNLOCK_RANGE, mark=mark, unmark=1 if mark else 0)
    unmap = (
        step("tlb_gather_mmu", Op.TLB_GATHER_MMU),
        step("unmap_vmas", Op.UNMAP_VMAS, lru_batch=NO_LRU_BATCH),
    )
    shared = (
        step("mmap_read_lock", Op.MMAP_READ_LOCK),
        munlock,
        *unmap,
        step("mmap_read_unlock", Op.MMAP_READ_UNLOCK),
        step("mmap_write_lock", Op.MMAP_WRITE_LOCK),
    )
    exclusive = (step("mmap_write_lock", Op.MMAP_WRITE_LOCK), munlock, *unmap)
    return {
        "exit": (
            step("exit_mm", Op.EXIT_MM),
            step("last mmput", Op.WAIT_LAST_USER),
            *(shared if exit_lock == "read" else exclusive),
            step("free_pgtables", Op.FREE_PGTABLES),
            step("tlb_finish_mmu", Op.TLB_FINISH_MMU),
            step("remove VMAs", Op.REMOVE_VMAS),
            step("mm->mmap = NULL", Op.CLEAR_MMAP),
            step("mmap_write_unlock", Op.MMAP_WRITE_UNLOCK),
        ),
        "reaper": oom_reaper(delay_ps=delay_ps, skip=SKIP, reap=reap, how=how),
        "mrelease": process_mrelease(pins_users=False, skip=SKIP, reap=reap, how=how),
    }


STRATEGY = Strategy(
    id="trylock",
    title="the reaper munlocks by trylock and leaves contended pages behind; exit_mmap still waits",
    status="never merged",
    sources=(
        "Michal Hocko, linux-mm, 3 Jan 2022 (page-wise)",
        "Michal Hocko, WIP diff, linux-mm, 2016 (VMA-wise; trylock first suggested by David Rientjes, 22 Feb 2016)",
    ),
    holds="mmap_lock for read over munlock and unmap_vmas, for write over free_pgtables (our reading)",
    never="lets the reaper wait for a page lock (munlock of a page that another mm maps may still sleep on the rwsem "
    "of its anon_vma or i_mmap)",
    assumes={
        "reaper skips": "VM_HUGETLB, VM_PFNMAP, and what is contended",
        "munlock walk": "tolerates a zapper beside it. 5.10's does: follow_page_mask reads a pmd once, tests it again "
        "under the lock, and a zap frees no table",
        "reaper's munlock": "each page's lock before its flag: a batch would have to try all its locks before phase 1",
        "process_mrelease": "v5.17: mmgrab only",
    },
    roles=roles,
    params={
        "bail_out": Param("page", ("page", "vma"), "2022 speaks of pages; the 2016 diff gave up on the whole VMA"),
        "exit_lock": Param("read", ("read", "write"), "the plan helps only if exit_mmap's lock lets the reaper in"),
        "vm_locked": Param(
            "cleared",
            ("cleared", "kept"),
            "whether the reaper clears VM_LOCKED before it munlocks was never said. kept: the rmap walk of a page that "
            "another mm maps finds this very VMA and mlocks it again, for good; exit_mmap walks the emptied VMA, and "
            "waits for the page that was left. cleared: exit_mmap skips the VMA, and zaps beside the reaper's munlock, "
            "which keeps such a page mlocked, too, as it does a page that was left: I7 in the checker's scope `shared`",
        ),
        "tries": Param(
            "every-page",
            ("every-page", "locked-vmas"),
            "in the very case that trylock is for, exit_mmap has cleared VM_LOCKED already. every-page: mlocked pages "
            "are tried all the same; locked-vmas: such a VMA is zapped without a look at a lock, as in v4.14",
        ),
        "reaper_delay": Param("none", ("none", "2s"), "the plan predates the 2 s delay of v5.18 (e4a38402c36e)"),
    },
)

"""trylock: exit_mmap munlocks with lock_page, the reaper with trylock_page, leaving contended pages behind."""

from mmbench.machine.protocol import (
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


def roles(bail_out: str, exit_lock: str, reaper_delay: str) -> dict[str, Role]:
    by_page = bail_out == "page"
    reap = Op.REAP_PASS_TRYLOCK_PAGES if by_page else Op.REAP_PASS_TRYLOCK_VMAS
    mark = 0 if by_page else VM_UNLOCKING  # lets the reaper see that exit_mmap is inside the VMA
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
        "reaper": oom_reaper(
            delay_ps=OOM_REAPER_DELAY_PS if reaper_delay == "2s" else 0, skip=SKIP, lru_batch=NO_LRU_BATCH, reap=reap
        ),
        "mrelease": process_mrelease(pins_users=False, skip=SKIP, lru_batch=NO_LRU_BATCH, reap=reap),
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
    never="lets the reaper wait for a page lock",
    assumes={
        "reaper skips": "VM_HUGETLB, VM_PFNMAP, and what is contended",
        "munlock walk": "tolerates a concurrent zapper, which the old one does not",
        "process_mrelease": "v5.17: mmgrab only",
    },
    roles=roles,
    params={
        "bail_out": Param("page", ("page", "vma"), "2022 speaks of pages; the 2016 diff gave up on the whole VMA"),
        "exit_lock": Param("read", ("read", "write"), "the plan helps only if exit_mmap's lock lets the reaper in"),
        "reaper_delay": Param("none", ("none", "2s"), "the plan predates the 2 s delay of v5.18 (e4a38402c36e)"),
    },
)

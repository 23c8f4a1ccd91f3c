"""exit-write: the question of May 2026. exit_mmap takes the write lock at once, over all it does."""

from mmbench.machine.protocol import (
    HIGH_TO_LOW,
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
SET_SKIP = step("set MMF_OOM_SKIP", Op.SET_FLAG, flag=MMF_OOM_SKIP)


def roles(oom_skip: str) -> dict[str, Role]:
    return {
        "exit": (
            step("exit_mm", Op.EXIT_MM),
            step("last mmput", Op.WAIT_LAST_USER),
            step("mmap_write_lock", Op.MMAP_WRITE_LOCK),
            *((SET_SKIP,) if oom_skip == "first" else ()),
            step("tlb_gather_mmu", Op.TLB_GATHER_MMU),
            step("unmap_vmas", Op.UNMAP_VMAS, lru_batch=31),
            *((SET_SKIP,) if oom_skip == "after-unmap" else ()),
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
    id="exit-write",
    title="v6.18 with one write lock over the whole of exit_mmap instead of read, then write",
    status="proposed in 2026, no patch",
    sources=(
        "Linus Torvalds, linux-mm, 16 May 2026, CAHk-=wg08=sZb=hVa22KjN2pD3aNk-diGmKQnizCgmoMMfrvwQ@mail.gmail.com",
        "objection: Minchan Kim, 19 May 2026: a preempted reader of mmap_lock, with no more than mm_count, then keeps "
        "exit_mmap from its first page and process_mrelease behind it (v6.18 waits, too, but has all pages unmapped)",
        "everything but the lock is v6.18's (5e1953dc71af): our reading, no patch exists",
    ),
    holds="mmap_lock for write over unmap_vmas and free_pgtables",
    never="takes a page lock; never lets the reaper or process_mrelease in beside exit_mmap",
    assumes={
        "reaper delay": "2 s",
        "reaper skips": "VM_HUGETLB, VM_PFNMAP",
        "reaper order": "VMAs high to low, pages inside a VMA low to high",
        "munlock batch": "31 folios per CPU",
        "process_mrelease": "mmgrab only; waits for the write lock, then finds MMF_OOM_SKIP or an empty tree",
    },
    roles=roles,
    params={
        "oom_skip": Param(
            "after-unmap",
            ("after-unmap", "first", "never"),
            "the message does not say when exit_mmap sets MMF_OOM_SKIP. after-unmap: v6.18's order, and too late for a "
            "reaper that gives up while exit stands still; first: no reaper and no caller helps, and the OOM killer "
            "takes one more process after another, since each victim hides itself at once; never: the reaper sets it",
        ),
    },
)

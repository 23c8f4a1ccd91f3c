"""handover-1g: as v6.18, but a reaper gives mmap_lock up after every 1 GiB when somebody waits for it. UNVERIFIED."""

from mmbench.machine.protocol import (
    DONE_LABEL,
    HIGH_TO_LOW,
    MMF_OOM_SKIP,
    OOM_REAPER_DELAY_PS,
    RETRIES,
    RETRY_SLEEP_PS,
    VM_HUGETLB,
    VM_PFNMAP,
    WHY_GAVE_UP,
    WHY_SKIP_SET,
    Op,
    Param,
    Role,
    Step,
    Strategy,
    step,
)

SKIP = VM_HUGETLB | VM_PFNMAP
CHUNK_PAGES = {"1GiB": 1 << 18, "2MiB": 1 << 9}


def roles(chunk: str) -> dict[str, Role]:
    args = {"skip": SKIP, "direction": HIGH_TO_LOW, "chunk_pages": CHUNK_PAGES[chunk]}
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
        "reaper": (
            step("timer", Op.SLEEP, ps=OOM_REAPER_DELAY_PS),
            step("still needed?", Op.UNLESS_FLAG, flag=MMF_OOM_SKIP, otherwise="too late"),
            step("mmap_read_trylock", Op.MMAP_READ_TRYLOCK, otherwise="sleep HZ/10"),
            step("MMF_OOM_SKIP clear?", Op.UNLESS_FLAG, flag=MMF_OOM_SKIP, otherwise="unlock, too late"),
            Step("reap pass", Op.REAP_PASS_HANDOVER, args, otherwise="EAGAIN: unlock"),
            step("mmap_read_unlock", Op.MMAP_READ_UNLOCK, to="set MMF_OOM_SKIP"),
            step("EAGAIN: unlock", Op.MMAP_READ_UNLOCK),
            step("EAGAIN: sleep HZ/10", Op.RETRY_SLEEP, ps=RETRY_SLEEP_PS, to="mmap_read_trylock"),
            step("unlock, too late", Op.MMAP_READ_UNLOCK, to="too late"),
            step("sleep HZ/10", Op.RETRY_SLEEP, ps=RETRY_SLEEP_PS),
            step("tenth attempt?", Op.RETRY, attempts=RETRIES, otherwise="unable to reap"),
            step("try again", Op.GOTO, to="mmap_read_trylock"),
            step("unable to reap", Op.LEAVE, why=WHY_GAVE_UP, to="set MMF_OOM_SKIP"),
            step("too late", Op.LEAVE, why=WHY_SKIP_SET),
            step("set MMF_OOM_SKIP", Op.SET_FLAG, flag=MMF_OOM_SKIP),
        ),
        "mrelease": (
            step("mmgrab", Op.FIND_MM, otherwise=DONE_LABEL),
            step("MMF_OOM_SKIP clear?", Op.UNLESS_FLAG, flag=MMF_OOM_SKIP, otherwise=DONE_LABEL),
            step("mmap_read_lock_killable", Op.MMAP_READ_LOCK),
            step("still clear?", Op.UNLESS_FLAG, flag=MMF_OOM_SKIP, otherwise="mmap_read_unlock"),
            Step("reap pass", Op.REAP_PASS_HANDOVER, args, otherwise="EAGAIN: unlock"),
            step("mmap_read_unlock", Op.MMAP_READ_UNLOCK, to=DONE_LABEL),
            step("EAGAIN: unlock", Op.MMAP_READ_UNLOCK, to="mmap_read_lock_killable"),
        ),
    }


STRATEGY = Strategy(
    id="handover-1g",
    title="v6.18 whose reaper hands mmap_lock over after every 1 GiB while somebody waits for it",
    status="in a copy of 2026, unverified",
    sources=(
        "mm/oom_kill.c of GitHub linux-mm/linux-mm, commit 0325a2899e5b: read; no list message and no author found",
        "exit_mmap is v6.18's: unverified",
    ),
    holds="mmap_lock for read over unmap_vmas, for write over free_pgtables; a reaper for one chunk at a time",
    never="makes exit_mmap wait for more than one chunk. A hand-over (EAGAIN) is no attempt, and the pass begins again "
    "at the top, at chunks that are empty by then: writers that come one after another would keep a reaper for ever at "
    "its first chunk, with MMF_OOM_SKIP unset",
    assumes={
        "reaper delay": "2 s",
        "reaper skips": "VM_HUGETLB, VM_PFNMAP",
        "reaper order": "VMAs high to low, chunks of a VMA high to low, pages of a chunk low to high",
        "munlock batch": "31 folios per CPU",
        "process_mrelease": "mmgrab only; after EAGAIN it asks for the lock again at once",
    },
    roles=roles,
    params={
        "chunk": Param("1GiB", ("1GiB", "2MiB"), "1GiB is the copy's; 2MiB is seen in worlds as small as a check's"),
    },
)

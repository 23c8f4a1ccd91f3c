"""reap-kill: v6.18 with SIGKILL and reap in one system call, so that no caller comes too late."""

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
        "mrelease": process_mrelease(pins_users=False, skip=SKIP, lru_batch=31, direction=HIGH_TO_LOW, kept=True),
    }


STRATEGY = Strategy(
    id="reap-kill",
    title="v6.18 with process_mrelease that kills and reaps in one call (PROCESS_MRELEASE_REAP_KILL)",
    status="proposed in 2026, dropped",
    sources=(
        "Minchan Kim, v3, linux-mm, 11 May 2026, 20260511214226.937793-1-minchan@kernel.org",
        "against signals out of process_mrelease: Christian Brauner, 15 May 2026; in mm-new on 30 Apr, gone since",
    ),
    holds="as v6.18; the caller has the mm (mmgrab) before it sends SIGKILL to every process that shares it",
    never="answers ESRCH. The scan for sharers has no cost here; a victim that runs on may hold mmap_lock for write",
    assumes={
        "reaper delay": "2 s",
        "reaper skips": "VM_HUGETLB, VM_PFNMAP",
        "reaper order": "VMAs high to low, pages inside a VMA low to high",
        "munlock batch": "31 folios per CPU",
        "process_mrelease": "mmgrab, SIGKILL, then as v6.18; begins at the kill",
    },
    roles=roles,
    caller_kills=True,
)

"""exit-mm-stash: v6.18, and process_mrelease still finds the mm of a task that has left exit_mm."""

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
    id="exit-mm-stash",
    title="v6.18 with the mm kept in task->exit_mm: process_mrelease is never too late for it",
    status="proposed in 2026, not merged",
    sources=(
        "Christian Brauner, 16 May 2026, 20260516-work-exit_mm-v1-1-76bcc7c2439d@kernel.org (the field, for ptrace)",
        "Suren Baghdasaryan in answer: process_mrelease takes task->exit_mm when task->mm is gone (no patch found)",
        "unverified: the test that the mm is dying, done on the kept mm",
    ),
    holds="mmap_lock for read over unmap_vmas, for write over free_pgtables",
    never="answers ESRCH to a caller that comes between exit_mm and the end of exit_mmap",
    assumes={
        "reaper delay": "2 s",
        "reaper skips": "VM_HUGETLB, VM_PFNMAP",
        "reaper order": "VMAs high to low, pages inside a VMA low to high",
        "munlock batch": "31 folios per CPU",
        "process_mrelease": "mmgrab only, of task->mm or else of task->exit_mm",
    },
    roles=roles,
)

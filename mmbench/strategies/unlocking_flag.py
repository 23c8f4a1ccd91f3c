"""unlocking-flag: option 2. A second VMA flag keeps the reaper out of what is being munlocked."""

from mmbench.machine.protocol import (
    NO_LRU_BATCH,
    OOM_REAPER_DELAY_PS,
    VM_HUGETLB,
    VM_LOCKED,
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

SKIP = VM_LOCKED | VM_UNLOCKING | VM_HUGETLB | VM_PFNMAP


def roles(flag_lifetime: str, reaper_delay: str) -> dict[str, Role]:
    unmark = int(flag_lifetime == "until-munlocked")
    delay_ps = OOM_REAPER_DELAY_PS if reaper_delay == "2s" else 0
    return {
        "exit": (
            step("exit_mm", Op.EXIT_MM),
            step("last mmput", Op.WAIT_LAST_USER),
            step("mmap_read_lock", Op.MMAP_READ_LOCK),
            step("mark and unlock_range", Op.UNLOCK_RANGE, mark=VM_UNLOCKING, unmark=unmark, claims_vma=1),
            step("tlb_gather_mmu", Op.TLB_GATHER_MMU),
            step("unmap_vmas", Op.UNMAP_VMAS, lru_batch=NO_LRU_BATCH),
            step("mmap_read_unlock", Op.MMAP_READ_UNLOCK),
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
    id="unlocking-flag",
    title="option 2: a second VMA flag makes the reaper skip what is being munlocked",
    status="never posted",
    sources=("Suren Baghdasaryan, linux-mm, 29 Dec 2021, option 2", "its lock modes are our reading"),
    holds="mmap_lock for read over munlock and unmap_vmas, for write over free_pgtables",
    never="clears VM_LOCKED before the second flag is visible",
    assumes={
        "reaper skips": "VM_LOCKED, the new flag, VM_HUGETLB, VM_PFNMAP",
        "the new flag": "no bit of vm_flags below 32 is free in 5.10, bit 40 is (64 bit only); both flags are in one "
        "word, so one READ_ONCE tells the reaper; they change under the read lock, which v6.3 and later assert against",
        "process_mrelease": "v5.17: mmgrab only",
    },
    roles=roles,
    params={
        "flag_lifetime": Param(
            "until-unmapped", ("until-unmapped", "until-munlocked"), "the message does not say when the flag goes"
        ),
        "reaper_delay": Param("none", ("none", "2s"), "the proposal predates the 2 s delay of v5.18 (e4a38402c36e)"),
    },
)

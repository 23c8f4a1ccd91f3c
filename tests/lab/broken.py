"""A planted design: v6.1 without any lock. Tables go while a reap pass may be inside them (I8 of the checker)."""

from mmbench.machine.protocol import VM_HUGETLB, VM_PFNMAP, Op, Role, Strategy, oom_reaper, process_mrelease, step

SKIP = VM_HUGETLB | VM_PFNMAP


def roles() -> dict[str, Role]:
    return {
        "exit": (
            step("exit_mm", Op.EXIT_MM),
            step("last mmput", Op.WAIT_LAST_USER),
            step("tlb_gather_mmu", Op.TLB_GATHER_MMU),
            step("unmap_vmas", Op.UNMAP_VMAS, lru_batch=31),
            step("free_pgtables", Op.FREE_PGTABLES),
            step("tlb_finish_mmu", Op.TLB_FINISH_MMU),
            step("remove VMAs", Op.REMOVE_VMAS),
            step("destroy the tree", Op.CLEAR_MMAP),
        ),
        "reaper": oom_reaper(delay_ps=0, skip=SKIP, lru_batch=31),
        "mrelease": process_mrelease(pins_users=False, skip=SKIP, lru_batch=31),
    }


STRATEGY = Strategy(
    id="broken",
    title="tables and VMAs freed under no lock, beside whoever reaps",
    status="planted: what the lab must notice",
    sources=("nobody",),
    holds="nothing",
    never="keeps anybody out",
    assumes={},
    roles=roles,
)

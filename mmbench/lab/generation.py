"""Which generation of exit_mmap a kernel has, told by its own BTF: what the module needs, as a C header, or a refusal.

Every prototype that the module calls is known here. One that is not, or a function that was inlined everywhere, is
refused by name before anything is built.
"""

from collections.abc import Iterator

from mmbench.errors import CannotError
from mmbench.lab.btf import Btf

GATHER, VMA, MM = "struct mmu_gather *", "struct vm_area_struct *", "struct mm_struct *"
ULONG, TREE, STATE = "long unsigned int", "struct maple_tree *", "struct ma_state *"

# Function -> the parameters of every generation seen, oldest first (5.10, 6.1, 6.12, 7.3).
KNOWN: dict[str, tuple[tuple[str, ...], ...]] = {
    "exit_mmap": ((MM,),),
    "__oom_reap_task_mm": ((MM,),),
    "unmap_vmas": (
        (GATHER, VMA, ULONG, ULONG),
        (GATHER, TREE, VMA, ULONG, ULONG),
        (GATHER, STATE, VMA, ULONG, ULONG, ULONG, "bool"),
        (GATHER, "struct unmap_desc *"),
    ),
    "free_pgtables": (
        (GATHER, VMA, ULONG, ULONG),
        (GATHER, TREE, VMA, ULONG, ULONG),
        (GATHER, STATE, VMA, ULONG, ULONG, "bool"),
        (GATHER, "struct unmap_desc *"),
    ),
    "tlb_gather_mmu": ((GATHER, MM, ULONG, ULONG), (GATHER, MM)),
    "tlb_finish_mmu": ((GATHER, ULONG, ULONG), (GATHER,)),
    "lru_add_drain": ((),),
    "ldt_arch_exit_mmap": ((MM,),),
    "vm_area_free": ((VMA,),),
    "__mpol_put": (("struct mempolicy *",),),
    "get_user_pages_remote": (
        (MM, ULONG, ULONG, "unsigned int", "struct page * *", "struct vm_area_struct * *", "int *"),
        (MM, ULONG, ULONG, "unsigned int", "struct page * *", "int *"),
    ),
}
# What some generations have; one of each pair in NEEDED.
OPTIONAL: dict[str, tuple[tuple[str, ...], ...]] = {
    "tlb_gather_mmu_fullmm": ((GATHER, MM),),
    "remove_vma": ((VMA, "bool"), (VMA,)),
    "tear_down_vmas": ((MM, "struct vma_iterator *", VMA, ULONG),),
    "unmap_page_range": ((GATHER, VMA, ULONG, ULONG, "struct zap_details *"),),
    "zap_vma_for_reaping": ((VMA,),),
    "__zap_vma_range": ((GATHER, VMA, ULONG, ULONG, "struct zap_details *"),),
    "munlock_vma_pages_range": ((VMA, ULONG, ULONG),),
    "munlock_vma_page": (("struct page *",),),
    "follow_page": ((VMA, ULONG, "unsigned int"),),
}
NEEDED = (("unmap_page_range", "__zap_vma_range"),)
PRIVATE_STRUCTS = ("unmap_desc",)
OLD_MUNLOCK = ("munlock_vma_pages_range", "munlock_vma_page", "follow_page")


def has_old_munlock(btf: Btf) -> bool:
    """Whether munlock still takes page locks, as up to v5.17."""
    return all(btf.prototype(name) is not None for name in OLD_MUNLOCK)


def header(btf: Btf, release: str) -> str:
    """Return generation.h for a kernel. Raises CannotError naming the function that is unknown or missing."""
    found = [name for name in [*KNOWN, *OPTIONAL] if is_usable(btf, name, release)]
    for names in NEEDED:
        if not set(names) & set(found):
            raise CannotError(f"Linux {release} has neither {' nor '.join(names)}: the module knows no other way.")
    return "\n".join(_lines(btf, release, found)) + "\n"


def is_usable(btf: Btf, name: str, release: str) -> bool:
    """Whether the kernel has the function. Raises CannotError when it must have, or has it with other parameters."""
    prototype = btf.prototype(name)
    if prototype is None:
        if name in OPTIONAL:
            return False
        raise CannotError(
            f"Linux {release} has no function {name} of its own (the compiler has inlined it, or it is gone), so the "
            "module cannot be built for it."
        )
    allowed = (KNOWN | OPTIONAL)[name]
    if prototype.parameters not in allowed:
        known = "; ".join(f"({', '.join(parameters)})" for parameters in allowed)
        raise CannotError(
            f"Linux {release}: {name} takes ({', '.join(prototype.parameters)}), the module knows {known}."
        )
    return True


def _lines(btf: Btf, release: str, names: list[str]) -> Iterator[str]:
    yield f"/* Written from the BTF of Linux {release}. */"
    for name in PRIVATE_STRUCTS:
        fields = btf.fields(name)
        if fields is not None:
            yield f"#define HAS_{name} 1"
            yield f"struct {name} {{"
            yield from (f"\t{type_} {field};" for type_, field, _ in fields)
            yield "};"
            yield f"static_assert(sizeof(struct {name}) == {btf.struct_size(name)});"
    for name in names:
        prototype = btf.prototype(name)
        assert prototype is not None
        yield f"#define HAS_{name} {len(prototype.parameters)}"
        yield f"typedef {prototype.returns} (*fn_{name})({', '.join(prototype.parameters) or 'void'});"
    yield "#define KERNEL_FUNCTIONS(F) " + " ".join(f"F({name})" for name in names)
    if btf.field_type("mm_struct", "mmap") is not None:
        yield "#define HAS_VMA_LIST 1"
    if "percpu_counter" in (btf.field_type("mm_struct", "rss_stat") or ""):
        yield "#define HAS_PERCPU_RSS 1"
    if btf.field_type("task_struct", "oom_reaper_timer") is not None:
        yield "#define HAS_REAPER_TIMER 1"
    if btf.has_typedef("mm_flags_t"):
        yield "#define HAS_mm_flags_t 1"

"""What one step changed in a world, in words."""

from __future__ import annotations

import numpy as np

from mmbench.model.layout import VM_FLAG_NAMES, VM_UNLOCKING
from mmbench.model.world import (
    MM_COLLATERAL,
    MM_DETACHED,
    MM_FLAGS,
    MM_FREED,
    MM_GATHERS,
    MM_MUNLOCK_VMA,
    MM_USERS,
    MM_VMA_LIST,
    MMF_NAMES,
    RW_QUEUE,
    RW_QUEUED,
    RW_READERS,
    RW_WRITER,
    T_PAGE_HELD,
    T_SUB,
    T_VMA,
    T_ZAPPING,
    TABLE_FREED,
    V_END,
    V_FIRST,
    V_FLAGS,
    World,
    views,
)

VM_NAMES = {f"VM_{name.upper()}": bit for name, bit in VM_FLAG_NAMES.items()} | {"VM_UNLOCKING": VM_UNLOCKING}
LIST_WORDS = ("the VMA list is live", "the VMAs are freed, the list dangles", "the VMA list is empty")


def flag_words(names: dict[str, int], before: int, after: int) -> list[str]:
    """Flags that came and went."""
    return [f"{'+' if after & bit else '-'}{name}" for name, bit in names.items() if (before ^ after) & bit]


def lock_word(world: World, names: tuple[str, ...]) -> str:
    """Who holds and who waits for mmap_lock."""
    mem = world.mem
    holders = [f"write: {names[int(mem[RW_WRITER]) - 1]}"] if mem[RW_WRITER] else []
    readers = [name for t, name in enumerate(names) if mem[RW_READERS] >> t & 1]
    holders += [f"read: {', '.join(readers)}"] if readers else []
    queue = [int(mem[RW_QUEUE + k]) for k in range(int(mem[RW_QUEUED]))]
    waiting = [f"{names[q >> 1]} ({'write' if q & 1 else 'read'})" for q in queue]
    return "mmap_lock " + ("; ".join(holders) or "free") + (f"; queued: {', '.join(waiting)}" if waiting else "")


def page_words(world: World, before: np.ndarray, after: np.ndarray, verb: str) -> list[str]:
    """Pages whose bit went away between two copies of a plane, by VMA; a huge page in one word."""
    words = []
    gone = np.flatnonzero(np.unpackbits((before & ~after).view(np.uint8), bitorder="little"))
    for k, row in enumerate(views(world).vmas):
        here = gone[(gone >= row[V_FIRST]) & (gone < row[V_END])] - int(row[V_FIRST])
        if len(here) >= 512:
            words.append(f"{verb} the huge page at page {here[0]} of VMA {k}")
        elif len(here):
            words.append(f"{verb} page {', '.join(map(str, here))} of VMA {k}")
    return words


def mm_words(a: World, b: World) -> list[str]:
    """Changes of mm_struct."""
    words = flag_words(MMF_NAMES, int(a.mem[MM_FLAGS]), int(b.mem[MM_FLAGS]))
    if a.mem[MM_VMA_LIST] != b.mem[MM_VMA_LIST]:
        words.append(LIST_WORDS[int(b.mem[MM_VMA_LIST])])
    if a.mem[MM_DETACHED] != b.mem[MM_DETACHED]:
        words.append("task->mm = NULL")
    for cell, name in ((MM_USERS, "mm_users"), (MM_GATHERS, "open gathers"), (MM_COLLATERAL, "collateral kills")):
        if a.mem[cell] != b.mem[cell]:
            words.append(f"{name} = {b.mem[cell]}")
    if a.mem[MM_FREED] != b.mem[MM_FREED]:
        words.append(f"{b.mem[MM_FREED] - a.mem[MM_FREED]} pages freed")
    if a.mem[MM_MUNLOCK_VMA] != b.mem[MM_MUNLOCK_VMA]:
        vma = int(b.mem[MM_MUNLOCK_VMA] or a.mem[MM_MUNLOCK_VMA]) - 1
        words.append(f"{'inside' if b.mem[MM_MUNLOCK_VMA] else 'leaves'} the munlock walk of VMA {vma}")
    return words


def task_words(a: World, b: World, task: int, names: tuple[str, ...]) -> list[str]:
    """Changes of the task's own registers that others can notice."""
    x, y = views(a).tasks[task], views(b).tasks[task]
    words = []
    if x[T_PAGE_HELD] != y[T_PAGE_HELD]:
        words.append(f"{names[task]} {'holds' if y[T_PAGE_HELD] else 'gives back'} the page lock")
    if x[T_ZAPPING] != y[T_ZAPPING]:
        vma = int(y[T_ZAPPING] or x[T_ZAPPING]) - 1
        words.append(f"{'starts' if y[T_ZAPPING] else 'stops'} zapping VMA {vma}")
    return words


def changes(a: World, b: World, task: int, names: tuple[str, ...]) -> list[str]:
    """What a step of `task` changed between worlds a and b, most telling first."""
    x, y = views(a), views(b)
    words = task_words(a, b, task, names) + mm_words(a, b)
    if (x.mmap_lock != y.mmap_lock).any():
        words.append(lock_word(b, names))
    for k, (before, after) in enumerate(zip(x.vmas, y.vmas, strict=True)):
        words += [f"VMA {k} {word}" for word in flag_words(VM_NAMES, int(before[V_FLAGS]), int(after[V_FLAGS]))]
    words += page_words(b, x.mlocked & y.present, y.mlocked, "munlocks") if (x.mlocked != y.mlocked).any() else []
    words += page_words(b, x.present, y.present, "unmaps") if (x.present != y.present).any() else []
    n_tables = int(((x.table_state ^ y.table_state) & TABLE_FREED != 0).sum())
    if n_tables:
        words.append(f"{n_tables} page table{'s' if n_tables > 1 else ''} freed")
    if not words and x.tasks[task][T_SUB] != y.tasks[task][T_SUB]:
        words.append("goes on inside the walk")
    if not words and x.tasks[task][T_VMA] != y.tasks[task][T_VMA]:
        words.append(f"passes over VMA {x.tasks[task][T_VMA]}")
    return words

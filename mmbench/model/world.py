"""The world: everything two interleavings may disagree on, in one arena of 8-byte cells.

It has no clock, no costs and no random numbers; those belong to the engine. All state is one array, so a copy of a
world is one copy (`clone`); `model.saved` keeps a large one in less.

Compiled code sees the arena twice, as int64 cells (`mem`) and as uint64 words (`bits`), and finds things by
the index constants and the four `*_at` functions below: a world is then three arrays, cheap to pass around.
Python code that wants to look at a world uses `views`.

Arena: mm | mmap_lock | tasks (n_tasks rows) | VMAs (n_vmas rows) | table states | present, mlocked and
pg_locked bit planes, eight words per PTE table each.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mmbench.accelerate import njit, njit_inline, pointer
from mmbench.model.flags import MMF_OOM_SKIP as MMF_OOM_SKIP
from mmbench.model.flags import MMF_OOM_VICTIM as MMF_OOM_VICTIM
from mmbench.model.flags import MMF_UNSTABLE as MMF_UNSTABLE
from mmbench.model.flags import N_WHY as N_WHY
from mmbench.model.flags import WHY_CONTENDED_PAGE as WHY_CONTENDED_PAGE
from mmbench.model.flags import WHY_CONTENDED_VMA as WHY_CONTENDED_VMA
from mmbench.model.flags import WHY_GAVE_UP as WHY_GAVE_UP
from mmbench.model.flags import WHY_HUGETLB as WHY_HUGETLB
from mmbench.model.flags import WHY_LOCKED as WHY_LOCKED
from mmbench.model.flags import WHY_NAMES as WHY_NAMES
from mmbench.model.flags import WHY_SHARED as WHY_SHARED
from mmbench.model.flags import WHY_SKIP_SET as WHY_SKIP_SET
from mmbench.model.flags import WHY_UNLOCKING as WHY_UNLOCKING
from mmbench.model.layout import WORDS_PER_TABLE
from mmbench.words import CAUSE

# --- mm_struct ------------------------------------------------------------------------------------
MM_FLAGS = 0  # MMF_* bits below
MM_USERS = 1  # users of the address space; exit_mmap may start at zero
MM_DETACHED = 2  # 1 once the victim's task->mm is NULL (exit_mm ran)
MM_VMA_LIST = 3  # LIST_* below
MM_GATHERS = 4  # open mmu_gathers: mm->tlb_flush_pending
MM_RSS = 5  # present pages that count as resident
MM_NR_MLOCK = 6  # pages with PG_mlocked that this mm maps
MM_FREED = 7  # pages given back so far, by anybody
MM_EXTRA_FREED = 8  # pages that collateral victims gave back
MM_COLLATERAL = 9  # collateral kills
MM_ELSEWHERE = 10  # pages unmapped here but still mapped by another mm: nothing came back
MM_WALKERS = 11  # bit mask of tasks inside a page-table walk
MM_MUNLOCK_VMA = 12  # 1 + the VMA inside an old-style munlock walk, or 0
MM_VIOLATIONS = 13  # bit k set: invariant Ik was broken
MM_N_TASKS = 14
MM_N_VMAS = 15
MM_N_TABLES = 16
MM_VMAS_AT = 17  # where the VMA rows begin
MM_TABLES_AT = 18  # where the table states begin
MM_PLANES_AT = 19  # where the bit planes begin
MM_HAS_ELSEWHERE = 20  # 1 when some page is mapped elsewhere
N_MM = 21

MMF_NAMES = {"MMF_UNSTABLE": MMF_UNSTABLE, "MMF_OOM_SKIP": MMF_OOM_SKIP, "MMF_OOM_VICTIM": MMF_OOM_VICTIM}

LIST_LIVE, LIST_DANGLING, LIST_CLEARED = 0, 1, 2

# --- mmap_lock ------------------------------------------------------------------------------------
MAX_TASKS = 12

RW_WRITER = N_MM  # 1 + task id of the writer, or 0
RW_READERS = N_MM + 1  # bit mask of reader tasks
RW_QUEUED = N_MM + 2  # number of waiters
RW_QUEUE = N_MM + 3  # first of MAX_TASKS slots: 2 * task id + (1 if it wants to write)

# --- a task: cells relative to task_at(task) ------------------------------------------------------
T_PC = 0  # row of the program, or DONE
T_SUB = 1  # where inside a walking step
T_VMA = 2  # VMA cursor
T_PAGE = 3  # page cursor
T_ZAPPING = 4  # 1 + the VMA being zapped, or 0
T_SLOTS = 5  # used slots of the open mmu_gather
T_PAGES = 6  # pages in the gather that a flush will free
T_PENDING = 7  # pages of a flush that is under way: credited at its end
T_CAPACITY = 8  # slots of the gather before it must flush
T_BATCHED = 9  # 1 once the open mmu_gather has got a batch page
T_PART = 10  # pages of a folio that is not yet complete in the gather
T_LRU_BATCH = 11  # folios in the per-CPU mlock batch
T_FREED = 12  # pages this task gave back
T_TRIES = 13  # attempts so far
T_PASSES = 14  # reap passes begun
T_WAIT = 15  # WAIT_* below while blocked: the code of a cause (mmbench.words)
T_WAIT_PAGE = 16  # the page waited for, when T_WAIT is WAIT_PAGE
T_PAGE_HELD = 17  # 1 + the page whose PG_locked this task holds, or 0
T_LOCK_PAGE = 18  # the page this task is to lock
T_HOLD_PS = 19  # how long it is to hold, ps
T_NEED = 20  # pages its allocation needs
T_NEXT_VICTIM = 21  # pages that the next OOM victim would give back
T_PAGEVEC = 22  # pages of the old munlock's batch whose lock it has yet to take: pages.unlock_range.isolated, or 0
T_PASSED = 23  # first of N_WHY counts: pages this reaper passed over, by reason

N_TASK = T_PASSED + N_WHY
TASKS_AT = RW_QUEUE + MAX_TASKS

DONE = -1

WAIT_NONE = 0
WAIT_MMAP_READ, WAIT_MMAP_WRITE = CAUSE["mmap_lock_read"].code, CAUSE["mmap_lock_write"].code
WAIT_PAGE, WAIT_USERS, WAIT_WORK = CAUSE["page_lock"].code, CAUSE["mm_users"].code, CAUSE["idle"].code

# --- a VMA: cells relative to vma_at(w, vma) ------------------------------------------------------
V_FIRST, V_END, V_FLAGS, V_PRESENT, V_KIND, V_ORDER = range(6)  # pages in model numbering; V_PRESENT: pages left
N_VMA = 6

# --- a PTE table: bits of mem[table_at(w, table)] -------------------------------------------------
TABLE_ALLOCATED = 1
TABLE_HUGE = 2  # one PMD entry maps all 512 pages; there are no PTEs
TABLE_FREED = 4

# --- bit planes: word index is plane_at(w, plane, table) + word -----------------------------------
PRESENT, MLOCKED, PG_LOCKED = 0, 1, 2
N_PLANES = 3


class World(NamedTuple):
    """One mm and everybody who works on it.

    mem:  int64 (n_cells,), the arena
    bits: uint64 (n_cells,), the same memory
    elsewhere: uint64 (n_tables * 8,), pages another mm maps too; or (0,) when there are none. Never changes,
               so copies of a world share it.
    """

    mem: Any
    bits: Any
    elsewhere: Any


@njit_inline
def task_at(task: int) -> int:
    """Cell where the registers of a task begin."""
    return TASKS_AT + task * N_TASK


@njit_inline
def vma_at(w: Any, vma: int) -> int:
    """Cell where a VMA row begins."""
    return w.mem[MM_VMAS_AT] + vma * N_VMA


@njit_inline
def table_at(w: Any, table: int) -> int:
    """Cell of a table's state."""
    return w.mem[MM_TABLES_AT] + table


@njit_inline
def plane_at(w: Any, plane: int, table: int) -> int:
    """Index in `bits` of the first of a table's eight words in a plane."""
    return w.mem[MM_PLANES_AT] + (plane * w.mem[MM_N_TABLES] + table) * WORDS_PER_TABLE


@njit
def pointers(w: Any) -> Any:
    """The world as bare pointers, for the inside of compiled code; the caller keeps `w` alive."""
    return World(pointer(w.mem), pointer(w.bits), pointer(w.elsewhere))


class Views(NamedTuple):
    """NumPy views of a world for people, tests and reports; writing to them writes to the world.

    mm: int64 (N_MM,); mmap_lock: int64; tasks: int64 (n_tasks, N_TASK); vmas: int64 (n_vmas, N_VMA)
    table_state: int64 (n_tables,); present, mlocked, pg_locked: uint64 (n_tables, 8)
    """

    mm: np.ndarray
    mmap_lock: np.ndarray
    tasks: np.ndarray
    vmas: np.ndarray
    table_state: np.ndarray
    present: np.ndarray
    mlocked: np.ndarray
    pg_locked: np.ndarray


def arena_cells(n_tasks: int, n_vmas: int, n_tables: int) -> int:
    """Size of the arena in 8-byte cells."""
    return TASKS_AT + n_tasks * N_TASK + n_vmas * N_VMA + n_tables * (1 + N_PLANES * WORDS_PER_TABLE)


def new_world(n_tasks: int, n_vmas: int, n_tables: int, elsewhere: np.ndarray) -> World:
    """A zeroed world of the given size, with its geometry written in."""
    mem = np.zeros(arena_cells(n_tasks, n_vmas, n_tables), dtype=np.int64)
    vmas_at = TASKS_AT + n_tasks * N_TASK
    tables_at = vmas_at + n_vmas * N_VMA
    mem[MM_N_TASKS : MM_PLANES_AT + 1] = (n_tasks, n_vmas, n_tables, vmas_at, tables_at, tables_at + n_tables)
    mem[MM_HAS_ELSEWHERE] = int(len(elsewhere) > 0)
    return World(mem, mem.view(np.uint64), elsewhere)


def views(w: World) -> Views:
    """Look at a world."""
    mem = w.mem
    n_tasks, n_vmas, n_tables, vmas_at, tables_at, planes_at = (int(n) for n in mem[MM_N_TASKS : MM_PLANES_AT + 1])
    size = n_tables * WORDS_PER_TABLE
    planes = [
        w.bits[planes_at + k * size : planes_at + (k + 1) * size].reshape(n_tables, WORDS_PER_TABLE)
        for k in range(N_PLANES)
    ]
    return Views(
        mem[:N_MM],
        mem[RW_WRITER:TASKS_AT],
        mem[TASKS_AT:vmas_at].reshape(n_tasks, N_TASK),
        mem[vmas_at:tables_at].reshape(n_vmas, N_VMA),
        mem[tables_at:planes_at],
        *planes,
    )


def clone(w: World) -> World:
    """An independent world in the same state."""
    mem = w.mem.copy()
    return World(mem, mem.view(np.uint64), w.elsewhere)

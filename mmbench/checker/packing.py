"""Packing: a world of a check as a handful of 64-bit words, exactly and back.

Only what can change and can matter is kept. Left out, because no step reads them (they cannot change what
happens next): T_FREED, T_PASSES, T_LRU_BATCH, T_BATCHED and the T_PASSED counts. T_WAIT and T_WAIT_PAGE are what a
blocked step just said and are found again by trying the step. T_TRIES is left out because the checker lets every
attempt be the last or not (see expand). T_VMA and T_PAGE are dead, and kept at 0, outside the walks that use them.
A field that does not fit is an error, never a wrong answer: `encode` returns False.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mmbench.accelerate import njit, njit_inner
from mmbench.checker.world import Start, arena_with_monitor
from mmbench.machine.ops import Op
from mmbench.machine.status import ROW_A, ROW_OP
from mmbench.model import world as m
from mmbench.model.layout import PAGEVEC_SIZE, VM_LOCKED, VM_LOCKONFAULT, VM_UNLOCKING, WORDS_PER_TABLE

# Columns of a field: where it lies in the arena and in the packed words.
F_CELL, F_SHIFT, F_BITS, F_OFFSET, F_WORD, F_POS, F_WHOLE = range(7)
N_FIELD = 7
WORD_BITS = 64
VIOLATION_BITS = 15


class Plan(NamedTuple):
    """How to pack: fields int64 (n, 7); template int64 (cells,), the arena with every field at zero;
    huge int64 (k,), first words of planes that are all ones or all zeros; n_words of a packed state."""

    fields: np.ndarray
    template: np.ndarray
    huge: np.ndarray
    n_words: int


class Layout:
    """Collects fields and places them in words, none across two."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.word, self.pos = 0, 0

    def add(self, cell: int, bits: int, *, shift: int = 0, offset: int = 0, whole: bool = True) -> None:
        """Keep `bits` bits of a cell from `shift` on; a whole field is the cell's value plus `offset`."""
        if self.pos + bits > WORD_BITS:
            self.word, self.pos = self.word + 1, 0
        self.rows.append((cell, shift, bits, offset, self.word, self.pos, int(whole)))
        self.pos += bits


def bits_for(n: int) -> int:
    """Bits that hold 0..n."""
    return max(int(n).bit_length(), 1)


def add_mm(layout: Layout, start: Start) -> None:
    """Fields of mm_struct, of mmap_lock and of the monitor."""
    mem, n = start.world.mem, len(start.kinds)
    rows = start.program.rows
    flags = int(mem[m.MM_FLAGS]) | 7 | int(np.bitwise_or.reduce(rows[rows[:, ROW_OP] == int(Op.SET_FLAG), ROW_A]))
    kills = 3 * n
    for cell, high in (
        (m.MM_FLAGS, flags),
        (m.MM_DETACHED, 1),
        (m.MM_VMA_LIST, 2),
        (m.MM_RSS, start.resident_pages),
        (m.MM_FREED, start.resident_pages),
        (m.MM_ELSEWHERE, start.resident_pages if mem[m.MM_HAS_ELSEWHERE] else 0),
        (m.MM_NR_MLOCK, int(mem[m.MM_NR_MLOCK])),
        (m.MM_COLLATERAL, kills),
        (m.MM_EXTRA_FREED, kills * start.resident_pages),
        (m.MM_WALKERS, (1 << n) - 1),
        (m.MM_MUNLOCK_VMA, int(mem[m.MM_N_VMAS])),
        (m.MM_VIOLATIONS, (1 << VIOLATION_BITS) - 1),
        (m.RW_WRITER, n),
        (m.RW_READERS, (1 << n) - 1),
        (m.RW_QUEUED, n),
        (len(mem), (1 << 3 * n) - 1),
    ):
        layout.add(cell, bits_for(high))
    layout.add(m.MM_USERS, 5, offset=8)
    layout.add(m.MM_GATHERS, 5, offset=8)
    for k in range(n):
        layout.add(m.RW_QUEUE + k, bits_for(2 * n + 1))


def add_task(layout: Layout, start: Start, task: int, walks: bool, munlocks: bool) -> None:
    """Fields of one task's registers; a task without walks has few. munlocks: it walks the old munlock's batches."""
    mem, at = start.world.mem, int(m.TASKS_AT + task * m.N_TASK)
    n_vmas, resident = int(mem[m.MM_N_VMAS]), start.resident_pages
    layout.add(at + m.T_PC, bits_for(len(start.program.rows)), offset=1)
    if start.locks_page(task):
        layout.add(at + m.T_PAGE_HELD, bits_for(int(mem[at + m.T_LOCK_PAGE]) + 1))
    if walks:
        layout.add(at + m.T_VMA, bits_for(n_vmas + 1), offset=1)
        for cell, high in (
            (m.T_SUB, 7),
            (m.T_PAGE, int(mem[m.MM_N_TABLES]) * 512),
            (m.T_ZAPPING, n_vmas),
            (m.T_SLOTS, min(resident, start.scope.gather_slots)),
            (m.T_PAGES, resident),
            (m.T_PENDING, resident),
            (m.T_PART, 511),
            (m.T_PAGEVEC, (2 << PAGEVEC_SIZE) - 1 if munlocks else 0),
        ):
            layout.add(at + cell, bits_for(high))


def add_vmas(layout: Layout, start: Start) -> None:
    """Fields of VMA rows: three flags and the pages left."""
    v = m.views(start.world)
    base = int(start.world.mem[m.MM_VMAS_AT])
    for k, row in enumerate(v.vmas):
        at = base + k * m.N_VMA
        for flag in (VM_LOCKED, VM_LOCKONFAULT, VM_UNLOCKING):
            if flag == VM_UNLOCKING or row[m.V_FLAGS] & flag:
                layout.add(at + m.V_FLAGS, 1, shift=flag.bit_length() - 1, whole=False)
        layout.add(at + m.V_PRESENT, bits_for(int(row[m.V_PRESENT])))


def span(words: int) -> tuple[int, int]:
    """(lowest set bit, bits up to the highest) of a word."""
    low = (words & -words).bit_length() - 1
    return low, words.bit_length() - low


def add_planes(layout: Layout, start: Start) -> list[int]:
    """Fields of table states and of the words of planes that have a page. Returns the huge tables' first words."""
    w, v = start.world, m.views(start.world)
    mem = w.mem
    planes_at, n_tables = int(mem[m.MM_PLANES_AT]), int(mem[m.MM_N_TABLES])
    huge = []
    held = [int(cells[m.T_LOCK_PAGE]) for k, cells in enumerate(v.tasks) if start.locks_page(k)]
    for table in range(n_tables):
        layout.add(int(mem[m.MM_TABLES_AT]) + table, 3)
        for plane in (m.PRESENT, m.MLOCKED):
            at = planes_at + (plane * n_tables + table) * WORDS_PER_TABLE
            for word in range(WORDS_PER_TABLE):
                bits = int(w.bits[at + word])
                if bits and v.table_state[table] & m.TABLE_HUGE:
                    if word == 0:
                        layout.add(at, 1, whole=False)
                        huge.append(at)
                elif bits:
                    low, n = span(bits)
                    layout.add(at + word, n, shift=low, whole=False)
    for page in dict.fromkeys(held):
        cell = planes_at + (m.PG_LOCKED * n_tables + (page >> 9)) * WORDS_PER_TABLE + (page >> 6 & 7)
        layout.add(cell, 1, shift=page & 63, whole=False)
    return huge


def blank(arena: np.ndarray, fields: np.ndarray, huge: list[int]) -> np.ndarray:
    """The arena with every field at zero, so that decoding is adding. int64, same shape as arena."""
    template = arena.copy()
    for cell, shift, bits, offset, _, _, whole in fields.tolist():
        if whole:
            template[cell] = -offset
        else:
            mask = ((1 << bits) - 1) << shift
            template.view(np.uint64)[cell] &= np.uint64(~mask & (1 << 64) - 1)
    for at in huge:
        template[at : at + WORDS_PER_TABLE] = 0
    return template


USE_CURSORS = [int(op) for op in Op if op.spec.walks or op.spec.gather]


def rows_of(start: Start, kind: str) -> np.ndarray:
    """Rows of one role."""
    first = start.program.starts[kind]
    n = sum(role == kind for role, _ in start.program.labels)
    return start.program.rows[first : first + n]


def plan_of(start: Start) -> Plan:
    """How to pack the states of a check."""
    layout = Layout()
    add_mm(layout, start)
    for task, kind in enumerate(start.kinds):
        ops = rows_of(start, kind)[:, ROW_OP]
        add_task(layout, start, task, bool(np.isin(ops, USE_CURSORS).any()), int(Op.UNLOCK_RANGE) in ops)
    add_vmas(layout, start)
    huge = add_planes(layout, start)
    fields = np.array(layout.rows, dtype=np.int64)
    template = blank(arena_with_monitor(start.world), fields, huge)
    return Plan(fields, template, np.array(huge, dtype=np.int64), layout.word + 1)


@njit_inner
def mask_of(fields: Any, at: int) -> Any:
    """The low bits that the field at `at` keeps."""
    return (np.int64(1) << fields[at + F_BITS]) - 1 if fields[at + F_BITS] < WORD_BITS else np.int64(-1)


@njit_inner
def put_field(cell: int, fields: Any, at: int, out: Any) -> bool:
    """Put a cell's value where `out` has zeros for the field at `at`. False when it does not fit. Mutates: out."""
    mask, value = mask_of(fields, at), cell + fields[at + F_OFFSET]
    out[fields[at + F_WORD]] |= ((value >> fields[at + F_SHIFT]) & mask) << fields[at + F_POS]
    return bool(fields[at + F_WHOLE] == 0 or value & ~mask == 0)


@njit
def encode(mem: Any, fields: Any, n_fields: int, out: Any, n_words: int) -> bool:
    """Pack an arena into `out` (n_words int64 from a pointer). Returns False when a value does not fit its field.

    Mutates: out.
    """
    for k in range(n_words):
        out[k] = 0
    fits = True
    for k in range(n_fields):
        at = k * N_FIELD
        fits = put_field(mem[fields[at + F_CELL]], fields, at, out) and fits
    return fits


@njit
def encode_changed(mem: Any, before: Any, packed: Any, fields: Any, n_fields: int, out: Any, n_words: int) -> bool:
    """As encode, given the arena `before` a step and its packed words: only what the step changed is packed anew.

    Mutates: out.
    """
    for k in range(n_words):
        out[k] = packed[k]
    fits = True
    for k in range(n_fields):
        at = k * N_FIELD
        cell = fields[at + F_CELL]
        if mem[cell] != before[cell]:
            out[fields[at + F_WORD]] &= ~(mask_of(fields, at) << fields[at + F_POS])
            fits = put_field(mem[cell], fields, at, out) and fits
    return fits


@njit
def decode(
    packed: Any, fields: Any, n_fields: int, template: Any, n_cells: int, huge: Any, n_huge: int, mem: Any
) -> None:
    """Unpack into an arena: the inverse of encode. Mutates: mem."""
    for k in range(n_cells):
        mem[k] = template[k]
    for k in range(n_fields):
        at = k * N_FIELD
        value = (packed[fields[at + F_WORD]] >> fields[at + F_POS]) & mask_of(fields, at)
        mem[fields[at + F_CELL]] += value << fields[at + F_SHIFT]
    for k in range(n_huge):
        if mem[huge[k]] & 1:
            for word in range(WORDS_PER_TABLE):
                mem[huge[k] + word] = -1

"""Mutants: every single-step deletion and every swap of two neighbouring steps of a design, and who catches it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mmbench.checker.edit import swapped, without
from mmbench.checker.scope import find_scope
from mmbench.checker.search import Limits
from mmbench.checker.verdict import SAFE, check
from mmbench.errors import InputError
from mmbench.machine.lint import lint_roles
from mmbench.machine.protocol import Role
from mmbench.strategies.load import Loaded

MERGED = ("v4.17", "v5.17", "v5.18", "v6.1", "v6.18")  # v4.14 fails as it is
SCOPES = ("default", "plain-kill", "writer", "stuck-victim")
LINTER, SURVIVES = "linter", "survives"


NO_TIME = "a check has no time: a sleep more, less or elsewhere changes no order that it does not try anyway"
NO_PINS = "nobody pins mm_users in this design, so the wait is always over"
NO_STRUCT = "the lifetime of the struct (mm_count) is not modelled; and MMF_OOM_SKIP is tested later, under the lock"
REAPS_MORE = "a victim that is no OOM victim reaps itself too, which frees the same pages earlier"
SET_BEFORE = "MMF_OOM_SKIP has been set, and everybody tests it under the lock before walking the VMAs"
SKIP_ORDER = "all that a pass frees is unmapped already; the flag comes a little sooner or later"
GATHER_ORDER = "an open gather more or less does not matter here; it is finished before anybody relies on it"

# (role, kind, label) -> why the survivor is harmless, here or in the kernel.
HARMLESS = {
    ("exit", "delete", "last mmput"): NO_PINS,
    ("exit", "swap", "last mmput / oom victim?"): NO_PINS,
    ("exit", "swap", "last mmput / mmap_read_lock"): NO_PINS,
    ("exit", "delete", "oom victim?"): REAPS_MORE,
    ("exit", "swap", "oom victim? / self-reap"): REAPS_MORE,
    ("exit", "delete", "set MMF_OOM_SKIP"): "the reaper sets it after its own pass or attempt: later, not never",
    ("exit", "swap", "set MMF_OOM_SKIP / barrier: lock"): SKIP_ORDER,
    ("exit", "swap", "mmap_read_unlock / set MMF_OOM_SKIP"): SKIP_ORDER,
    ("exit", "swap", "set MMF_OOM_SKIP / mmap_write_lock"): SKIP_ORDER,
    ("exit", "delete", "unlock_range"): "zap clears PG_mlocked of what it unmaps (page_remove_rmap, clear_page_mlock)",
    ("exit", "swap", "unlock_range / tlb_gather_mmu"): GATHER_ORDER,
    ("exit", "swap", "mmap_read_lock / tlb_gather_mmu"): GATHER_ORDER,
    ("exit", "swap", "mmap_write_lock / tlb_gather_mmu"): GATHER_ORDER,
    ("exit", "swap", "tlb_finish_mmu / remove VMAs"): "the gather holds pages and tables, which it frees just the same",
    ("exit", "swap", "unmap_vmas / mmap_read_unlock"): "with mm_users at 0 only readers are left, and two zappers "
    "beside each other are safe; the lock is there for the writers of a live mm, which the model has not",
    ("exit", "swap", "remove VMAs / destroy the tree"): SET_BEFORE,
    ("exit", "delete", "destroy the tree"): SET_BEFORE,
    ("exit", "swap", "destroy the tree / mmap_write_unlock"): SET_BEFORE,
    ("reaper", "delete", "timer"): NO_TIME,
    ("reaper", "swap", "timer / still needed?"): NO_TIME,
    ("reaper", "delete", "still needed?"): "it spares a useless attempt; the test that counts is under the lock",
    ("reaper", "delete", "sleep HZ/10"): NO_TIME,
    ("reaper", "swap", "sleep HZ/10 / tenth attempt?"): NO_TIME,
    ("reaper", "swap", "mmap_read_unlock / unlock, too late"): "the two steps do the same",
    ("reaper", "delete", "too late"): "when exit_mmap has set MMF_OOM_SKIP here, nothing is left to give a reason for",
    ("mrelease", "delete", "mmgrab"): NO_STRUCT,
    ("mrelease", "swap", "mmgrab / MMF_OOM_SKIP clear?"): NO_STRUCT,
    ("mrelease", "delete", "MMF_OOM_SKIP clear?"): "it spares a useless wait for the lock",
    ("mrelease", "delete", "reap pass"): "process_mrelease frees nothing, which is slow and not wrong",
    ("mrelease", "swap", "mmap_read_lock_killable / reap pass"): "the pin on mm_users keeps exit_mmap out; the lock "
    "is there for the writers of a live mm, which the model has not",
    ("mrelease", "swap", "reap pass / mmap_read_unlock"): "as above: the pin keeps exit_mmap out",
}


@dataclass(frozen=True)
class Mutant:
    """One change of one role. kind: "delete" or "swap"; label: the step, or "first / second"."""

    strategy: str
    role: str
    kind: str
    label: str
    roles: dict[str, Role]


@dataclass(frozen=True)
class Result:
    """Who caught a mutant: "linter", "I5", ..., or "survives". states: searched for it."""

    mutant: Mutant
    caught_by: str
    states: int


def mutants_of(loaded: Loaded) -> Iterator[Mutant]:
    """All mutants of a design, role by role."""
    for name, role in loaded.roles.items():
        for k, step in enumerate(role):
            yield Mutant(loaded.name, name, "delete", step.label, {**loaded.roles, name: without(role, step.label)})
            if k + 1 < len(role):
                label = f"{step.label} / {role[k + 1].label}"
                yield Mutant(loaded.name, name, "swap", label, {**loaded.roles, name: swapped(role, k)})


def why_harmless(mutant: Mutant) -> str:
    """Why a surviving mutant is harmless, or "" when nobody has said so."""
    return HARMLESS.get((mutant.role, mutant.kind, mutant.label), "")


def judge(mutant: Mutant, limits: Limits | None = None) -> Result:
    """Lint a mutant, then check it in each scope until something catches it."""
    try:
        lint_roles(mutant.strategy, mutant.roles)
    except InputError:
        return Result(mutant, LINTER, 0)
    states = 0
    for scope in SCOPES:
        try:
            verdict = check(mutant.strategy, mutant.roles, find_scope(scope), limits, explain=False, stop_early=True)
        except InputError:
            return Result(mutant, "unbounded", states)
        states += verdict.states
        broken = [name for name, status in verdict.properties.items() if status == "broken"]
        if broken:
            return Result(mutant, broken[0], states)
        if verdict.verdict != SAFE:
            return Result(mutant, SURVIVES, states)
    return Result(mutant, SURVIVES, states)

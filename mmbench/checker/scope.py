"""The scope of a check: a small world and who is in it, apart from any strategy.

A scope is one of NAMED or a JSON file (see docs/checker.md). It says which VMAs there are, which tasks take part
and what the bystanders want. Everything else comes from the strategy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import cast

from mmbench.errors import InputError, nearest, short
from mmbench.model.layout import KIND_NAMES, VM_FLAG_NAMES, VmaTable, vma_table
from mmbench.records.checked_types import ScopeFile
from mmbench.records.files import read_json
from mmbench.records.schema import Raw
from mmbench.scenarios.bystander import Bystander
from mmbench.scenarios.bystanders import BYSTANDERS
from mmbench.words import PARTIES

FORMAT = "mmbench-scope 1"
MAX_UNITS = 48  # pages and huge pages
MAX_TASKS_OF_A_SCOPE = 8
MAX_NUMBER = 1 << 40  # more pages than any address space has
MAX_NAME = 80

# Bystanders by what a scope calls them, each with the values that make it one.
CAST: dict[str, tuple[Bystander, dict[str, int]]] = {
    name: (one, values)
    for one in BYSTANDERS
    if not one.of_victim and not one.endless
    for name, values in (one.variants or {one.key: {}}).items()
}

# Task name -> what it does. Names may repeat, but for exit.
TASKS = {party.key: party.what for party in PARTIES} | {
    name: one.what + "".join(f", {key} = {value}" for key, value in values.items())
    for name, (one, values) in CAST.items()
}


@dataclass(frozen=True)
class Vma:
    """One VMA of a scope: `at` is its first page number; `huge` counts 2 MiB blocks and then `pages` is a multiple."""

    at: int
    pages: int
    flags: tuple[str, ...] = ()
    kind: str = "anon"
    huge: int = 0
    elsewhere: int = 0


@dataclass(frozen=True)
class Scope:
    """A small world and its tasks.

    holder_page:  which resident mlocked page the holders lock, counted from 0
    needs:        "all" or a page count: what a holder's allocation needs
    allocator_needs: pages that the allocator needs
    gather_slots: folios that an mmu_gather takes before it flushes
    oom_victim:   the OOM killer marked the victim (else a plain SIGKILL)
    victim_waits: before exit_mm the victim sleeps until it gets the holders' page lock
    """

    name: str
    vmas: tuple[Vma, ...]
    tasks: tuple[str, ...]
    holder_page: int = 0
    holder_needs: int = 0
    allocator_needs: int = 1
    gather_slots: int = 8
    oom_victim: bool = True
    victim_waits: bool = False

    def needs_of(self, name: str) -> int:
        """Pages that a bystander's allocation needs; 0: all."""
        return self.allocator_needs if name == "allocator" else self.holder_needs


SMALL = (
    Vma(0, 1),
    Vma(2, 2, ("locked",)),
    Vma(512, 512, ("locked",), huge=1),
    Vma(1024, 1, ("shared",), "shmem"),
)
SHARED = (Vma(0, 2, ("locked",), elsewhere=1), Vma(512, 1))  # another mm maps the first page, and does not lock it
UNLOCKED = (Vma(0, 2), Vma(4, 1), Vma(512, 1, ("shared",), "shmem"))
EVERYBODY = ("exit", "reaper", "mrelease", "holder", "allocator")

NAMED = {
    scope.name: scope
    for scope in (
        Scope("default", SMALL, EVERYBODY),
        Scope("two-callers", UNLOCKED, ("exit", "reaper", "mrelease", "mrelease", "allocator")),
        Scope("timed-holder", SMALL, ("exit", "reaper", "mrelease", "timed-holder", "allocator"), gather_slots=2),
        Scope("plain-kill", SMALL, ("exit", "mrelease", "timed-holder"), oom_victim=False),
        Scope("stuck-victim", SMALL, EVERYBODY, victim_waits=True),
        Scope("shared", SHARED, EVERYBODY),
        Scope("unlocked", UNLOCKED, ("exit", "reaper", "mrelease", "allocator")),
        Scope("writer", UNLOCKED, ("exit", "reaper", "mrelease", "writer", "allocator")),
        Scope("reader", UNLOCKED, ("exit", "reaper", "mrelease", "reader", "allocator")),
        Scope("proc-reader", UNLOCKED, ("exit", "reaper", "mrelease", "proc-reader", "allocator")),
        Scope("memcg", UNLOCKED, ("exit", "reaper", "mrelease", "blind-allocator")),
    )
}


def table_of(scope: Scope) -> VmaTable:
    """The scope's VMAs as the model wants them. Raises InputError."""
    kinds = {name: k for k, name in enumerate(KIND_NAMES)}
    flags = []
    for k, vma in enumerate(scope.vmas):
        for name in vma.flags:
            if name not in VM_FLAG_NAMES:
                raise nearest(name, list(VM_FLAG_NAMES), f"flag of VMA {k}")
        if vma.kind not in kinds:
            raise nearest(vma.kind, list(kinds), f"kind of VMA {k}")
        flags.append(sum({VM_FLAG_NAMES[name] for name in vma.flags}))
    columns: dict[str, object] = {
        "start": [vma.at for vma in scope.vmas],
        "pages": [vma.pages for vma in scope.vmas],
        "flags": flags,
        "kind": [kinds[vma.kind] for vma in scope.vmas],
        "huge": [vma.huge for vma in scope.vmas],
        "elsewhere": [vma.elsewhere for vma in scope.vmas],
    }
    return vma_table(columns)


def units(scope: Scope) -> int:
    """Pages and huge pages: the steps of one walk over everything."""
    return sum(vma.pages - 511 * vma.huge for vma in scope.vmas)


def check_scope(scope: Scope) -> Scope:
    """Return the scope, or raise InputError at the first thing wrong with it."""
    if not scope.vmas:
        raise InputError(f"scope {scope.name!r} has no VMA; give at least one.")
    table = table_of(scope)
    for task in scope.tasks:
        if task not in TASKS:
            raise nearest(task, list(TASKS), "task of a scope")
    if scope.tasks.count("exit") != 1 or scope.tasks[0] != "exit":
        raise InputError(f"scope {scope.name!r}: the first task is exit, and there is one of it.")
    if len(scope.tasks) > MAX_TASKS_OF_A_SCOPE:
        raise InputError(f"scope {scope.name!r} has {len(scope.tasks)} tasks; allowed are {MAX_TASKS_OF_A_SCOPE}.")
    if units(scope) > MAX_UNITS:
        raise InputError(
            f"scope {scope.name!r} has {units(scope)} pages; the number of states grows by about a factor of "
            f"two per page, and {MAX_UNITS} is the most that a state can hold. Take pages away."
        )
    holders = [task for task in scope.tasks if task in CAST and CAST[task][0].locks_page]
    locked = [vma for vma in scope.vmas if "locked" in vma.flags]
    n_locked = sum(vma.pages - 511 * vma.huge for vma in locked)
    if (holders or scope.victim_waits) and not 0 <= scope.holder_page < n_locked:
        raise InputError(f"scope {scope.name!r}: holder_page = {scope.holder_page}, but {n_locked} pages are locked.")
    for name, low, high in (
        ("holder_needs", 0, table.resident_pages),
        ("allocator_needs", 1, table.resident_pages),
        ("gather_slots", 1, 9698),
    ):
        if not low <= getattr(scope, name) <= high:
            raise InputError(f"scope {scope.name!r}: {name} = {getattr(scope, name)}; allowed are {low} to {high}.")
    return scope


def locked_pages(scope: Scope, first: list[int]) -> Iterator[int]:
    """Model page numbers of the locked pages (a huge page by its head). first: where each VMA begins in the model."""
    for vma, at in zip(scope.vmas, first, strict=True):
        if "locked" in vma.flags:
            yield from range(at, at + 512 * vma.huge, 512)
            yield from range(at + 512 * vma.huge, at + vma.pages)


def typed(path: Path, where: str, cls: type, data: object) -> Raw:
    """Keyword arguments of a dataclass from a JSON object; InputError for unknown keys and wrong types."""
    if not isinstance(data, dict):
        raise InputError(f"{path}: {where} is {type(data).__name__}; it is an object.")
    known = {f.name: f for f in fields(cls)}
    for key, value in data.items():
        if key not in known:
            raise InputError(f"{path}: {where} has no key {short(key)}. Keys: {', '.join(known)}.")
        wanted = str(known[key].type)
        good = {
            "int": isinstance(value, int) and not isinstance(value, bool),
            "bool": isinstance(value, bool),
            "str": isinstance(value, str),
        }.get(wanted, isinstance(value, list))
        if not good:
            raise InputError(f"{path}: {where}, {key} = {short(value)}; it is of type {wanted}.")
        if wanted == "int" and not 0 <= value <= MAX_NUMBER:
            raise InputError(f"{path}: {where}, {key} = {short(value)}; allowed are 0 to {MAX_NUMBER}.")
        if wanted == "str" and not (value.isprintable() and 0 < len(value) <= MAX_NAME):
            raise InputError(f"{path}: {where}, {key} = {short(value)}; it is one line of at most {MAX_NAME} letters.")
    return dict(data)


def read_scope(path: Path) -> Scope:
    """Read a scope file. Raises InputError naming the file and the key."""
    data = read_json(path)
    if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
        raise InputError(f"{path}: the file is one object whose key format is {FORMAT!r}.")
    return scope_from(path, data)


def scope_from(path: Path, data: Raw) -> Scope:
    """A checked scope from the keys of a file (but `format`). Raises InputError."""
    for key in ("name", "vmas", "tasks"):
        if key not in data:
            raise InputError(f"{path}: the key {key!r} is missing.")
    values = typed(path, "the scope", Scope, data)
    rows = [typed(path, f"VMA {k}", Vma, row) for k, row in enumerate(values["vmas"])]
    for k, row in enumerate(rows):
        if not {"at", "pages"} <= row.keys():
            raise InputError(f"{path}: VMA {k} needs the keys at and pages.")
        if not all(isinstance(flag, str) for flag in row.get("flags", ())):
            raise InputError(f"{path}: VMA {k}, flags is a list of names: {', '.join(VM_FLAG_NAMES)}.")
    values["vmas"] = tuple(Vma(**{**row, "flags": tuple(row.get("flags", ()))}) for row in rows)
    if not all(isinstance(task, str) for task in values["tasks"]):
        raise InputError(f"{path}: tasks is a list of names: {', '.join(TASKS)}.")
    values["tasks"] = tuple(values["tasks"])
    return check_scope(Scope(**values))


def scope_json(scope: Scope) -> ScopeFile:
    """The scope as a file would hold it."""
    return cast("ScopeFile", {"format": FORMAT, **asdict(scope)})


def find_scope(spec: str) -> Scope:
    """A named scope or one from a file. Raises InputError."""
    if spec in NAMED:
        return check_scope(NAMED[spec])
    if spec.endswith(".json") or "/" in spec:
        return read_scope(Path(spec))
    raise nearest(spec, list(NAMED), "scope")

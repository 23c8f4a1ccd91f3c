"""What one party meets when the other stands before a step: told from the rows of a design, and seen in a kernel.

A caller took the mm before exit_mm, so nothing but the design keeps it out: mmap_lock held for write, MMF_OOM_SKIP set,
or a pin of mm_users that comes too late. Exit, when a caller or the OOM reaper stands, waits where it wants mmap_lock
for write and they have it.
"""

from __future__ import annotations

from mmbench.errors import InputError
from mmbench.records.lab_types import DesignRecord, Experiment, Meeting

OOM_SKIP, OOM_VICTIM = 2, 4  # MMF_* in a row; the victim of a forced schedule is killed by a plain SIGKILL
REAP_OPS = ("REAP_PASS", "REAP_PASS_HANDOVER", "REAP_PASS_TRYLOCK_PAGES", "REAP_PASS_TRYLOCK_VMAS")
LOCKS = {
    "MMAP_READ_LOCK": "read",
    "MMAP_READ_TRYLOCK": "read",
    "MMAP_WRITE_LOCK": "write",
    "MMAP_WRITE_DOWNGRADE": "read",
    "MMAP_READ_UNLOCK": "",
    "MMAP_WRITE_UNLOCK": "",
}

Rows = list[list[str]]


def told(rows: Rows, stop: int, caller_row: int) -> str:
    """What the design says: "waits" for exit, "leaves" (MMF_OOM_SKIP, or no user left to pin), or "reaps".

    rows: op, three arguments, next row, other row; exit begins at row 0 and stands before ``stop``; the role of the
    caller begins at ``caller_row``.
    """
    path, end = taken(rows, 0, stop)
    if not path or end != stop:
        raise InputError(f"exit never comes to row {stop} of its program.")
    held, skip = "", False
    for at in path:
        held = LOCKS.get(rows[at][0], held)
        skip |= is_skip(rows[at])
    if rows[caller_row][0] == "MMGET_NOT_ZERO" or skip:
        return "leaves"
    return "waits" if held == "write" else "reaps"


def is_skip(row: list[str]) -> bool:
    """Whether a row sets MMF_OOM_SKIP."""
    return row[0] == "SET_FLAG" and bool(int(row[1]) & OOM_SKIP)


def told_of_exit(rows: Rows, stop: int, role_row: int, is_victim: bool) -> str:
    """What the design says when a caller, or the reaper, stands before ``stop``: exit "waits" for it, or "ends".

    role_row: the first row of the role that stands; is_victim: whether the OOM killer killed the process
    """
    path, _ = taken(rows, role_row, stop)
    if any(rows[at][0] == "MMGET_NOT_ZERO" for at in path):
        return "ends"  # exit_mmap is left to the last mmput, and that is the caller's
    held = ""
    for at in path:
        held = LOCKS.get(rows[at][0], held)
    exits, _ = taken(rows, 0, None, OOM_VICTIM * is_victim)
    wants = any(rows[at][0] == "MMAP_WRITE_LOCK" for at in exits)
    return "waits" if held == "read" and wants else "ends"


def taken(rows: Rows, first: int, stop: int | None, flags: int = 0) -> tuple[list[int], int]:
    """The rows that a role takes alone with these flags of the mm set, from its first one on, and where that ends.

    It ends before ``stop``, at an END, or where the role goes in circles.
    """
    at, path = first, list[int]()
    while at != stop and at not in path:
        path.append(at)
        op, flag = rows[at][0], int(rows[at][1])
        if op == "END":
            break
        flags |= flag if op == "SET_FLAG" else 0
        branches = (op == "IF_FLAG" and not flags & flag) or (op == "UNLESS_FLAG" and flags & flag)
        at = int(rows[at][5 if branches else 4])
    return path, at


def seen(entry: Experiment, rows: Rows) -> str:
    """What happened: the same words."""
    if entry["waits_in"]:
        return "waits"
    if entry.get("stops", "exit") != "exit":
        return "ends"
    passes = [s for s in entry["steps"][0] if s["role"] == "mrelease" and rows[s["row"]][0] in REAP_OPS]
    return "reaps" if passes else "leaves"


def rows_of(record: DesignRecord, design: str) -> Rows:
    """A design's rows as words: op, three arguments, next, other; none for the kernel's own code."""
    return [line.split()[1:] for line in record["programs"].get(design, []) if line.startswith("row ")]


def meetings(record: DesignRecord) -> list[Meeting]:
    """Per forced schedule of a record of designs: the design, who stands before which step, told and seen."""
    found: list[Meeting] = []
    for boot in record["boots"]:
        for entry in boot["experiments"]:
            if entry["kind"] == "forced" and "error" not in entry:
                text = record["programs"][entry["design"]]
                rows = rows_of(record, entry["design"])
                stops = entry.get("stops", "exit")
                if stops == "exit":
                    said = told(rows, entry["stop"], start_of(text, "mrelease"))
                else:
                    said = told_of_exit(rows, entry["stop"], start_of(text, stops), stops == "reaper")
                found.append({
                    "design": entry["design"], "stops": stops, "before": rows[entry["stop"]][0],
                    "seen": seen(entry, rows), "told": said,
                })  # fmt: skip
    return found


def start_of(text: list[str], role: str) -> int:
    """The number of a role's first row in a program's text."""
    before = text[: text.index(f"role {role}")]
    return sum(line.startswith("row ") for line in before)

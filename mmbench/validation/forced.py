"""What a caller meets when exit stands before a step: told from the rows of a design, and seen in a kernel.

The caller took the mm before exit_mm, so nothing but the design keeps it out: mmap_lock held for write, MMF_OOM_SKIP
set, or a pin of mm_users that comes too late.
"""

from __future__ import annotations

from typing import Any

from mmbench.errors import InputError

OOM_SKIP, OOM_VICTIM = 2, 4  # MMF_* in a row; the victim of a forced schedule is killed by a plain SIGKILL
REAP_OPS = ("REAP_PASS", "REAP_PASS_TRYLOCK_PAGES", "REAP_PASS_TRYLOCK_VMAS")
LOCKS = {
    "MMAP_READ_LOCK": "read",
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
    held, skip, at = "", False, 0
    for _ in rows:
        if at == stop:
            break
        op, flag = rows[at][0], int(rows[at][1])
        held = LOCKS.get(op, held)
        skip |= op == "SET_FLAG" and bool(flag & OOM_SKIP)
        is_set = skip and bool(flag & OOM_SKIP)
        branches = (op == "IF_FLAG" and not is_set) or (op == "UNLESS_FLAG" and is_set)
        at = int(rows[at][5 if branches else 4])
    if at != stop:
        raise InputError(f"exit never comes to row {stop} of its program.")
    if rows[caller_row][0] == "MMGET_NOT_ZERO" or skip:
        return "leaves"
    return "waits" if held == "write" else "reaps"


def seen(entry: dict[str, Any], rows: Rows) -> str:
    """What happened: the same three words."""
    if entry["waits_in"]:
        return "waits"
    passes = [s for s in entry["steps"][0] if s["role"] == "mrelease" and rows[s["row"]][0] in REAP_OPS]
    return "reaps" if passes else "leaves"


def meetings(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Per forced schedule of a record of designs: the design, the step exit stands before, told and seen."""
    found = []
    for boot in record["boots"]:
        for entry in boot["experiments"]:
            if entry["kind"] == "forced" and "error" not in entry:
                text = record["programs"][entry["design"]]
                rows = [line.split()[1:] for line in text if line.startswith("row ")]
                row = {"design": entry["design"], "before": rows[entry["stop"]][0], "seen": seen(entry, rows)}
                found.append(row | {"told": told(rows, entry["stop"], start_of(text, "mrelease"))})
    return found


def start_of(text: list[str], role: str) -> int:
    """The number of a role's first row in a program's text."""
    before = text[: text.index(f"role {role}")]
    return sum(line.startswith("row ") for line in before)

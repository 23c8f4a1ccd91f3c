"""What a caller meets when exit stands before a step, told from the rows of a design."""

import pytest

from mmbench.strategies.load import load
from mmbench.validation.design_rows import plain_rows
from mmbench.validation.forced import meetings, told, told_of_exit


def rows_of(spec: str) -> tuple[list[list[str]], list[str], int]:
    plain = plain_rows(load(spec))
    rows = [[r["op"], *map(str, r["args"]), str(r["next"]), str(r["otherwise"])] for r in plain["rows"]]
    first, end = plain["roles"]["exit"]
    assert first == 0
    return rows, [r["label"] for r in plain["rows"][:end]], plain["roles"]["mrelease"][0]


@pytest.mark.parametrize(
    ("spec", "label", "what"),
    [
        ("v6.1", "unmap_vmas", "reaps"),
        ("v6.1", "set MMF_OOM_SKIP", "reaps"),
        ("v6.1", "mmap_write_lock", "leaves"),
        ("v6.1", "done", "leaves"),
        ("exit-write", "unmap_vmas", "waits"),
        ("exit-write:oom_skip=first", "unmap_vmas", "leaves"),
        ("exit-write:oom_skip=never", "done", "reaps"),
        ("drop-oom-skip", "unlock_range", "waits"),
        ("write-downgrade", "unmap_vmas", "reaps"),
        ("write-downgrade", "free_pgtables", "waits"),
        ("v5.17", "unlock_range", "waits"),  # no OOM victim: no self-reap, no MMF_OOM_SKIP
        ("v4.17", "unmap_vmas", "leaves"),  # pins mm_users, and there is none left
    ],
)
def test_a_caller_waits_leaves_or_reaps(spec: str, label: str, what: str) -> None:
    rows, labels, caller = rows_of(spec)
    assert told(rows, labels.index(label), caller) == what


@pytest.mark.parametrize(
    ("spec", "role", "label", "what"),
    [
        ("v6.1", "mrelease", "mmap_read_lock_killable", "ends"),  # nothing is held yet
        ("v6.1", "mrelease", "reap pass", "waits"),  # for free_pgtables
        ("v6.1", "reaper", "reap pass", "waits"),
        ("v4.17", "mrelease", "reap pass", "ends"),  # mm_users is pinned: exit_mmap is the caller's
        ("v4.17", "reaper", "reap pass", "waits"),  # an OOM victim's barrier
        ("v4.14", "reaper", "reap pass", "waits"),
        ("exit-write", "mrelease", "mmap_read_unlock", "waits"),
    ],
)
def test_exit_waits_for_who_reads_where_it_wants_to_write(spec: str, role: str, label: str, what: str) -> None:
    plain = plain_rows(load(spec))
    rows = [[r["op"], *map(str, r["args"]), str(r["next"]), str(r["otherwise"])] for r in plain["rows"]]
    first, end = plain["roles"][role]
    stop = first + [r["label"] for r in plain["rows"][first:end]].index(label)
    assert told_of_exit(rows, stop, first, role == "reaper") == what


def test_what_was_seen_stands_beside_what_was_told() -> None:
    rows, labels, _ = rows_of("v6.1")
    plain = plain_rows(load("v6.1"))
    starts = {first: role for role, (first, _) in plain["roles"].items()}
    text = ["name v6.1"]
    for number, row in enumerate(rows):
        text += [f"role {starts[number]}"] if number in starts else []
        text.append(f"row {' '.join(row)}")
    reap = [row[0] for row in rows].index("REAP_PASS", plain["roles"]["mrelease"][0])
    came = [[{"role": "mrelease", "row": reap}]]
    entries = [
        {"design": "v6.1", "kind": "forced", "stop": labels.index("unmap_vmas"), "waits_in": [], "steps": came},
        {
            "design": "v6.1",
            "kind": "forced",
            "stop": labels.index("free_pgtables"),
            "waits_in": ["down_read"],
            "steps": [[]],
        },
    ]
    found = meetings({"programs": {"v6.1": text}, "boots": [{"experiments": entries}]})
    assert [(row["before"], row["told"], row["seen"]) for row in found] == [
        ("UNMAP_VMAS", "reaps", "reaps"),
        ("FREE_PGTABLES", "leaves", "waits"),
    ]

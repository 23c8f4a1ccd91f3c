"""Run records to draw. They are made up for the drawing code alone and say nothing about any kernel or model."""

from __future__ import annotations

from typing import Any

import pytest

MS = 10**9
S = 10**12
RESIDENT = 16_777_216
LOCKED = 15_099_494
ELSEWHERE = 40_960
FREEABLE = RESIDENT - ELSEWHERE

# Who frees, from when, until when (ps), how many pages, at an even pace.
Piece = tuple[str, int, int, int]


def run(
    strategy: str,
    pieces: list[Piece],
    blocked: dict[str, dict[str, int]] | None = None,
    passed: dict[str, int] | None = None,
    skip: int | None = None,
    freeable: int = FREEABLE,
    **more: Any,
) -> dict[str, Any]:
    """Make a record whose numbers agree with each other from a few straight pieces of freeing."""
    freed = {task: sum(n for t, _, _, n in pieces if t == task) for task in ("exit", "reaper", "mrelease")}
    all_freed = sum(freed.values())
    times = sorted({a + (b - a) * i // 100 for _, a, b, _ in pieces for i in range(101)})
    pages = [sum(_share(piece, t) for piece in pieces) for t in times]

    def reached(part: float, goal: int) -> int | None:
        return next((t for t, n in zip(times, pages, strict=True) if n >= max(1, part * goal)), None)

    left = {"mapped_elsewhere": ELSEWHERE}
    if all_freed < freeable:
        left["exit_blocked"] = freeable - all_freed
    tasks = {task: n for task, n in freed.items() if n}
    return {
        "format": "mmbench-run 1", "kind": "model", "strategy": strategy, "params": {}, "scenario": "quiet",
        "scenario_params": {}, "victim": "synthetic 64GiB", "seed": 1, "resident_pages": RESIDENT,
        "locked_pages": LOCKED, "outcome": "completed", "freed_pages": freed, "left_pages": left,
        "reaper_left_pages": passed or {"vm_locked": 0, "gave_up": 0},
        "blocked_ps": {"exit": {"mmap_lock_write": 0, "page_lock": 0}, "reaper": {"mmap_lock_retry": 0}}
        | (blocked or {}),
        "time_ps": {name: reached(part, freeable) for name, part in _PROGRESS.items()} | {"oom_skip": skip},
        "throughput_pages_per_s": all_freed * S / times[-1] if times and all_freed == freeable else None,
        "throughput_by_task": {task: _rate(task, pieces) for task in tasks}, "collateral_kills": 0,
        "patience_kills": {"kernel": 0, "earlyoom": 0, "oomd": 0},
        "curve": {"time_ps": [0, *times], "freed_pages": [0, *pages]}, "costs": "default", "violations": [],
        "token": f"{strategy}-1", "checker": {"default": "safe"},
    } | more  # fmt: skip


_PROGRESS = {"first": 0.0, "half": 0.5, "p90": 0.9, "all": 1.0}


def _share(piece: Piece, t: int) -> int:
    _, start, end, n = piece
    return 0 if t < start else n if t >= end else n * (t - start) // (end - start)


def _rate(task: str, pieces: list[Piece]) -> float:
    mine = [piece for piece in pieces if piece[0] == task]
    return sum(p[3] for p in mine) * S / (max(p[2] for p in mine) - min(p[1] for p in mine))


def quiet() -> list[dict[str, Any]]:
    """Ten designs, nothing in the way: several coincide, two race with the reaper, one is broken."""
    unlocked = RESIDENT - LOCKED
    lru = {"lru_lock": 40 * MS, "ptl": 3 * MS}
    slow = [("exit", MS, 4900 * MS, FREEABLE)]
    old = [("exit", MS, 300 * MS, unlocked), ("exit", 300 * MS, 5300 * MS, FREEABLE - unlocked)]
    new = [("exit", 2 * MS, 3300 * MS, FREEABLE)]
    half = FREEABLE // 2
    both = [("exit", 2600 * MS, 3900 * MS, FREEABLE - half), ("reaper", 2600 * MS, 3900 * MS, half)]
    passed = {"vm_locked": LOCKED, "gave_up": 0}
    retry = {"mmap_lock_retry": 1000 * MS}
    return [
        run("v4.14", [("exit", MS, 5000 * MS, FREEABLE - unlocked), ("reaper", MS, 300 * MS, unlocked)],
            {"exit": lru, "reaper": {"ptl": 2 * MS}}, passed, 305 * MS, outcome="unsafe", violations=["I5"]),
        run("v4.17", old, {"exit": lru}, passed, 301 * MS),
        run("drop-oom-skip", slow, {"exit": lru, "reaper": retry}, {"vm_locked": 0, "gave_up": RESIDENT}, 1000 * MS,
            collateral_kills=1),
        run("write-downgrade", both,
            {"exit": lru | {"mmap_lock_write": 120 * MS}, "reaper": {"mmap_lock_retry": 2600 * MS}}, None, 3950 * MS),
        run("unlocking-flag", slow, {"exit": lru, "reaper": {"ptl": MS}}, passed, 310 * MS),
        run("trylock", [("exit", MS, 3000 * MS, FREEABLE - half), ("reaper", MS, 3000 * MS, half)],
            {"exit": lru, "reaper": {"ptl": 90 * MS, "lru_lock": 200 * MS}}, {"contended_page": 512}, 3010 * MS),
        run("v5.17", old, {"exit": lru, "reaper": retry}, passed, 301 * MS),
        run("v5.18", new, {"exit": {"lru_lock": 15 * MS}}, None, 3300 * MS),
        run("v6.1", new, {"exit": {"lru_lock": 15 * MS, "mmap_lock_write": 4 * MS}}, None, 3301 * MS),
        run("v6.18", new, {"exit": {"lru_lock": 15 * MS}}, None, 3301 * MS),
    ]  # fmt: skip


def storm() -> list[dict[str, Any]]:
    """Ten designs, a page-lock holder that waits for memory: some start at 1 s, one never ends."""
    unlocked = RESIDENT - LOCKED
    hold = {"page_lock": 9000 * MS, "lru_lock": 40 * MS}
    early = [("exit", MS, 300 * MS, unlocked)]
    after = [("exit", 9000 * MS, 14000 * MS, FREEABLE - unlocked)]
    late = [("exit", 1010 * MS, 6000 * MS, FREEABLE)]
    new = [("exit", 2 * MS, 3300 * MS, FREEABLE)]
    passed = {"vm_locked": LOCKED, "gave_up": 0}
    half = FREEABLE // 2
    runs = [
        run("v4.14", [("reaper", MS, 300 * MS, unlocked), *after], {"exit": hold, "reaper": {"ptl": MS}}, passed,
            305 * MS, outcome="unsafe", violations=["I5"]),
        run("v4.17", early + after, {"exit": hold}, passed, 301 * MS),
        run("drop-oom-skip", late, {"exit": {"page_lock": 1000 * MS}, "reaper": {"mmap_lock_retry": 1000 * MS}},
            {"vm_locked": 0, "gave_up": RESIDENT}, 1000 * MS, collateral_kills=1, outcome="gave-up"),
        run("write-downgrade",
            [("exit", 1005 * MS, 3900 * MS, FREEABLE - half), ("reaper", 1100 * MS, 3900 * MS, half)],
            {"exit": {"page_lock": 1000 * MS}, "reaper": {"mmap_lock_retry": 1000 * MS}}, None, 1000 * MS,
            collateral_kills=1, outcome="gave-up"),
        run("unlocking-flag", early, {"exit": {"page_lock": 60_000 * MS}, "reaper": {"ptl": MS}}, passed, 310 * MS,
            outcome="hung", collateral_kills=3),
        run("trylock", [("exit", MS, 3000 * MS, FREEABLE - half), ("reaper", MS, 3000 * MS, half)],
            {"exit": {"page_lock": 600 * MS}, "reaper": {"ptl": 90 * MS}}, {"contended": 512, "gave_up": 0}, 3010 * MS),
        run("v5.17", early + after, {"exit": hold, "reaper": {"mmap_lock_retry": 1000 * MS}}, passed, 301 * MS),
        run("v5.18", new, {"exit": {"lru_lock": 15 * MS}}, None, 3300 * MS),
        run("v6.1", new, {"exit": {"lru_lock": 15 * MS, "mmap_lock_write": 4 * MS}}, None, 3301 * MS),
        run("v6.18", new, {"exit": {"lru_lock": 15 * MS}}, None, 3301 * MS),
    ]  # fmt: skip
    return [r | {"scenario": "page-lock-storm"} for r in runs]


def small() -> list[dict[str, Any]]:
    """A victim of 2 GiB that some designs free in milliseconds and others only after a stall of a second."""
    n = 524_288
    common: dict[str, Any] = {
        "victim": "es-heap 2GiB", "scenario": "reclaim-holder", "freeable": n, "resident_pages": n, "locked_pages": n,
        "left_pages": {"mapped_elsewhere": 0},
    }  # fmt: skip
    stall = {"exit": {"page_lock": 1000 * MS}, "reaper": {"mmap_lock_retry": 1000 * MS}}
    gave_up = common | {"outcome": "gave-up", "collateral_kills": 1}
    late = [("exit", 1005 * MS, 1150 * MS, n)]
    fast = [("exit", 2 * MS, 98 * MS, n)]
    left = common | {"left_pages": {"mapped_elsewhere": 0, "exit_blocked": n}, "outcome": "hung", "collateral_kills": 4}
    hold = {"exit": {"page_lock": 1000 * MS}}
    return [
        run("v4.14", late, hold, None, 3 * MS, **(common | {"outcome": "unsafe", "violations": ["I5"]})),
        run("v4.17", late, hold, None, 3 * MS, **common),
        run("drop-oom-skip", [], {"exit": {"page_lock": 15_000 * MS}}, None, 1000 * MS, **left),
        run(
            "write-downgrade",
            [("exit", 1005 * MS, 1090 * MS, n // 2), ("reaper", 1005 * MS, 1090 * MS, n - n // 2)],
            stall,
            None,
            1000 * MS,
            **gave_up,
        ),
        run("unlocking-flag", late, hold, None, 3 * MS, **common),
        run(
            "trylock",
            [("reaper", 3 * MS, 92 * MS, n - 512), ("exit", 1002 * MS, 1003 * MS, 512)],
            {"exit": {"page_lock": 1000 * MS}},
            {"contended_page": 512},
            92 * MS,
            **common,
        ),
        run("v5.17", late, stall, None, 3 * MS, **common),
        run("v5.18", [("exit", 2 * MS, 110 * MS, n)], {"exit": {"lru_lock": MS}}, None, 110 * MS, **common),
        run("v6.1", fast, {"exit": {"lru_lock": MS}}, None, 98 * MS, **common),
        run("v6.18", fast, {"exit": {"lru_lock": MS}}, None, 98 * MS, **common),
    ]


def urgent() -> list[dict[str, Any]]:
    """Three designs with process_mrelease at work, and times of microseconds."""
    us = 10**6
    common: dict[str, Any] = {
        "victim": "rt-audio 40MiB", "scenario": "mrelease", "freeable": 10_000, "resident_pages": 10_240,
        "locked_pages": 10_240, "left_pages": {"mapped_elsewhere": 240},
    }  # fmt: skip
    return [
        run("v5.17", [("exit", 40 * us, 900 * us, 10_000)],
            {"exit": {"page_lock": 300 * us}, "mrelease": {"mmap_lock_read": 900 * us}}, **common),
        run("v6.1", [("exit", 40 * us, 400 * us, 4_000), ("mrelease", 55 * us, 400 * us, 6_000)],
            {"exit": {"ptl": 30 * us}, "mrelease": {"ptl": 40 * us}}, **common),
        run("v6.18", [("exit", 40 * us, 380 * us, 4_000), ("mrelease", 55 * us, 380 * us, 6_000)],
            {"exit": {"ptl": 2 * us}, "mrelease": {"ptl": us}}, **common),
    ]  # fmt: skip


@pytest.fixture(scope="session")
def quiet_records() -> list[dict[str, Any]]:
    return quiet()


@pytest.fixture(scope="session")
def storm_records() -> list[dict[str, Any]]:
    return storm()


@pytest.fixture(scope="session")
def mrelease_records() -> list[dict[str, Any]]:
    return urgent()

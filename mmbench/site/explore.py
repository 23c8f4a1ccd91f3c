"""The explorer's data: every design on a grid of victims and scenarios, one small file per scenario.

A file is a script that hands its data to the page, so that a folder opened from a disk works as one that is served.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mmbench.ask.runs import Inputs, run_all
from mmbench.records.files import write_text
from mmbench.records.meaning import skip_meaning
from mmbench.report.outcome import flaw_words, flaws
from mmbench.report.reading import moment, part
from mmbench.scenarios import NAMED
from mmbench.strategies import load_all

Record = Mapping[str, Any]
SIZES = ("1GiB", "16GiB", "64GiB")
LOCKED = ("0%", "50%", "90%", "100%")
VMAS = ("16", "1000")
MOST_KNOTS = 48
PS_PER_US = 10**6


def write_explorer_data(folder: Path) -> None:
    """Write FOLDER/index.js and FOLDER/SCENARIO.js."""
    folder.mkdir(parents=True)
    designs = [{"id": d.strategy.id, "status": d.strategy.status, "title": d.strategy.title} for d in load_all()]
    index = {
        "scenarios": {name: says for name, (says, *_) in NAMED.items()},
        "sizes": SIZES,
        "locked": LOCKED,
        "vmas": VMAS,
        "designs": designs,
    }
    write_text(folder / "index.js", f"mmbench.index({packed(index)});\n")
    with ThreadPoolExecutor(os.cpu_count()) as workers:  # the engine runs without the GIL
        for name, runs in zip(NAMED, workers.map(lambda n: dict(of_scenario(n)), NAMED), strict=True):
            write_text(folder / f"{name}.js", f"mmbench.runs({packed(name)},{packed(runs)});\n")


def of_scenario(name: str) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """ "SIZE/LOCKED/VMAS" and a row per design, victim by victim."""
    for size in SIZES:
        for locked in LOCKED:
            for vmas in VMAS:
                inputs = Inputs("", {"size": size, "locked": locked, "vmas": vmas}, name, {})
                records = run_all(inputs, load_all())
                yield f"{size}/{locked}/{vmas}", [row_of(r) for r in records]


def row_of(record: Record) -> dict[str, object]:
    """One run as the page needs it: times in microseconds, memory in permille of the victim's."""
    whole = record["resident_pages"]
    freed = part(record, "freed_pages")
    wrong = flaws(record)
    return {
        "id": record["strategy"],
        "flaw": wrong[0].key if wrong else "",
        "wrong": flaw_words(record),
        "all": micro(moment(record, "all")),
        "half": micro(moment(record, "half")),
        "skip": micro(moment(record, "oom_skip")),
        "skip_means": skip_meaning(record) or "",
        "blocked": blocked(record),
        "freed": {task: round(1000 * n / whole) for task, n in freed.items() if n},
        "kills": record["collateral_kills"],
        "curve": curve(record, whole),
    }


def blocked(record: Record) -> dict[str, dict[str, int]]:
    """Task -> cause -> microseconds, without what is zero."""
    found = {
        task: {cause: round(ps / PS_PER_US) for cause, ps in causes.items() if ps}
        for task, causes in part(record, "blocked_ps").items()
    }
    return {task: causes for task, causes in found.items() if causes}


def curve(record: Record, whole: int) -> list[list[int]]:
    """Times in microseconds and permille freed, at most MOST_KNOTS of them."""
    times, pages = part(record, "curve").get("time_ps") or [], part(record, "curve").get("freed_pages") or []
    step = max(1, -(-len(times) // MOST_KNOTS))
    kept = sorted({*range(0, len(times), step), len(times) - 1}) if times else []
    return [[micro(times[k]) for k in kept], [round(1000 * pages[k] / whole) for k in kept]]


def micro(time_ps: int | None) -> int | None:
    """Whole microseconds, rounded."""
    return None if time_ps is None else round(time_ps / PS_PER_US)


def packed(data: Any) -> str:
    """JSON without blanks, safe inside a script."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=True).replace("</", "<\\/")

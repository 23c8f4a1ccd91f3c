"""asv's results made ready to publish: what the model computes is one history, whatever machine ran it.

asv keys a graph by machine, operating system and memory, so every kernel update splits a series in two. A `track_`
series is the same on every machine: its results are published under one machine, `model`. Timings keep theirs.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mmbench.records.files import read_text, write_text
from mmbench.records.schema import Raw

MODEL = "model"
TRACKED = re.compile(r"(^|\.)track_")
MACHINE_FILE = "machine.json"
FACTS = ("arch", "cpu", "num_cpu", "os", "ram")


def by_origin(results: Path, folder: Path) -> Path:
    """Write the results below `folder`, tracked series apart from timings, and return it.

    Where several machines or environments measured a commit, the newest tracked value stands.
    """
    write(made(folder) / "benchmarks.json", read(results / "benchmarks.json"))
    tracked: dict[str, Raw] = {}
    for path in sorted(results.glob("*/*.json")):
        if path.name == MACHINE_FILE:
            write(made(folder / path.parent.name) / MACHINE_FILE, read(path))
            continue
        found = read(path)
        timed, own = parted(found["results"])
        write(made(folder / path.parent.name) / path.name, found | {"results": timed})
        before = tracked.get(found["commit_hash"])
        if before is None or before["date"] <= found["date"]:
            older = before["results"] if before else {}
            tracked[found["commit_hash"]] = found | {"results": older | own}
        else:
            before["results"] = own | before["results"]
    machine = {"machine": MODEL, **dict.fromkeys(FACTS, "")}
    write(made(folder / MODEL) / MACHINE_FILE, machine | {"version": 1})
    for commit, found in tracked.items():
        write(folder / MODEL / f"{commit[:8]}-{MODEL}.json", found | {"params": machine, "env_name": MODEL})
    return folder


def parted(results: Raw) -> tuple[Raw, Raw]:
    """Timings, and what the model computed."""
    own = {name: value for name, value in results.items() if TRACKED.search(name)}
    return {name: value for name, value in results.items() if name not in own}, own


def read(path: Path) -> Any:
    """asv's JSON, which knows NaN: a combination that was skipped."""
    return json.loads(read_text(path))


def write(path: Path, data: Any) -> None:
    """The same way back."""
    write_text(path, json.dumps(data))


def made(folder: Path) -> Path:
    """The folder, made when it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder

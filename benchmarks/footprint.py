"""How much memory does a modelled victim take? Runs in a process of its own and prints what it found as JSON.

    python -m benchmarks.footprint run 16TiB

run: one strategy on a victim that is used once; compare: several on one victim, which keeps a template as well.
The baseline is the resident set after the imports and a first tiny run, which loads the compiled code.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

from mmbench.cost.table import load_table
from mmbench.engine import prepare, run, run_prepared
from mmbench.scenarios import scenario
from mmbench.strategies import load
from mmbench.victims import parse_size, synthetic

STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
MODES = ("run", "compare")
STRATEGIES = ("v6.1", "v6.18")


def status_bytes(name: str) -> int:
    """One of the memory lines of /proc/self/status."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def forget_peak() -> None:
    """Let VmHWM start again from now, where the kernel allows it; otherwise the peak includes the imports'."""
    with suppress(OSError):
        CLEAR_REFS.write_text("5")


def use(mode: str, size: str) -> int:
    """Run the victim as the verb `mode` does, and return its resident pages."""
    vmas = synthetic(parse_size(size)).vmas
    loaded = [load(name) for name in STRATEGIES]
    race, costs = scenario("mrelease"), load_table()
    if mode == "run":
        records = [run(vmas, loaded[-1], race, costs, victim=size)]
    else:
        prepared = prepare(vmas)
        records = [run_prepared(prepared, one, race, costs, victim=size) for one in loaded]
    for record in records:
        if sum(record["freed_pages"].values()) != vmas.resident_pages:
            raise AssertionError(f"{record['strategy']} freed {record['freed_pages']}")
    return vmas.resident_pages


def main(mode: str, size: str) -> None:
    """Measure and print."""
    use(mode, "4MiB")
    forget_peak()
    baseline = status_bytes("VmRSS")
    pages = use(mode, size)
    peak = status_bytes("VmHWM")
    print(json.dumps({"pages": pages, "baseline_bytes": baseline, "peak_bytes": peak}))


if __name__ == "__main__":
    main(*sys.argv[1:])

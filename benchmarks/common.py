"""What the model's series share: the victims, the scenarios, and the records they are all read from.

All strategies run once per commit, in `setup_cache`; each series then reads its numbers off the same records.
"""

from __future__ import annotations

import os
from typing import Any

from mmbench.ask.runs import Inputs, run_all
from mmbench.records.run_record import validate_record
from mmbench.strategies import load

# The suite keeps its own lists: a commit that adds or renames something must not change an old series.
STRATEGIES = (
    "v4.14", "v4.17", "drop-oom-skip", "write-downgrade", "unlocking-flag",
    "trylock", "v5.17", "v5.18", "v6.1", "v6.18",
)  # fmt: skip
SCENARIOS = ("stuck-holder", "contended", "mrelease")
SIZES: tuple[str, ...] = ("1GiB", "64GiB")
LOCKED: tuple[str, ...] = ("10%", "90%")
# Three of the four victims: a small and lightly locked one tells nothing that the others do not.
USUAL: tuple[tuple[str, str], ...] = (("1GiB", "90%"), ("64GiB", "10%"), ("64GiB", "90%"))
SWEEP = "MMBENCH_SWEEP"  # set it to run the larger product instead
if os.environ.get(SWEEP):
    SIZES = ("1GiB", "4GiB", "16GiB", "64GiB", "256GiB", "1TiB")
    LOCKED = ("0%", "10%", "50%", "90%", "100%")
    USUAL = tuple((size, locked) for size in SIZES for locked in LOCKED)

PS_PER_SECOND = 10**12
PARTIES = ("exit", "reaper", "mrelease")
HORIZON_PS = 15 * PS_PER_SECOND  # the patience of systemd-oomd; a page that is not back by then never counts as back

Record = dict[str, Any]
Records = dict[tuple[str, str, str], list[Record]]


def run_victim(
    size: str, locked: str, strategies: tuple[str, ...] = STRATEGIES, scenarios: tuple[str, ...] = SCENARIOS
) -> Records:
    """Run strategies on one victim in several scenarios; each record is checked before it counts."""
    records: Records = {(name, size, locked): [] for name in strategies}
    loaded = [load(name) for name in strategies]
    for scenario in scenarios:
        inputs = Inputs("", {"size": size, "locked": locked}, scenario, {})
        for record in run_all(inputs, loaded):
            del record["timeline"]  # long, and no series reads it
            validate_record(record)
            check_victim(record, size, locked)
            records[record["strategy"], size, locked].append(record)
    return records


def check_victim(record: Record, size: str, locked: str) -> None:
    """Raise AssertionError unless the run was about the victim that the series is named after."""
    from mmbench.victims import parse_share, parse_size

    pages = parse_size(size) // 4096
    locked_pages = parse_share(locked, "locked") * pages
    if record["resident_pages"] != pages or abs(record["locked_pages"] - locked_pages) > 1:
        raise AssertionError(f"{record['strategy']}: {record['resident_pages']} pages, {record['locked_pages']} locked")


def freed_steps(record: Record) -> list[tuple[int, int]]:
    """(time in ps, pages freed by then), in order, up to the horizon."""
    curve = record["curve"]
    steps = zip(curve["time_ps"], curve["freed_pages"], strict=True)
    return [(ps, pages) for ps, pages in steps if ps <= HORIZON_PS]


def teardown_ps(record: Record) -> int:
    """When all was freed; a teardown that leaves pages behind counts as one that takes until the horizon."""
    done = record["time_ps"]["all"]
    return max(HORIZON_PS, record["curve"]["time_ps"][-1]) if done is None else int(done)


class ModelSeries:
    """Base of the series: ten strategies on three victims, each in the scenarios where they differ."""

    version = "1"
    timeout = 300
    params = (STRATEGIES, SIZES, LOCKED)
    param_names = ("strategy", "size", "locked")

    def setup_cache(self) -> Records:
        """All records, once per commit (the first run also compiles)."""
        records: Records = {}
        for size, locked in USUAL:
            records |= run_victim(size, locked)
        return records

    def setup(self, records: Records, strategy: str, size: str, locked: str) -> None:
        """Skip the victims that only a sweep runs."""
        if (size, locked) not in USUAL:
            raise NotImplementedError(f"{size} {locked}: set {SWEEP}=1")

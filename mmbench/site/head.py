"""What HEAD's strategies do, for the front page: runs by scenario and by locked share, and the checker's verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mmbench.ask.runs import Inputs, run_all
from mmbench.checker.scope import find_scope
from mmbench.checker.show import text
from mmbench.checker.verdict import Verdict, check
from mmbench.records.files import write_json, write_text
from mmbench.records.types import RunRecord
from mmbench.strategies import IDS, load, load_all

SCENARIOS = ("stuck-holder", "contended", "mrelease")
SIZE, LOCKED = "64GiB", "0.9"
SHARES = ("0", "0.25", "0.5", "0.75", "1")


def run_victim(size: str, locked: str, scenarios: tuple[str, ...]) -> dict[str, list[RunRecord]]:
    """Scenario -> run records of all strategies with their replay tokens, on one synthetic victim."""
    return {name: run_all(Inputs("", {"size": size, "locked": locked}, name, {}), load_all()) for name in scenarios}


def run_head(size: str = SIZE) -> dict[str, list[RunRecord]]:
    """Scenario -> run records of all strategies, one victim of `size` for all of them."""
    return run_victim(size, LOCKED, SCENARIOS)


def run_sweep(size: str = SIZE) -> list[RunRecord]:
    """Run records of all strategies in the first scenario, over the locked share of a victim of `size`."""
    name = SCENARIOS[0]
    return [record for share in SHARES for record in run_victim(size, share, (name,))[name]]


def check_head(scope: str = "default") -> Iterator[Verdict]:
    """The checker's verdict on every strategy in a scope, with the schedules that break it."""
    found = find_scope(scope)
    for one in map(load, IDS):
        yield check(one.name, one.roles, found, spec=one.spec)


def check_shared() -> dict[str, list[str]]:
    """Strategy -> rules that it breaks once a second process maps the victim's pages; without those that break none."""
    found = {v.strategy: v.properties.items() for v in check_head("shared")}
    broken = {name: [rule for rule, said in rules if said == "broken"] for name, rules in found.items()}
    return {name: rules for name, rules in broken.items() if rules}


def write_schedules(verdicts: list[Verdict], folder: Path) -> dict[str, list[str]]:
    """Write every counterexample as text and as JSON for `mmbench check --replay`; strategy -> file names.

    The names end in .txt; the JSON lies beside each under the same stem.
    """
    from mmbench.checker.counterexample import to_json

    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, list[str]] = {}
    for verdict in verdicts:
        for name, schedule in verdict.counterexamples.items():
            stem = f"{verdict.strategy}-{name}"
            head = f"{verdict.strategy}, scope {verdict.scope}: a schedule that breaks {name}\n"
            how = f"take it again: mmbench check --replay {stem}.json\n\n"
            write_text(folder / f"{stem}.txt", head + how + text(schedule) + "\n")
            write_json(folder / f"{stem}.json", to_json(schedule))
            written.setdefault(verdict.strategy, []).append(f"{stem}.txt")
    return written

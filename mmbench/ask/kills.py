"""A question about the kills of a log: one row for each, and the model's reap by the strategy of its kernel.

The victim of a prediction is held before exit_mmap, so that the reaper works alone, as it did when it printed its line;
for lmkd, whose reaper threads print how long they took, the work is process_mrelease's.
"""

from __future__ import annotations

from mmbench.errors import InputError
from mmbench.records.kill_types import KillRecord, LoggedKill
from mmbench.records.types import PredictedReap

MAX_RUNS = 40
ASSUMED = "v6.1"  # for lmkd's kills in a log that names no kernel: what Linux 6.1 to 6.17 ship
REAP_FIELDS = ("outcome", "after_us", "start_us", "left_anon_pages", "left_file_pages", "left_shmem_pages")


def rows_of(record: KillRecord, predictions: list[PredictedReap] | None = None) -> list[dict[str, object]]:
    """One row per kill: its number, fields, observed reap and, where there is one, the model's."""
    rows: list[dict[str, object]] = []
    for number, kill in enumerate(record["kills"], start=1):
        rows.append({"number": number, **kill, "reap": kill["reap"] or dict.fromkeys(REAP_FIELDS)})
    for one in predictions or []:
        rows[one["number"] - 1]["model"] = {name: value for name, value in one.items() if name != "number"}
    return rows


def design_of(release: str | None) -> str | None:
    """The strategy of a kernel version as upstream shipped it; None before v4.14 or when the log names no kernel."""
    if release is None:
        return None
    from mmbench.validation.predict import SHIPPED

    major, minor = (int(word) for word in release.split(".")[:2])
    return next((name for first, name in SHIPPED if (major, minor) >= first), None)


def predict(record: KillRecord, locked: str | None, shared: str | None, costs: str) -> list[PredictedReap]:
    """The model's reap of the first MAX_RUNS kills whose kernel, sizes and reap are in the log.

    Returns one object a kill: number, strategy, is_assumed (the log names no kernel), party (reaper or mrelease),
    locked_share, is_limited (the kill's dump allows less than was asked for), after_ps (from the kill to the party's
    last step), left_pages.

    Raises InputError when there is none, or when the share of mlocked pages is needed and not given.
    """
    from mmbench.cost.table import load_table
    from mmbench.engine import prepare, run_prepared
    from mmbench.scenarios import scenario
    from mmbench.strategies import load
    from mmbench.validation.predict import HELD_PS
    from mmbench.victims import parse_share
    from mmbench.victims.kernel_log.victim import build, most_locked

    chosen = [(n, kill, _strategy(kill)) for n, kill in enumerate(record["kills"], start=1) if _is_seen(kill)]
    chosen = [(n, kill, name) for n, kill, name in chosen if name]
    if not chosen:
        raise InputError(
            "--model needs a kill with the sizes and the reap that the kernel or lmkd prints, and the kernel's version "
            '(4.14 on), which stands in the OOM dump ("Not tainted 6.1.0"). Give a log with whole dumps.'
        )
    table = load_table(costs)
    held = {
        "reaper": scenario("quiet", {"exit_start_ps": HELD_PS}),
        "mrelease": scenario("mrelease", {"exit_start_ps": HELD_PS}),
    }
    share, shared_share = (
        None if text is None else parse_share(text, name) for text, name in ((locked, "--locked"), (shared, "--shared"))
    )
    found: list[PredictedReap] = []
    for number, kill, name in chosen[:MAX_RUNS]:
        party = "mrelease" if kill["by"] == "lmkd" else "reaper"
        used = None if share is None else min(share, most_locked(kill, kill["rss_pages"] or 0))
        victim = build(kill, f"kill {number}", used, shared_share or 0.0)
        run = run_prepared(prepare(victim.vmas), load(str(name)), held[party], table, victim=victim.name)
        found.append(
            {
                "number": number,
                "strategy": run["strategy"],
                "is_assumed": kill["kernel"] is None,
                "party": party,
                "locked_share": used or 0.0,
                "is_limited": share is not None and used != share,
                "after_ps": run["end_ps"][party],
                "left_pages": run["resident_pages"] - run["freed_pages"][party],
            }
        )
    return found


def _strategy(kill: LoggedKill) -> str | None:
    return ASSUMED if kill["by"] == "lmkd" and kill["kernel"] is None else design_of(kill["kernel"])


def _is_seen(kill: LoggedKill) -> bool:
    """True for a kill with a size whose reaping was seen to end, well or not."""
    if kill["reap"] is None or not kill["rss_pages"]:
        return False
    told = kill["anon_pages"] is not None or kill["by"] == "lmkd"
    return told and kill["reap"]["outcome"] in ("reaped", "gave-up")

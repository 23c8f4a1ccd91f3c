"""The model's reap of a kill that a log shows, for the strategy of the kernel that the log names.

The victim is held before exit_mmap, so that the reaper works alone, as it did when it printed its line.
"""

from __future__ import annotations

from typing import Any

from mmbench.errors import InputError

MAX_RUNS = 40


def design_of(release: str | None) -> str | None:
    """The strategy of a kernel version as upstream shipped it; None before v4.14 or when the log names no kernel."""
    if release is None:
        return None
    from mmbench.validation.predict import SHIPPED

    major, minor = (int(word) for word in release.split(".")[:2])
    return next((name for first, name in SHIPPED if (major, minor) >= first), None)


def predict(record: dict[str, Any], locked: str | None, shared: str | None, costs: str) -> list[dict[str, Any]]:
    """The model's reap of the first MAX_RUNS kills whose kernel, sizes and reap are in the log.

    Returns one object a kill: number, strategy, after_ps (from the kill to the reaper's last step), left_pages.

    Raises InputError when there is none, or when the share of mlocked pages is needed and not given.
    """
    from mmbench.cost.table import load_table
    from mmbench.engine import prepare, run_prepared
    from mmbench.scenarios import scenario
    from mmbench.strategies import load
    from mmbench.validation.predict import HELD_PS
    from mmbench.victims import parse_share
    from mmbench.victims.kernel_log.victim import build

    chosen = [(n, kill, design_of(kill["kernel"])) for n, kill in enumerate(record["kills"], start=1)]
    chosen = [(n, kill, name) for n, kill, name in chosen if name and kill["anon_pages"] is not None and _seen(kill)]
    if not chosen:
        raise InputError(
            "--model needs a kill with the sizes and the reap that the kernel prints, and its version (4.14 on), "
            'which stands in the OOM dump ("Not tainted 6.1.0"). Give a log with whole dumps.'
        )
    held, table = scenario("quiet", {"exit_start_ps": HELD_PS}), load_table(costs)
    share, shared_share = (
        None if text is None else parse_share(text, name) for text, name in ((locked, "--locked"), (shared, "--shared"))
    )
    found = []
    for number, kill, name in chosen[:MAX_RUNS]:
        victim = build(kill, f"kill {number}", share, shared_share or 0.0)
        run = run_prepared(prepare(victim.vmas), load(str(name)), held, table, victim=victim.name)
        left = run["resident_pages"] - run["freed_pages"]["reaper"]
        found.append(
            {"number": number, "strategy": run["strategy"], "after_ps": run["end_ps"]["reaper"], "left_pages": left}
        )
    return found


def _seen(kill: dict[str, Any]) -> bool:
    return kill["reap"] is not None and kill["reap"]["outcome"] in ("reaped", "gave-up") and kill["rss_pages"] > 0

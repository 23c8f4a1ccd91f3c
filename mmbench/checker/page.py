"""The docs page of verdicts, made by the checker: every strategy and property, history, mutants.

python -m mmbench.checker.page docs/verdicts.md
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from itertools import product

from mmbench.checker.coverage import REASONS, unreached_anywhere
from mmbench.checker.history import CASES, OUT_OF_SCOPE, run_case
from mmbench.checker.mutants import LINTER, MERGED, SCOPES, SURVIVES, Result, judge, mutants_of, why_harmless
from mmbench.checker.properties import ALL
from mmbench.checker.scope import NAMED, find_scope
from mmbench.checker.show import text
from mmbench.checker.verdict import ASSUMES, Verdict, check
from mmbench.records.files import write_text
from mmbench.strategies import IDS, load

UNTIMED_PARAMS = ("reaper_delay", "lru_batch")  # open points that a check without time cannot tell apart


def specs() -> list[str]:
    """Every strategy with every choice of its open points, defaults first."""
    out = []
    for name in IDS:
        params = load(name).strategy.params
        open_points = {key: p for key, p in params.items() if key not in UNTIMED_PARAMS}
        ordered = [[p.default, *(c for c in p.choices if c != p.default)] for p in open_points.values()]
        for values in product(*ordered):
            changed = [f"{k}={v}" for (k, p), v in zip(open_points.items(), values, strict=True) if v != p.default]
            out.append(f"{name}:{','.join(changed)}" if changed else name)
    return out


def row(cells: Iterable[object]) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(head: list[str], rows: list[list[object]]) -> list[str]:
    """A Markdown table."""
    return [row(head), row("---" for _ in head), *(row(r) for r in rows), ""]


def verdict_of(spec: str, scope: str, *, explain: bool) -> Verdict:
    """Check one spec in one named scope."""
    loaded = load(spec)
    return check(loaded.name, loaded.roles, find_scope(scope), explain=explain, spec=loaded.spec)


def verdict_part(verdicts: list[Verdict]) -> list[str]:
    """Strategy by property at the default scope."""
    marks = {"holds": "yes", "broken": "**no**", "unknown": "?"}
    head = ["strategy", "verdict", *(p.name for p in ALL), "states", "transitions"]
    rows: list[list[object]] = [
        [
            f"`{v.strategy}`",
            v.verdict,
            *(marks[v.properties[p.name]] for p in ALL),
            f"{v.states:,}",
            f"{v.transitions:,}",
        ]
        for v in verdicts
    ]
    lines = ["## Every strategy, every property (scope `default`)", "", *table(head, rows)]
    lines += [f"- **{p.name}** {p.claim}. Broken in the kernel: {p.kernel}." for p in ALL]
    return [*lines, ""]


def scopes_part() -> list[str]:
    """Verdicts at the other named scopes."""
    names = [name for name in NAMED if name != "default"]
    rows: list[list[object]] = []
    for spec in IDS:
        rows.append([f"`{spec}`", *(words(verdict_of(spec, name, explain=False)) for name in names)])
    return ["## The other scopes", "", *table(["strategy", *(f"`{name}`" for name in names)], rows)]


def words(v: Verdict) -> str:
    """The verdict and what is broken."""
    broken = [name for name, status in v.properties.items() if status == "broken"]
    return f"{v.verdict} ({', '.join(broken)})" if broken else v.verdict


def unreached_part(names: Iterable[str]) -> list[str]:
    """Steps that no named scope reaches, of which no verdict says anything, with the reason."""
    where: dict[tuple[str, str], list[str]] = {}
    for name in names:
        for place in unreached_anywhere(load(name).roles):
            where.setdefault(place, []).append(f"`{name}`")
    rows: list[list[object]] = [
        [role, label, ", ".join(designs), REASONS.get((role, label), "**not explained**")]
        for (role, label), designs in where.items()
    ]
    said = "No verdict says anything of them. All others are reached in some scope."
    return ["## Steps that no scope reaches", "", said, "", *table(["role", "step", "in", "because"], rows)]


def schedules_part(verdicts: list[Verdict]) -> list[str]:
    """The schedule of everything that is broken."""
    lines = ["## The schedules", ""]
    for v in verdicts:
        for c in v.counterexamples.values():
            lines += [f"### `{v.strategy}`: {c.property.name}", "", "```", text(c), "```", ""]
    return lines


def history_part() -> list[str]:
    """The published races without and with their fix, and those out of scope."""
    rows: list[list[object]] = []
    for case in CASES:
        before, after = run_case(case, fixed=False), run_case(case, fixed=True)
        note = (
            words(after) if case.fix_seen else f"{words(after)}: the fix is a timer, which no check without time sees"
        )
        rows.append([case.number, case.title, f"`{case.scope}`", words(before), note])
    lines = ["## History", "", *table(["bug", "what", "scope", "without the fix", "with the fix"], rows)]
    lines += ["Out of scope, with the reason:", ""]
    lines += [f"- bug {number}, {title}: {why}." for number, (title, why) in OUT_OF_SCOPE.items()]
    return [*lines, ""]


def mutant_rows(results: dict[str, list[Result]]) -> list[list[object]]:
    """Counts per strategy."""
    rows: list[list[object]] = []
    for name, found in results.items():
        n, by = len(found), Counter(r.caught_by for r in found)
        caught = n - by[SURVIVES] - by[LINTER]
        properties = ", ".join(f"{k} {by[k]}" for k in sorted(by) if k not in (SURVIVES, LINTER))
        share = f"{100 * (n - by[SURVIVES]) / n:.0f} %"
        rows.append([f"`{name}`", n, by[LINTER], f"{caught} ({properties})", by[SURVIVES], share])
    return rows


def mutants_part() -> list[str]:
    """Single-step deletions and neighbour swaps: who catches them, and why the rest is harmless."""
    results = {name: [judge(mutant) for mutant in mutants_of(load(name))] for name in MERGED}
    head = ["strategy", "mutants", "refused by the linter", "caught by a property", "survive", "caught in all"]
    lines = [
        "## Mutants",
        "",
        f"Scopes, one after the other: {', '.join(SCOPES)}.",
        "",
        *table(head, mutant_rows(results)),
    ]
    where: dict[tuple[str, str, str, str], list[str]] = {}
    for name, found in results.items():
        for r in found:
            if r.caught_by == SURVIVES:
                m = r.mutant
                where.setdefault((m.role, m.kind, m.label, why_harmless(m)), []).append(f"`{name}`")
    rows: list[list[object]] = [
        [role, kind, label, ", ".join(names), why or "**not explained**"]
        for (role, kind, label, why), names in where.items()
    ]
    return [*lines, "The survivors:", "", *table(["role", "change", "step", "in", "harmless because"], rows)]


def page() -> str:
    """The whole page, Markdown."""
    verdicts = [verdict_of(spec, "default", explain=True) for spec in specs()]
    lines = [
        "# Verdicts",
        "",
        "Made by `python -m mmbench.checker.page docs/verdicts.md`; do not edit. See [checker.md](checker.md).",
        "Every search of the first table was complete."
        if all(v.complete for v in verdicts)
        else "Some are incomplete.",
        "",
        "Assumed: " + "; ".join(ASSUMES) + ".",
        "",
        *verdict_part(verdicts),
        *scopes_part(),
        *unreached_part(specs()),
        *schedules_part(verdicts),
        *history_part(),
        *mutants_part(),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    write_text(sys.argv[1], page())

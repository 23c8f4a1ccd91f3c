"""The largest heavy victim, or the highest rarity, for which a promise holds; and a percentile over both."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from mmbench.ask.plan import Plan, made_from
from mmbench.ask.studies import about, make_study
from mmbench.ask.watch import NOBODY, Watch
from mmbench.errors import InputError

if TYPE_CHECKING:
    from mmbench.records.types import PromiseRecord, PromiseStep
    from mmbench.sizing.inverse import Slo, Step
    from mmbench.sizing.laws.families import Family
    from mmbench.sizing.queue.service import Setting
    from mmbench.sizing.sample import Sample

SMALLEST_BYTES = 64 << 20
RUNGS_PER_DOUBLING = 4
RARITIES_PER_DECADE = 8
LOWEST_RARITY_POWER = 6
GRID_RARITIES = (Fraction(1, 10_000), Fraction(1, 1000), Fraction(1, 100), Fraction(1, 10))
DOUBLINGS_DOWN = (-8, -6, -4, -2, 0)  # sizes of the grid, powers of two of the heavy victim's


class Ladder:
    """The heavy part of a plan's mixture at many sizes: the engine runs once, every rung is read from it.

    Raises InputError unless the heavy victims are of one size, synthetic, and at least SMALLEST_BYTES.
    """

    def __init__(self, plan: Plan, setting: Setting, solve: str, watch: Watch = NOBODY) -> None:
        from mmbench.sizing.laws.families import nodes_of
        from mmbench.sizing.queue.mixture import n_nodes, node_tables

        self.plan, self.setting = plan, setting
        self.heavy = heavy_family(plan)
        top = self.heavy.nodes[-1]
        if solve == "size":
            if len(self.heavy.sizes) > 1 or self.heavy.fixed or top < SMALLEST_BYTES:
                raise InputError(
                    f"--heavy {self.heavy.name}: to look for a size, give the largest one as a size of at least 64MiB, "
                    "such as 256GiB; for this one, look for --solve rarity."
                )
            self.heavy = replace(self.heavy, nodes=nodes_of(SMALLEST_BYTES, top))
        self.parts = [replace(p, family=self.heavy) if p.family is heavy_family(plan) else p for p in plan.parts]
        with watch.ticking(f"{setting.loaded.name}: engine runs", n_nodes(self.parts)) as tick:
            self.nodes = node_tables(self.parts, setting, tick)
        self.sizes = rungs_of(SMALLEST_BYTES, top) if solve == "size" else [top]
        self.rarities = [Fraction(10 ** -(k / RARITIES_PER_DECADE)).limit_denominator(10**9)
                         for k in range(LOWEST_RARITY_POWER * RARITIES_PER_DECADE, -1, -1)]  # fmt: skip

    def sample(self, size_bytes: int, rarity: Fraction | None, kills: int) -> Sample | None:
        """The study with heavy victims of one size; None where the queue has no steady state."""
        from mmbench.sizing.estimate import collect
        from mmbench.sizing.load import growth, load_of
        from mmbench.sizing.queue.mixture import service_table

        family = replace(self.heavy, sizes=(size_bytes,), n_strata=1) if len(self.sizes) > 1 else self.heavy
        parts = [replace(part, family=family) if part.family is self.heavy else part for part in self.parts]
        if rarity is not None:
            parts = with_rarity(parts, family, rarity)
        used = [k for k, part in enumerate(parts) if part.share > 0]
        table = service_table([parts[k] for k in used], [self.nodes[k] for k in used], self.setting)
        if load_of(self.plan.kills, table).backlog >= 1:
            return None
        study = make_study(self.plan, self.setting, table)
        if growth(study):
            return None
        effort = replace(self.plan.effort, kills=kills, precision=0.0, ledger=None)
        return collect(study, effort)


def heavy_family(plan: Plan) -> Family:
    """The family of the last part. Raises InputError when there is no heavy part."""
    if plan.parts[-1].family is plan.parts[0].family:
        raise InputError("--slo asks about heavy victims, and --rarity leaves none (or only them); give 0 < P < 1.")
    return plan.parts[-1].family


def rungs_of(smallest: int, largest: int) -> list[int]:
    """Sizes with four steps for each doubling, increasing, whole pages; the last is `largest`."""
    found, k = [largest], 1
    while (size := round(largest * 2 ** (-k / RUNGS_PER_DOUBLING)) & ~4095) >= smallest:
        found.append(size)
        k += 1
    return found[::-1]


def with_rarity(parts: list[Any], heavy: Family, rarity: Fraction) -> list[Any]:
    """The same parts with another share of heavy victims."""
    whole = sum((part.share for part in parts if part.family is heavy), Fraction(0))
    rest = 1 - whole
    return [
        replace(part, share=part.share / whole * rarity if part.family is heavy else part.share / rest * (1 - rarity))
        for part in parts
    ]


def solve(plan: Plan, slo_text: str, what: str, watch: Watch = NOBODY) -> list[PromiseRecord]:
    """The record of every strategy's answer to a promise: the largest size, or the highest rarity, or nothing.

    what: size or rarity. Raises InputError.
    """
    from mmbench.sizing.inverse import highest, parse_slo

    slo = parse_slo(slo_text)
    found = []
    for setting in plan.settings:
        ladder = Ladder(plan, setting, what, watch)
        rungs: list[Any] = ladder.sizes if what == "size" else ladder.rarities

        def sample_of(rung: int, kills: int, ladder: Ladder = ladder, rungs: list[Any] = rungs) -> Sample | None:
            if what == "size":
                return ladder.sample(rungs[rung], None, kills)
            return ladder.sample(ladder.sizes[0], rungs[rung], kills)

        best, steps = highest(slo, len(rungs), sample_of, min(plan.effort.kills, 500_000), plan.effort.kills)
        found.append(solution(plan, setting, slo, what, rungs, best, steps))
    return found


def solution(
    plan: Plan, setting: Setting, slo: Slo, what: str, rungs: list[Any], best: int | None, steps: list[Step]
) -> PromiseRecord:
    """The record of one strategy's answer."""
    name = show_rung(what, rungs[best]) if best is not None else None
    return {
        "format": "mmbench-slo 1", "kind": "model", **about(plan, setting), "slo": slo.text, "quantity": slo.quantity,
        "limit_ps": slo.limit_ps, "solve": what, "confidence": plan.effort.confidence, "answer": name,
        "at_the_top": best == len(rungs) - 1, "made_from": made_from(plan.command, setting),
        "steps": [tried(step, show_rung(what, rungs[step.rung])) for step in steps],
    }  # fmt: skip


def tried(step: Step, rung: str) -> PromiseStep:
    """One rung of a record; without times where no kill was simulated, since the queue has no steady state."""
    found: PromiseStep = {"tried": rung, "verdict": step.verdict.value, "kills": step.kills}
    if step.kills:
        found |= {"value_ps": step.value_ps, "low_ps": step.low_ps, "high_ps": step.high_ps}
    return found


def show_rung(what: str, rung: Any) -> str:
    """A size or a rarity, for people."""
    from mmbench.victims import format_size

    return format_size(rung) if what == "size" else f"1 in {float(1 / rung):,.4g}"


def heat_grid(plan: Plan, watch: Watch = NOBODY) -> dict[str, Any]:
    """The target percentile of the first strategy over GRID_RARITIES and sizes, a study for each."""
    from mmbench.sizing.sample import Refused
    from mmbench.victims import format_size

    ladder = Ladder(plan, plan.settings[0], "size", watch)
    top = ladder.sizes[-1]
    sizes = [s for s in (top >> -d & ~4095 for d in DOUBLINGS_DOWN) if s >= ladder.sizes[0]]
    values: list[list[float | None]] = []
    for rarity in GRID_RARITIES:
        values.append([])
        for size in sizes:
            sample = ladder.sample(size, rarity, plan.effort.kills)
            found = sample.quantile("skip", plan.effort.target) if sample else None
            values[-1].append(None if found is None or isinstance(found, Refused) else found.value)
    return {
        "sizes": [format_size(size) for size in sizes],
        "rarities": [f"1/{rarity.denominator:,}" for rarity in GRID_RARITIES],
        "percentile": f"p{plan.effort.target * 100:.10g}",
        "value_ps": values,
    }

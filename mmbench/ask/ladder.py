"""The largest heavy victim, or the highest rarity, for which a promise holds; and a percentile over both."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from mmbench.ask.plan import Plan, made_from
from mmbench.ask.proven import proven
from mmbench.ask.studies import about, make_study
from mmbench.ask.watch import NOBODY, Watch
from mmbench.errors import InputError, nearest

if TYPE_CHECKING:
    from mmbench.records.study_types import Grid, InTheWay, Off, PromiseRecord, Tried, TriedTimed
    from mmbench.sizing.inverse import Asked, Slo, Step
    from mmbench.sizing.laws.families import Family
    from mmbench.sizing.queue.mixture import Part
    from mmbench.sizing.queue.service import Setting
    from mmbench.sizing.sample import Sample
    from mmbench.sizing.study import Study

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

    def __init__(
        self, plan: Plan, setting: Setting, solve: str, watch: Watch = NOBODY, *, of_added: bool = False
    ) -> None:  # fmt: skip
        from mmbench.sizing.laws.families import nodes_of
        from mmbench.sizing.queue.mixture import n_nodes, node_tables

        self.plan, self.setting, self.of_added = plan, setting, of_added
        self.heavy = heavy_family(plan)
        top = self.heavy.nodes[-1]
        if solve == "size":
            if len(self.heavy.sizes) > 1 or self.heavy.fixed or top < SMALLEST_BYTES:
                raise InputError(
                    f"--heavy {self.heavy.name}: to look for a size, give the largest one as a size of at least 64MiB, "
                    "such as 256GiB; for this one, look for --solve rarity."
                )
            self.heavy = replace(
                self.heavy, nodes=nodes_of(SMALLEST_BYTES, top), sizes=tuple(rungs_of(SMALLEST_BYTES, top))
            )
        drawn = [part for part in plan.parts if part.share]
        self.parts = [replace(p, family=self.heavy) if p.family is heavy_family(plan) else p for p in drawn]
        with watch.ticking(f"{setting.loaded.name}: engine runs", n_nodes(self.parts)) as tick:
            self.runs = node_tables(self.parts, setting, tick)
        self.sizes = rungs_of(SMALLEST_BYTES, top) if solve == "size" else [top]
        self.rarities = [Fraction(10 ** -(k / RARITIES_PER_DECADE)).limit_denominator(10**9)
                         for k in range(LOWEST_RARITY_POWER * RARITIES_PER_DECADE, -1 + of_added, -1)]  # fmt: skip

    def parts_at(self, size_bytes: int, rarity: Fraction | None) -> list[Part]:
        """The parts of the study with heavy victims of one size, and one rarity unless it is that of the plan."""
        family = replace(self.heavy, sizes=(size_bytes,), n_strata=1) if len(self.sizes) > 1 else self.heavy
        parts = [replace(part, family=family) if part.family is self.heavy else part for part in self.parts]
        return with_rarity(parts, family, rarity) if rarity is not None else parts

    def floor(self, kills: int) -> Sample | None:
        """The study with ordinary victims only: what no size and no rarity can go below."""
        parts = [replace(part, share=Fraction(0)) if part.heavy else part for part in self.parts]
        whole = sum((part.share for part in parts), Fraction(0))
        return self.asked([replace(part, share=part.share / whole) for part in parts], kills, plain=True)  # type: ignore[return-value]

    def study(self, parts: list[Part], *, plain: bool = False) -> tuple[Study, list[Part]] | None:
        """The study of parts of the ladder's, and those drawn; None where there is no steady state, or hardly one."""
        from mmbench.sizing.load import growth, load_of
        from mmbench.sizing.queue.mixture import service_table
        from mmbench.sizing.warmup import settled

        used = [k for k, part in enumerate(parts) if part.share > 0]
        drawn = [parts[k] for k in used]
        table = service_table(drawn, [self.runs[k] for k in used], self.setting)
        if load_of(self.plan.kills, table, self.plan.n_reapers).backlog >= 1:
            return None
        study = make_study(self.plan, self.setting, table, drawn)
        study = study if self.of_added and not plain else replace(study, heavy=None)
        if growth(study):
            return None
        try:
            return settled(study), drawn
        except InputError:
            return None

    def asked(self, parts: list[Part], kills: int, *, plain: bool = False) -> Asked | None:
        """What a study of parts of the ladder's says; None where there is no such study."""
        from mmbench.sizing.added import Added
        from mmbench.sizing.estimate import as_it_is, collect

        found = self.study(parts, plain=plain)
        if found is None:
            return None
        study, _ = found
        effort = replace(self.plan.effort, kills=kills, precision=0.0, ledger=None)
        counts = collect(study, effort)
        return as_it_is(counts, effort.confidence) if study.heavy is None else Added(counts, effort.confidence)

    def off(self, slo: Slo, parts: list[Part]) -> dict[str, Off]:
        """How far the service table is off for the kills on which the promised percentile rests, by engine runs."""
        from mmbench.sizing.answers import percentile_name
        from mmbench.sizing.exactness import MOST_KILLS, errors, examine
        from mmbench.sizing.inverse import ADDED

        found = self.study(parts)
        if found is None:
            return {}
        study, drawn = found
        asked = f"{'skip' if slo.quantity == ADDED else slo.quantity} {percentile_name(slo.p)}"
        every = errors(examine(drawn, study, self.setting, MOST_KILLS, {}, slo.p))
        return {name: off for name, off in every.items() if name == asked or name.startswith(f"{asked} ")}


def heavy_family(plan: Plan) -> Family:
    """The family of the heavy victims. Raises InputError when there are none, or nobody else."""
    drawn = [part for part in plan.parts if part.share]
    if len({part.heavy for part in drawn}) < 2:
        raise InputError("--slo asks about heavy victims, and --rarity leaves none (or only them); give 0 < P < 1.")
    return drawn[-1].family


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
    from mmbench.records.study_record import whole_promise
    from mmbench.sizing.inverse import ADDED, highest, parse_slo

    if what not in ("size", "rarity"):
        raise nearest(what, ["size", "rarity"], "thing to look for")
    slo = parse_slo(slo_text)
    found = []
    for setting in plan.settings:
        ladder = Ladder(plan, setting, what, watch, of_added=slo.quantity == ADDED)
        rungs: list[Any] = ladder.sizes if what == "size" else ladder.rarities

        def parts_of(rung: int, ladder: Ladder = ladder, rungs: list[Any] = rungs) -> list[Part]:
            size, rarity = (rungs[rung], None) if what == "size" else (ladder.sizes[0], rungs[rung])
            return ladder.parts_at(size, rarity)

        def sample_of(rung: int, kills: int, ladder: Ladder = ladder) -> Asked | None:
            return ladder.asked(parts_of(rung, ladder), kills)

        best, steps = highest(slo, len(rungs), sample_of, min(plan.effort.kills, 500_000), plan.effort.kills)
        record = solution(plan, setting, slo, what, rungs, best, steps)
        if best is not None:
            record["interpolation"] = ladder.off(slo, parts_of(best))
        floor = ladder.floor(plan.effort.kills) if best is None and slo.quantity != ADDED else None
        if floor:
            record["in_the_way"] = in_the_way(slo, floor, setting)
        found.append(proven(whole_promise, record, f"the promise of {record['strategy']}"))
    return found


def in_the_way(slo: Slo, floor: Sample, setting: Setting) -> InTheWay:
    """What ordinary victims alone come to, and what their slowest kills wait for: the promise cannot go below it.

    causes: mean ps from kill to MMF_OOM_SKIP by cause, of about the share of kills that the promise leaves out
    """
    from mmbench.sizing.answers import as_record, causes

    tail = list(causes(floor, (slo.p,)).values())[-1]
    return {
        "floor": as_record(floor.quantile(slo.quantity, slo.p)), "delay_ps": setting.delay_ps, "causes": tail,
    }  # fmt: skip


def solution(
    plan: Plan, setting: Setting, slo: Slo, what: str, rungs: list[Any], best: int | None, steps: list[Step]
) -> PromiseRecord:
    """The record of one strategy's answer."""
    from mmbench.records.study_record import PROMISE

    name = show_rung(what, rungs[best]) if best is not None else None
    return {
        "format": PROMISE, "kind": "model", **about(plan, setting), "slo": slo.text, "quantity": slo.quantity,
        "limit_ps": slo.limit_ps, "solve": what, "confidence": plan.effort.confidence, "answer": name,
        "at_the_top": best == len(rungs) - 1, "made_from": made_from(plan.command, setting),
        "steps": [tried(step, show_rung(what, rungs[step.rung])) for step in steps],
    }  # fmt: skip


def tried(step: Step, rung: str) -> Tried | TriedTimed:
    """One rung of a record; without times where no kill was simulated, since the queue has no steady state."""
    found: Tried = {"tried": rung, "verdict": step.verdict.value, "kills": step.kills}
    if not step.kills:
        return found
    return {**found, "value_ps": step.value_ps, "low_ps": step.low_ps, "high_ps": step.high_ps}


def show_rung(what: str, rung: Any) -> str:
    """A size or a rarity, for people."""
    from mmbench.victims import format_size

    return format_size(rung) if what == "size" else f"1 in {float(1 / rung):,.4g}"


def heat_grid(plan: Plan, watch: Watch = NOBODY) -> Grid:
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
            sample = ladder.asked(ladder.parts_at(size, rarity), plan.effort.kills)
            found = sample.quantile("skip", plan.effort.target) if sample else None
            values[-1].append(None if found is None or isinstance(found, Refused) else found.value)
    return {
        "sizes": [format_size(size) for size in sizes],
        "rarities": [f"1/{rarity.denominator:,}" for rarity in GRID_RARITIES],
        "percentile": plan.target,
        "value_ps": values,
    }

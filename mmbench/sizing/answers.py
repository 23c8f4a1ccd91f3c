"""What a study says, as a record: percentiles, blocking, collateral kills, and the sentence that people use.

JSON, CSV, tables and pictures read the same thing; `records.study_record` is the rule for it.
"""

from __future__ import annotations

import numpy as np

from mmbench.records.study_record import FORMAT
from mmbench.records.study_types import (
    AboutStudy,
    Answered,
    Estimated,
    Latency,
    SaidBySkip,
    Shares,
    StudyAnswer,
    Tail,
    Withheld,
)
from mmbench.sizing.counting import whole
from mmbench.sizing.load import Load
from mmbench.sizing.queue.tally import N_SHARES, QUANTITIES, beyond
from mmbench.sizing.sample import Estimate, Refused, Sample
from mmbench.sizing.stats.histogram import bounds_of
from mmbench.sizing.study import Study
from mmbench.words import PATIENCE_PS, SHARES

PERCENTILES = (0.5, 0.9, 0.99, 0.999, 0.9999)
TAILS = (0.5, 0.9, 0.99, 0.999)
MEANS = {"first": "first_ns", "skip": "skip_ns", "all": "all_ns", "reaper": "reaper_ns", "behind": "behind_ns"}


def percentile_name(p: float) -> str:
    """0.999 -> "p99.9"."""
    return f"p{p * 100:.10g}"


def printed(target: float) -> tuple[float, ...]:
    """The percentiles that a study prints, as shares: PERCENTILES and the one that it is about."""
    return tuple(sorted({*PERCENTILES, target}))


def answer(
    study: Study, sample: Sample, load: Load, about: AboutStudy, percentiles: tuple[float, ...] = PERCENTILES
) -> StudyAnswer:
    """The record of one strategy. about: what identifies the study (strategy, laws, seed ...), put first."""
    skip, reaper = sample.over("skip"), sample.over("reaper")
    time_ps = sample.total("time_s") * 10**12 + sample.total("time_ns") * 1000
    return {
        "format": FORMAT,
        "kind": "model",
        **about,
        "kills": sample.n,
        "replications": sample.replications,
        "confidence": sample.confidence,
        "load": {
            "idle": load.idle,
            "backlog": load.backlog,
            "seen": sample.total("reaper_ns") * 1000 / time_ps if time_ps else 0.0,
        },
        "latency": {name: latency(sample, name, percentiles) for name in QUANTITIES},
        "over": {"time_ps": study.over_ps, "skip": estimated(skip), "reaper": estimated(reaper)},
        "waited": sample.total("waited") / max(sample.n, 1),
        "gave_up": sample.total("gave_up") / max(sample.n, 1),
        "oom_skip": oom_skip(sample),
        "collateral": collateral(sample),
        "causes": causes(sample),
        "tail": curve(sample, "skip"),
    }


def latency(sample: Sample, name: str, percentiles: tuple[float, ...]) -> Latency:
    """Mean, percentiles and maximum of one latency, ps."""
    low, high = sample.largest(name)
    found = {percentile_name(p): as_record(sample.quantile(name, p)) for p in percentiles}
    return {"mean_ps": sample.mean(MEANS[name]), "percentiles": found, "max": {"low": low, "high": high}}


def as_record(found: Estimate | Refused) -> Answered:
    """An estimate or a refusal, as the record holds it."""
    if isinstance(found, Refused):
        return refusal(found)
    return estimated(found)


def estimated(found: Estimate) -> Estimated:
    """An estimate, as the record holds it."""
    told: Estimated = {
        "value": found.value, "low": found.low, "high": found.high, "effective": round(found.effective),
    }  # fmt: skip
    if found.hits is not None:
        told["hits"] = found.hits
    return told


def refusal(found: Refused) -> Withheld:
    """Why a number is not told."""
    return {"refused": f"{found.n:,} kills are worth {found.effective:,.0f} independent ones; "
            f"{found.needed:,} are needed"}  # fmt: skip


def oom_skip(sample: Sample) -> SaidBySkip:
    """What MMF_OOM_SKIP said, and after how long in the mean: memory is back, or not yet (a give-up, or too early).

    flawed: kills that gave up, killed another process, hung, were unsafe or left memory behind
    """
    early, n, ns = sample.total("early"), sample.n, sample.total("early_skip_ns")
    return {
        "flawed": estimated(sample.probability(sample.total("flawed"), None)),
        "early": estimated(sample.probability(early, None)),
        "early_mean_ps": 1000.0 * ns / early if early else 0.0,
        "back_mean_ps": 1000.0 * (sample.total("skip_ns") - ns) / (n - early) if n > early else 0.0,
    }


def collateral(sample: Sample) -> dict[str, Estimated]:
    """Further kills: by the kernel once MMF_OOM_SKIP is set too early, and by killers who lose patience."""

    def share(name: str) -> Estimated:
        return estimated(sample.probability(sample.total(name), None))

    return {"too_early": share("collateral"), **{who: share(beyond(ps)) for who, ps in PATIENCE_PS.items()}}


def causes(sample: Sample, tails: tuple[float, ...] = TAILS) -> dict[str, Shares]:
    """Mean ps per kill from kill to MMF_OOM_SKIP by cause, in the body and in tails of the slowest kills.

    A tail is cut at a power of two of the time, the largest that leaves at least the share 1 - p above it.
    """
    table = whole(sample.counts, "causes")
    above = np.cumsum(table[::-1], axis=0)[::-1]
    found: dict[str, Shares] = {}
    for p in (0.0, *tails):
        at = int(np.flatnonzero(above[:, N_SHARES] >= max((1 - p) * sample.n, 1))[-1]) if sample.n else 0
        row = above[at]
        n = max(int(row[N_SHARES]), 1)
        found[percentile_name(p) if p else "all kills"] = {
            "from_ps": float(1 << at if at else 0),
            "kills": int(row[N_SHARES]),
            "mean_ps": {share.key: 1000.0 * int(row[c]) / n for c, share in enumerate(SHARES)},
        }
    return found


def curve(sample: Sample, name: str) -> Tail:
    """P(latency > t) with its band, a point for every filled bucket (at most 300): for the picture."""
    sums = sample.counts["sums"][QUANTITIES.index(name)]
    filled = np.flatnonzero(sums)
    step = max(1, -(-len(filled) // 300))
    buckets = [*filled[::step].tolist(), *filled[-1:].tolist()]
    points = [sample.longer(name, b) for b in buckets]
    return {
        "time_ps": [float(bounds_of(b)[0]) for b in buckets], "p": [at.value for at in points],
        "low": [at.low for at in points], "high": [at.high for at in points],
    }  # fmt: skip


def one_in(p: float) -> str:
    """0.00042 -> "2,400": two significant digits of 1/p."""
    if p <= 0:
        return "infinitely many"
    n = 1 / p
    digits = max(len(str(int(n))) - 2, 0)
    return f"{round(n, -digits):,.0f}" if n >= 10 else f"{n:.2g}"


def sentence(record: StudyAnswer, time: str) -> str:
    """ "1 in 2,400 kills [1,900, 3,100] blocks the reaper for more than 1 s"."""
    found = record["over"]["reaper"]
    if not found.get("hits"):
        return f"fewer than 1 in {one_in(found['high'])} kills blocks the reaper for more than {time}"
    if found["value"] == 1:
        return f"every kill blocks the reaper for more than {time}"
    return (
        f"1 in {one_in(found['value'])} kills [{one_in(found['high'])}, {one_in(found['low'])}] blocks the reaper "
        f"for more than {time}"
    )


def days(n: float) -> str:
    """Days, or hours when it is less than one, or years when many."""
    return f"{n * 24:.2g} hours" if n < 1 else f"{n / 365.25:,.1f} years" if n > 730 else f"{n:.3g} days"


def fleet_sentence(record: StudyAnswer, hosts: int, kills_per_day: float) -> str:
    """ "500 hosts with 4 kills a day each: one such kill every 1.2 days [0.9, 1.6]"."""
    found, kills = record["over"]["reaper"], hosts * kills_per_day
    head = f"{hosts:,} hosts with {kills_per_day:g} kills a day each"
    if not found.get("hits"):
        return f"{head}: less than one such kill every {days(1 / (kills * found['high']))}"
    every, low, high = (days(1 / (kills * found[key])) for key in ("value", "high", "low"))
    return f"{head}: one such kill every {every} [{low}, {high}]"

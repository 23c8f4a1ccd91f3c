"""Run a study until it has as many kills, or intervals as narrow, as asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mmbench.errors import InputError
from mmbench.sizing.compute.chunks import Progress, run
from mmbench.sizing.counting import N_BATCHES, Counts
from mmbench.sizing.sample import Refused, Sample
from mmbench.sizing.study import Study, run_chunk
from mmbench.sizing.worlds import WORLDS, run_worlds, world_of

CHUNKS = 32  # of a study, fewer for a small one
MAX_CHUNK_KILLS = 10 * 2**20  # half a second to one; ten minutes each still fit int64 ns
MAX_KILLS = 10**12


@dataclass(frozen=True)
class Effort:
    """How much work, and by whom.

    kills: at most, or exactly when precision is 0; precision: half-width over value at which to stop
    target: the percentile that precision is about (of kill to MMF_OOM_SKIP), as a share
    """

    kills: int = 2_000_000
    precision: float = 0.0
    target: float = 0.999
    confidence: float = 0.95
    workers: int = 1
    backend: str = "threads"
    cluster: str | None = None
    ledger: Path | None = None


def n_replications(study: Study, kills: int) -> int:
    """Replications for at least so many kills, whole batches of them. Raises InputError for a silly number."""
    if not 1 <= kills <= MAX_KILLS:
        raise InputError(f"{kills:,} kills: allowed are 1 to {MAX_KILLS:,}.")
    n = -(-kills // study.kept_kills)
    return -(-n // N_BATCHES) * N_BATCHES


def half_width(sample: Sample, p: float) -> float | None:
    """Half the interval of the p-quantile of kill to MMF_OOM_SKIP over its value; None while it is refused."""
    found = sample.quantile("skip", p)
    if isinstance(found, Refused):
        return None
    return (found.high - found.low) / 2 / found.value if found.value else 0.0


def per_chunk(study: Study, total: int) -> int:
    """Replications of a chunk: the same for any number of workers, because a stop rule looks after each chunk."""
    return min(max(total // CHUNKS, 1), MAX_CHUNK_KILLS // study.kept_kills)


def indexed_chunk(study: Study, chunk: int, *, total: int) -> Counts:
    """Chunk number `chunk` of a study of `total` replications: of all worlds when the study has heavy victims."""
    size = per_chunk(study, total)
    run_some = run_chunk if study.heavy is None else run_worlds
    return run_some(study, chunk * size, min(size, total - chunk * size))


def as_it_is(counts: Counts, confidence: float) -> Sample:
    """The study's kills as they are, whether other worlds were counted beside them or not."""
    return Sample(counts if "sums" in counts else world_of(counts, WORLDS[0]), confidence)


def collect(study: Study, effort: Effort, on_progress: Callable[[Progress], None] | None = None) -> Counts:
    """The counts of a study: of run_worlds when it has heavy victims, else of run_chunk. Raises as chunks.run does."""
    total = n_replications(study, effort.kills)

    def narrow(counts: Counts) -> bool:
        found = half_width(as_it_is(counts, effort.confidence), effort.target)
        return found is not None and found <= effort.precision

    return run(
        partial(indexed_chunk, total=total), study, -(-total // per_chunk(study, total)), effort.workers,
        effort.backend, effort.cluster, effort.ledger, on_progress, narrow if effort.precision else None,
    )  # fmt: skip

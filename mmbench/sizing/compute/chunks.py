"""A study in chunks: many workers, one answer.

A chunk is a pure function of the study and the chunk's index, and its int64 arrays merge by addition. Hence the result
is the same to the last bit for any number of workers, for threads, processes and dask, and after a worker was killed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.errors import CannotError, InputError
from mmbench.sizing.compute.interrupts import Interrupts
from mmbench.sizing.compute.ledger import Ledger
from mmbench.sizing.compute.pools import BACKENDS, WorkerLostError
from mmbench.sizing.compute.work import Pool, Work

if TYPE_CHECKING:
    from os import PathLike

Counts = dict[str, np.ndarray]
MAX_WORKERS = 1024
CHUNKS_AHEAD = 4  # per worker, of the first unfinished chunk: bounds what waits in memory for its turn
MAX_LOST = 4  # times that a chunk may lose its worker


@dataclass(frozen=True)
class Progress:
    """How far a study is. counts: chunks 0 .. n_merged - 1, merged; n_measured of n_done are not from the ledger."""

    counts: Counts
    n_merged: int
    n_done: int
    n_measured: int
    n_chunks: int
    seconds: float

    def per_second(self, n_events: int) -> float:
        """Events per second of this run, when `counts` has n_events of them."""
        return n_events / self.n_merged * self.n_measured / self.seconds if self.n_merged and self.seconds else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds until all chunks are done, at the speed so far; a stop rule may end it sooner. None: not known."""
        return self.seconds / self.n_measured * (self.n_chunks - self.n_done) if self.n_measured else None


class Interrupted(KeyboardInterrupt):
    """Ctrl-C. counts: what was merged until then, None when nothing was; the ledger, if there is one, has all."""

    def __init__(self, counts: Counts | None, n_merged: int, n_done: int, n_chunks: int) -> None:
        super().__init__(f"stopped after {n_done} of {n_chunks} chunks")
        self.counts, self.n_merged, self.n_done, self.n_chunks = counts, n_merged, n_done, n_chunks


def run(
    chunk_function: Callable[[Any, int], Counts],
    study: Any,
    n_chunks: int,
    workers: int = 1,
    backend: str = "threads",
    cluster: str | None = None,
    ledger: str | PathLike[str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    stop: Callable[[Counts], bool] | None = None,
) -> Counts:
    """The sum of chunk_function(study, 0 .. n_chunks - 1), int64 arrays by name.

    chunk_function: a top-level function (or functools.partial of one) that can be pickled
    backend: threads, processes or dask; cluster: address of a dask scheduler (implies dask), None a local one
    ledger: a folder that keeps finished chunks; a study that finds its own there computes only the rest
    stop: asked after every chunk, in order of index, about the sum so far; at the first True the rest is left out,
    so the answer is that of one worker

    Raises InputError for bad arguments and a ledger of another study; CannotError for a missing or silent cluster and
    when a chunk loses its worker MAX_LOST times; Interrupted for Ctrl-C, once the chunks that were begun are kept.
    """
    if not 1 <= workers <= MAX_WORKERS:
        raise InputError(f"{workers} workers: allowed are 1 to {MAX_WORKERS}.")
    if n_chunks < 1:
        raise InputError(f"{n_chunks} chunks: allowed are 1 and more.")
    if backend not in BACKENDS:
        raise InputError(f"unknown backend {backend!r}. Allowed: {', '.join(BACKENDS)}.")
    work = Work(chunk_function, study)
    kept = Ledger.open(Path(ledger), work) if ledger is not None else None
    state = _Run(n_chunks, kept, stop, on_progress)
    pool_of = BACKENDS["dask" if cluster is not None else backend]
    try:
        with Interrupts() as interrupts:
            _finish(state, lambda: pool_of(work, workers, cluster), interrupts)
    except KeyboardInterrupt:
        raise Interrupted(state.counts, state.n_merged, state.n_done, state.n_chunks) from None
    assert state.counts is not None
    return state.counts


def merge(total: Counts | None, counts: Counts) -> Counts:
    """The sum of two chunks' counts, as new arrays. Raises TypeError unless they are int64 arrays of the same names."""
    for name, array in counts.items():
        if getattr(array, "dtype", None) != np.int64:
            raise TypeError(f"a chunk returned {name!r} that is no int64 array")
    if total is None:
        return {name: array.copy() for name, array in counts.items()}
    if total.keys() != counts.keys():
        raise TypeError(f"chunks returned different arrays: {sorted(total)} and {sorted(counts)}")
    return {name: total[name] + counts[name] for name in total}


@dataclass
class _Run:
    """What is done: `counts` is the sum of the first n_merged chunks, `held` are later ones waiting for their turn."""

    n_chunks: int
    ledger: Ledger | None
    stop: Callable[[Counts], bool] | None
    on_progress: Callable[[Progress], None] | None
    counts: Counts | None = None
    n_merged: int = 0
    n_measured: int = 0
    stopped: bool = False
    held: dict[int, Counts] = field(default_factory=dict)
    start: float = field(default_factory=monotonic)

    @property
    def finished(self) -> bool:
        return self.stopped or self.n_merged == self.n_chunks

    @property
    def n_done(self) -> int:
        return self.n_merged + len(self.held)

    def recall(self, chunk: int) -> bool:
        """Is the chunk done, or in the ledger?"""
        if chunk < self.n_merged or chunk in self.held:
            return True
        found = self.ledger.read(chunk) if self.ledger else None
        if found is not None:
            self.held[chunk] = found
            self.merge_prefix()
        return found is not None

    def keep(self, chunk: int, counts: Counts) -> None:
        """Take a chunk that was computed now."""
        if self.ledger:
            self.ledger.write(chunk, counts)
        self.held[chunk] = counts
        self.n_measured += 1
        self.merge_prefix()

    def merge_prefix(self) -> None:
        """Merge held chunks whose turn it is, until the stop rule says enough."""
        while self.n_merged in self.held and not self.stopped:
            self.counts = merge(self.counts, self.held.pop(self.n_merged))
            self.n_merged += 1
            self.stopped = self.stop is not None and self.stop(self.counts)
        if self.on_progress and self.counts is not None:
            seconds = monotonic() - self.start
            self.on_progress(Progress(self.counts, self.n_merged, self.n_done, self.n_measured, self.n_chunks, seconds))


def _finish(state: _Run, open_pool: Callable[[], AbstractContextManager[Pool]], interrupts: Interrupts) -> None:
    """Compute what is missing, with a new pool whenever one was lost."""
    n_lost: dict[int, int] = {}
    while not state.finished and _first_missing(state) is not None:
        with open_pool() as pool:
            lost = _fill(state, pool, interrupts)
        for chunk in lost:
            n_lost[chunk] = n_lost.get(chunk, 0) + 1
            if n_lost[chunk] == MAX_LOST:
                raise CannotError(
                    f"chunk {chunk} lost its worker {MAX_LOST} times: killed, perhaps for want of memory. "
                    f"Use fewer workers, or threads{' (finished chunks are kept)' if state.ledger else ''}."
                )


def _first_missing(state: _Run) -> int | None:
    """The first chunk that must be computed; None when none is left."""
    while not state.finished and state.recall(state.n_merged):
        pass
    return None if state.finished else state.n_merged


def _fill(state: _Run, pool: Pool, interrupts: Interrupts) -> set[int]:
    """Compute chunks until all are done, and return those that lost their worker, empty when none did.

    Ctrl-C and errors wait for chunks that were begun, and keep them.
    """
    pending: dict[Future[Counts], int] = {}
    following, lost = state.n_merged, set[int]()
    try:
        while not state.finished and not lost:
            alone = pool.first_alone and not state.n_measured
            end = min(state.n_chunks, state.n_merged + (1 if alone else CHUNKS_AHEAD * pool.workers))
            while following < end and not state.finished:
                if not state.recall(following):
                    pending[pool.submit(following)] = following
                following += 1
            if pending and not state.finished:
                done = interrupts.wait(lambda: wait(pending, return_when=FIRST_COMPLETED)).done
                lost = _collect(state, pending, done)
    except WorkerLostError:
        lost.add(following)
    finally:
        unwanted = {future for future in pending if future.cancel()}
        for future in unwanted:
            del pending[future]
        lost |= _collect(state, pending, wait(pending).done)
    return lost


def _collect(state: _Run, pending: dict[Future[Counts], int], done: set[Future[Counts]]) -> set[int]:
    """Keep the results of finished futures; return the chunks that lost their worker, or their cluster."""
    lost = set()
    for future in sorted(done, key=pending.__getitem__):
        chunk = pending.pop(future)
        try:
            state.keep(chunk, future.result())
        except (WorkerLostError, CancelledError):
            lost.add(chunk)
    return lost

"""What a worker needs to compute chunks: the work itself, and how it is brought to a worker once."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmbench.sizing.compute.interrupts import without_interrupts

Counts = dict[str, np.ndarray]
_taken: dict[str, Work] = {}  # in a worker process: the work of every study that it takes part in


@dataclass(frozen=True)
class Work:
    """What every chunk is computed from; sent to each worker once."""

    chunk_function: Callable[[Any, int], Counts]
    study: Any

    def __call__(self, chunk: int) -> Counts:
        """Compute a chunk."""
        return self.chunk_function(self.study, chunk)


@dataclass(frozen=True)
class Pool:
    """Workers behind an executor; `compute` is called with a chunk's index.

    first_alone: one chunk is to be done before others begin, so that its compiled code is in the cache for all
    """

    executor: Executor
    compute: Callable[[int], Counts]
    workers: int
    first_alone: bool

    def submit(self, chunk: int) -> Future[Counts]:
        """Begin a chunk when a worker is free. Raises WorkerLostError."""
        with without_interrupts():
            return self.executor.submit(self.compute, chunk)


def limit_threads() -> None:
    """A worker is one of many, so numba needs one thread there; it asks when it is imported."""
    os.environ["NUMBA_NUM_THREADS"] = "1"


def take_work(key: str, pickled: bytes) -> None:
    """Make a study's work ready for `compute`. Unpickling it may import numba."""
    _taken[key] = pickle.loads(pickled)


def drop_work(key: str) -> None:
    """Forget a study's work."""
    _taken.pop(key, None)


def compute(key: str, chunk: int) -> Counts:
    """Compute a chunk of work that this worker process took."""
    return _taken[key](chunk)

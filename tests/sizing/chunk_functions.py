"""Chunk functions that tests send to workers: processes import them from here."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Study:
    """Draws of a seed, counted; folder: where chunks leave a mark each time that they run; victim: who is killed."""

    seed: int = 1
    n_draws: int = 300
    folder: Path | None = None
    victim: int = -1
    always: bool = False
    seconds: float = 0.0
    name: str = "draws"


def count_draws(study: Study, chunk: int) -> dict[str, np.ndarray]:
    """How often each of 16 outcomes comes up in this chunk's draws."""
    counts = np.zeros(16, dtype=np.int64)
    for k in range(study.n_draws):
        counts[hashlib.sha256(f"{study.seed} {chunk} {k}".encode()).digest()[0] % 16] += 1
    time.sleep(study.seconds)
    if study.folder:
        mark(study.folder, chunk)
    return {"outcomes": counts, "draws": np.array([study.n_draws], dtype=np.int64)}


def kill_once(study: Study, chunk: int) -> dict[str, np.ndarray]:
    """As count_draws, but the first worker (or every one) that gets the victim's chunk is killed in the middle."""
    assert study.folder
    marker = study.folder / "killed"
    if chunk == study.victim and (study.always or not marker.exists()):
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return count_draws(study, chunk)


def fail_at_three(study: Study, chunk: int) -> dict[str, np.ndarray]:
    """As count_draws, but chunk 3 raises."""
    if chunk == 3:
        raise ZeroDivisionError("chunk 3")
    return count_draws(study, chunk)


def worker_facts(study: Study, chunk: int) -> dict[str, np.ndarray]:
    """Which process computes, how many threads numba has there, and whether Ctrl-C is blocked or ignored."""
    import numba

    blocked = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    blocked |= signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    time.sleep(study.seconds)
    pid = os.getpid() if chunk == 0 else 0
    facts = {"pid": pid, "threads": numba.config.NUMBA_NUM_THREADS, "blocked": blocked}
    return {name: np.array([fact], dtype=np.int64) for name, fact in facts.items()}


def mark(folder: Path, chunk: int) -> None:
    """One byte more in the chunk's file for every run."""
    with open(folder / f"ran-{chunk}", "ab") as stream:
        stream.write(b"x")


def runs(folder: Path, n_chunks: int) -> list[int]:
    """How often each chunk ran."""
    return [(folder / f"ran-{k}").stat().st_size if (folder / f"ran-{k}").exists() else 0 for k in range(n_chunks)]

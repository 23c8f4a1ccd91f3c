"""Spin's compiled search of v6.18, written by hand in Promela at the size of the checker's scope `default`."""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

MODEL = Path(__file__).with_name("v6_18.pml")
FLAGS = ("-O2", "-DSAFETY", "-DNOREDUCE")  # no partial-order reduction: transitions are compared, not what is spared
DEPTH, HASH_BITS = 100_000, 22
PATIENCE_S = 300


class CannotSpinError(Exception):
    """Spin or gcc is missing, or fails; the message says which."""


class Searched(NamedTuple):
    """One search: CPU seconds, the verdict, states stored and transitions taken."""

    seconds: float
    verdict: str
    states: int
    transitions: int


class Spin:
    """The compiled search of a model. Raises CannotSpinError."""

    def __init__(self, folder: Path, model: Path = MODEL) -> None:
        for tool in ("spin", "gcc"):
            if shutil.which(tool) is None:
                raise CannotSpinError(f"{tool} is not installed (apt install {tool})")
        self.pan = folder / "pan"
        self.run(["spin", "-a", str(model)], folder)
        self.run(["gcc", *FLAGS, "-w", "-o", str(self.pan), "pan.c"], folder)
        self.version = self.run(["spin", "-V"], folder).strip()

    @staticmethod
    def run(command: list[str], folder: Path) -> str:
        """What a command prints. Raises CannotSpinError."""
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        except subprocess.TimeoutExpired:
            raise CannotSpinError(f"{command[0]} takes more than {PATIENCE_S} s") from None
        if done.returncode:
            raise CannotSpinError(f"{command[0]} fails: {(done.stderr or done.stdout).strip()[:200]}")
        return done.stdout

    def search(self) -> Searched:
        """Search once."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        out = self.run([str(self.pan), f"-m{DEPTH}", f"-w{HASH_BITS}"], self.pan.parent)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = [re.search(what, out) for what in (r"errors: (\d+)", r"(\d+) states, stored", r"(\d+) transitions")]
        if "max search depth too small" in out or not all(found):
            raise CannotSpinError(f"pan did not finish: {out.strip()[:200]}")
        errors, states, transitions = (int(m[1]) for m in found if m)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Searched(seconds, "fails" if errors else "safe", states, transitions)

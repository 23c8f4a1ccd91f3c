"""How long until mmbench answers? Imports, --help, and the first compile of the kernels; wall-clock time.

Two runs of the same code differ by a fifth here: nothing is gated on these.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

FIRST_RUN = ("run", "v6.18", "--size", "4MiB", "--format", "json")


def mmbench(*args: str, cache: str | None = None) -> str:
    """What a command prints, in a process of its own. Raises AssertionError when it fails."""
    environment = os.environ | ({"MMBENCH_CACHE_DIR": cache} if cache else {})
    command = [sys.executable, "-m", "mmbench", *args]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise AssertionError(f"mmbench {' '.join(args)}: {done.stderr}")
    return done.stdout


class Start:
    """Processes from their start to their end."""

    version = "1"
    timeout = 300
    params = ()
    param_names = ()
    number = 1
    warmup_time = 0.0

    def time_help(self) -> None:
        """`mmbench --help`."""
        if "compare" not in mmbench("--help"):
            raise AssertionError("--help does not name its verbs")

    def time_import(self) -> None:
        """Import of everything that a run needs, compiled code included where it is in the cache."""
        done = subprocess.run([sys.executable, "-c", "import mmbench.engine, mmbench.strategies"], check=False)
        if done.returncode:
            raise AssertionError("the import failed")

    time_help.unit = time_import.unit = "seconds"  # type: ignore[attr-defined]


class Compile:
    """With an empty code cache."""

    version = "1"
    timeout = 300
    params = ()
    param_names = ()
    number, repeat, rounds, warmup_time = 1, 1, 1, 0.0

    def time_first_run(self) -> None:
        """The first `mmbench run` ever: it compiles the whole engine."""
        with tempfile.TemporaryDirectory() as cache:
            (record,) = json.loads(mmbench(*FIRST_RUN, cache=cache))
        if record["resident_pages"] != 1024:
            raise AssertionError(f"{record['resident_pages']} pages")

    time_first_run.unit = "seconds"  # type: ignore[attr-defined]

"""Run strategies for a verb: memory checked first, progress shown when it takes time, records returned."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mmbench.errors import InputError

if TYPE_CHECKING:
    from mmbench.cli.inputs import Inputs
    from mmbench.strategies import Loaded
    from mmbench.victims import Victim

HEADROOM = 0.9  # of the available memory


def available_bytes() -> int | None:
    """MemAvailable, or None where /proc does not tell."""
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def check_fits(victim: Victim, copies: int) -> None:
    """Raise InputError when `copies` of the victim's world do not fit into the available memory."""
    from mmbench.engine.setup import MAX_TASKS_OF_A_RUN
    from mmbench.model.build import model_bytes
    from mmbench.victims import format_size

    needed = copies * model_bytes(victim.vmas, MAX_TASKS_OF_A_RUN)
    free = available_bytes()
    if free is not None and needed > HEADROOM * free:
        raise InputError(
            f"victim {victim.name!r} needs {format_size(needed)} of memory, {format_size(free)} are available: "
            "choose a smaller --size, or compare fewer strategies at a time."
        )


@contextmanager
def compiling() -> Iterator[None]:
    """Say that the first run on a machine compiles, when it does and somebody is watching."""
    from mmbench.accelerate import CACHE_FOLDER, JIT_DISABLED

    first = not JIT_DISABLED and not any(CACHE_FOLDER.rglob("*.nbi"))
    if first and sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True).status("compiling the kernels, once per version: about 20 s"):
            yield
    else:
        yield


def run_all(inputs: Inputs, loaded: list[Loaded]) -> list[dict[str, Any]]:
    """Run the strategies one after another on the same victim and return their records, in order."""
    return run_sweep([inputs], loaded)


def run_sweep(sweep: list[Inputs], loaded: list[Loaded]) -> list[dict[str, Any]]:
    """Run the strategies on one victim after another and return their records, victim by victim."""
    from mmbench.cost.table import load_table
    from mmbench.records.token import make_token

    jobs = [(inputs, one) for inputs in sweep for one in loaded]
    prepared: Any = None
    records: list[dict[str, Any]] = []
    with compiling():
        from mmbench.engine import prepare, run_prepared

        for k, (inputs, one) in enumerate(progress(jobs)):
            if k % len(loaded) == 0:
                prepared = None  # two victims at a time may not fit
                scenario, costs, victim = inputs.make_scenario(), load_table(inputs.costs), inputs.make_victim()
                check_fits(victim, copies=1 if len(loaded) == 1 else 2)
                prepared = prepare(victim.vmas, reuse=len(loaded) > 1)
            record = run_prepared(prepared, one, scenario, costs, victim=victim.name, seed=inputs.seed)
            records.append(record | {"token": make_token(one.spec, inputs)})
    return records


def progress(jobs: list[tuple[Inputs, Loaded]]) -> Iterator[tuple[Inputs, Loaded]]:
    """Iterate with a progress bar that shows itself only when the whole takes more than two seconds."""
    if len(jobs) < 2 or not sys.stderr.isatty():
        yield from jobs
        return
    from time import monotonic

    from rich.console import Console
    from rich.progress import Progress

    start = monotonic()
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("runs", total=len(jobs), visible=False)
        for done, job in enumerate(jobs):
            slow = done and (monotonic() - start) / done * len(jobs) > 2
            bar.update(task, completed=done, description=job[1].name, visible=bool(slow))
            yield job

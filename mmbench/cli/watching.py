"""A terminal that watches: bars and a spinner on stderr while a question is worked on, nothing where nobody looks."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from mmbench.ask.watch import NOBODY, Watch
from mmbench.codecache import CacheWarning, before_compiling

if TYPE_CHECKING:
    from mmbench.sizing.compute.chunks import Progress
    from mmbench.sizing.estimate import Effort

SLOW_S = 2.0


def watching() -> Watch:
    """The terminal, if stderr is one."""
    return Terminal() if sys.stderr.isatty() else NOBODY


@contextmanager
def telling() -> Iterator[None]:
    """While a verb runs: a terminal is told that a first run compiles, and a warning of the cache is a sentence."""
    plain = warnings.showwarning

    def compiles(_: str) -> None:
        before_compiling.remove(compiles)
        print("mmbench: compiling for this machine, once per version: up to a minute", file=sys.stderr)

    def show(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, CacheWarning):
            print(f"mmbench: {message}", file=sys.stderr)
        else:
            plain(message, category, *where, **more)

    if sys.stderr.isatty():
        before_compiling.append(compiles)
    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = plain
        before_compiling.clear()


class Terminal(Watch):
    """Progress on a terminal."""

    def runs(self, names: list[str]) -> Iterator[None]:
        """A bar that shows itself only when the whole takes more than two seconds."""
        if len(names) < 2:
            yield from super().runs(names)
            return
        from rich.console import Console
        from rich.progress import Progress

        start = monotonic()
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("runs", total=len(names), visible=False)
            for done, name in enumerate(names):
                slow = done and (monotonic() - start) / done * len(names) > SLOW_S
                bar.update(task, completed=done, description=name, visible=bool(slow))
                yield None

    @contextmanager
    def ticking(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """A bar of so many ticks."""
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda: bar.advance(task)

    @contextmanager
    def counting(self, name: str, effort: Effort) -> Iterator[Callable[[Progress], None] | None]:
        """A bar with kills/s, half-width and time left."""
        from rich.console import Console
        from rich.progress import Progress as Bar
        from rich.progress import TextColumn, TimeRemainingColumn

        from mmbench.sizing.estimate import half_width
        from mmbench.sizing.sample import Sample

        columns = (*Bar.get_default_columns()[:3], TimeRemainingColumn(), TextColumn("{task.fields[more]}"))
        with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(name, total=None, more="")

            def show(done: Progress) -> None:
                sample = Sample(done.counts, effort.confidence)
                width = half_width(sample, effort.target)
                more = f"{done.per_second(sample.n) / 1e6:.1f} M kills/s" + (f", +-{width:.1%}" if width else "")
                bar.update(task, total=done.n_chunks, completed=done.n_done, more=more)

            yield show

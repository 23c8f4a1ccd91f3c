"""Who watches a question being worked on: nobody here; a terminal in `cli.watching`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmbench.sizing.compute.chunks import Progress
    from mmbench.sizing.estimate import Effort


class Watch:
    """Nobody watches. Whoever does overrides what it wants to be told; no answer depends on it."""

    def runs(self, names: list[str]) -> Iterator[None]:
        """One step before each of the runs, whose strategies are `names`."""
        for _ in names:
            yield None

    def ticking(self, what: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        """`total` steps of something, one call for each that is done."""
        return _deaf()

    def counting(self, name: str, effort: Effort) -> AbstractContextManager[Callable[[Progress], None] | None]:
        """Kills of a study: called after each chunk, with the counts so far; None spares making them."""
        return _none()

    def measuring(self, what: str) -> AbstractContextManager[Callable[[int, int, float], None]]:
        """Victims of a measurement: done, total, seconds left."""
        return _unseen()


@contextmanager
def _deaf() -> Iterator[Callable[[], None]]:
    yield lambda: None


@contextmanager
def _none() -> Iterator[None]:
    yield None


@contextmanager
def _unseen() -> Iterator[Callable[[int, int, float], None]]:
    yield lambda done, total, left_s: None


NOBODY = Watch()

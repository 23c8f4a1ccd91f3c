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


@contextmanager
def _deaf() -> Iterator[Callable[[], None]]:
    yield lambda: None


@contextmanager
def _none() -> Iterator[None]:
    yield None


NOBODY = Watch()

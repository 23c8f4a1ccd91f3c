"""Ctrl-C at the right moment: while we wait for chunks, never in the middle of keeping one, and never in a worker."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Interrupts:
    """Within the context a first Ctrl-C raises KeyboardInterrupt in the next `wait` only; a second one at once."""

    def __init__(self) -> None:
        self.n_asked, self.waiting = 0, False
        self.before: Any = None

    def __enter__(self) -> Interrupts:
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self.before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *why: object) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)
            if self.n_asked and why[0] is None:
                raise KeyboardInterrupt  # it came after the last wait: the caller's, not ours

    def wait(self, wait: Callable[[], Any]) -> Any:
        """What `wait` returns. Raises KeyboardInterrupt for a Ctrl-C before or meanwhile."""
        self.waiting = True
        try:
            if self.n_asked:
                raise KeyboardInterrupt
            return wait()
        finally:
            self.waiting = False

    def _handle(self, number: int, frame: Any) -> None:
        self.n_asked += 1
        if self.waiting or self.n_asked > 1:
            raise KeyboardInterrupt


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Block SIGINT here and in processes started meanwhile: Ctrl-C at the terminal reaches them all, and is for us."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

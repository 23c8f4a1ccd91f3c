"""Somebody else who maps a victim's pages: its child, forked when the memory is built, alive when the victim is gone.

Pages that both map are freed with the second unmap only. It ends when whoever made the victim closes a pipe, or dies.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress

from mmbench.live import libc

END_TIMEOUT_S = 20.0
POLL_S = 0.005


class Sharer:
    """A child of the victim's, from :meth:`fork`, which the victim calls, to :meth:`end`, which its maker calls."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.pid = 0

    def fork(self, write_file: Callable[[str, str], None]) -> int:
        """Return the process that maps all that the caller maps; no OOM killer takes it."""
        pid = os.fork()
        if pid == 0:
            try:
                libc.set_name("mmbench-sharer")
                write_file("/proc/self/oom_score_adj", "-1000")
                os.read(self.reader, 1)
            finally:
                os._exit(0)
        os.close(self.reader)
        return pid

    def end(self) -> None:
        """Let it end, and wait until it is gone; harmless when done before."""
        if self.writer < 0:
            return
        os.close(self.writer)
        os.close(self.reader)
        self.writer = -1
        with suppress(ChildProcessError):  # a first process inherits it; anywhere else it is somebody else's child
            while self.pid and os.waitpid(self.pid, 0)[0] != self.pid:
                pass
            return
        deadline = time.monotonic() + END_TIMEOUT_S
        with suppress(ProcessLookupError):
            while time.monotonic() < deadline:
                os.kill(self.pid, 0)
                time.sleep(POLL_S)

"""A small process that outlives its maker only to clean up: even SIGKILL leaves no cgroup and no trace instance.

It is forked before anything is made, waits for the end of a pipe whose other end only its maker holds, then removes
what it was told of, and ends. The normal way out goes through it too, so that the clean-up is exercised by every run.
"""

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

from mmbench.live import libc
from mmbench.live.victim import close_all_but

CLEAN_UP_TIMEOUT_S = 90


class Guardian(AbstractContextManager["Guardian"]):
    """Runs ``clean_up`` in another process when the ``with`` block ends or this process dies, whichever way.

    ``keep_fds`` are descriptors that ``clean_up`` needs; ``clean_up`` must tolerate that nothing was made yet.
    """

    def __init__(self, clean_up: Callable[[], None], keep_fds: tuple[int, ...] = ()) -> None:
        reader, self.writer = os.pipe()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _guard(reader, clean_up, keep_fds)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
        os.close(reader)

    def __exit__(self, *_: object) -> None:
        os.close(self.writer)
        os.waitpid(self.pid, 0)


def _guard(reader: int, clean_up: Callable[[], None], keep_fds: tuple[int, ...]) -> None:
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        null = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(null, standard)  # whoever reads our maker's output must not wait for us
        close_all_but(reader, *keep_fds)
        libc.set_name("mmbench-guard")
        with suppress(OSError):
            while os.read(reader, 1):
                pass
        signal.alarm(CLEAN_UP_TIMEOUT_S)
        clean_up()
    finally:
        os._exit(0)

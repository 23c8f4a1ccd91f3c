"""Somebody who maps a victim's pages, too: alive when the victim is gone, gone when its maker says so."""

import os
import time

import pytest

from mmbench.live.sharer import Sharer


def test_a_sharer_outlives_the_victim_and_ends_with_its_maker_s_word() -> None:
    sharer, written = Sharer(), []
    reader, writer = os.pipe()
    victim = os.fork()
    if victim == 0:
        os.close(sharer.writer)
        pid = sharer.fork(lambda path, text: written.append(path))
        os.write(writer, str(pid).encode())
        os._exit(0)
    sharer.pid = int(os.read(reader, 20))
    os.waitpid(victim, 0)
    os.kill(sharer.pid, 0)  # it is there
    sharer.end()
    sharer.end()
    deadline = time.monotonic() + 20
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(sharer.pid, 0)
            time.sleep(0.01)
    os.close(reader)
    os.close(writer)

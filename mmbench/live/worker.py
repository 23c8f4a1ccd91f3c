"""The measuring interpreter's main: reads one job, runs it, writes messages, and dies with its caller."""

import gc
import json
import os
import signal
import sys
from collections.abc import Generator
from contextlib import closing

from mmbench.errors import MmbenchError
from mmbench.live import libc
from mmbench.live.session import Message


def main(caller_pid: int) -> None:
    """Run the job on stdin and end; the exit status is 0 whenever a "done" or "error" message was written."""
    libc.die_with_parent()
    if os.getppid() != caller_pid:
        return
    signal.signal(signal.SIGTERM, _end_in_order)
    job = json.loads(sys.stdin.buffer.read())
    try:
        # an orderly end must unwind the job, not leave it to the interpreter's exit
        with closing(_run(job)) as messages:
            for message in messages:
                _say(message)
    except MmbenchError as error:
        _say({"error": str(error), "kind": type(error).__name__})
    else:
        _say({"done": True})


def _end_in_order(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: the clean-up must not be interrupted
    raise SystemExit(0)


def _run(job: Message) -> Generator[Message, None, None]:
    task = job.pop("task")
    gc.collect()
    gc.freeze()  # a collection in a forked victim would copy pages, and time
    gc.disable()
    if task == "samples":
        from mmbench.live.sampling import take_samples

        yield from take_samples(**job)
    elif task == "oom":
        from mmbench.live.oom import kill_in_own_cgroup

        yield from kill_in_own_cgroup(**job)
    else:
        from mmbench.live.doctor import examine

        yield from examine()


def _say(message: Message) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()

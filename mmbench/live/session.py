"""One fresh, small interpreter that measures: victims forked from it carry neither numba nor the caller's heap.

The caller sends a job as JSON and gets messages back, one JSON line each. The child dies with its caller, and takes its
victims along; Ctrl-C and SIGTERM reach it as an orderly end.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmbench.errors import CannotError, InputError

Message = dict[str, Any]  # a job, or a line of its output: JSON between this process and the one that measures
ORDERLY_END_S = 30.0
_SOURCES = str(Path(__file__).resolve().parents[2])
_START = "import sys; sys.path.insert(0, sys.argv[1]); from mmbench.live.worker import main; main(int(sys.argv[2]))"


def call(job: Message) -> Generator[Message, None, None]:
    """Run a job in a fresh interpreter and yield its messages; closing the iterator ends everything the job started.

    Call it from the main thread: the child dies with the *thread* that started it. Raises what the job raised
    (CannotError, InputError), and CannotError when the interpreter ended without saying why.
    """
    command = [sys.executable, "-I", "-S", "-c", _START, _SOURCES, str(os.getpid())]
    with tempfile.TemporaryFile() as complaints:
        # an own session: Ctrl-C reaches only the caller, who ends the job in order
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, start_new_session=True
        )
        try:
            yield from _messages(process, job)
        except _EndedEarly:
            process.wait()
            raise CannotError(_ended_early(process.returncode, complaints)) from None
        finally:
            _end(process)


class _EndedEarly(Exception):
    """The output stopped before the job said that it was done."""


def _messages(process: subprocess.Popen[bytes], job: Message) -> Iterator[Message]:
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(json.dumps(job).encode())
        process.stdin.close()
    except BrokenPipeError:
        raise _EndedEarly from None
    for line in process.stdout:
        message = json.loads(line)
        if "done" in message:
            return
        if "error" in message:
            kind = InputError if message["kind"] == "InputError" else CannotError
            raise kind(message["error"])
        yield message
    raise _EndedEarly


def _ended_early(status: int, complaints: Any) -> str:
    complaints.seek(0)
    lines = complaints.read().decode(errors="replace").strip().splitlines()
    how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
    return (
        f"the measuring process ended {how}{': ' + lines[-1] if lines else ''}. "
        "See dmesg for an OOM kill, and try a smaller --max-memory."
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask for an orderly end, insist after a while, and wait."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(ORDERLY_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):  # it ended before it had read its job
                pipe.close()

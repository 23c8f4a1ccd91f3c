"""The process that pushes the victim's cgroup over its limit: it fills a memory file and says when it has it."""

import json
import os
import select
import signal
import time
from contextlib import AbstractContextManager, suppress
from typing import Any, NoReturn

from mmbench.errors import CannotError
from mmbench.live import libc
from mmbench.live.victim import close_all_but, fork_bound, write_file

TRIGGER_BYTES = 32 << 20
START_TIMEOUT_S = 20.0
OUTCOME_TIMEOUT_S = 10.0


class Trigger(AbstractContextManager["Trigger"]):
    """A child in the cgroup that waits for :meth:`go`, then writes ``n_bytes`` of shared memory and reports.

    cgroup: its directory, or None to stay in the one we are in
    """

    def __init__(self, cgroup: str | None, n_bytes: int = TRIGGER_BYTES) -> None:
        go_reader, self.go_writer = os.pipe()
        self.reader, writer = os.pipe()
        self.pid = fork_bound()
        if self.pid == 0:
            _allocate_when_told(go_reader, writer, cgroup, n_bytes)
        os.close(go_reader)
        os.close(writer)
        ready = self._line(START_TIMEOUT_S)
        if "ready" not in ready:
            self.__exit__()
            raise CannotError(f"the trigger could not enter {cgroup}: {ready.get('error', 'it ended')}.")

    def go(self) -> None:
        """Let it allocate."""
        os.write(self.go_writer, b"g")

    def outcome(self) -> dict[str, Any]:
        """Return {"outcome": "allocated" | "killed" | "refused", "done_ns": when, or None, "error": what}."""
        line = self._line(OUTCOME_TIMEOUT_S)
        if "done_ns" in line:
            return {"outcome": "allocated", "done_ns": line["done_ns"], "error": ""}
        if "error" in line:
            return {"outcome": "refused", "done_ns": None, "error": line["error"]}
        return {"outcome": "killed", "done_ns": None, "error": ""}

    def _line(self, timeout_s: float) -> dict[str, Any]:
        """Read one report; empty when the process ended, CannotError when nothing comes."""
        if not select.select([self.reader], [], [], timeout_s)[0]:
            raise CannotError(
                f"the trigger of the OOM kill said nothing for {timeout_s:.0f} s; it is stuck. See dmesg."
            )
        report = os.read(self.reader, 1024)
        return dict(json.loads(report)) if report else {}

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.go_writer)
        os.close(self.reader)


def _allocate_when_told(go_reader: int, writer: int, cgroup: str | None, n_bytes: int) -> NoReturn:
    try:
        try:
            close_all_but(go_reader, writer)
            libc.set_name("mmbench-trigger")
            if cgroup is not None:
                write_file(f"{cgroup}/cgroup.procs", "0")
            memory_file = os.memfd_create("mmbench-trigger")
            block = bytes(1 << 20)
            os.write(writer, b'{"ready": true}')
            os.read(go_reader, 1)
            for _ in range(n_bytes // len(block)):
                os.write(memory_file, block)
            report: dict[str, Any] = {"done_ns": time.monotonic_ns()}
        except OSError as error:
            report = {"error": error.strerror}
        os.write(writer, json.dumps(report).encode())
        while True:
            signal.pause()
    finally:
        os._exit(1)

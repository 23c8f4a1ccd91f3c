"""The kernel log as it arrives: what the OOM killer and the reaper print, parsed.

Source: mm/oom_kill.c (__oom_kill_process, oom_reap_task_mm, oom_reap_task) of 5.10 to 6.18. The sizes are approximate
(per-CPU counters); exact counts come from pagemap.
"""

import errno
import os
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from mmbench.live.reasons import because
from mmbench.oom_printk import parse_oom_printk

_RECORD = re.compile(r"^\d+,(?P<number>\d+),(?P<us>\d+),[^;]*;(?P<text>.*)$")


@dataclass(frozen=True)
class OomMessage:
    """One line about a kill: kind is "killed", "reaped" or "unable"; sizes in kB as printed, by their printed names.

    ``log_us`` is the log's own clock, which is near CLOCK_MONOTONIC but not the same.
    """

    kind: str
    pid: int
    comm: str
    log_us: int
    sizes_kib: dict[str, int] = field(default_factory=dict)


def parse_record(record: str) -> OomMessage | None:
    """Parse one /dev/kmsg record ("6,1234,5678901,-;text"); None when it says nothing about a kill."""
    match = _RECORD.match(record.split("\n", 1)[0])
    if match is None:
        return None
    said = parse_oom_printk(match["text"])
    if said is None:
        return None
    return OomMessage(said.kind, said.pid, said.comm, int(match["us"]), said.sizes_kib)


class KernelLog(AbstractContextManager["KernelLog"]):
    """Reads /dev/kmsg from now on; CannotError when this account may not."""

    def __init__(self, path: str = "/dev/kmsg") -> None:
        try:
            self.descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            os.lseek(self.descriptor, 0, os.SEEK_END)
        except OSError as error:
            raise because(error, f"reading {path}") from error

    def messages(self) -> list[OomMessage]:
        """Return what was said about kills since the last call; records overwritten before we read them are lost."""
        found: list[OomMessage] = []
        while True:
            try:
                record = os.read(self.descriptor, 8192)
            except BlockingIOError:
                return found
            except OSError as error:
                if error.errno == errno.EPIPE:  # overrun: the next read continues with the oldest record left
                    continue
                raise because(error, "reading the kernel log") from error
            if not record:
                return found
            message = parse_record(record.decode(errors="replace"))
            if message is not None:
                found.append(message)

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

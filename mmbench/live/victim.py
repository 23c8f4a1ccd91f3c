"""A victim alive: a forked child that builds its memory, says so over a pipe, and waits to be killed.

It dies with its parent (PR_SET_PDEATHSIG), is the first that any OOM killer would choose (oom_score_adj 1000), and
cannot map more than it was allowed (RLIMIT_AS). Fork victims from a small process: what the parent has mapped, they
have too. A victim whose pages somebody else maps, too, forks a child of its own (live.sharer).
"""

import json
import os
import resource
import select
import signal
from contextlib import AbstractContextManager, suppress
from typing import NoReturn

from mmbench.errors import CannotError, InputError
from mmbench.live import libc, proc, sharer
from mmbench.live.build import build
from mmbench.live.reasons import because
from mmbench.live.workload import VictimConfig

BUILD_TIMEOUT_S = 180.0
MARGIN_BYTES = 128 << 20  # what building a victim must leave available
ROOM_BYTES = 64 << 20  # address space of the interpreter's own needs while it builds


class Victim(AbstractContextManager["Victim"]):
    """A child whose memory is built, from construction until :meth:`close`, which kills and reaps whatever is left.

    ``start`` is the address of its range, ``pid`` its process, ``pidfd`` a descriptor of it. Raises CannotError when
    the memory is not there to take or a call is not permitted; InputError beyond ``max_memory``.
    """

    def __init__(self, config: VictimConfig, max_memory_bytes: int, cgroup: str | None = None) -> None:
        refuse_too_large(config, max_memory_bytes)
        self.config = config
        self.ended = False
        reader, writer = os.pipe()
        self.sharer = sharer.Sharer() if config.kind == "forked" else None
        self.pid = fork_bound()
        if self.pid == 0:
            _live_and_wait(config, writer, cgroup, self.sharer)
        os.close(writer)
        try:
            self.pidfd = os.pidfd_open(self.pid)
            self.start = self._await_report(reader)
        except BaseException:
            self.close()
            raise
        finally:
            os.close(reader)

    def _await_report(self, reader: int) -> int:
        if not select.select([reader], [], [], BUILD_TIMEOUT_S)[0]:
            raise CannotError(f"building {self.config} took over {BUILD_TIMEOUT_S:.0f} s; try a smaller victim.")
        report = json.loads(os.read(reader, 4096) or b"{}")
        if "start" in report:
            if self.sharer is not None:
                self.sharer.pid = int(report["sharer"])
            return int(report["start"])
        if "errno" in report:
            raise because(OSError(report["errno"], os.strerror(report["errno"]), report["call"]), str(self.config))
        raise CannotError(f"the child that should build {self.config} ended at once: {report.get('error', 'killed')}.")

    def wait(self) -> resource.struct_rusage:
        """Wait until it is gone and return its resource usage, the tear-down of its memory included."""
        while True:
            _, wait_status, usage = os.wait4(self.pid, libc.WAIT_ALL)
            if os.WIFSTOPPED(wait_status):
                libc.ptrace_cont(self.pid)  # a stop at exit that nobody took
                continue
            self.ended = True
            return usage

    def close(self) -> None:
        """Kill and reap it if it still lives, and drop the descriptor; harmless when done before."""
        if not self.ended:
            with suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
                libc.ptrace_cont(self.pid)  # only matters, and only succeeds, when it is held at its exit stop
            self.wait()
        if self.sharer is not None:
            self.sharer.end()
        if hasattr(self, "pidfd"):
            os.close(self.pidfd)
            del self.pidfd

    def __exit__(self, *_: object) -> None:
        self.close()


def refuse_too_large(config: VictimConfig, max_memory_bytes: int) -> None:
    """Refuse a victim larger than asked for, or one that would bring the machine near an OOM of its own."""
    need = config.memory_bytes
    if need > max_memory_bytes:
        raise InputError(
            f"{config} takes {need >> 20} MiB, but {max_memory_bytes >> 20} MiB are allowed; raise --max-memory."
        )
    available = proc.available_bytes()
    if need + MARGIN_BYTES > available:
        raise CannotError(
            f"{config} takes {need >> 20} MiB and only {available >> 20} MiB are available; the machine would go OOM "
            "itself. Lower --max-memory or free memory."
        )


def fork_bound() -> int:
    """Fork a child that dies with the calling thread's process, never outliving it by more than its own tear-down."""
    parent = os.getpid()
    stoppers = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stoppers)  # a child must not run the parent's handlers
    try:
        pid = os.fork()
        if pid == 0:
            libc.die_with_parent()
            if os.getppid() != parent:  # the parent died before the kernel was told
                os._exit(1)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        return pid
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stoppers)


def close_all_but(*keep: int) -> None:
    """Close every descriptor from 3 up except ``keep``: an inherited pipe end would keep others waiting."""
    previous = 2
    for descriptor in [*sorted(keep), 1 << 16]:
        os.closerange(previous + 1, descriptor)
        previous = descriptor


def _live_and_wait(config: VictimConfig, writer: int, cgroup: str | None, shared: sharer.Sharer | None) -> NoReturn:
    """The child's whole life; it must never unwind into the parent's frames, whatever happens."""
    try:
        try:
            report = _enter_and_build(config, writer, cgroup, shared)
        except OSError as error:
            report = {"errno": error.errno or 0, "call": str(error.filename)}
        except Exception as error:
            report = {"error": repr(error)[:1000]}
        os.write(writer, json.dumps(report).encode())
        while "start" in report:
            signal.pause()
    finally:
        os._exit(1)


def _enter_and_build(
    config: VictimConfig, writer: int, cgroup: str | None, shared: sharer.Sharer | None
) -> dict[str, int | str]:
    close_all_but(writer, *([] if shared is None else [shared.reader]))
    libc.set_name("mmbench-victim")
    write_file("/proc/self/oom_score_adj", "1000")
    if cgroup is not None:
        write_file(f"{cgroup}/cgroup.procs", "0")
    limit = proc.status("self")["VmSize"] + config.span_bytes + ROOM_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    start = build(config)
    return {"start": start} if shared is None else {"start": start, "sharer": shared.fork(write_file)}


def write_file(path: str, text: str) -> None:
    """Write a kernel file with one write(2) and let its error through; buffered files hide it until the destructor."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error
    finally:
        os.close(descriptor)

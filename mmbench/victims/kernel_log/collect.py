"""From statements to kills: who was killed when, what the dump before said about it, and how its reaping ended.

Memory is bounded: kills are kept up to MAX_KILLS and counted beyond, open ones up to MAX_OPEN, rows of one task dump.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from mmbench.victims.kernel_log import said as s
from mmbench.victims.kernel_log.daemons import read_daemon
from mmbench.victims.kernel_log.kernel import find_row, read_kernel, read_row, read_trace
from mmbench.victims.kernel_log.prefix import Message, split_prefix
from mmbench.victims.kernel_log.said import Said
from mmbench.victims.kernel_log.timeline import Timeline

MAX_KILLS = 50_000
MAX_OPEN = 4096
MAX_ROWS = 65_536
MAX_SEEN = 65_536
N_EXAMPLES = 5
MAX_EXAMPLE = 200
SAME_KILL_US = 60_000_000  # a daemon that names the same victim again within this time tries again
TRACED_KILL_US = 1_000_000  # mark_victim and "Killed process" of one kill lie within this time


@dataclass(slots=True)
class Reap:
    """How it ended: outcome is said's REAPED, GAVE_UP, SKIPPED, EXITED or DID_NOT_EXIT; sizes in kB, None unknown."""

    outcome: str
    after_us: int | None
    start_us: int | None = None
    sizes_kib: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Kill:
    """One kill as it was read; sizes in kB by the kernel's names, locked_kib an upper bound where the dump gave one."""

    by: str
    pid: int | None
    name: str
    sizes_kib: dict[str, int]
    oom_score_adj: int | None
    locked_bytes: int | None
    release: str
    stretch: int
    time_us: int | None
    mono_us: int | None
    wall_us: int | None
    step_us: int | None
    n_bytes: int | None
    reap: Reap | None = None
    reap_started_us: int | None = None


class Collector:
    """Takes lines in order; `kills` and the counts are complete when the last was given.

    wants_every_line is set while the rows of a task dump may follow.
    """

    def __init__(self) -> None:
        self.kills: list[Kill] = []
        self.axis = Timeline()
        self.n_dropped = self.n_repeated = self.n_strange = self.n_reaps_alone = self.n_give_ups_alone = 0
        self.examples: list[tuple[int, str]] = []
        self.has_mono = self.has_wall = False
        self._open: OrderedDict[tuple[str, int | str], Kill] = OrderedDict()
        self._seen: OrderedDict[tuple[object, ...], None] = OrderedDict()
        self._head = ""
        self._table = ""
        self._rows: dict[int, str] = {}
        self._scope = ""
        self._locked_bytes: int | None = None
        self._release = ""
        self._last_by: dict[str, Kill] = {}
        self._unnamed: list[Kill] = []

    @property
    def wants_every_line(self) -> bool:
        """True while the rows of a task dump may follow."""
        return bool(self._head)

    def take(self, number: int, line: str) -> None:
        """Read one line of the log."""
        traced = read_trace(line) if "pid=" in line or "_reap" in line else None
        if traced is not None:
            self._hear(traced[1], Message(line.strip(), "kernel", traced[0]), number)
            return
        if line.startswith(("-- Boot ", "-- Reboot")):
            self._restart()
            return
        if self._head:
            row = find_row(split_prefix(line).text if line.startswith("{") else line)
            if row is not None:
                if len(self._rows) < MAX_ROWS:
                    self._rows[row[0]] = row[1]
                return
            self._table, self._head = self._head, ""
        message = split_prefix(line)
        if message.program == "other":
            return
        found = read_kernel(message.text) if message.program in ("", "kernel") else None
        if found is None or found.kind == s.STRANGE:
            found = read_daemon(message.program, message.text) or found
        if found is not None:
            self._hear(found, message, number)

    def _hear(self, said: Said, message: Message, number: int) -> None:
        match said.kind:
            case s.KILL:
                self._kill(said, message)
            case s.REAPED | s.GAVE_UP | s.SKIPPED | s.EXITED | s.DID_NOT_EXIT | s.REAP_STARTED:
                self._reap(said, message)
            case s.DUMP:
                self._rows, self._scope, self._locked_bytes = {}, "", None
            case s.TABLE:
                self._head = said.name
            case s.SCOPE:
                self._scope = said.by
            case s.MLOCKED:
                self._locked_bytes = (self._locked_bytes or 0) + (said.n_bytes or 0)
            case s.RELEASE:
                self._name_kernel(said.name, message)
            case s.BOOT:
                self._restart()
                self._release = said.name
            case s.FREEING:
                last = self._last_by.get("lowmemorykiller") or self._last_by.get("lmkd")
                if last is not None and not last.sizes_kib:
                    last.sizes_kib = said.sizes_kib
            case s.STRANGE:
                self.n_strange += 1
                if len(self.examples) < N_EXAMPLES:
                    self.examples.append((number, message.text[:MAX_EXAMPLE]))

    def _name_kernel(self, release: str, message: Message) -> None:
        """Keep the kernel's version, also for the kills of this boot before its first dump."""
        if not self.axis.is_before(message):
            for kill in self._unnamed:
                kill.release = release
        self._unnamed.clear()
        self._release = release

    def _restart(self) -> None:
        self.axis.restart()
        self._open.clear()
        self._unnamed.clear()
        self._rows, self._scope, self._locked_bytes, self._release = {}, "", None, ""

    def _is_repeated(self, said: Said, message: Message) -> bool:
        """True for a line that was read before: kern.log and syslog, or dmesg and the journal, hold the same ones."""
        if message.mono_us is None and message.wall is None:
            return False
        stamp = message.mono_us if message.mono_us is not None else message.wall and message.wall.us
        key = (said.kind, said.by, said.pid, said.name, stamp)
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        return False

    def _kill(self, said: Said, message: Message) -> None:
        if self._is_repeated(said, message):
            self.n_repeated += 1
            return
        by = "memcg" if said.by == "kernel" and self._scope == "memcg" else said.by
        n_boots = self.axis.n_boots
        time_us = self.axis.place(message)
        if self.axis.n_boots != n_boots:
            self._open.clear()
            self._unnamed.clear()
        kill = Kill(
            by=by,
            pid=said.pid,
            name=said.name,
            sizes_kib=said.sizes_kib,
            oom_score_adj=said.oom_score_adj,
            locked_bytes=self._locked_bytes,
            release=self._release,
            stretch=self.axis.stretch,
            time_us=time_us,
            mono_us=message.mono_us,
            wall_us=message.wall.us if message.wall else None,
            step_us=_step_us(message),
            n_bytes=said.n_bytes,
        )
        if by in ("kernel", "memcg"):
            self._add_row(kill)
        self._scope = ""
        key = (_family(by), said.name if said.pid is None else said.pid)
        before = self._open.get(key)
        if before is not None and _is_same(before, kill):
            _merge(before, kill)
            return
        self.has_mono |= message.mono_us is not None
        self.has_wall |= message.wall is not None
        if len(self.kills) < MAX_KILLS:
            self.kills.append(kill)
            if not kill.release:
                self._unnamed.append(kill)
        else:
            self.n_dropped += 1
        self._last_by[by] = self._open[key] = kill
        self._open.move_to_end(key)
        if len(self._open) > MAX_OPEN:
            self._open.popitem(last=False)

    def _add_row(self, kill: Kill) -> None:
        """Add what only the task dump tells: swap, and in old kernels pgtables and oom_score_adj."""
        text = self._rows.get(kill.pid or 0)
        row = read_row(self._table, text) if text else None
        if row is None or row.name[:15] != kill.name[:15]:
            return
        kill.sizes_kib = {name: kib for name, kib in row.sizes_kib.items() if name != "rss"} | kill.sizes_kib
        if kill.oom_score_adj is None:
            kill.oom_score_adj = row.oom_score_adj

    def _reap(self, said: Said, message: Message) -> None:
        if said.pid is None:
            kill = self._last_by.get(said.by)
        else:
            kill = self._open.get((_family(said.by or "kernel"), said.pid))
        if kill is None or (said.name and kill.name and said.name != kill.name):
            if said.kind in (s.REAPED, s.GAVE_UP) and not self._is_repeated(said, message):
                self.n_reaps_alone += 1
                self.n_give_ups_alone += said.kind == s.GAVE_UP
            return
        first = kill.reap is None  # a daemon counts from its last attempt, not from the kill
        after_us = said.after_us if first and said.after_us is not None else _between(kill, message)
        if said.kind == s.REAP_STARTED:
            kill.reap_started_us = after_us
        elif kill.reap is None or kill.reap.outcome in (s.SKIPPED, s.DID_NOT_EXIT):
            kill.reap = Reap(said.kind, after_us, kill.reap_started_us, said.sizes_kib)
        elif said.sizes_kib and not kill.reap.sizes_kib:
            kill.reap.sizes_kib = said.sizes_kib


def _family(by: str) -> str:
    return "kernel" if by in ("kernel", "memcg") else by


def _step_us(message: Message) -> int | None:
    return 1 if message.mono_us is not None else message.wall.step_us if message.wall else None


def _between(kill: Kill, message: Message) -> int | None:
    """Microseconds from the kill to a message about it; None where no clock is common to both, or it went back."""
    if kill.mono_us is not None and message.mono_us is not None:
        passed = message.mono_us - kill.mono_us
    elif kill.wall_us is not None and message.wall is not None:
        passed = message.wall.us - kill.wall_us
    else:
        return None
    return passed if passed >= 0 else None


def _is_same(before: Kill, kill: Kill) -> bool:
    """True when both statements are about one kill: a daemon's next attempt, or its line in trace and log."""
    if before.stretch != kill.stretch or before.time_us is None or kill.time_us is None:
        return False
    passed = abs(kill.time_us - before.time_us)
    if kill.by in ("kernel", "memcg"):
        return passed <= TRACED_KILL_US and before.reap is None
    return passed <= SAME_KILL_US and (before.reap is None or before.reap.outcome != s.EXITED)


def _merge(before: Kill, kill: Kill) -> None:
    before.sizes_kib = kill.sizes_kib | before.sizes_kib
    before.name = before.name or kill.name
    before.by = "memcg" if "memcg" in (before.by, kill.by) else before.by
    if before.oom_score_adj is None:
        before.oom_score_adj = kill.oom_score_adj

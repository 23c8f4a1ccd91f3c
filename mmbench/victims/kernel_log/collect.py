"""From statements to kills: who was killed when, what the dump before said about it, and how its reaping ended.

Memory is bounded: kills are kept up to MAX_KILLS and counted beyond, machines, open kills and rows of a dump likewise.
"""

from __future__ import annotations

from collections import OrderedDict

from mmbench.victims.kernel_log import said as s
from mmbench.victims.kernel_log.daemons import read_daemon
from mmbench.victims.kernel_log.dump import Dump
from mmbench.victims.kernel_log.ends import find_any, find_start
from mmbench.victims.kernel_log.kernel import find_row, read_kernel, read_trace
from mmbench.victims.kernel_log.kills import Kill, Reap, family, is_copy, is_same, merge, print_of, since
from mmbench.victims.kernel_log.machine import Machine
from mmbench.victims.kernel_log.prefix import OTHER, Message
from mmbench.victims.kernel_log.said import Said
from mmbench.victims.kernel_log.timeline import Timeline
from mmbench.victims.kernel_log.wrapped import read_entry, read_line

MAX_KILLS = 50_000
MAX_SEEN = 65_536
MAX_MACHINES = 256
N_EXAMPLES = 5
MAX_EXAMPLE = 200
QUOTES = (s.KILL, s.REAPED, s.GAVE_UP)


class Collector:
    """Takes lines in order; `kills` and the counts are complete when the last was given.

    n_dropped: kills beyond MAX_KILLS; n_repeated: kills that were read twice; n_strange: lines that look like kills or
    reaps and cannot be read, some in `examples`; n_reaps_alone: reaps without their kill, n_give_ups_alone among them;
    n_quoted: lines of other programs that quote one; n_nobody: how often nothing was left to kill; n_boots: restarts;
    wants_every_line: the rows of a task dump may follow
    """

    def __init__(self) -> None:
        self.kills: list[Kill] = []
        self.axis = Timeline()
        self.n_dropped = self.n_repeated = self.n_strange = self.n_reaps_alone = self.n_give_ups_alone = 0
        self.n_quoted = self.n_nobody = self.n_boots = 0
        self.examples: list[tuple[int, str]] = []
        self.has_mono = self.has_wall = False
        self.wants_every_line = False
        self._machines: OrderedDict[str, Machine] = OrderedDict()
        self._prints: OrderedDict[tuple[object, ...], tuple[Kill, int]] = OrderedDict()
        self._seen: OrderedDict[tuple[object, ...], None] = OrderedDict()

    def take(self, number: int, line: str) -> None:
        """Read one line of the log."""
        if self.wants_every_line:
            if self._take_row(line):
                return
            self._wait()
        if line.startswith(("-- Boot ", "-- Reboot")):
            for machine in self._machines.values():
                self._boot(machine)
            return
        traced = read_trace(line) if "pid=" in line or "_reap" in line else None
        if traced is not None:
            self._hear(traced[1], Message(line.strip(), "kernel", traced[0]), number)
        else:
            self._take_all(read_line(line, find_any if self.wants_every_line else find_start), number)

    def take_entry(self, number: int, entry: dict[str, object]) -> None:
        """Read one record of a log that has several lines a record."""
        self._take_all(read_entry(entry, find_any if self.wants_every_line else find_start), number)

    def _take_row(self, line: str) -> bool:
        """Take a plain row of the one task table there is: most lines of a crowded log are such rows."""
        if len(self._machines) > 1 or '"' in line or "\\" in line or "\x1b" in line or "#0" in line:
            return False
        row = find_row(line)
        if row is None:
            return False
        next(iter(self._machines.values())).dump.add_row(row[1], line[row[0] :])
        return True

    def _wait(self) -> None:
        """A line without a row passes; after many, none is expected."""
        for machine in self._machines.values():
            machine.dump.n_idle += 1
        self.wants_every_line = any(machine.dump.wants_rows for machine in self._machines.values())

    def _take_all(self, messages: list[Message], number: int) -> None:
        for message in messages:
            row = find_row(message.text) if message.text.startswith("[") else None
            if row is not None and row[0] == 0:
                self._machine(message.host).dump.add_row(row[1], message.text)
            else:
                self._take(message, number)

    def _take(self, message: Message, number: int) -> None:
        program = "" if message.program == OTHER else message.program
        found = read_kernel(message.text) if program in ("", "kernel") else None
        if found is None or found.kind == s.STRANGE:
            found = read_daemon(program, message.text) or found
        if found is None:
            return
        if not found.is_sane():
            found = Said(s.STRANGE)
        if message.program == OTHER:
            self.n_quoted += found.kind in QUOTES
        else:
            self._hear(found, message, number)

    def _machine(self, host: str) -> Machine:
        """The machine of that name; lines that name none are of the only one there is."""
        named = [name for name in self._machines if name]
        if not host and len(named) == 1:
            host = named[0]
        elif host and not named and "" in self._machines:
            self._machines[host] = self._machines.pop("")
        machine = self._machines.get(host)
        if machine is None:
            machine = self._machines[host] = Machine()
            if len(self._machines) > MAX_MACHINES:
                self.axis.restart(self._machines.popitem(last=False)[1])
        self._machines.move_to_end(host)
        return machine

    def _hear(self, said: Said, message: Message, number: int) -> None:
        machine = self._machine(message.host)
        if said.kind == s.BOOT:
            self._boot(machine)
            machine.name_kernel(said.name)
            return
        if machine.notice(message):
            self.n_boots += 1
            self.axis.restart(machine)
        if said.kind in (s.TABLE, s.SCOPE, s.MLOCKED):
            machine.dump.last = message
        match said.kind:
            case s.KILL:
                self._kill(said, message, machine)
            case s.REAPED | s.GAVE_UP | s.SKIPPED | s.EXITED | s.DID_NOT_EXIT | s.REAP_STARTED:
                self._reap(said, message, machine)
            case s.DUMP:
                machine.dump = Dump()
            case s.ALIEN:
                machine.dump = Dump(is_alien=True)
            case s.TABLE:
                machine.dump.begin_table(said.name)
                self.wants_every_line = True
            case s.SCOPE:
                machine.dump.end(said)
            case s.MLOCKED:
                machine.dump.add_locked(said)
            case s.RELEASE:
                machine.name_kernel(said.name)
            case s.FREEING:
                last = machine.last_by.get("lowmemorykiller") or machine.last_by.get("lmkd")
                if last is not None and not last.sizes_kib:
                    last.sizes_kib = said.sizes_kib
            case s.DRY_RUN:
                self._forget(machine, said.by)
            case s.NOBODY:
                self.n_nobody += 1
                machine.dump = Dump()
            case s.STRANGE:
                self.n_strange += 1
                if len(self.examples) < N_EXAMPLES:
                    self.examples.append((number, message.text[:MAX_EXAMPLE]))

    def _boot(self, machine: Machine) -> None:
        self.n_boots += machine.booted()
        self.axis.restart(machine)

    def _forget(self, machine: Machine, by: str) -> None:
        kill = machine.find(by, None)
        if kill is not None:
            machine.forget(kill)
            self.kills = [one for one in self.kills if one is not kill]

    def _is_seen(self, said: Said, message: Message) -> bool:
        """True for a statement that was read before with the same stamp."""
        stamp = message.wall if message.mono_us is None else message.mono_us
        key = (said.kind, *print_of(said), stamp)
        if stamp is None or key in self._seen:
            return stamp is not None
        self._seen[key] = None
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        return False

    def _copied(self, said: Said, message: Message, machine: Machine) -> Kill | None:
        """The kill that this statement was copied from; None for news."""
        key = print_of(said)
        known = self._prints.get(key) if said.sizes_kib else None
        if known is not None and is_copy(known[0], message, known[1] != machine.n_boots):
            return known[0]
        return None

    def _kill(self, said: Said, message: Message, machine: Machine) -> None:
        dump, machine.dump = machine.dump, Dump()
        if not dump.is_before(message):
            dump = Dump()
        by = "memcg" if said.by == "kernel" and dump.by == "memcg" else said.by
        kill = Kill(
            by, said.pid, said.name, said.sizes_kib, said.oom_score_adj, said.n_bytes, machine.release,
            message.mono_us, message.wall,
        )  # fmt: skip
        if family(by) == "kernel":
            _add_dump(kill, dump)
        else:
            machine.dump = dump
        copied = self._copied(said, message, machine)
        if copied is not None or (not said.sizes_kib and self._is_seen(said, message)):
            self.n_repeated += 1
            machine.may_have_booted = False
            if copied is not None:
                self._add_copy(copied, kill, message, machine)
            return
        if machine.may_have_booted:
            self.axis.restart(machine)
            self.n_boots += 1
            machine.may_have_booted = False
        kill.time_us = self.axis.place(machine, message.mono_us, message.wall)
        kill.stretch = self.axis.stretch
        before = machine.find(by, said.name if said.pid is None else said.pid)
        if before is not None and is_same(before, kill):
            merge(before, kill)
            return
        self._keep(kill, machine)
        self._prints[print_of(said)] = (kill, machine.n_boots)
        if len(self._prints) > MAX_SEEN:
            self._prints.popitem(last=False)

    def _add_copy(self, kill: Kill, copy: Kill, message: Message, machine: Machine) -> None:
        merge(kill, copy)
        machine.open(kill)
        if kill.time_us is None:
            kill.time_us = self.axis.place(machine, message.mono_us, message.wall)
            kill.stretch = self.axis.stretch
            self._note_clocks(kill)

    def _keep(self, kill: Kill, machine: Machine) -> None:
        self._note_clocks(kill)
        if len(self.kills) < MAX_KILLS:
            self.kills.append(kill)
            if not kill.release:
                machine.unnamed.append(kill)
        else:
            self.n_dropped += 1
        machine.open(kill)

    def _note_clocks(self, kill: Kill) -> None:
        self.has_mono |= kill.mono_us is not None
        self.has_wall |= kill.wall is not None

    def _reap(self, said: Said, message: Message, machine: Machine) -> None:
        kill = machine.find(said.by or "kernel", said.pid)
        if kill is None or (said.name and kill.name and said.name != kill.name):
            if said.kind in (s.REAPED, s.GAVE_UP) and not self._is_seen(said, message):
                self.n_reaps_alone += 1
                self.n_give_ups_alone += said.kind == s.GAVE_UP
            return
        first = kill.reap is None  # a daemon counts from its last attempt, not from the kill
        after_us = said.after_us if first and said.after_us is not None else since(kill, message)
        if said.kind == s.REAP_STARTED:
            kill.reap_started_us = after_us
        elif kill.reap is None or kill.reap.outcome in (s.SKIPPED, s.DID_NOT_EXIT):
            kill.reap = Reap(said.kind, after_us, kill.reap_started_us, said.sizes_kib)
        elif kill.reap.outcome == said.kind:
            kill.reap.sizes_kib = kill.reap.sizes_kib or said.sizes_kib
            kill.reap.after_us = after_us if kill.reap.after_us is None else kill.reap.after_us


def _add_dump(kill: Kill, dump: Dump) -> None:
    """Add what only the dump tells: the bound of mlocked pages, swap, and in old kernels pgtables and oom_score_adj."""
    kill.locked_bytes = dump.locked_bytes(kill.pid)
    row = dump.row_of(kill.pid, kill.name, kill.sizes_kib.get("total-vm"))
    if row is not None:
        kill.sizes_kib = {name: kib for name, kib in row.sizes_kib.items() if name != "rss"} | kill.sizes_kib
        if kill.oom_score_adj is None:
            kill.oom_score_adj = row.oom_score_adj

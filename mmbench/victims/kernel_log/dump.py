"""The OOM dump before a kill: the task table, what was mlocked, who was chosen. It belongs to one kill.

The kernel prints a dump with every kill unless too many came (its rate limit): such a kill knows nothing of the dump
before, nor of one that was printed long ago. Failed allocations print zones, too, and those belong to no kill.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mmbench.victims.kernel_log.ends import closed
from mmbench.victims.kernel_log.kernel import read_row
from mmbench.victims.kernel_log.prefix import Message
from mmbench.victims.kernel_log.said import Said
from mmbench.victims.kernel_log.timeline import passed
from mmbench.victims.kernel_log.walltime import SECOND_US

MAX_ROWS = 65_536
MAX_PARTS = 4096
LONGEST_US = 60 * SECOND_US  # a dump takes seconds on a serial console
MAX_IDLE = 512  # lines without a row after which no further row is expected


@dataclass(slots=True)
class Dump:
    """What one dump says.

    is_alien: printed by a failed allocation; head, rows: of the task table, rows by thread group
    locked: bytes by zone or control group; by, pid: who kills whom, "" and None when it does not say
    last: its last message so far
    """

    is_alien: bool = False
    head: str = ""
    rows: dict[int, str] = field(default_factory=dict)
    locked: dict[str, int] = field(default_factory=dict)
    by: str = ""
    pid: int | None = None
    last: Message | None = None
    n_idle: int = MAX_IDLE

    @property
    def wants_rows(self) -> bool:
        """True while the rows of the task table may follow."""
        return self.n_idle < MAX_IDLE

    def is_before(self, message: Message) -> bool:
        """True when `message` may be the kill of this dump by its time."""
        apart = None if self.last is None else passed(self.last, message)
        return apart is None or abs(apart) <= LONGEST_US

    def begin_table(self, head: str) -> None:
        """The head of the task table was read."""
        self.head, self.rows, self.n_idle = head, {}, 0

    def add_row(self, tgid: int, row: str) -> None:
        """A row of the table was read."""
        self.n_idle = 0
        if len(self.rows) < MAX_ROWS:
            self.rows[tgid] = row

    def end(self, said: Said) -> None:
        """The dump says whom the killer chose: no row follows."""
        self.by, self.pid, self.n_idle = said.by, said.pid, MAX_IDLE

    def add_locked(self, said: Said) -> None:
        """mlocked bytes of a zone, or unevictable ones of a control group: each once."""
        if not self.is_alien and len(self.locked) < MAX_PARTS:
            name = said.by + said.name
            self.locked[name] = max(said.n_bytes or 0, self.locked.get(name, 0))

    def locked_bytes(self, pid: int | None) -> int | None:
        """At most so many bytes of the victim were mlocked; None when this dump is another's or does not tell."""
        if not self.locked or self.pid not in (None, pid):
            return None
        return sum(self.locked.values())

    def row_of(self, pid: int | None, name: str, total_vm_kib: int | None) -> Said | None:
        """The victim's row; None when the table has none."""
        text = closed(self.rows.get(pid or 0, ""))
        row = read_row(self.head, text, total_vm_kib) if text else None
        return row if row is not None and row.is_sane() and row.name[:15] == name[:15] else None

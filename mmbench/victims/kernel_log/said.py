"""What a log message says about a kill, whoever wrote it: the common form that `collect` puts together."""

from __future__ import annotations

from dataclasses import dataclass, field

from mmbench.model.layout import MAX_PAGES

# Who kills. "kernel" is the global OOM killer, or one that does not say; "memcg" that of a memory control group.
KILLERS = ("kernel", "memcg", "earlyoom", "oomd", "systemd-oomd", "lmkd", "lowmemorykiller")

MOST_KIB = MAX_PAGES << 2  # no process holds more than its address space
MOST_VM_KIB = 1 << 50
MOST = 1 << 53

KILL = "kill"
REAP_STARTED = "reap started"
REAPED = "reaped"
SKIPPED = "skipped"
GAVE_UP = "gave up"
EXITED = "exited"
DID_NOT_EXIT = "did not exit"
FREEING = "freeing"  # the size of the kill before, on a line of its own
SCOPE = "scope"  # global or memcg, for the kill that follows
DUMP = "dump"  # the OOM killer was invoked: what the dump before said is over
ALIEN = "alien"  # memory is shown for another reason: zones that follow belong to no kill
TABLE = "table"  # the head of the task dump; its rows follow
MLOCKED = "mlocked"  # of a zone or of a control group, bytes
DRY_RUN = "dry run"  # the kill before was none
RELEASE = "release"  # the kernel's version
NOBODY = "nobody"  # was left that could be killed
BOOT = "boot"  # the machine started again
NOTHING = "nothing"  # about OOM kills, but nothing that is kept
STRANGE = "strange"  # looks like one of the lines above and cannot be read


@dataclass(frozen=True, slots=True)
class Said:
    """One statement.

    kind:  one of the above
    by:    of KILLERS, for a KILL and for what a daemon saw afterwards
    name:  of the process or control group; for RELEASE the version
    sizes: kB by the kernel's names (anon-rss, ...); "rss" where only the sum is printed, "swap" for swapped out
    """

    kind: str
    by: str = ""
    pid: int | None = None
    name: str = ""
    sizes_kib: dict[str, int] = field(default_factory=dict)
    oom_score_adj: int | None = None
    after_us: int | None = None
    n_bytes: int | None = None

    def is_sane(self) -> bool:
        """False for numbers that no machine has: damage."""
        adj, pid = self.oom_score_adj, self.pid
        return (
            all(0 <= kib <= (MOST_VM_KIB if name == "total-vm" else MOST_KIB) for name, kib in self.sizes_kib.items())
            and (adj is None or -1000 <= adj <= 1000)
            and (pid is None or 0 <= pid < 1 << 31)
            and all(number is None or 0 <= number <= MOST for number in (self.after_us, self.n_bytes))
        )

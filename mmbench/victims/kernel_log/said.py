"""What a log message says about a kill, whoever wrote it: the common form that `collect` puts together."""

from __future__ import annotations

from dataclasses import dataclass, field

# Who kills. "kernel" is the global OOM killer, or one that does not say; "memcg" that of a memory control group.
KILLERS = ("kernel", "memcg", "earlyoom", "oomd", "systemd-oomd", "lmkd", "lowmemorykiller")

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

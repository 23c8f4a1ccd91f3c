"""A design as the module reads it: the assembled rows of its roles as text. Plain data, checked before anything boots.

Rows come from whoever knows strategies; here they are only spelled. What a kernel or the module cannot do is refused by
the name of the step.
"""

from dataclasses import dataclass

from mmbench.errors import InputError
from mmbench.records.lab_types import PlainDesign

ROLES = ("exit", "reaper", "mrelease")
MOST_ROWS = 128  # MAX_ROWS of module/designs.h
# Who calls the role mrelease: process_mrelease(2), or a command of the module that has pinned the mm before exit_mm.
SYSTEM_CALL, KEPT, REAP_KILL = "process_mrelease", "mrelease", "reap-kill"

# Every op of module/program.c. The second set needs a munlock that takes page locks, as up to v5.17.
OPS = frozenset(
    (
        *("REAP_PASS", "REAP_PASS_HANDOVER", "UNMAP_VMAS", "FREE_PGTABLES"),
        *("TLB_GATHER_MMU", "TLB_FINISH_MMU", "REMOVE_VMAS", "CLEAR_MMAP"),
        *("MMAP_READ_LOCK", "MMAP_READ_TRYLOCK", "MMAP_READ_UNLOCK", "MMAP_WRITE_LOCK", "MMAP_WRITE_UNLOCK"),
        *("MMAP_WRITE_DOWNGRADE", "SET_FLAG", "IF_FLAG", "UNLESS_FLAG", "EXIT_MM", "WAIT_LAST_USER", "FIND_MM"),
        *("MMGET_NOT_ZERO", "MMPUT", "SLEEP", "RETRY_SLEEP", "RETRY", "LEAVE", "GOTO", "END"),
    )
)
OLD_MUNLOCK_OPS = frozenset(("UNLOCK_RANGE", "REAP_PASS_TRYLOCK_PAGES", "REAP_PASS_TRYLOCK_VMAS"))
REAP_OPS = frozenset(("REAP_PASS", "REAP_PASS_HANDOVER", "REAP_PASS_TRYLOCK_PAGES", "REAP_PASS_TRYLOCK_VMAS"))


@dataclass(frozen=True)
class Row:
    """One step: its label, its op's name, three arguments, the rows to go to."""

    label: str
    op: str
    args: tuple[int, int, int]
    next: int
    otherwise: int


@dataclass(frozen=True)
class Program:
    """A design's rows, one role after another; ``roles`` maps a role to its first row and the one after its last.

    caller_kills: its process_mrelease sends the SIGKILL itself.
    """

    name: str
    rows: tuple[Row, ...]
    roles: dict[str, tuple[int, int]]
    caller_kills: bool = False

    @property
    def text(self) -> str:
        """What /proc/mmbench/program takes: see module/README.md."""
        lines = [f"name {self.name.replace(' ', '_')[:95]}"]
        starts = {first: role for role, (first, _) in self.roles.items()}
        for number, row in enumerate(self.rows):
            lines += [f"role {starts[number]}"] if number in starts else []
            lines.append(f"row {row.op} {' '.join(map(str, row.args))} {row.next} {row.otherwise}")
        return "\n".join(lines)

    @classmethod
    def from_plain(cls, found: PlainDesign) -> "Program":
        """Read a design as plain data: name, rows (label, op, args, next, otherwise), roles (role -> first, end)."""
        rows = []
        for row in found["rows"]:
            first, second, third = row["args"]
            rows.append(Row(row["label"], row["op"], (first, second, third), row["next"], row["otherwise"]))
        roles = {role: (first, end) for role, (first, end) in found["roles"].items()}
        return cls(found["name"], tuple(rows), roles, bool(found.get("caller_kills")))

    @property
    def call(self) -> str:
        """How the role mrelease is called: by the system call; by the module, which keeps the mm or sends SIGKILL."""
        if self.caller_kills:
            return REAP_KILL
        keeps = any(row.op == "FIND_MM" and any(row.args) for row in self.rows)
        return KEPT if keeps else SYSTEM_CALL

    def label(self, row: int) -> str:
        """The label of a row, as the log numbers it."""
        return self.rows[row].label


def check(program: Program, old_munlock: bool, release: str) -> None:
    """Raise InputError naming the step that this kernel cannot run."""
    if len(program.rows) > MOST_ROWS:
        raise InputError(f"{program.name} has {len(program.rows)} steps; the module takes {MOST_ROWS} at most.")
    for role, (first, end) in program.roles.items():
        for row in program.rows[first:end]:
            if row.op in OLD_MUNLOCK_OPS and not old_munlock:
                raise InputError(
                    f"{program.name}, {role} step {row.label!r}: {row.op} needs the munlock that takes page locks, "
                    f"which Linux {release} no longer has; run it on 5.10."
                )
            if row.op not in OPS | OLD_MUNLOCK_OPS:
                raise InputError(f"{program.name}, {role} step {row.label!r}: the module has no op {row.op}.")
    for role in ("reaper", "mrelease"):
        if role in program.roles:
            _check_reaping(program, role)


def _check_reaping(program: Program, role: str) -> None:
    first, end = program.roles[role]
    passes = [row for row in program.rows[first:end] if row.op in REAP_OPS]
    if len(passes) != 1:
        raise InputError(
            f"{program.name}: role {role} has {len(passes)} reap passes; in a real kernel only the one pass is the "
            "program's, attempts and sleeps around it are the kernel's own code."
        )

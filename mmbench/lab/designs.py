"""Designs run inside a real kernel: which experiments, and the boots that hold them.

A program is the rows of a strategy; "stock" is the kernel's own code, called through the module. All programs of a boot
travel in its plan, so one boot asks one experiment of every design.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from mmbench.errors import InputError
from mmbench.lab import cpio, qemu
from mmbench.lab.build import Module
from mmbench.lab.design_record import ALONE, SCHEDULE, STOCK, make_record
from mmbench.lab.initramfs import build_userspace
from mmbench.lab.kernels import Kernel
from mmbench.lab.plan import MIB, Boot, Item, Plain, can_boot
from mmbench.lab.program import REAP_OPS, Program, check
from mmbench.lab.qemu import GuestError, Message
from mmbench.lab.run import Progress, run_boot
from mmbench.live.workload import VictimConfig
from mmbench.records.lab_types import DesignRecord, Turn

ENTRY = "mmbench.lab.guest.design_init"
SIZE = 64 * MIB
MOST_S = 120.0  # of wall time for an experiment, on average, on a busy machine


@dataclass(frozen=True)
class DesignItem(Item):
    """One experiment under one design; "stock" is the kernel's own code."""

    design: str = STOCK

    def head(self) -> Plain:
        return {"design": self.design, **{k: v for k, v in super().head().items() if k != "role"}}

    def to_guest(self) -> Plain:
        return super().to_guest() | {"program": "" if self.design == STOCK else self.design}


QUICK = (VictimConfig(SIZE, 0.9), VictimConfig(SIZE, 0.9, 64))
# 50 and 100 % locked, huge pages, and pages that another process maps, too; few VMAs and many.
FULL = (
    *QUICK,
    VictimConfig(SIZE, 0.5),
    VictimConfig(SIZE, 1.0),
    VictimConfig(SIZE, 1.0, kind="thp"),
    VictimConfig(SIZE, 0.9, kind="forked"),
)
VICTIMS = {"quick": QUICK, "full": FULL}
RACED: dict[str, tuple[VictimConfig, ...]] = {"quick": (), "full": (*QUICK, VictimConfig(SIZE // 2, 0.9, 1000))}
N_RACES = 3
FORCED = "forced"
MAPPED_ELSEWHERE = ("I7",)  # properties that only pages mapped by somebody else can break
MET = VictimConfig(16 * MIB, 0.9, 8)
OOM_VICTIM = 4  # MMF_OOM_VICTIM in a row
DONE_BEFORE = ("EXIT_MM", "WAIT_LAST_USER")  # the kernel has done them when a program begins


@dataclass(frozen=True)
class Scene:
    """Who holds what of the victim while the OOM killer kills it: a bystander's command (module/README.md).

    hold_ms: how long after the kill, 0 until the trigger has its memory. A reader of 1.3 s outlasts the reaper's ten
    attempts; for time's sake that reaper comes without its delay under every design.
    """

    kind: str
    holds: str
    victim: VictimConfig
    held_page: int = 0
    hold_ms: int = 0

    def item(self, design: str, hurry: bool) -> DesignItem:
        """The experiment under a design whose reaper comes at once, or after its delay."""
        more = {"holds": self.holds, "held_page": self.held_page, "hold_ms": self.hold_ms}
        return DesignItem(
            "designs", self.kind, self.victim, 1, design, more=more | {"hurry": hurry or self.holds != "lock-page"}
        )


# The first page of few VMAs, the first of many, one in the middle.
_HELD = tuple(
    Scene("stuck-holder", "lock-page", victim, page)
    for victim, page in ((QUICK[0], 0), (QUICK[1], 0), (QUICK[0], 7373))
)
_READER = Scene("reader", "read-count", QUICK[0], 0, 1300)
HELD_PAGES = {"quick": _HELD[:1], "full": _HELD}
READERS = {"quick": (_READER,), "full": (_READER, Scene("reader", "read-users", QUICK[0], 0, 500))}
# The first exit after a boot is dear, and one in ten is by a tick: the least is taken.
N_REPS = {
    "quick": {"exit": 2, "mrelease": 2, "reaper": 1},
    "full": {"exit": 2, "mrelease": 2, "reaper": 1},
}
N_CHARGED = 3


def boots(programs: list[Program], set_name: str, has_mrelease: bool) -> list[Boot]:
    """The boots of a run: one party alone, under each design and the kernel's own code; steps; holders; races."""
    if set_name == FORCED:
        return [_boot(FORCED, forced(programs))]
    designs = hurried(programs)
    kinds = ALONE if has_mrelease else ("exit", "reaper")
    alone = [
        DesignItem("designs", kind, victim, N_REPS[set_name][kind], design)
        for victim in VICTIMS[set_name]
        for kind in kinds
        for design in (STOCK, *designs)
    ]
    logged: list[Item] = [DesignItem("designs", "steps", QUICK[0], 1, design) for design in designs]
    logged += late(programs) if has_mrelease else []
    logged += [DesignItem("designs", "charged", victim, N_CHARGED) for victim in QUICK]
    found = [_boot("designs", [*alone, *logged]), _boot("holders", beside_holders(designs, set_name, has_mrelease))]
    found += [_boot(FORCED, forced(programs))] if set_name == "full" else []
    raced = races(designs, set_name) if has_mrelease else []
    return [*found, _boot("race", raced, n_cpus=2)] if raced else found


def _boot(name: str, items: list[Item], n_cpus: int = 1) -> Boot:
    return Boot(name, tuple(items), n_cpus, timeout_s=MOST_S * len(items))


def races(designs: Iterable[str], set_name: str) -> list[Item]:
    """Exit and process_mrelease at once on two CPUs, few VMAs and many."""
    return [DesignItem("designs", "race", victim, N_RACES, design) for victim in RACED[set_name] for design in designs]


def beside_holders(designs: dict[str, bool], set_name: str, has_mrelease: bool) -> list[Item]:
    """An OOM kill while somebody holds what exit_mmap will want: the lock of a page, or mmap_lock for read."""
    scenes = HELD_PAGES[set_name] + (READERS[set_name] if has_mrelease or set_name == "full" else ())
    asked = {STOCK: not any_delay(designs)} | designs
    return [scene.item(design, hurry) for scene in scenes for design, hurry in asked.items()]


def forced(programs: list[Program]) -> list[Item]:
    """One party stopped before each of its own steps, while the other comes: exit, the reaper at its pass, a caller."""
    return [
        DesignItem("designs", FORCED, MET, 1, program.name, more={"stops": stops, "stop": row})
        for program in programs
        if "mrelease" in program.roles
        for stops, rows in (("exit", walked(program)), ("mrelease", called(program)), ("reaper", passes(program)))
        for row in rows
    ]


def schedule(program: Program, turns: list[Turn], broken: str) -> DesignItem:
    """A schedule of the checker, forced turn by turn; broken: the property that it breaks there, and in which scope."""
    kind = "forked" if broken.split()[0] in MAPPED_ELSEWHERE else "anon"
    more: Plain = {"property": broken, "turns": [dict(turn) for turn in turns]}
    more |= {"stop": passes(program)[0]} if "reaper" in program.roles else {}
    return DesignItem("designs", SCHEDULE, replace(MET, kind=kind), 1, program.name, more=more)


def called(program: Program) -> list[int]:
    """The rows of a caller who has found the mm and meets nobody, but for the last, where it is through."""
    return walked(program, "mrelease")[1:-1]


def passes(program: Program) -> list[int]:
    """The row of the reaper's pass: all around it is the kernel's own code."""
    first, end = program.roles["reaper"]
    return [n for n in range(first, end) if program.rows[n].op in REAP_OPS]


def late(programs: list[Program]) -> list[Item]:
    """process_mrelease, or what the design has in its place, when the victim has left exit_mm."""
    return [
        DesignItem("designs", "late", MET, 1, program.name, more={"stop": walked(program)[0]})
        for program in programs
        if "mrelease" in program.roles
    ]


def walked(program: Program, role: str = "exit") -> list[int]:
    """The rows that a role goes through alone when a plain SIGKILL ended the process: not what OOM victims do."""
    at, rows = program.roles[role][0], []
    while at not in rows:
        rows.append(at)
        row = program.rows[at]
        if row.op == "END":
            break
        at = row.otherwise if row.op == "IF_FLAG" and row.args[0] == OOM_VICTIM else row.next
    return [n for n in rows if program.rows[n].op not in DONE_BEFORE]


def any_delay(designs: dict[str, bool]) -> bool:
    """Whether some design's reaper waits for its 2 s: then so does the kernel's own."""
    return not all(designs.values())


def sort_out(programs: list[Program], module: Module, release: str) -> tuple[list[Program], dict[str, str]]:
    """Those designs that a kernel can run, and of the others why not, by the name of the step."""
    able, refused = [], {}
    for program in programs:
        try:
            check(program, module.has_old_munlock, release)
            able.append(program)
        except InputError as error:
            refused[program.name] = str(error)
    return able, refused


def run_designs(
    kernel: Kernel,
    module: Module,
    programs: list[Program],
    set_name: str,
    progress: Progress,
    is_fresh: bool = False,
    refused: dict[str, str] | None = None,
    asked: Sequence[Item] | None = None,
) -> DesignRecord:
    """Run every design on a kernel and return the record.

    Raises InputError for a step that this kernel or the module cannot run, CannotError when a boot fails.
    refused: designs that were asked for and cannot be run here -> why; the record says so. asked: these experiments in
    one boot, instead of a set's
    """
    names = [program.name for program in programs]
    for name in names:
        if names.count(name) > 1 or name == STOCK:
            raise InputError(f"the design {name!r} is named twice; give each once ({STOCK!r} is always run).")
    for program in programs:
        check(program, module.has_old_munlock, kernel.release)
    version = qemu.qemu_version(qemu.find_qemu())
    userspace = build_userspace(entry=ENTRY)
    userspace = replace(userspace, entries=userspace.entries | {"mmbench.ko": cpio.regular(module.ko)})
    texts = {p.name: {"text": p.text, "labels": [row.label for row in p.rows], "call": p.call} for p in programs}
    answers: list[Message] = []
    for boot in [_boot(set_name, list(asked))] if asked else boots(programs, set_name, not module.has_old_munlock):
        if not can_boot(kernel.release, boot):
            continue
        answers += run_to_the_end(
            boot,
            lambda part: run_boot(
                kernel,
                part,
                userspace,
                version,
                progress,
                is_fresh,
                {"programs": texts, "items": [item.to_guest() for item in part.items]},
            ),
        )
    return make_record(kernel, module, set_name, programs, version, userspace.python, answers, refused or {})


def run_to_the_end(boot: Boot, run: Callable[[Boot], Message]) -> list[Message]:
    """Run a boot; when a design brings the guest down, that is its answer, and the other designs go on in a new boot.

    Raises CannotError when the guest came down before any design had begun.
    """
    answers: list[Message] = []
    while boot.items:
        try:
            return [*answers, run(boot)]
        except GuestError as error:
            begun = [message["at"] for message in error.messages if "at" in message]
            if not begun:
                raise
            fatal = boot.items[begun[-1]]
            answers.append({"fatal": fatal.head() | {"error": error.what, "errno": ""}})
            design = fatal.head()["design"]
            boot = replace(boot, items=tuple(item for item in boot.items if item.head()["design"] != design))
    return answers


def hurried(programs: list[Program]) -> dict[str, bool]:
    """Design -> whether its reaper has no delay: it is hurried then. The kernel's own reaper waits 2 s."""
    found = {}
    for program in programs:
        first, _ = program.roles.get("reaper", (0, 0))
        found[program.name] = program.rows[first].op != "SLEEP"
    return found

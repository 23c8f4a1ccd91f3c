"""What is asked of a guest: sets of experiments, one boot each, as plain data.

Six victims say who frees what; a designed set of anonymous victims tells the cost terms apart, another is held out for
the test of a fit; other kinds of memory, races on two CPUs and munlock(2) follow. Every set is the same for every
kernel; what a kernel lacks becomes an answer with its errno.
"""

import math
import random
from dataclasses import dataclass, field
from typing import Any

from mmbench.errors import nearest
from mmbench.live.workload import VictimConfig
from mmbench.release import version_of

MIB = 1 << 20
N_REPS = 3  # kernel threads interleave, though deterministically; the least of three is free of them
N_RACES = 5  # who waits for whom differs from race to race
HELD_OUT_SEED, N_HELD_OUT = 7, 16
SMALLEST_BYTES, LARGEST_BYTES = 1 * MIB, 96 * MIB
# 5.10 and 6.1 stop while they start a second CPU under this command; since 6.5 CPUs are started in another way.
TWO_CPUS_SINCE = (6, 5)
LEAST_VMA_BYTES = 16 << 10
MOST_VMAS = 2000
STRIDES = (1, 1, 1, 2, 4, 16, 64, 512)

Plain = dict[str, Any]  # values of JSON, as a guest reads them and a record keeps them


@dataclass(frozen=True)
class Item:
    """One experiment: its role in the analysis, its kind (see guest.experiments), its victim, repetitions.

    more: what this kind of experiment needs besides
    """

    role: str
    kind: str
    victim: VictimConfig
    n_reps: int = N_REPS
    more: Plain = field(default_factory=dict, kw_only=True, hash=False)

    def head(self) -> Plain:
        """Return what a record says of the experiment before its answer."""
        return {"role": self.role, "kind": self.kind, "victim": self.victim.to_dict(), **self.more}

    def to_guest(self) -> Plain:
        """Return what the guest reads."""
        return {"kind": self.kind, "victim": self.victim.to_dict(), "n_reps": self.n_reps, **self.more}


@dataclass(frozen=True)
class Boot:
    """One run of QEMU: its name, the CPUs of the guest, and what it does in order; ``timeout_s`` of wall time.

    is_counted: the guest's clock counts instructions, so the same boot says the same; otherwise it is real time
    """

    name: str
    items: tuple[Item, ...]
    n_cpus: int = 1
    timeout_s: float = 600.0
    is_counted: bool = True


def layouts() -> list[VictimConfig]:
    """Return the victims of the truth table: all, none and half locked, huge pages, 1000 VMAs, shared memory."""
    size = 64 * MIB
    return [
        VictimConfig(size, 1.0),
        VictimConfig(size, 0.0),
        VictimConfig(size, 0.5),
        VictimConfig(size, 1.0, kind="thp"),
        VictimConfig(size, 1.0, 1000),
        VictimConfig(16 * MIB, 1.0, kind="shmem"),
    ]


def semantics() -> list[Item]:
    """Return who frees what: the OOM reaper and process_mrelease on every layout, a cgroup's OOM kill, the order."""
    items = [Item("semantics", kind, victim, 1) for victim in layouts() for kind in ("reaper", "mrelease")]
    items += [Item("semantics", "memcg", victim, 1) for victim in layouts()[:3]]
    return [*items, Item("semantics", "order", VictimConfig(64 * MIB, 0.0, 64), 1)]


def calibration() -> list[VictimConfig]:
    """Return 24 anonymous victims that tell page, lock, table, VMA, batch and per-CPU list terms apart."""
    shapes = [VictimConfig(n * MIB, share) for n in (1, 4, 16, 32, 64, 96) for share in (0.0, 1.0)]
    shapes += [VictimConfig(32 * MIB, 0.5), VictimConfig(64 * MIB, 0.25, 4)]
    shapes += [
        VictimConfig(n * MIB, share, n_vmas)
        for n, share, n_vmas in ((16, 0.0, 10), (32, 1.0, 100), (32, 0.0, 1000), (64, 0.5, 2000), (8, 1.0, 2000))
    ]
    shapes += [
        VictimConfig(n * MIB, share, 1, stride)
        for n, share, stride in ((32, 1.0, 2), (64, 0.0, 8), (128, 0.5, 64), (256, 0.0, 512))
    ]
    return [*shapes, VictimConfig(64 * MIB, 1.0, 500, 16)]


def held_out(n_configs: int = N_HELD_OUT, seed: int = HELD_OUT_SEED) -> list[VictimConfig]:
    """Draw distinct anonymous victims from the same ranges that the calibration does not have; one seed, one set."""
    draw, known = random.Random(seed), set(calibration())
    found: list[VictimConfig] = []
    while len(found) < n_configs:
        victim = _draw_one(draw)
        if victim not in known:
            known.add(victim)
            found.append(victim)
    return found


def _draw_one(draw: random.Random) -> VictimConfig:
    size = round(math.exp(draw.uniform(math.log(SMALLEST_BYTES), math.log(LARGEST_BYTES))) / MIB) * MIB
    share = draw.choice([0.0, 1.0, round(draw.random(), 2)])
    stride = draw.choice(STRIDES)
    n_vmas = round(math.exp(draw.uniform(0.0, math.log(MOST_VMAS))))
    return VictimConfig(size * min(stride, 2), share, min(n_vmas, size // LEAST_VMA_BYTES), stride)


def other_kinds() -> list[VictimConfig]:
    """Return victims of other memory than anonymous 4 KiB pages."""
    return [
        VictimConfig(16 * MIB, 0.0, kind="thp"),
        VictimConfig(32 * MIB, 1.0, kind="thp"),
        VictimConfig(64 * MIB, 0.5, 8, kind="thp"),
        VictimConfig(16 * MIB, 0.0, kind="shmem"),
        VictimConfig(32 * MIB, 1.0, 8, kind="shmem"),
        VictimConfig(16 * MIB, 0.0, kind="file"),
        VictimConfig(32 * MIB, 1.0, 8, kind="file"),
    ]


def alone(role: str, victims: list[VictimConfig]) -> list[Item]:
    """Return exit alone, and process_mrelease alone with the exit after it, on each victim."""
    return [Item(role, kind, victim) for victim in victims for kind in ("exit", "mrelease")]


def reaper_costs() -> list[Item]:
    """Return the OOM reaper alone, and the exit after it: all that an old kernel has."""
    shapes = ((16, 0.0, 1), (64, 0.0, 1), (64, 1.0, 1), (96, 0.5, 1), (32, 0.0, 1000), (32, 1.0, 1000))
    return [Item("reaper", "reaper", VictimConfig(n * MIB, share, n_vmas), 2) for n, share, n_vmas in shapes]


def munlocks() -> list[Item]:
    """Return munlock(2) of a whole range, then munmap(2)."""
    shapes = ((4, 1), (16, 1), (64, 1), (64, 1000))
    victims = [VictimConfig(n * MIB, 1.0, n_vmas) for n, n_vmas in shapes]
    return [Item("munlock", "munlock", victim) for victim in [*victims, VictimConfig(64 * MIB, 1.0, kind="thp")]]


def races() -> list[Item]:
    """Return exit alone, process_mrelease alone and both at once on two CPUs, from few VMAs to many."""
    shapes = ((0.0, 1), (1.0, 1), (1.0, 64), (0.0, 1000), (1.0, 1000), (1.0, 4000))
    victims = [VictimConfig(32 * MIB, share, n_vmas) for share, n_vmas in shapes]
    n_reps = {"exit": 2, "mrelease": 2, "race": N_RACES}
    return [Item("race", kind, victim, n) for victim in victims for kind, n in n_reps.items()]


def quick_costs() -> list[Item]:
    """Return exit and process_mrelease on a few of the calibration's victims."""
    return alone("calibration", [VictimConfig(n * MIB, share) for n in (4, 16, 64) for share in (0.0, 1.0)])


def boots(name: str) -> list[Boot]:
    """Return the boots of a set by name. Raises InputError for an unknown one."""
    if name not in SETS:
        raise nearest(name, list(SETS), "set of experiments")
    return SETS[name]()


def can_boot(release: str, boot: Boot) -> bool:
    """Whether a kernel release comes up with so many CPUs; what is not known by its release is tried."""
    return boot.n_cpus == 1 or (version_of(release) or TWO_CPUS_SINCE) >= TWO_CPUS_SINCE


def _quick() -> list[Boot]:
    return [Boot("quick", (*semantics(), *quick_costs()))]


def _full() -> list[Boot]:
    return [
        Boot("semantics", (*semantics(), *reaper_costs(), *munlocks())),
        Boot("calibration", tuple(alone("calibration", calibration()))),
        Boot("held-out", (*alone("held-out", held_out()), *alone("kinds", other_kinds()))),
        Boot("race", tuple(races()), n_cpus=2),
    ]


SETS = {"quick": _quick, "full": _full}

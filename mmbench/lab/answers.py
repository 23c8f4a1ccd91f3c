"""What a record of booted kernels may hold: the fields of a boot and of an experiment, and those that a kind needs."""

from typing import Any

from mmbench.live.workload import VictimConfig
from mmbench.records.schema import Bool, Fields, Int, ListOf, Number, Parameters, Rule, Text, check, fail

SIGNED = Int(minimum=None)
TIMES = ListOf(Int(minimum=1), n_least=1)  # one per repetition; prices are found by dividing by them
MOMENTS = ListOf(Int(minimum=None, nullable=True), n_least=1)
VICTIM_BYTES = 1 << 36  # far more than a guest is given
STEP = Fields(
    {"ns": SIGNED, "role": Text(), "row": Int(), "rss_pages": Int()},
    {"cpu": Int(), "pid": Int(), "freed_pages": Int(), "free_pages": Int(), "queued_ns": Int(), "waited_ns": Int()},
)
TURN = Fields(
    {"role": Text(), "to": Int(minimum=-1), "label": Text(may_be_empty=True), "held": Bool(), "whole": Bool()}
)
TURN_SEEN = Fields({"reached": Bool(), "sleeps_in": ListOf(Text())})
HEAD = Fields(
    {
        **{"name": Text(), "n_cpus": Int(minimum=1), "command": ListOf(Text(may_be_empty=True))},
        **{"initramfs_sha256": Text(), "memory_bytes": Int(), "available_bytes": Int()},
        "experiments": ListOf(Parameters()),
    },
    {"host_load": Number()},  # of boots in real time
)
FIELDS: dict[str, Rule] = {
    **{"kind": Text(), "role": Text(), "design": Text(), "victim": Parameters()},
    **{"error": Text(may_be_empty=True), "errno": Text(may_be_empty=True)},
    **dict.fromkeys(("ns", "mrelease_ns", "exit_after_ns", "munmap_ns", "plain_ns"), TIMES),
    **{"delay_ns": ListOf(Int(), n_least=1), "lost": ListOf(Bool(), n_least=1)},
    **{"left_by_quarter": ListOf(ListOf(Int(), n_least=1), n_least=1)},
    **{"n_collateral_kills": Int(), "trigger": Text(may_be_empty=True)},
    **{"holds": Text(), "held_page": Int(), "hold_ms": Int()},
    **{"hurry": Bool(), "stacks": ListOf(ListOf(Text())), "n_failed_trylocks": Int(nullable=True)},
    **{"further_kills": ListOf(Fields({"who": Text(), "ns": SIGNED}))},
    **dict.fromkeys(("reaper_woken_ns", "reaper_began_ns", "reaper_ended_ns", "gave_up_ns"), MOMENTS),
    **{"steps": ListOf(ListOf(STEP), n_least=1), "nr_mlock_left": SIGNED, "nr_mlock_shared": Int()},
    **{"tables_left": ListOf(SIGNED, n_least=1)},
    **{"stop": Int(), "stops": Text(("exit", "mrelease", "reaper")), "waits_in": ListOf(Text()), "status": SIGNED},
    **{"turns": ListOf(TURN, n_least=1), "turns_seen": ListOf(TURN_SEEN, n_least=1)},
    **{"reaper_said": Text(("reaped", "unable", ""), may_be_empty=True), "property": Text()},
    **{"scope": Text(("memcg", "global")), "need_bytes": Int(minimum=1), "exit_mmap_ns": MOMENTS},
}  # fmt: skip
PAIR = ListOf(Int(), n_least=2, n_most=2)  # in the locked part of the range, in the rest
PAGES = ("pages_before", "pages_after")
BOTH = ("pages_before", "pages_after", "ns")
BESIDE = (
    *("holds", "held_page", "hold_ms", "hurry", "trigger", "stacks", "further_kills", "steps"),
    *("reaper_woken_ns", "reaper_began_ns", "reaper_ended_ns", "gave_up_ns"),
)
NEEDED = {
    **{"exit": ("pages_before", "ns"), "mrelease": BOTH, "reaper": BOTH},
    **{"role race": ("ns", "lost"), "design race": ("steps", "lost"), "memcg": PAGES},
    **{"munlock": ("pages_before", "ns"), "steps": ("steps",)},
    **{"exiting-victim": ("scope", "need_bytes", "trigger", "further_kills", "exit_mmap_ns")},
    **{"stuck-holder": BESIDE, "reader": BESIDE, "forced": ("stop", "waits_in", "steps")},
    **{"late": ("stop", "lost", "steps"), "charged": ("pages_before", "ns")},
    **{"schedule": ("property", "turns", "turns_seen", "reaper_said", "steps")},
}  # fmt: skip
TOTALS = ("memcg", "forced", "schedule")  # kinds whose pages are counted in all


def check_boots(boots: list[Any], label: str) -> None:
    """Raise InputError naming the first thing wrong with the boots of a record.

    label: the field beside kind and victim that every experiment has: its role, or its design.
    """
    for n, boot in enumerate(boots):
        check(boot, HEAD, f"boots[{n}]")
        for k, entry in enumerate(boot["experiments"]):
            check_experiment(entry, f"boots[{n}].experiments[{k}]", label)


def check_experiment(entry: Any, where: str, label: str) -> None:
    """Raise InputError naming the first thing wrong with an experiment: its fields, its victim, its repetitions."""
    kind = str(entry.get("kind"))
    needed = ("error", "errno") if "error" in entry else NEEDED.get(kind, NEEDED.get(f"{label} {kind}", ()))
    known = FIELDS | dict.fromkeys(PAGES, Int() if kind in TOTALS else PAIR)
    check(entry, Fields({name: known[name] for name in ("kind", "victim", label, *needed)}, known), where)
    victim = VictimConfig.from_dict(entry["victim"])
    if victim.span_bytes > VICTIM_BYTES:
        raise fail(f"{where}.victim.span_bytes", victim.span_bytes, f"at most {VICTIM_BYTES}")
    if len(entry.get("turns", ())) != len(entry.get("turns_seen", ())):
        raise fail(f"{where}.turns_seen", entry.get("turns_seen"), "one for each of turns")
    if {"lost", "ns"} <= entry.keys() and len(entry["lost"]) != len(entry["ns"]):
        raise fail(f"{where}.lost", entry["lost"], "one for each of ns")

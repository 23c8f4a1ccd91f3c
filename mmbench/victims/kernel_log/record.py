"""The record of kills read from a log: what is in it, when it is valid, reading and writing.

Pages are 4 KiB; null is "the log does not say". A record holds no host, user or path of the log.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from mmbench.errors import InputError
from mmbench.model.layout import MAX_PAGES
from mmbench.records.files import json_text, read_json, write_text
from mmbench.records.kill_types import KillRecord, LoggedKill, ObservedReap, Outcome
from mmbench.records.manifest import MANIFEST, build_manifest
from mmbench.records.schema import Fields, Int, ListOf, Maybe, Text, check, fail
from mmbench.victims.kernel_log import said as s

if TYPE_CHECKING:
    from mmbench.victims.kernel_log.collect import Collector
    from mmbench.victims.kernel_log.kills import Kill, Reap
    from mmbench.victims.kernel_log.lines import LogLines

FORMAT = "mmbench-kills 1"
SUFFIX = ".kills.json"
CLOCKS = ("realtime", "monotonic", "none")
OUTCOMES: dict[str, Outcome] = {
    s.REAPED: "reaped", s.GAVE_UP: "gave-up", s.SKIPPED: "skipped", s.EXITED: "exited", s.DID_NOT_EXIT: "did-not-exit",
}  # fmt: skip
KINDS = ("anon", "file", "shmem")
BY_PAGES = ("total-vm", "rss", "anon-rss", "file-rss", "shmem-rss", "swap")
MOST = 1 << 53  # of every number: bytes, microseconds (285 years), and what a JSON reader of doubles takes whole
HELD = ("rss_pages", *(f"{kind}_pages" for kind in KINDS))  # what a victim is built of: at most MAX_PAGES

REAP = Fields(
    {
        "outcome": Text(tuple(OUTCOMES.values())),
        "after_us": Int(nullable=True),
        "start_us": Int(nullable=True),
        **{f"left_{kind}_pages": Int(nullable=True) for kind in KINDS},
    }
)


KILL = Fields(
    {
        "stretch": Int(),
        "time_us": Int(nullable=True),
        "step_us": Int(minimum=1, nullable=True),
        "by": Text(s.KILLERS),
        "process": Maybe(Text()),
        "pid": Int(nullable=True),
        "total_vm_pages": Int(nullable=True),
        "rss_pages": Int(nullable=True),
        **{f"{kind}_pages": Int(nullable=True) for kind in KINDS},
        "swap_pages": Int(nullable=True),
        "pgtables_bytes": Int(nullable=True),
        "cgroup_bytes": Int(nullable=True),
        "oom_score_adj": Int(minimum=-1000, nullable=True),
        "locked_at_most_pages": Int(nullable=True),
        "kernel": Maybe(Text()),
        "reap": Maybe(REAP),
    }
)
RECORD = Fields(
    {
        "format": Text((FORMAT,)),
        "manifest": MANIFEST,
        "clock": Text(CLOCKS),
        "n_lines": Int(),
        "n_bytes": Int(),
        "n_dropped": Int(),
        "n_repeated": Int(),
        "n_boots": Int(),
        "n_reaps_without_kill": Int(),
        "n_unread": Int(),
        "unread_lines": ListOf(Int(minimum=1)),
        "notes": ListOf(Text()),
        "kills": ListOf(KILL, n_least=1),
    }
)


def make_record(collector: Collector, lines: LogLines) -> KillRecord:
    """The record of everything that was read."""
    return {
        "format": FORMAT,
        "manifest": build_manifest(),
        "clock": "realtime" if collector.has_wall else "monotonic" if collector.has_mono else "none",
        "n_lines": lines.n_lines,
        "n_bytes": lines.n_bytes,
        "n_dropped": collector.n_dropped,
        "n_repeated": collector.n_repeated,
        "n_boots": collector.n_boots,
        "n_reaps_without_kill": collector.n_reaps_alone,
        "n_unread": collector.n_strange,
        "unread_lines": [number for number, _ in collector.examples],
        "notes": _notes(collector, lines),
        "kills": [_kill(kill, time_us) for kill, time_us in _in_order(collector.kills)],
    }


def _in_order(kills: list[Kill]) -> list[tuple[Kill, int | None]]:
    """Kills by time, each stretch from 0 on; one without a time stays behind the one before it."""
    order, last = [], (0, 0)
    for n, kill in enumerate(kills):
        last = (kill.stretch, last[1] if kill.time_us is None else kill.time_us)
        order.append((*last, n))
    first: dict[int, int] = {}
    for kill in kills:
        if kill.time_us is not None:
            first[kill.stretch] = min(kill.time_us, first.get(kill.stretch, kill.time_us))
    sorted_kills = [kills[n] for _, _, n in sorted(order)]
    return [(kill, None if kill.time_us is None else kill.time_us - first[kill.stretch]) for kill in sorted_kills]


def _kill(kill: Kill, time_us: int | None) -> LoggedKill:
    pages = {name: _pages(kill.sizes_kib.get(name)) for name in BY_PAGES}
    told = [pages[f"{kind}-rss"] for kind in KINDS]
    rss = pages["rss"] if told[0] is None or pages["rss"] is not None else sum(n for n in told if n is not None)
    locked = None if kill.locked_bytes is None else kill.locked_bytes >> 12
    return {
        "stretch": kill.stretch,
        "time_us": time_us,
        "step_us": kill.step_us,
        "by": kill.by,
        "process": _printable(kill.name) or None,
        "pid": kill.pid,
        "total_vm_pages": pages["total-vm"],
        "rss_pages": rss,
        "anon_pages": told[0],
        "file_pages": told[1],
        "shmem_pages": told[2],
        "swap_pages": pages["swap"],
        "pgtables_bytes": _pgtables_bytes(kill.sizes_kib),
        "cgroup_bytes": kill.n_bytes,
        "oom_score_adj": kill.oom_score_adj,
        "locked_at_most_pages": locked if rss is None or locked is None else min(locked, rss),
        "kernel": kill.release or None,
        "reap": _reap(kill.reap),
    }


def _reap(reap: Reap | None) -> ObservedReap | None:
    if reap is None:
        return None
    left = {kind: _pages(reap.sizes_kib.get(f"{kind}-rss")) for kind in KINDS}
    return {
        "outcome": OUTCOMES[reap.outcome], "after_us": reap.after_us, "start_us": reap.start_us,
        "left_anon_pages": left["anon"], "left_file_pages": left["file"], "left_shmem_pages": left["shmem"],
    }  # fmt: skip


def _printable(name: str) -> str:
    """A name as a terminal may show it: prctl lets a process call itself anything, escape sequences too."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def _pages(kib: int | None) -> int | None:
    return None if kib is None else kib >> 2


def _pgtables_bytes(sizes_kib: dict[str, int]) -> int | None:
    """Bytes of page tables. Up to v5.4.7 "pgtables:...kB" held bytes: then it exceeds the whole address space.

    Source: 941f762bcb27 ("mm/oom: fix pgtables units mismatch in Killed process message").
    """
    kib = sizes_kib.get("pgtables")
    if kib is None:
        return None
    return kib if "total-vm" in sizes_kib and kib > sizes_kib["total-vm"] else kib << 10


def _notes(collector: Collector, lines: LogLines) -> list[str]:
    notes = [
        "Whether pages were mlocked is not in the log; locked_at_most_pages is what the whole machine or group had."
    ]
    if lines.cut_short:
        notes.append(f"The log was read up to line {lines.n_lines}: {lines.cut_short}.")
    if collector.n_dropped:
        notes.append(f"{collector.n_dropped} kills after the first {len(collector.kills)} were counted and not kept.")
    if lines.n_long:
        notes.append(f"{lines.n_long} lines of more than 64 KiB were left out.")
    if lines.n_nul:
        notes.append(f"{lines.n_nul} lines held NUL bytes, which were removed.")
    if n := collector.n_quoted:
        which = "1 line of another program quotes" if n == 1 else f"{n} lines of other programs quote"
        notes.append(f"{which} kills or reaps; a quote is no kill.")
    if n := collector.n_nobody:
        often = "Once" if n == 1 else f"{n} times"
        notes.append(f"{often} the killer found no killable process; for the whole machine that is a panic.")
    if collector.axis.stretch:
        notes.append("Times restart where no clock tells how much time passed: compare them within a stretch only.")
    return notes


def validate_kills(record: Any) -> None:
    """Raise InputError naming the first field that makes `record` no record of kills."""
    if not isinstance(record, dict):
        raise InputError(f"a record of kills is a JSON object; found {type(record).__name__}.")
    if record.get("format") != FORMAT:
        raise fail("format", record.get("format"), f"{FORMAT!r} (write it with: mmbench import LOG)")
    check(record, RECORD, "")
    last = (0, 0)
    for i, kill in enumerate(record["kills"]):
        _validate_kill(kill, f"kills[{i}]")
        now = (kill["stretch"], kill["time_us"] if kill["time_us"] is not None else 0)
        if kill["time_us"] is not None:
            if now < last:
                raise fail(f"kills[{i}].time_us", kill["time_us"], f"at least that of the kill before, {last[1]}")
            last = now


def _validate_kill(kill: LoggedKill, name: str) -> None:
    for key, text in (("process", kill["process"]), ("kernel", kill["kernel"])):
        if text is not None and not text.isprintable():
            raise fail(f"{name}.{key}", text, "a name of printable characters")
    _check_sizes(kill, name)
    _check_sizes(kill["reap"] or {}, f"{name}.reap")


def _check_sizes(fields: Mapping[str, object], name: str) -> None:
    """Raise InputError for a number that no machine has: nothing computed from a record may overflow."""
    for key, value in fields.items():
        most = MAX_PAGES if key in HELD else MOST
        if isinstance(value, int) and value > most:
            raise fail(f"{name}.{key}", value, f"at most {most}")


def write_kills(path: str | os.PathLike[str], record: KillRecord) -> None:
    """Write a valid record, whole or not at all. Raises InputError or CannotError."""
    validate_kills(record)
    write_text(path, json_text(record))


def read_kills(path: str | os.PathLike[str]) -> KillRecord:
    """Read and validate a record of kills. Raises InputError naming file and field."""
    record = read_json(path)
    try:
        validate_kills(record)
    except InputError as error:
        raise InputError(f"{os.fspath(path)}: {error}") from None
    return cast(KillRecord, record)

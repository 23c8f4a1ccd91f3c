"""A log read from its first line to its last: the record, and the lines that could not be understood."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mmbench.errors import InputError
from mmbench.records.kill_types import KillRecord
from mmbench.victims.kernel_log.collect import Collector
from mmbench.victims.kernel_log.entries import FieldEntries, JsonEntries, entries_of
from mmbench.victims.kernel_log.lines import LogLines
from mmbench.victims.kernel_log.record import make_record

Progress = Callable[[LogLines, int], None]  # lines so far, kills so far


class Imported(NamedTuple):
    """The record, and (line number, message) of some lines that look like OOM lines and could not be read."""

    record: KillRecord
    examples: list[tuple[int, str]]


def read_log(path: str, progress: Progress | None = None) -> Imported:
    """Read a log ("-": the standard input; gzip, bzip2 and xz are unpacked) in bounded memory.

    Raises InputError for a log without kills, binary data or a path that is none, CannotError where it may not be read.
    """
    lines, collector = LogLines(path), Collector()
    if progress is not None:
        lines.on_block = lambda: progress(lines, len(collector.kills))
    _read(lines, collector)
    if not collector.kills:
        raise InputError(_no_kills(lines, collector))
    return Imported(make_record(collector, lines), collector.examples)


def _read(lines: LogLines, collector: Collector) -> None:
    """Give the collector every line that may matter, or every record where records take several lines."""
    entries: list[JsonEntries | FieldEntries] = []

    def on_start(block: bytes) -> None:
        if (form := entries_of(block)) is not None:
            entries.append(form)
            lines.every_line = True

    lines.on_start = on_start
    for number, text in lines:
        if entries:
            for at, entry in entries[0].feed(number, text):
                collector.take_entry(at, entry)
        else:
            collector.take(number, text)
            lines.every_line = collector.wants_every_line
    for form in entries:
        for at, entry in form.end():
            collector.take_entry(at, entry)
        lines.n_long += form.n_lost


def _no_kills(lines: LogLines, collector: Collector) -> str:
    name = "the standard input" if lines.path == "-" else repr(lines.path)
    if not lines.n_bytes:
        return (
            f"{name} is empty{f': {lines.cut_short}' if lines.cut_short else ''}; give what dmesg or journalctl prints."
        )
    found = f"{lines.n_lines:,} line{'' if lines.n_lines == 1 else 's'} read"
    if lines.cut_short:
        found += f", up to where {lines.cut_short}"
    if collector.n_reaps_alone:
        n = collector.n_reaps_alone
        found += f", {n} reap{'s' * (n > 1)} of victims whose kill is not in it"
        if collector.n_give_ups_alone:
            found += f", {collector.n_give_ups_alone} of them given up by the reaper"
    if n := collector.n_quoted:
        found += f", {n} of other programs that quote a kill or reap"
    if collector.n_nobody:
        found += ", the killer found no killable process: for the whole machine that is a panic"
    if collector.n_strange:
        number, text = collector.examples[0]
        found += (
            f", {collector.n_strange} that look like kills and are cut off or unknown, first line {number}: {text!r}"
        )
    give = "Give a log that covers one: journalctl -k -o short-iso-precise, dmesg, or an `oom` trace."
    return f"{name} holds no OOM kill ({found}). {give}"

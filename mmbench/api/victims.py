"""What dies, and what died: a live process as a victim, the kills of a log."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mmbench.api.answer import WIDTH, Answer
from mmbench.api.given import text_of, whole_of
from mmbench.ask.kills import predict, rows_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mmbench.records.kill_types import KillRecord
    from mmbench.records.types import PredictedReap
    from mmbench.victims import Victim


class Kills(Answer[dict[str, object]]):
    """The kills of a log, a row for each; `record` is what `mmbench import` writes."""

    def __init__(self, record: KillRecord, unread: list[tuple[int, str]]) -> None:
        super().__init__(rows_of(record))
        self.record, self.unread = record, unread

    def view(self) -> RenderableType:
        """A table of the kills."""
        from mmbench.report.text.kills import kills_view

        return kills_view(self.record, self.unread, "this record", None, WIDTH)

    def csv(self) -> str:
        """One row per kill."""
        from mmbench.records.csv_text import csv_text

        return csv_text(self.records)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the record, which compare(victim="FILE.kills.json:N", locked=...) and Study(kills=FILE) take."""
        from mmbench.victims.kernel_log import write_kills

        write_kills(text_of(path, "path"), self.record)

    def model(
        self, locked: str | None = None, shared: str | None = None, costs: str = "default"
    ) -> list[PredictedReap]:
        """The model's reap of each kill whose kernel, sizes and reap are in the log. Raises InputError."""
        return predict(self.record, locked, shared, costs)


def import_log(path: str | os.PathLike[str]) -> Kills:
    """Read the OOM kills of a log (dmesg, journalctl, syslog, logcat, ftrace), plain or packed."""
    from mmbench.victims.kernel_log.read import read_log

    found = read_log(text_of(path, "path"))
    return Kills(found.record, found.examples)


def snapshot(pid: int, path: str | os.PathLike[str] | None = None, *, name: str | None = None) -> Victim:
    """Read a live process into a victim; written to `path` where one is given, for compare(victim=path).

    Raises InputError for what is no process, CannotError for one that may not be read.
    """
    from mmbench.victims import snapshot as read
    from mmbench.victims import write_victim

    victim = read(whole_of(pid, "pid"), name=name)
    if path is not None:
        write_victim(victim, text_of(path, "path"))
    return victim

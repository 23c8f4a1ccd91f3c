"""The runs at the ends of a comparison, each with the token that does it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mmbench.report.answer import why_out
from mmbench.report.reading import Record, blocked_ps, moment, total

if TYPE_CHECKING:
    from rich.console import RenderableType


def extremes(records: Sequence[Record]) -> list[tuple[str, Record]]:
    """Return what each extreme is and its run: the soonest that competes, latest, most and least blocked, most left.

    The first of equals is taken. Where nobody competes, or all are blocked or leave alike, that extreme is missing.
    """
    never = 1 << 62

    def all_ps(r: Record) -> int:
        done = moment(r, "all")
        return never if done is None else done

    def least_blocked(r: Record) -> int:
        blocked = blocked_ps(r)
        return never if blocked is None else blocked

    sound = [r for r in records if not why_out(r)]
    found: list[tuple[str, Record]] = []
    if sound:
        found += [("soonest", min(sound, key=all_ps)), ("least blocked", min(sound, key=least_blocked))]
    found += [("latest", max(records, key=all_ps))]
    for what, measure in (("most blocked", blocked_ps), ("most left", lambda r: total(r, "left_pages"))):
        found += _most(what, records, measure)
    return found


def _most(what: str, records: Sequence[Record], measure: Callable[[Record], int | None]) -> list[tuple[str, Record]]:
    values = {measure(r) or 0 for r in records}
    return [(what, max(records, key=lambda r: measure(r) or 0))] if len(values) > 1 else []


def replay_view(found: Sequence[tuple[str, Record]]) -> list[RenderableType]:
    """Return lines that name each run once, with all that it is the extreme of, and its token below."""
    from rich.text import Text

    names: dict[str, list[str]] = {}
    for what, record in found:
        if record.get("token"):
            names.setdefault(str(record["token"]), [str(record["strategy"])]).append(what)
    if not names:
        return []
    lines: list[RenderableType] = [Text(""), Text("the extremes again: mmbench run --replay TOKEN")]
    for token, (strategy, *roles) in names.items():
        lines += [Text(f"{strategy}: {', '.join(roles)}", style="bold"), Text(token, overflow="fold")]
    return lines

"""The first screen: one sentence with the numbers, a bar per strategy against a baseline, one picture; no scripts.

Whoever gave up, killed another process or is unsafe stands below the others and is never a winner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mmbench.report.outcome import FLAWS, GAVE_UP, KILLED, UNSAFE, Flaw, Place, flaw_words, ranking
from mmbench.report.reading import moment
from mmbench.report.text.ranked import BASELINE, ratio_text
from mmbench.report.units import PAGE_BYTES, format_share, format_time
from mmbench.site.curves import curves_svg
from mmbench.site.parts import MODEL, badge, code
from mmbench.strategies import load

Record = Mapping[str, Any]
GIB = 1 << 30
MOST_NAMES = 3


def lead(records: Sequence[Record]) -> str:
    """The answer of one scenario as HTML.

    records: run records, one per strategy
    """
    places = ranking(records)
    return f"""<section id="answer" aria-label="The answer">
<p class="answer">{sentence(records, places)}</p>
<p class="say">{badge(MODEL)} What the thread of January 2022 was afraid of: munlocking needs page locks, whoever holds
one may itself be waiting for memory, and a victim that holds <code>mmap_lock</code> for write meanwhile shuts the
OOM reaper out.</p>
{bars(records, places)}
{curves_svg(records, places)}
</section>"""


def sentence(records: Sequence[Record], places: Sequence[Place]) -> str:
    """The answer in plain words, as HTML: what ships, who is sooner, and what went wrong with the others."""
    first = records[0]
    size, locked = first["resident_pages"], first["locked_pages"]
    victim = f"A {size * PAGE_BYTES / GIB:g} GiB victim, {format_share(locked, size)} of it mlocked"
    parts = [f"{victim}, while the holder of one of its page locks waits for memory:", *shipped(records, places)]
    for flaw in (KILLED, *(flaw for flaw in FLAWS if flaw is not KILLED)):
        if text := went_wrong(flaw, records, places):
            parts.append(text)
    return " ".join(parts)


def shipped(records: Sequence[Record], places: Sequence[Place]) -> list[str]:
    """What the baseline does, and which competing strategy is soonest."""
    words = []
    base = next((p for p in places if records[p.row]["strategy"] == BASELINE and not p.flaws), None)
    if base is not None:
        words.append(f"{name_of(base.name)}, which Linux ships today, gives all of it back in {strong(base)}.")
    best = next((p for p in places if not p.flaws), None)
    if best is not None and base is not None and format_time(best.all_ps) != format_time(base.all_ps):
        status = status_of(records[best.row])
        words.append(f"Soonest is {name_of(best.name)} ({escape(status)}), {strong(best)}.")
    return words


def went_wrong(flaw: Flaw, records: Sequence[Record], places: Sequence[Place]) -> str:
    """One sentence on the strategies whose worst flaw is this one; "" when there is none."""
    names = [place.name for place in places if place.flaws and place.flaws[0] is flaw]
    if not names:
        return ""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    listed = ", ".join(map(name_of, names[:MOST_NAMES])) + more
    if flaw is KILLED:
        gave_up = any(GAVE_UP in p.flaws for p in places if p.name in names)
        how = "let the reaper give up and cost" if gave_up else "cost"
        return f"{listed} {how} <strong>another process its life</strong>."
    if flaw is UNSAFE:
        return f"{listed}: <strong>unsafe</strong>, the checker has the schedule."
    return f"{listed}: {escape(flaw.words)}."


def verdict_words(verdict: str) -> str:
    """The checker's verdict for someone who meets it for the first time."""
    return {
        "safe": "safe: every interleaving of a small world was searched",
        "fails": "unsafe: there is a schedule that breaks a rule",
        "stalls": "stalls: there is a schedule that only the reaper's give-up ends",
    }.get(verdict, verdict)


def strong(place: Place) -> str:
    """The time to all freed, stressed."""
    return f"<strong>{format_time(place.all_ps)}</strong>"


def name_of(name: str) -> str:
    """A strategy, with the way to its page."""
    return f'<a href="designs/{escape(name)}.html">{code(name)}</a>'


def bars(records: Sequence[Record], places: Sequence[Place]) -> str:
    """A bar per strategy: time to all freed, the ratio to the baseline, and what went wrong."""
    base = next((moment(r, "all") for r in records if r["strategy"] == BASELINE), None)
    longest = max((p.all_ps for p in places if p.all_ps is not None), default=1)
    rows = []
    for place in places:
        record = records[place.row]
        wrong = flaw_words(record)
        width = 100 * (place.all_ps or longest) / longest
        says = f"{format_time(place.all_ps)}, {ratio_text(place.all_ps, base)} of {BASELINE}"
        kind = "flawed" if place.flaws else "base" if record["strategy"] == BASELINE else "sound"
        rows.append(
            f'<tr class="{kind}"><th scope="row">{name_of(place.name)}<small>{escape(status_of(record))}</small></th>'
            f'<td class="bar"><span style="width:{width:.1f}%"></span></td><td class="num">{escape(says)}</td>'
            f'<td class="flaw">{escape(wrong)}</td></tr>'
        )
    head = "<tr><th>design</th><th>time until all memory is free</th><th></th><th>what went wrong</th></tr>"
    return f'<table class="bars"><thead>{head}</thead><tbody>\n' + "\n".join(rows) + "\n</tbody></table>"


def status_of(record: Record) -> str:
    """Which kernels ship the design, or that none does."""
    return str(record.get("status") or load(str(record["strategy"])).strategy.status)

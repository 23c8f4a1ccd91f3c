"""The first screen: one sentence with the numbers, a bar per strategy against a baseline, one picture; no scripts.

Whoever gave up, killed another process or is unsafe stands below the others and is never a winner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mmbench.report.outcome import FLAWS, GAVE_UP, KILLED, UNSAFE, Flaw, Place, flaw_words, is_tie, ranking
from mmbench.report.reading import moment
from mmbench.report.text.ranked import BASELINE, ratio_text
from mmbench.report.units import PAGE_BYTES, format_share, format_time
from mmbench.site.curves import curves_svg
from mmbench.site.parts import MODEL, badge, code
from mmbench.strategies import load

Record = Mapping[str, Any]
GIB = 1 << 30
MOST_NAMES = 3
LOCKED, SHARED = "pages stay locked", "if another process maps them"


def lead(records: Sequence[Record], shared: Mapping[str, Sequence[str]]) -> str:
    """The answer of one scenario as HTML.

    records: run records, one per strategy; shared: strategy -> rules that it breaks once its pages are shared
    """
    places = ranking(records)
    return f"""<section id="answer" aria-label="The answer">
<p class="answer">{sentence(records, places, shared)}</p>
<p class="say"><strong>The fear</strong> of kernel developers in January 2022: to unlock a page, the dying process
needs that page&rsquo;s lock; whoever holds it may itself wait for memory; and if the dying process meanwhile holds
its address space (<code>mmap_lock</code>, for write), the OOM reaper, which is the kernel&rsquo;s helper that frees the
memory of the dying, is shut out. Nobody gets on, the reaper gives up after a second, and the kernel kills one process
more. {badge(MODEL)}</p>
<div class="screen">
{bars(records, places, shared)}
{curves_svg(records, places)}
</div>
</section>"""


def sentence(records: Sequence[Record], places: Sequence[Place], shared: Mapping[str, Sequence[str]]) -> str:
    """The answer in plain words, as HTML: what to want, who is sooner, and what went wrong with the others."""
    parts = shipped(records, places, shared)
    for flaw in (KILLED, *(flaw for flaw in FLAWS if flaw is not KILLED)):
        if text := went_wrong(flaw, records, places):
            parts.append(text)
    return " ".join(parts)


def victim_words(record: Record) -> str:
    """The victim: how large, and how much of it is locked."""
    size, locked = record["resident_pages"], record["locked_pages"]
    return f"{size * PAGE_BYTES / GIB:g} GiB, {format_share(locked, size)} of it mlocked"


def shipped(records: Sequence[Record], places: Sequence[Place], shared: Mapping[str, Sequence[str]]) -> list[str]:
    """What the baseline does, and which competing strategy is soonest and at what price."""
    victim = f"all of a victim&rsquo;s memory ({victim_words(records[0])})"
    base = next((p for p in places if records[p.row]["strategy"] == BASELINE and not p.flaws), None)
    best = next((p for p in places if not p.flaws), None)
    words = []
    if base is not None:
        words.append(
            f"<strong>Want {name_of(base.name)}</strong>, which Linux ships today: {victim} is free again "
            f"{strong(base)} after the kill, even while the holder of one of its page locks waits for memory."
        )
    if best is not None and not (base and base.all_ps and best.all_ps and is_tie(best.all_ps, base.all_ps)):
        record = records[best.row]
        but = f", but {text}" if (text := but_words(shared.get(str(record["strategy"]), ()))) else ""
        words.append(f"Soonest is {name_of(best.name)} ({escape(status_of(record))}), {strong(best)}{but}.")
    return words


def but_words(broken: Sequence[str]) -> str:
    """A design's flaw in a world with a second process, "" for none. broken: rules that the checker saw it break"""
    return f"{LOCKED if 'I7' in broken else 'unsafe'} {SHARED} ({', '.join(broken)})" if broken else ""


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


def bars(records: Sequence[Record], places: Sequence[Place], shared: Mapping[str, Sequence[str]]) -> str:
    """A bar per strategy: time to all freed, the ratio to the baseline, and what went wrong."""
    base = next((moment(r, "all") for r in records if r["strategy"] == BASELINE), None)
    longest = max((p.all_ps for p in places if p.all_ps is not None), default=1)
    buts = {name: but_words(broken) for name, broken in shared.items()}
    rows = "\n".join(bar(records[p.row], p, base, longest, buts.get(p.name, "")) for p in places)
    heads = "".join(
        f'<th scope="col"{wide}>{words}</th>'
        for wide, words in (
            ("", "design"),
            (' colspan="2"', f"time until all memory is free, x of {BASELINE}"),
            ("", "what went wrong"),
        )
    )
    return f'<table class="bars"><thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table>'


def bar(record: Record, place: Place, base: int | None, longest: int, but: str) -> str:
    """One row. base: the baseline's time to all freed; longest: that of the longest bar; but: as of but_words"""
    kind = "flawed" if place.flaws else "base" if record["strategy"] == BASELINE else "sound"
    width = 100 * (place.all_ps or longest) / longest
    says = f"{format_time(place.all_ps)} <small>{escape(ratio_text(place.all_ps, base))}</small>"
    wrong = f'<td class="flaw">{escape(flaw_words(record))}</td>'
    if but and not place.flaws:
        wrong = f'<td class="but">{escape(but)}</td>'
    return (
        f'<tr class="{kind}"><th scope="row">{name_of(place.name)}<small>{escape(status_of(record))}</small></th>'
        f'<td class="bar"><span style="width:{width:.1f}%"></span></td><td class="num">{says}</td>{wrong}</tr>'
    )


def status_of(record: Record) -> str:
    """Which kernels ship the design, or that none does."""
    return str(record.get("status") or load(str(record["strategy"])).strategy.status)

"""The page of changes: any measured commit against any other, one coloured line first.

Without scripts it shows the newest commit against the one before; changes.js shows every pair from the same data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from mmbench.site.change_data import LETTERS, VERDICTS, Data
from mmbench.site.parts import MEASURED, MODEL, WIDE, badge, document, to_front
from mmbench.tracking.change import BETTER, FAILED, FASTER, MEANT, NOISE, ONCE, SAME, SLOWER, WORSE
from mmbench.tracking.headline import NONE_IN_BOTH, NOTHING, SIGNS

SCRIPT = "changes.js"
DATA = "changes-data.js"
LEAST = 0.0001
MOST_OPEN = 8  # rows of a group that are shown without a click
SPARK_WIDTH, SPARK_HEIGHT = 96, 20
CLASSES = {WORSE: "worse", BETTER: "better", MEANT: "meant", NOTHING: "same", NONE_IN_BOTH: "same"}
# Heading, verdicts, and how the page speaks of them; what is left is told as numbers in the coloured line.
GROUPS = (
    ("Worse", (WORSE, FAILED), "worse"),
    ("Better", (BETTER,), "better"),
    ("Moved on purpose", (MEANT,), "meant"),
    ("Timings of one machine", (SLOWER, FASTER, NOISE, ONCE), "same"),
)
HEAD = "".join(
    f'<th scope="col">{words}</th>' for words in ("value", "A", "B", "change", "noise", "all commits", "verdict")
)
STEPS = {"older": "Older", "newer": "Newer", "swap": "Swap A and B"}
BUTTONS = " ".join(f'<button type="button" data-step="{step}">{words}</button>' for step, words in STEPS.items())
Rows = list[int]


def change_page(data: Data) -> str:
    """The document. data: as change_data gives it, with two commits at least."""
    last = len(data["commits"]) - 1
    header = f"""{to_front()}
<h1>What did a commit change?</h1>
<form id="pair" aria-label="Two commits">
<label>A, before <select name="a">{options(data, last - 1)}</select></label>
<label>B, after <select name="b">{options(data, last)}</select></label>
<span class="buttons">{BUTTONS}</span>
</form>
<noscript><p>Without JavaScript this page shows the newest measured commit against the one before it;
<code>mmbench bench compare A B</code> compares any two.</p></noscript>"""
    body = f"""<div id="change">
{view(data, last - 1, last)}
</div>
<p class="legend">{badge(MODEL)} A series that begins with <code>track_</code> is the same on every machine, to the last
bit: any difference is a change. {badge(MEASURED)} A timing has changed when it differs by a tenth, by twice its noise
(quartile distance over the median) and by a rank test. Better and worse go by each series' own direction. What
CHANGELOG.md names beforehand was meant, and alarms nobody.</p>"""
    return document("mmbench: what did a commit change?", header, body, scripts=(SCRIPT, DATA))


def options(data: Data, chosen: int) -> str:
    """All commits, the newest first."""
    return "".join(
        f'<option value="{one["short"]}"{" selected" if n == chosen else ""}>{escape(commit_text(one))}</option>'
        for n, one in reversed(list(enumerate(data["commits"])))
    )


def commit_text(commit: Data) -> str:
    """A commit in a line."""
    return f"{commit['short']} {commit['date']} {commit['subject']}"


def view(data: Data, a: int, b: int) -> str:
    """Everything about one pair: the coloured line and a group per kind of verdict."""
    pair = data["pairs"][f"{a}-{b}"]
    kind = str(pair["kind"])
    line = f'<p id="line" class="line {CLASSES[kind]}"><span>{SIGNS[kind]}</span> {escape(pair["says"])}</p>'
    return "\n".join([line, *(group(data, pair, a, b, *one) for one in GROUPS)])


def group(data: Data, pair: Data, a: int, b: int, title: str, verdicts: Sequence[str], kind: str) -> str:
    """One kind of verdict, series by series; "" when there is none."""
    letters = "".join(LETTERS[name] for name in verdicts)
    rows = [n for n, letter in enumerate(pair["letters"]) if letter in letters]
    if not rows:
        return ""
    opened = " open" if len(rows) <= MOST_OPEN or kind == "worse" else ""
    found = list(dict.fromkeys(why for n in rows for why in pair["why"].get(str(n), ())))
    parts = [f"<li>{with_code(data['whys'][why])}</li>" for why in found]
    parts = [f'<ol class="whys" aria-label="CHANGELOG says">{"".join(parts)}</ol>'] if parts else []
    for series, own in by_series(data, rows):
        cells = "\n".join(row(data, pair, a, b, n) for n in own)
        says = f"<code>{escape(series)}</code> {summary(data, pair, own, found)}"
        table = f"{WIDE}<table><thead><tr>{HEAD}</tr></thead><tbody>\n{cells}\n</tbody></table></div>"
        parts.append(f"<details{opened}><summary>{says}</summary>{table}</details>")
    inside = "\n".join(parts)
    return f'<section class="{kind}"><h2>{title} <small>{len(rows)}</small></h2>\n{inside}\n</section>'


def with_code(text: str) -> str:
    """A sentence of CHANGELOG; what stands between backticks is code."""
    return "".join(f"<code>{escape(part)}</code>" if n % 2 else escape(part) for n, part in enumerate(text.split("`")))


def by_series(data: Data, rows: Rows) -> Iterator[tuple[str, Rows]]:
    """Rows of the same series."""
    found: dict[str, Rows] = {}
    for n in rows:
        found.setdefault(data["keys"][n]["series"], []).append(n)
    yield from found.items()


def summary(data: Data, pair: Data, rows: Rows, whys: Sequence[int]) -> str:
    """A series in a line: which way is better, how many values, the span of their changes, which sentence says why.

    whys: the sentences of the group, in the order of their numbers
    """
    key = data["keys"][rows[0]]
    found = [change for n in rows if (change := ratio(data, pair, n)) is not None]
    span = " to ".join(dict.fromkeys(map(percent, (min(found), max(found))))) if found else ""
    n = f"{len(rows)} value{'s' * (len(rows) != 1)}"
    named = sorted({whys.index(why) + 1 for n in rows for why in pair["why"].get(str(n), ())})
    why = f"why: {', '.join(map(str, named))}" if named else ""
    says = "; ".join(filter(None, (f"{'higher' if key['up'] else 'lower'} is better", n, span, why)))
    return f"<small>{says}</small>"


def ratio(data: Data, pair: Data, n: int) -> float | None:
    """B over A, less one; None where one is missing or A is 0."""
    a, b = (data["files"][side][n] for side in pair["files"])
    return b[0] / a[0] - 1 if a and b and a[0] and b[0] is not None else None


def percent(change: float) -> str:
    """A change in percent, with its sign; one that two digits cannot show is said in words."""
    if change and abs(change) < LEAST:
        return f"{'-' if change < 0 else '+'}under {100 * LEAST:g} %"
    return f"{100 * change:+.2f} %"


def row(data: Data, pair: Data, a: int, b: int, n: int) -> str:
    """One value."""
    key, sides = data["keys"][n], [data["files"][side][n] for side in pair["files"]]
    change = ratio(data, pair, n)
    noise = "exact" if key["exact"] else ", ".join(side[2] or "ran once" for side in sides if side)
    verdict = VERDICTS[ord(pair["letters"][n]) - ord("a")]
    cells = [side[1] if side else "-" for side in sides]
    cells += ["-" if change is None else percent(change), noise]
    text = "".join(f'<td class="num">{escape(cell)}</td>' for cell in cells)
    name = key["params"] or key["name"]
    return (
        f'<tr><th scope="row">{escape(name)}</th>{text}<td>{spark(data["line"][n], a, b)}</td>'
        f'<td class="{CLASSES.get(verdict, "same")}">{verdict}</td></tr>'
    )


def spark(line: Sequence[float | None], a: int, b: int) -> str:
    """A value over all commits, A and B marked."""
    known = [value for value in line if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    spots = {n: place(n, value, len(line), low, high) for n, value in enumerate(line) if value is not None}
    path = " ".join(f"{x},{y}" for x, y in spots.values())
    dots = "".join(f'<circle cx="{spots[n][0]}" cy="{spots[n][1]}" r="2.5"/>' for n in (a, b) if n in spots)
    return (
        f'<svg class="spark" viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}" width="{SPARK_WIDTH}" height="{SPARK_HEIGHT}" '
        f'aria-hidden="true"><polyline points="{path}"/>{dots}</svg>'
    )


def place(n: int, value: float, count: int, low: float, high: float) -> tuple[float, float]:
    """Where a value stands in a spark line."""
    x = 3 + (SPARK_WIDTH - 6) * n / max(count - 1, 1)
    share = (value - low) / (high - low) if high > low else 0.5
    return round(x, 1), round(SPARK_HEIGHT - 3 - (SPARK_HEIGHT - 6) * share, 1)


def page_of(data: Data) -> Any:
    """What changes.js needs besides the data: groups, classes and signs, said once."""
    groups = [[title, "".join(LETTERS[name] for name in verdicts), kind] for title, verdicts, kind in GROUPS]
    return data | {"groups": groups, "classes": CLASSES, "signs": SIGNS, "most_open": MOST_OPEN, "same": LETTERS[SAME]}

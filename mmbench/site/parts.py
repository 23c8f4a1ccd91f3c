"""Pieces that the pages share: the document around them, labels of origin, tables, pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

MODEL, MEASURED = "model", "measured"
WIDE = '<div class="wide" tabindex="0" role="group" aria-label="Table">'  # scrolls sideways, by keys, too


def document(
    title: str, header: str, main: str, up: str = "", scripts: Sequence[str] = (), styles: Sequence[str] = ()
) -> str:
    """A whole page around its header and its main part, both HTML.

    up: the way to the site's first folder, "" or "../"; scripts: files of the site that the page runs, deferred;
    styles: such as it wears besides the site's own
    """
    wears = "".join(f'<link rel="stylesheet" href="{up}{name}">\n' for name in styles)
    runs = "".join(f'<script defer src="{up}{name}"></script>\n' for name in scripts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="{up}asv/swallow.ico">
<link rel="stylesheet" href="{up}style.css">
{wears}{runs}</head>
<body>
<header>
{header}
</header>
<main>
{main}
</main>
</body>
</html>
"""


def to_front(up: str = "") -> str:
    """The way to the front page. up: as in `document`"""
    return f'<nav aria-label="Home"><ul><li><a href="{up}index.html">mmbench: the answer</a></li></ul></nav>'


def links(title: str, ways: Mapping[str, str]) -> str:
    """A named row of ways to other pages, address -> words; "" for none."""
    items = "".join(f'<li><a href="{escape(address)}">{escape(words)}</a></li>' for address, words in ways.items())
    return f'<nav aria-label="{title}"><p>{title}:</p><ul>{items}</ul></nav>\n' if ways else ""


def badge(text: str, origin: str = "") -> str:
    """The label of a number's origin; `origin` where the text says more than that."""
    return f'<span class="badge {origin or text}">{text}</span>'


def code(text: object) -> str:
    """A name, as typed."""
    return f"<code>{escape(str(text))}</code>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are HTML; an empty header is left out.

    The first column names the row and stays in sight when a narrow screen scrolls the rest.
    """
    names = "".join(f'<th scope="col">{cell}</th>' for cell in header)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>\n'
        for first, *rest in rows
    )
    head = f"<thead><tr>{names}</tr></thead>\n" if header else ""
    return f"{WIDE}<table>{head}<tbody>\n{body}</tbody></table></div>"


def figure(path: str, says: str, origin: str) -> str:
    """A picture that opens alone when it is tapped."""
    return (
        f'<figure><a href="{escape(path)}"><img src="{escape(path)}" alt="{escape(says)}" loading="lazy"></a>'
        f"<figcaption>{badge(origin)} {escape(says)}</figcaption></figure>"
    )

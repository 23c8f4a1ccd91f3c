"""A page per answer: the Markdown files of docs/answers, as they stand in the repository."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench.records.files import read_text, write_text
from mmbench.site.parts import WIDE, document, to_front

if TYPE_CHECKING:
    from markdown_it.token import Token

ELSEWHERE = "docs/"  # where the other documents are, which are no pages here


def write_answers(sources: Path, folder: Path) -> dict[str, str]:
    """Write FOLDER/NAME.html for each NAME.md; return name -> title."""
    titles = {}
    for path in sorted(sources.glob("*.md")):
        folder.mkdir(exist_ok=True)
        titles[path.stem], page = answer_page(read_text(path))
        write_text(folder / f"{path.stem}.html", page)
    return titles


def answer_page(text: str) -> tuple[str, str]:
    """Title and document of one answer. text: Markdown that begins with its title, and may have tables"""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(text)
    title = next(inside.content for token, inside in pairwise(tokens) if token.tag == "h1")
    for before, token in pairwise(tokens):
        if before.type == "tr_open" and token.type == "td_open":
            token.tag, token.attrs = "th", {"scope": "row"}
        elif token.type == "th_open":
            token.attrs = {"scope": "col"}
    close_first_cells(tokens)
    for token in tokens:
        token.children = within_the_site(token.children) if token.children else token.children
    body = reader.renderer.render(tokens, reader.options, {})
    framed = body.replace("<table>", f"{WIDE}<table>").replace("</table>", "</table></div>")
    return title, document(
        f"mmbench: {title}", to_front("../"), f'<article class="told">\n{framed}</article>', up="../"
    )


def close_first_cells(tokens: Sequence[Token]) -> None:
    """A first cell that names its row is closed as it was opened."""
    opened = ""
    for token in tokens:
        if token.type == "td_open":
            opened = token.tag
        elif token.type == "td_close":
            token.tag = opened


def within_the_site(tokens: Sequence[Token]) -> list[Token]:
    """The pieces of a line; a link to another document of the repository becomes that document's name."""
    from markdown_it.token import Token

    found, leaves = [], ""
    for token in tokens:
        target = str(token.attrs.get("href", ""))
        if token.type == "link_open" and target.endswith(".md"):
            leaves = target.removeprefix("../")
        elif token.type == "link_close" and leaves:
            found.append(Token("text", "", 0, content=f" ({ELSEWHERE}{leaves})"))
            leaves = ""
        else:
            found.append(token)
    return found

"""Sentences filled to a width so that no number stands apart from its unit and no interval is broken."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

NBSP = "\N{NO-BREAK SPACE}"
UNIT = re.compile(r"(?<=\d) (?=(?:ps|ns|us|ms|s|min|h|d|%|B|KiB|MiB|GiB|TiB|kills?)(?![\w/]))")
ONE_IN = re.compile(r"\b1 in (?=\d)")
INTERVAL = re.compile(r"\[[^][]{1,40}\]")


def glued(text: str) -> str:
    """The text with spaces that no line ends at, where a number would be torn."""
    text = ONE_IN.sub(f"1{NBSP}in{NBSP}", UNIT.sub(NBSP, text))
    return INTERVAL.sub(lambda found: found.group().replace(" ", NBSP), text)


def fill(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns, where words allow it; spaces are ordinary ones again."""
    lines = textwrap.wrap(glued(text), width, break_on_hyphens=False, break_long_words=False)
    return [line.replace(NBSP, " ") for line in lines] or [""]


@dataclass(frozen=True)
class Filled:
    """A paragraph as a rich renderable.

    head: words before it, in bold
    style: of the rest
    """

    text: str
    head: str = ""
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        whole = Text("\n".join(fill(self.head + self.text, options.max_width)), style=self.style)
        whole.stylize("bold", 0, len(self.head))
        yield whole

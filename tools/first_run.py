"""Draw the terminal of README's first command, from what the command prints here and now.

python tools/first_run.py docs/pictures/first-run.svg
"""

from __future__ import annotations

import io
import re
import sys

from rich.console import Console

from mmbench.ask.runs import Inputs, run_all
from mmbench.records.files import write_text
from mmbench.report.text.ranked import compare_view
from mmbench.strategies import load_all

COMMAND = "mmbench compare --size 1TiB --scenario stuck-holder"
WIDTH = 80


def terminal() -> Console:
    """A terminal with the command and its answer on it."""
    console = Console(width=WIDTH, record=True, file=io.StringIO(), force_terminal=True, highlight=False)
    console.print(f"[bold]$ {COMMAND}[/bold]")
    console.print(compare_view(run_all(Inputs("", {"size": "1TiB"}, "stuck-holder", {}), load_all()), WIDTH))
    return console


def picture() -> str:
    """The terminal as SVG, which asks nobody for a font."""
    svg = terminal().export_svg(title="mmbench", unique_id="first-run")
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    write_text(sys.argv[1], picture())

"""Print records: a table for people, JSON or CSV for programs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mmbench.report.reading import Record


def terminal_width() -> int:
    """Columns of the terminal; where the output goes elsewhere what COLUMNS says, or 120."""
    if sys.stdout.isatty():
        return shutil.get_terminal_size((120, 24)).columns
    said = os.environ.get("COLUMNS", "")
    return int(said) if said.isdigit() and int(said) else 120


def print_view(view: RenderableType) -> None:
    """Print a rich view: in colour on a terminal, plain and without trailing blanks elsewhere."""
    if not sys.stdout.isatty():
        from mmbench.report.text.tables import as_text

        sys.stdout.write(as_text(view, terminal_width()))
        return
    from rich.console import Console

    Console(width=terminal_width(), highlight=False).print(view)


def print_records(records: Sequence[Record], how: str, view: Callable[[Sequence[Record]], RenderableType]) -> None:
    """Print records as asked for (--format)."""
    from mmbench.report.text.export import to_csv, to_json

    if how == "json":
        sys.stdout.write(to_json(records))
    elif how == "csv":
        sys.stdout.write(to_csv(records))
    else:
        print_view(view(records))

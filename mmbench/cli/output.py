"""Print records: a table for people, JSON or CSV for programs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

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


def table_view(columns: Sequence[str], rows: Sequence[Mapping[str, object]], title: str = "") -> RenderableType:
    """Return a table of these columns, title above; what a row has not, or has no text for, is a dash."""
    from rich import box
    from rich.table import Table

    table = Table(*columns, title=title or None, title_justify="left", box=box.SIMPLE)
    for row in rows:
        table.add_row(*(cell_text(row.get(column)) for column in columns))
    return table


def cell_text(found: Any) -> str:
    """Return a value as a cell of a table."""
    if found is None or found == "":
        return "-"
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, list):
        return ", ".join(found)
    return f"{found:.2f}" if isinstance(found, float) else f"{found:,}" if isinstance(found, int) else str(found)

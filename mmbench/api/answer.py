"""An answer: checked records with one way to be a table, a data frame, CSV, JSON, or HTML in a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from mmbench.extras import require

if TYPE_CHECKING:
    from pandas import DataFrame
    from rich.console import RenderableType

WIDTH = 120
HTML = '<pre style="line-height:1.2;overflow-x:auto">{code}</pre>'


Record = TypeVar("Record", bound=Mapping[str, Any])


class Answer(Sequence[Record]):
    """A sequence of records, as `--format json` prints them."""

    def __init__(self, records: list[Record]) -> None:
        self.records = records

    @overload
    def __getitem__(self, at: int) -> Record: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Record]: ...
    def __getitem__(self, at: int | slice) -> Record | Sequence[Record]:
        return self.records[at]

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def view(self) -> RenderableType:
        """The table that the command line prints."""
        raise NotImplementedError

    def csv(self) -> str:
        """What `--format csv` prints."""
        raise NotImplementedError

    def json(self) -> str:
        """What `--format json` prints."""
        from mmbench.records.files import json_text

        return json_text(self.records)

    def frame(self) -> DataFrame:
        """A pandas data frame with the columns of `--format csv`. Raises CannotError without pandas."""
        require("pandas", "frame() needs")
        from io import StringIO

        import pandas

        return pandas.read_csv(StringIO(self.csv()), dtype_backend="numpy_nullable")  # integers stay exact beside nulls

    def __str__(self) -> str:
        from mmbench.report.text.tables import as_text

        return as_text(self.view(), WIDTH)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The table in a notebook."""
        import io

        from rich.console import Console

        console = Console(width=WIDTH, record=True, file=io.StringIO(), force_jupyter=False, highlight=False)
        console.print(self.view())
        return console.export_html(inline_styles=True, code_format=HTML)

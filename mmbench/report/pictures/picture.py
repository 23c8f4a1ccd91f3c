"""How every picture is made: the same bytes for the same data whatever the user's settings, whole or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench.errors import InputError
from mmbench.extras import require
from mmbench.records.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 120
METADATA: dict[str, dict[str, str | None]] = {
    ".png": {"Software": "mmbench"},
    ".svg": {"Creator": "mmbench", "Date": None},
    ".pdf": {"Creator": "mmbench", "Producer": "mmbench", "CreationDate": None},
}
ABOUT = {".png": "Description", ".svg": "Description", ".pdf": "Subject"}


def picture_suffix(path: str | os.PathLike[str]) -> str:
    """Return the suffix of a path to draw into.

    Raises InputError for one that is not drawn, and CannotError where nothing can be drawn.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in METADATA:
        found = f"{suffix!r}" if suffix else "no suffix"
        raise InputError(f"cannot draw into {os.fspath(path)!r}: {found}; allowed: {', '.join(METADATA)}.")
    require("matplotlib", "pictures need")
    return suffix


def write_figure(
    draw: Callable[[], Figure], path: str | os.PathLike[str], about: str = "", *, formulas: bool = False
) -> None:
    """Draw into a .png, .svg or .pdf file. about: goes into the file's metadata, such as replay tokens.

    formulas: what stands between dollars is one, as ticks of a logarithmic axis need it.
    Raises InputError for another suffix or a path that cannot be written, and CannotError when the disk is full.
    """
    suffix = picture_suffix(path)
    import matplotlib

    # The user's own matplotlib settings must not change the figure; the context gives them back.
    fixed = {k: v for k, v in matplotlib.rcParamsDefault.items() if "backend" not in k}
    data = io.BytesIO()
    metadata = METADATA[suffix] | ({ABOUT[suffix]: about} if about else {})
    with matplotlib.rc_context({**fixed, "svg.hashsalt": "mmbench", "text.parse_math": formulas}):
        draw().savefig(data, format=suffix[1:], dpi=DPI, metadata=metadata)
    write_bytes(path, data.getvalue())

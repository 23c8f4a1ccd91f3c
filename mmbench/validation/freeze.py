"""Predictions are on disk, with a digest, before anything they speak of is measured.

With a path they stay; without one they go to a file that has no name, which no signal can leave behind.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import IO

from mmbench.errors import CannotError
from mmbench.records.files import json_text, read_text, write_text
from mmbench.records.measured_types import FrozenCosts, Prediction

FORMAT = "mmbench-predictions 1"


class Frozen:
    """Predictions that cannot change any more: read back and held against their digest when they are used."""

    def __init__(self, predictions: list[Prediction], costs: FrozenCosts, path: str | None = None) -> None:
        """Write them, flushed to the disk, to `path` or to a nameless file. Raises InputError or CannotError."""
        text = json_text({"format": FORMAT, "costs": costs, "predictions": predictions})
        self.digest = digest(text)
        self.path = path
        self._nameless: IO[str] | None = None
        if path is not None:
            write_text(path, text)
        else:
            self._nameless = _nameless_file(text)

    def predictions(self) -> list[Prediction]:
        """Read them back. Raises CannotError when they are not what was frozen."""
        if self._nameless is not None:
            self._nameless.seek(0)
            text = self._nameless.read()
        else:
            text = read_text(str(self.path))
        if digest(text) != self.digest:
            raise CannotError(f"{self.path or 'the predictions'} changed after they were frozen; validate again.")
        return list(json.loads(text)["predictions"])


def digest(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _nameless_file(text: str) -> IO[str]:
    folder = Path(tempfile.gettempdir())
    try:
        stream = tempfile.TemporaryFile("w+", encoding="utf-8", dir=folder)  # noqa: SIM115 - lives as long as Frozen
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    except OSError as error:
        raise CannotError(
            f"predictions cannot be written to {folder}: {error.strerror}; free space there, set TMPDIR, or give -o."
        ) from error
    return stream

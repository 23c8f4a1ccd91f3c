"""Kernel releases, as `uname -r` says them."""

from __future__ import annotations

import re


def version_of(release: str) -> tuple[int, int] | None:
    """(6, 18) of "6.18.44-amd64"; None for what does not begin with a version."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else None

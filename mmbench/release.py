"""Kernel releases, as `uname -r` says them."""

from __future__ import annotations

import re

HIDES_EXITING = (6, 19)


def version_of(release: str) -> tuple[int, int] | None:
    """(6, 18) of "6.18.44-amd64"; None for what does not begin with a version."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else None


def hides_exiting(release: str) -> bool:
    """Whether a memory cgroup's OOM killer of a release no longer sees a process that has begun to exit.

    a72f73c4dd9b, v7.0; 6.19 got it in a stable release of spring 2026 (which one is not known here; 6.19.14 has it).
    Seen in booted kernels: docs/answers/memcg-exiting-victim.md.
    """
    return (version_of(release) or (0, 0)) >= HIDES_EXITING

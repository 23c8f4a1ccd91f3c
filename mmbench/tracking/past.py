"""All measured commits of the repository in its own order, and two of them compared with CHANGELOG in hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mmbench.errors import InputError
from mmbench.records.files import read_text
from mmbench.tracking.change import Change, changes
from mmbench.tracking.purpose import Reasons, acknowledged, explained, items
from mmbench.tracking.repository import git
from mmbench.tracking.series import Measured, fullest, history_of, units

CHANGELOG = "CHANGELOG.md"


class Past(NamedTuple):
    """What was measured: all results commit by commit, the fullest of each, why series moved, and their units."""

    commits: Sequence[Sequence[Measured]]
    history: Sequence[Measured]
    reasons: Reasons
    units: Mapping[str, str]


def read_past(root: Path, results: Path) -> Past:
    """All of it, oldest commit first. Raises InputError when no commit of this repository was measured.

    results: the folder of asv's results
    """
    order = git(root, "rev-list", "--topo-order", "--reverse", "--all", "HEAD").split()
    commits = history_of(results, order)
    if not commits:
        raise InputError(f"{results} has no result of a commit of this repository; measure one: mmbench bench here")
    history = [one for group in commits if (one := fullest(group)) is not None]
    named = items(read_text(root / CHANGELOG)) if (root / CHANGELOG).is_file() else []
    return Past(commits, history, explained(history, named), units(results))


def judged(found: Past, a: Measured, b: Measured) -> list[Change]:
    """Every value from `a` to `b`; a move that CHANGELOG names is not worse, and says why."""
    return acknowledged(changes(a, b), found.history, found.reasons, a.commit, b.commit)

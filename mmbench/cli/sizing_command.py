"""The command that makes a study again, out of the options that decide what it says, with what it was made from."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mmbench.cli.inputs import SCENARIO_OPTIONS
from mmbench.cli.values import parse_pages, parse_ppm, parse_time_ps

if TYPE_CHECKING:
    from mmbench.sizing.queue.service import Setting
    from mmbench.sizing.study import Study

DECIDING = (
    "kills", "ordinary", "ordinary_locked", "heavy", "heavy_locked", "rarity", "holds", "held", "ram", "over", "tail",
    "hosts", "kills_per_day", "slo", "solve", "confidence", "n", "precision", "target", "costs", "seed", "scenario",
)  # fmt: skip
CODE = ("mmbench_version", "commit", "commit_modified")
SPELLED: dict[Callable[[str], int], Callable[[int], str]] = {
    parse_time_ps: lambda ps: "never" if ps == -1 else f"{ps}ps",
    parse_ppm: lambda ppm: f"{ppm / 10**6:.6f}",
    parse_pages: lambda pages: f"{4 * pages}KiB" if pages else "0",
}


def command_of(args: argparse.Namespace) -> str:
    """`mmbench size ...` with every option that decides the answer; workers, ledger, pictures and format do not."""
    words = ["mmbench", "size", "--strategy", *(args.strategy or ["v6.18"])]
    for name in DECIDING:
        value = getattr(args, name)
        words += [] if value is None else [f"--{name.replace('_', '-')}", str(value)]
    for name, (target, _, parse) in SCENARIO_OPTIONS.items():
        value = getattr(args, target)
        words += [] if value is None else [f"--{name}", SPELLED.get(parse, str)(value)]
    return shlex.join(words)


def made_from(command: str, setting: Setting, study: Study | None = None) -> dict[str, Any]:
    """The command, digests of cost table and study (laws and service table, so also of files read), and the code."""
    from mmbench.records.manifest import build_manifest
    from mmbench.sizing.compute.ledger import digest_of

    manifest = build_manifest()
    code: dict[str, Any] = {name: manifest[name] for name in CODE if name in manifest}
    return {"command": command, "costs_digest": digest_of(setting.costs), "study_digest": digest_of(study), **code}

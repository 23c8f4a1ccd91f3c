"""From what the user typed to a victim: a profile, a recorded program, a file, or just a size."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mmbench.errors import nearest
from mmbench.victims.file_format import read_victim
from mmbench.victims.kernel_log import kill_victim, names_kills
from mmbench.victims.profiles import PROFILES
from mmbench.victims.sizes import parse_size
from mmbench.victims.synthetic import synthetic
from mmbench.victims.victim import Victim

SUFFIX = ".victim"
RECORDED = Path(__file__).parent / "recorded"
_LIKE_A_SIZE = re.compile(r"\s*(?:[-+.]?[0-9]|[-+]?(?:nan|inf)$)", re.IGNORECASE | re.ASCII)


def recorded_victims() -> dict[str, Path]:
    """Return the victims recorded from real programs, by name."""
    return {path.stem: path for path in sorted(RECORDED.glob(f"*{SUFFIX}"))}


def victim(spec: str) -> Victim:
    """Return the victim that `spec` names.

    In this order: a profile ("seastar", or "seastar:64GiB" where a profile is a class of sizes), a recorded
    program ("earlyoom"), a kill of a log ("oom.kills.json:3"), a file (contains "/", ends with ".victim", or exists),
    a size ("64GiB": a synthetic victim with the defaults of `synthetic`). Raises InputError, for an unknown name with
    the nearest known one.
    """
    name, colon, size = spec.partition(":")
    if name in PROFILES:
        return PROFILES[name].build(size if colon else None)
    files = recorded_victims()
    if spec in files:
        return read_victim(files[spec])
    if names_kills(spec):
        return kill_victim(spec)
    if "/" in spec or spec.endswith(SUFFIX) or os.path.isfile(spec):
        return read_victim(spec)
    if _LIKE_A_SIZE.match(spec):
        return synthetic(parse_size(spec, "victim"))
    raise nearest(spec, [*PROFILES, *files], "victim")

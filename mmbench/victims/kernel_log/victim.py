"""One kill of a record as a victim: its pages as printed, its locked share as the user says.

`FILE.kills.json:3` is kill 3 of the table (the first is 1). The kernel prints neither VMAs nor locks, so what is
assumed stands in the victim's source line.
"""

from __future__ import annotations

import os
import re
from math import floor

from mmbench.errors import InputError
from mmbench.model.layout import PAGE_BYTES, VmaTable
from mmbench.records.kill_types import LoggedKill
from mmbench.victims.join import join
from mmbench.victims.kernel_log.record import SUFFIX, read_kills
from mmbench.victims.sizes import format_share, format_size
from mmbench.victims.synthetic import synthetic
from mmbench.victims.victim import Victim

VMAS_PER_GIB = 64
MOST_VMAS = 1000
_SPEC = re.compile(rf"(?P<path>.*{re.escape(SUFFIX)})(?::(?P<number>[0-9]{{1,9}}))?", re.ASCII | re.DOTALL)


def names_kills(spec: str) -> bool:
    """True when `spec` names a record of kills, or a kill of one, by its file name."""
    return _SPEC.fullmatch(spec) is not None


def kill_victim(spec: str, locked: float | None = None, shared: float = 0.0, vmas: int | None = None) -> Victim:
    """Build the victim of one kill, `FILE.kills.json:NUMBER`; the number may be left out when there is one kill.

    locked: share of each kind of memory in VM_LOCKED VMAs; needed unless the log shows that nothing was mlocked
    shared: share of the file pages in shared mappings, which no reaper frees; shmem is shared always
    vmas:   VMAs in all (64 a GiB, at least one for each kind of memory)

    Raises InputError for an unknown kill, one of unknown size, without `locked`, or with more than the log allows.
    """
    found = _SPEC.fullmatch(spec)
    if found is None:
        raise InputError(f"{spec!r} names no kill. Allowed: FILE{SUFFIX}:NUMBER, as printed by mmbench import.")
    kills = read_kills(found["path"])["kills"]
    if found["number"] is None and len(kills) > 1:
        raise InputError(f"{spec} holds {len(kills)} kills: choose one, {spec}:1 to {spec}:{len(kills)}.")
    number = int(found["number"] or 1)
    if not 1 <= number <= len(kills):
        raise InputError(f"{found['path']} has no kill {number}: it holds 1 to {len(kills)}.")
    return build(kills[number - 1], f"kill {number} of {os.path.basename(found['path'])}", locked, shared, vmas)


def build(
    kill: LoggedKill, what: str, locked: float | None = None, shared: float = 0.0, vmas: int | None = None
) -> Victim:
    """Build the victim of a kill; the rest as kill_victim, `what` names it in errors."""
    parts, assumed = _parts(kill, what)
    if locked is None:
        if kill["locked_at_most_pages"] != 0:
            raise InputError(
                f"{what}: the log does not say how much of {kill['process'] or 'the victim'} was mlocked. "
                "Say what to assume with --locked SHARE: 0 for nothing, 1 for all."
            )
        locked = 0.0
    pages = sum(parts.values())
    most = most_locked(kill, pages)
    if locked > most:
        raise InputError(
            f"{what}: {format_share(locked)} mlocked is more than the log allows: its dump shows at most "
            f"{format_size((kill['locked_at_most_pages'] or 0) * PAGE_BYTES)} for the whole machine or group, "
            f"{format_share(most)} of this victim. Give --locked {floor(most * 1000) / 1000:g} or less."
        )
    assumed += [f"{format_share(locked)} mlocked", f"{format_share(shared)} of file pages shared"]
    source = f"killed by {kill['by']}, read from a log; assumed: {', '.join(assumed)}, VMAs alike"
    facts = {"size": format_size(pages * PAGE_BYTES)}
    if kill["kernel"]:
        facts["kernel"] = kill["kernel"]
    return Victim(kill["process"] or what, _table(parts, locked, shared, vmas), source, facts)


def most_locked(kill: LoggedKill, pages: int) -> float:
    """The largest share of the victim's `pages` that can have been mlocked: 1 where no dump tells."""
    bound = kill["locked_at_most_pages"]
    return 1.0 if bound is None or not pages else min(1.0, bound / pages)


def _parts(kill: LoggedKill, what: str) -> tuple[dict[str, int], list[str]]:
    """Pages of each kind that is not empty, and what had to be assumed for that."""
    told = {"anon": kill["anon_pages"], "file": kill["file_pages"], "shmem": kill["shmem_pages"]}
    if told["anon"] is not None:
        parts = {kind: pages for kind, pages in told.items() if pages}
        rest = (kill["rss_pages"] or 0) - sum(parts.values())
        if rest > 0:
            return parts | {"file": parts.get("file", 0) + rest}, ["pages that are not anonymous file pages"]
        if parts:
            return parts, []
    elif kill["rss_pages"]:
        return {"anon": kill["rss_pages"]}, ["all pages anonymous"]
    raise InputError(
        f"{what}: the log does not tell the size of {kill['process'] or 'this victim'}, or it had no memory left. "
        "Choose another kill, or describe the victim with --size."
    )


def _table(parts: dict[str, int], locked: float, shared: float, vmas: int | None) -> VmaTable:
    pages = sum(parts.values())
    wanted = vmas or min(MOST_VMAS, VMAS_PER_GIB * pages * PAGE_BYTES >> 30)
    shares = {"anon": 0.0, "file": shared, "shmem": 1.0}
    tables = []
    for kind, n in parts.items():
        n_vmas = min(n, max(_n_shapes(locked) * _n_shapes(shares[kind]), wanted * n // pages))
        tables.append(synthetic(n * PAGE_BYTES, locked=locked, vmas=n_vmas, kind=kind, shared=shares[kind]).vmas)
    return join(*tables)


def _n_shapes(share: float) -> int:
    """Kinds of VMA that a share makes: with and without, or one of the two."""
    return 1 if share in (0.0, 1.0) else 2

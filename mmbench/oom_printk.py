"""What the kernel's OOM killer and its reaper print, one line at a time; for running kernels and for old logs alike.

Source: mm/oom_kill.c, __oom_kill_process (oom_kill_process in older kernels), oom_reap_task_mm, oom_reap_task. The
reason stands before "Killed process" in newer kernels and in a line of its own in older ones (v4.19 still); shmem-rss,
and later UID, pgtables and oom_score_adj, were added over the years, so each is optional.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_KILLED = re.compile(
    r"^(?:(?P<reason>.*?): )?Killed process (?P<pid>\d+)(?:, UID \d+,)? \((?P<comm>.*)\),? ?"
    r"(?P<rest>(?:UID \d+, )?(?:total-vm|vsz):.*)$"
)
_REAPED = re.compile(r"^oom_reaper: reaped process :?(?P<pid>\d+) \((?P<comm>.*)\),? (?:now )?(?P<rest>anon-rss:.*)$")
_UNABLE = re.compile(r"^oom_reaper: (?:unable to reap|giving up) pid:(?P<pid>\d+) \((?P<comm>.*)\)\s*$")
_KINDS = {"killed": _KILLED, "reaped": _REAPED, "unable": _UNABLE}
_ITEM = re.compile(r"([\w-]+)[: ]\s*(-?\d+)(l?kB)?(?:,? +|,?$)")
_SIZES = ("total-vm", "vsz", "anon-rss", "file-rss", "shmem-rss", "pgtables")
_MAX_KIB = 1 << 50  # what a negative counter looks like when it is printed unsigned


@dataclass(frozen=True)
class OomPrintk:
    """One line: kind is "killed", "reaped" or "unable"; reason is what stands before "Killed process".

    sizes_kib: sizes in kB by their printed names; oom_score_adj: None where this kernel prints none.
    """

    kind: str
    pid: int
    comm: str
    reason: str = ""
    sizes_kib: dict[str, int] = field(default_factory=dict)
    oom_score_adj: int | None = None


def parse_oom_printk(text: str) -> OomPrintk | None:
    """Parse a message without its prefix; None when it says nothing about a kill, or is cut off in the middle."""
    if "Killed process" not in text and not text.startswith("oom_reaper: "):
        return None
    for kind, pattern in _KINDS.items():
        said = pattern.match(text)
        if said:
            return _filled(kind, said)
    return None


def _filled(kind: str, said: re.Match[str]) -> OomPrintk | None:
    if kind == "unable":
        return OomPrintk(kind, int(said["pid"]), said["comm"])
    sizes, numbers, at = {}, {}, 0
    rest = said["rest"].rstrip()
    if rest.endswith(","):  # torn: the kernel ends no line so
        return None
    while at < len(rest):
        item = _ITEM.match(rest, at)
        if item is None or (item[1] in _SIZES and not item[3]):
            return None
        if item[3]:
            sizes[item[1]] = int(item[2])
        else:
            numbers[item[1]] = int(item[2])
        at = item.end()
    if ("UID:" in rest or "pgtables" in sizes) and "oom_score_adj" not in numbers:  # all three came with v5.4
        return None
    if "vsz" in sizes:  # until 2.6.36
        sizes["total-vm"] = sizes.pop("vsz")
    if not {"anon-rss", "file-rss"} <= sizes.keys() or not all(0 <= kib < _MAX_KIB for kib in sizes.values()):
        return None
    reason = said["reason"] or "" if kind == "killed" else ""
    return OomPrintk(kind, int(said["pid"]), said["comm"], reason, sizes, numbers.get("oom_score_adj"))

"""The messages of killers in user space: earlyoom, oomd, systemd-oomd, Android's lmkd and the driver before it.

Source: earlyoom kill.c (1.1 to 1.9), oomd BaseKillPlugin (kmsg line), systemd oomd-manager.c (248 on), lmkd.c,
reaper.cpp, and lowmemorykiller.c of all ages.
What they print of sizes is little: the resident sum at most.
"""

from __future__ import annotations

import re

from mmbench.victims.kernel_log import said as s
from mmbench.victims.kernel_log.said import Said

_EARLYOOM = re.compile(
    r"^(?:sending SIG(?:TERM|KILL) to|[Kk]illing) process (?P<pid>\d+)(?: uid \d+)? \"(?P<name>.*?)\""
    r"(?: with signal \d+)?: "
    r"(?:badness|oom_score) \d+(?:, oom_score_adj (?P<adj>-?\d+))?, VmRSS (?P<mib>\d+) MiB"
)
_EARLYOOM_OLD = re.compile(
    r"^Killing process '?(?P<name>.*?)'? with signal \d+, pid: (?P<pid>\d+), badness: \d+, VmRSS: (?P<mib>\d+) MiB"
)
_EARLYOOM_EXIT = re.compile(r"^process (?:(\d+) )?exited after (\d+)\.(\d{1,6}) seconds")
_EARLYOOM_STAY = re.compile(r"^process (\d+) did not exit|^kill failed: (?:Timer expired|Success)")
_EARLYOOM_QUIET = re.compile(r"^sending SIG(?:TERM|KILL) when|^kill failed: No such process")
_EARLYOOM_DRY = re.compile(r"^dryrun, not actually ")
_OOMD = re.compile(r"^oomd kill: [\d.]+ [\d.]+ [\d.]+ (?P<path>\S+) +(?P<bytes>\d+) ")
_SYSTEMD = re.compile(
    r"^(?:Killed|Marked|Killing) (?P<path>/\S+)(?: for killing)? due to (?:memory pressure|memory used|swap used)"
)
_LMKD = re.compile(
    r"^Kill(?:ing)? '(?P<name>.*?)' \((?P<pid>\d+)\)(?: \(tgid \d+\))?(?P<uid>, uid -?\d+)?, "
    r"(?:oom_score_adj|oom_adj|adj) (?P<adj>-?\d+)(?:,?\s*$|.*?\bto free (?P<sizes>\d+kB[^;]*))"
)
_LMKD_SIZE = re.compile(r"(?:^|, )(\d+)kB(?: ((?!on behalf|because)[a-z_ ]+))?")
_LMKD_NAMES = {"": "rss", "rss": "rss", "anon rss": "anon-rss", "swap": "swap"}
_LMKD_REAPED = re.compile(r"^Process (?P<pid>\d+) was reaped in (?P<ms>\d{1,9})ms")
_DRIVER = re.compile(
    r"^send sigkill to (?P<pid>\d+) \((?P<name>.*)\),? (?:oom_|score_)?adj (?P<adj>-?\d+), size (?P<pages>\d+)"
)
_FREEING = re.compile(r"^to free (\d+)kB ")
_STRANGE = {
    "earlyoom": re.compile(r"^sending SIG|^[Kk]illing process|^kill failed"),
    "oomd": re.compile(r"^oomd kill:"),
    "systemd-oomd": re.compile(r"^(?:Killed|Marked|Killing) /"),
    "lowmemorykiller": re.compile(r"^Kill(?:ing)? '|^send sigkill"),
    "lmkd": re.compile(r"^Kill(?:ing)? '|^Process \d+ was reaped"),
}


def read_daemon(program: str, text: str) -> Said | None:
    """What a message of a killer in user space says; None when it is no killer's, or not about kills.

    program: from the prefix; "" (bare output) and "kernel" (messages sent through /dev/kmsg) are taken by their words.
    """
    bare = program in ("", "kernel")
    for name, read in _READERS.items():
        if bare or name == program:
            found = read(text)
            if found is not None:
                return found
            if not bare and name in _STRANGE and _STRANGE[name].search(text):
                return Said(s.STRANGE)
    return Said(s.STRANGE) if bare and any(one.search(text) for one in _STRANGE.values()) else None


def _read_earlyoom(text: str) -> Said | None:
    found = _EARLYOOM.match(text) or _EARLYOOM_OLD.match(text)
    if found:
        adj = found.groupdict().get("adj")
        size = {"rss": int(found["mib"]) << 10}
        return Said(s.KILL, "earlyoom", int(found["pid"]), found["name"], size, int(adj) if adj else None)
    if exited := _EARLYOOM_EXIT.match(text):
        pid = int(exited[1]) if exited[1] else None
        return Said(s.EXITED, "earlyoom", pid, after_us=int(exited[2]) * 1_000_000 + int(exited[3].ljust(6, "0")))
    if stayed := _EARLYOOM_STAY.match(text):
        return Said(s.DID_NOT_EXIT, "earlyoom", int(stayed[1]) if stayed[1] else None)
    if _EARLYOOM_DRY.match(text):
        return Said(s.DRY_RUN, "earlyoom")
    return Said(s.NOTHING) if _EARLYOOM_QUIET.match(text) else None


def _read_oomd(text: str) -> Said | None:
    found = _OOMD.match(text)
    if found and "killer:(dry)" in text:
        return Said(s.NOTHING)
    return Said(s.KILL, "oomd", name=_leaf(found["path"]), n_bytes=int(found["bytes"])) if found else None


def _read_systemd(text: str) -> Said | None:
    found = _SYSTEMD.match(text)
    return Said(s.KILL, "systemd-oomd", name=_leaf(found["path"])) if found else None


def _read_lmkd(text: str) -> Said | None:
    found = _LMKD.match(text)
    if found:
        told = {size[2] or "": int(size[1]) for size in _LMKD_SIZE.finditer(found["sizes"] or "")}
        sizes = {_LMKD_NAMES[name]: kib for name, kib in told.items() if name in _LMKD_NAMES}
        by = "lmkd" if found["uid"] else "lowmemorykiller"
        return Said(s.KILL, by, int(found["pid"]), found["name"], sizes, int(found["adj"]))
    if reaped := _LMKD_REAPED.match(text):
        return Said(s.REAPED, "lmkd", int(reaped["pid"]), after_us=int(reaped["ms"]) * 1000)
    if driver := _DRIVER.match(text):
        sizes = {"rss": int(driver["pages"]) * 4}
        return Said(s.KILL, "lowmemorykiller", int(driver["pid"]), driver["name"], sizes, int(driver["adj"]))
    freeing = _FREEING.match(text)
    return Said(s.FREEING, sizes_kib={"rss": int(freeing[1])}) if freeing else None


def _leaf(path: str) -> str:
    """The last part of a control group's path: the rest names users and sessions."""
    return path.rstrip("/").rpartition("/")[2] or "/"


_READERS = {
    "earlyoom": _read_earlyoom,
    "oomd": _read_oomd,
    "systemd-oomd": _read_systemd,
    "lowmemorykiller": _read_lmkd,
    "lmkd": _read_lmkd,
}

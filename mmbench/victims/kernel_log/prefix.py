"""What stands before a message: its clocks, who wrote it, and on which machine.

    [  758.844012] ...                          dmesg, also with -x, -d, --raw, PRINTK_CALLER, a vendor's CPU or task
    [Thu Dec  7 00:05:15 2017] ...              dmesg -T
    Jul 18 12:48:23 host kernel: [  758.8] ...  syslog, journalctl -o short
    <3>1 2023-12-04T10:49:30Z host kernel - - - RFC 5424
    6,1015,3558116457,-;...                     /dev/kmsg
    10-24 14:24:26.342   710   710 I tag: ...   logcat

One rule for all: a message is the kernel's unless the prefix names another program; what else stands there does not
matter. A stamp since boot behind the name of a program says that a console or a guest is quoted, line by line.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from mmbench.victims.kernel_log.stamps import Day, find_boot, find_day
from mmbench.victims.kernel_log.walltime import Wall

OTHER = "other"
STAMP = "[0.0]"  # stands for a time since boot
KILLERS = {
    "earlyoom": "earlyoom", "systemd-oomd": "systemd-oomd", "oomd": "oomd", "oomd_bin": "oomd", "lmkd": "lmkd",
    "lowmemorykiller": "lowmemorykiller",
}  # fmt: skip
KERNEL = ("kernel", "kern", "klogd", "vmkernel", "vmunix", "dmesg", "kmsg", "printk", "console", "netconsole")
_WITH_PID = re.compile(r"(?<![\w./@+-])([\w./@+-]*[A-Za-z][\w./@+-]*)\[(\d+)\](?: \([^)]*\))?:(?=\s|$)")
_KNOWN = re.compile(rf"(?<![\w./@+-])({'|'.join([*KILLERS, *KERNEL])})(?:\[\d+\])?(?=[:\"',|>\]]|\s+(?:-|\d+|\[)|$)")
_HOST = re.compile(
    r"\]? *:? *(?:[A-Z]{2,5} )?([\w.:-]*\w) (?:[a-z0-9]+\.[a-z]+ )?"
)  # and facility.level, as busybox has it
_HOST_TAG = re.compile(r" *(?:[A-Z]{2,5} )?([\w.:-]*\w) ((?!kern\.)[\w./@()+-]*[A-Za-z][\w./@()+-]*): ")
_RFC5424 = re.compile(r" *(\S+) ([\w./@+-]+) (\S+) (\S+) (?:-|\[.*\]) *$")
_LOGCAT = re.compile(r"[ +\d:]* +(?:\w+ +)?(\d+) +(\d+) [VDIWEFAS] (.*?) *:? *$")
_LOGCAT_TIME = re.compile(r"(?:^| )[VDIWEFAS]/(.*?) *\( *(\d+)\): *$")
_LEVELS = ("emerg", "alert", "crit", "err", "error", "warn", "warning", "notice", "info", "debug")
_KLOG = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [\w.-]+\.go:\d+\]")
_LABEL = re.compile(r"([\w-]*[A-Za-z.][\w.-]*): ")


class Message(NamedTuple):
    """A message and what its prefix told.

    text:    the message itself
    program: "kernel", "earlyoom", ...; "" when the prefix names none; OTHER for a program that kills nobody
    mono_us: microseconds since boot
    wall:    time of day
    boot:    a word that differs between boots, "" when unknown
    host:    a word that differs between machines, "" when unknown; no record keeps it
    """

    text: str
    program: str = ""
    mono_us: int | None = None
    wall: Wall | None = None
    boot: str = ""
    host: str = ""


def read_prefix(prefix: str, text: str = "") -> Message:
    """The message `text` with everything that its prefix says."""
    boot = find_boot(prefix)
    if boot is None:
        return _read(prefix, -1)._replace(text=text)
    # What stands around a stamp is the same for many lines.
    rest = _read(f"{prefix[: boot.start]}{STAMP}{prefix[boot.end :]}", boot.start)
    return rest._replace(text=text, mono_us=boot.mono_us, wall=boot.wall or rest.wall)


@lru_cache(maxsize=256)
def _read(prefix: str, boot_at: int) -> Message:
    """What a prefix says besides the time since boot; boot_at: where STAMP stands for that, -1 without one."""
    day = find_day(prefix)
    program, named_at, host = _program(prefix, day, boot_at)
    if program == OTHER and boot_at > named_at:
        program = "kernel"
    label = _LABEL.match(prefix) if not host else None
    if label and label.end() <= max(day.start if day else -1, boot_at):
        host = label[1]
    return Message("", program, None, day.wall if day else None, "", host)


def _program(prefix: str, day: Day | None, boot_at: int) -> tuple[str, int, str]:
    """Who wrote the line, where the name stands, and the machine: the first name of a program counts."""
    offset = day.end if day else 0
    logcat = (day and _LOGCAT.match(prefix, offset)) or _LOGCAT_TIME.search(prefix, offset)
    if logcat:
        tag, pid = (logcat[3], logcat[1]) if logcat.re is _LOGCAT else (logcat[1], logcat[2])
        return KILLERS.get(tag, "kernel" if int(pid) == 0 or not tag else OTHER), offset, ""
    known = _KNOWN.search(prefix)
    foreign = _foreign(prefix, offset, day is not None)
    if known and (foreign is None or known.start() <= foreign[0]):
        ends = [end for end in (day.end if day else -1, boot_at + len(STAMP)) if len(STAMP) <= end <= known.start()]
        host = _HOST.fullmatch(prefix, max(ends), known.start()) if ends else None
        return KILLERS.get(known[1], "kernel"), known.start(), host[1] if host else ""
    return (OTHER, foreign[0], foreign[1]) if foreign else ("", -1, "")


def _foreign(prefix: str, offset: int, dated: bool) -> tuple[int, str] | None:
    """Where a program that is neither the kernel nor a killer is named, and on which machine; None when none is."""
    for named in _WITH_PID.finditer(prefix):
        if named[1] not in KILLERS and named[1] not in KERNEL:
            return named.start(), ""
    if klog := _KLOG.search(prefix):
        return klog.start(), ""
    if not dated:
        return None
    if (header := _RFC5424.match(prefix, offset)) and header[2] not in (*KILLERS, *KERNEL, "-"):
        return header.start(2), header[1]
    if (tag := _HOST_TAG.match(prefix, offset)) and tag[2].lower() not in (*KILLERS, *KERNEL, *_LEVELS):
        return tag.start(2), tag[1]
    return None

"""A grammar of layouts: one incident as programs print, prefix, wrap, quote, colour, translate and break its lines.

A layout is a choice at each of: the clock and its language, the prefix that a logging program writes, what stands
around the line, what the line is wrapped in, and how lines end. `incident` is what happened.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from textwrap import wrap as wrap_text

KILL_AT = datetime(2024, 7, 18, 12, 48, 23, 250_000, tzinfo=UTC)
KILL_MONO = 4321.25
REAP_S = 2
ISO = "%Y-%m-%dT%H:%M:%S"

DUMP = (
    "brewd invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=300",
    "CPU: 3 PID: 4100 Comm: brewd Not tainted 6.1.55-1-demo #1",
    "Node 0 Normal free:4096kB min:4096kB unevictable:8192kB present:8kB managed:8kB mlocked:8192kB bounce:0kB",
    "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
    "[    301]    -2   301     4000      900    81920       12          -250 cellard",
    "[   4100]   990  4100   500000   250000  2199552     1234           300 brewd",
    "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=brewd,"
    "pid=4100,uid=-2",
)
KILL = (
    "Out of memory: Killed process 4100 (brewd) total-vm:2000000kB, anon-rss:990000kB, file-rss:9000kB, "
    "shmem-rss:1000kB, UID:990 pgtables:2148kB oom_score_adj:300"
)
REAP = "oom_reaper: reaped process 4100 (brewd), now anon-rss:8192kB, file-rss:0kB, shmem-rss:1000kB"


@dataclass(frozen=True)
class Layout:
    """One way to write the incident: its name, bytes, whether a clock in it can be read, and whether lines are torn."""

    name: str
    data: bytes
    is_timed: bool
    is_torn: bool = False


Stamp = Callable[[datetime, float, str], str]  # time of day, seconds since boot, month's name


def _syslog(day: datetime, mono: float, month: str) -> str:
    return f"{month} {day.day:2d} {day:%H:%M:%S}"


def _boot(day: datetime, mono: float, month: str) -> str:
    return f"[{mono:12.6f}]"


# name, what stands before the message, whether it has a clock, whether a month is spoken
PREFIXES: tuple[tuple[str, Stamp, bool, bool], ...] = (
    ("dmesg", lambda d, m, n: _boot(d, m, n) + " ", True, False),
    ("dmesg -x", lambda d, m, n: f"kern  :err   : {_boot(d, m, n)} ", True, False),
    ("dmesg --raw", lambda d, m, n: f"<3>{_boot(d, m, n)} ", True, False),
    ("dmesg caller", lambda d, m, n: f"{_boot(d, m, n)}[ T4100] ", True, False),
    ("dmesg -d", lambda d, m, n: f"[{m:12.6f} <    0.000012>] ", True, False),
    ("dmesg -T", lambda d, m, n: f"[Thu {n} {d.day:2d} {d:%H:%M:%S %Y}] ", True, True),
    ("dmesg iso", lambda d, m, n: f"{d:{ISO}},{d:%f}+00:00 ", True, False),
    ("kmsg", lambda d, m, n: f"3,103,{round(m * 1e6)},-;", True, False),
    ("kmsg caller", lambda d, m, n: f"3,103,{round(m * 1e6)},-,caller=T4100;", True, False),
    ("bare", lambda d, m, n: "", False, False),
    ("syslog", lambda d, m, n: f"{_syslog(d, m, n)} vat kernel: ", True, True),
    ("syslog stamp", lambda d, m, n: f"{_syslog(d, m, n)} vat kernel: {_boot(d, m, n)} ", True, True),
    ("syslog fraction", lambda d, m, n: f"{_syslog(d, m, n)}.{d:%f} vat kernel: ", True, True),
    ("syslog no host", lambda d, m, n: f"{_syslog(d, m, n)} kernel: ", True, True),
    ("syslog pri", lambda d, m, n: f"<3>{_syslog(d, m, n)} vat kernel: ", True, True),
    ("syslog year", lambda d, m, n: f"{n} {d.day} {d:%Y %H:%M:%S} vat kernel: ", True, True),
    ("busybox", lambda d, m, n: f"{_syslog(d, m, n)} vat kern.err kernel: {_boot(d, m, n)} ", True, True),
    ("openwrt", lambda d, m, n: f"Thu {n} {d.day} {d:%H:%M:%S %Y} kern.err kernel: {_boot(d, m, n)} ", True, True),
    ("short-iso", lambda d, m, n: f"{d:{ISO}}+0000 vat kernel: ", True, False),
    ("short-iso-precise", lambda d, m, n: f"{d:{ISO}.%f}+00:00 vat kernel: ", True, False),
    ("short-full", lambda d, m, n: f"Thu {d:%Y-%m-%d %H:%M:%S} UTC vat kernel: ", True, False),
    ("short-unix", lambda d, m, n: f"{d.timestamp():.6f} vat kernel: ", True, False),
    ("short-monotonic", lambda d, m, n: f"{_boot(d, m, n)} vat kernel: ", True, False),
    ("short-delta", lambda d, m, n: f"[{m:12.6f} <    2.000000 >] vat kernel: ", True, False),
    ("rfc5424", lambda d, m, n: f"<3>1 {d:{ISO}.%f}Z vat kernel - - - ", True, False),
    ("rfc5424 data", lambda d, m, n: f'<3>1 {d:{ISO}}Z vat kernel 0 ID [meta seq="7"] ', True, False),
    ("talos", lambda d, m, n: f"10.9.8.7: kern: warning: [{d:{ISO}.%f}123Z]: ", True, False),
    ("logcat", lambda d, m, n: f"{d:%m-%d %H:%M:%S}.{d:%f}"[:-3] + "     0     0 E         : ", True, False),
    ("logcat year", lambda d, m, n: f"{d:%Y-%m-%d %H:%M:%S}.250 +0000     0     0 W         : ", True, False),
    ("cpu and task", lambda d, m, n: f"<3>{_boot(d, m, n)} (3)[4100:brewd]", True, False),
    ("cpu task pid", lambda d, m, n: f"<6>{_boot(d, m, n)}  I[3:          brewd: 4100] ", True, False),
    ("seconds unit", lambda d, m, n: f"<3>[{m:.6f}s][pid:4100,cpu3,brewd]", True, False),
    ("at cpu", lambda d, m, n: f"[{m:12.6f}@3]  ", True, False),
    ("guest console", lambda d, m, n: f"{d:{ISO}}.2Z In(05) vcpu-5 - Guest: <3>{_boot(d, m, n)} ", True, False),
    ("serial console", lambda d, m, n: f"vat login: {_boot(d, m, n)} ", True, False),
    ("ts", lambda d, m, n: f"{_syslog(d, m, n)} {_boot(d, m, n)} ", True, True),
    ("slashes", lambda d, m, n: f"{d:%Y/%m/%d %H:%M:%S} kernel: ", True, False),
    ("common log", lambda d, m, n: f"[{d:%d/%b/%Y:%H:%M:%S} +0000] ", True, False),
    ("day first", lambda d, m, n: f"{d.day:02d} {n} {d:%Y %H:%M:%S} vat kernel: ", True, True),
    ("logcat monotonic", lambda d, m, n: f"{m:12.3f}     0     0 E         : ", True, False),
    ("logcat time", lambda d, m, n: f"{d:%m-%d %H:%M:%S}.250 E/        (    0): ", True, False),
    ("metalog", lambda d, m, n: f"{_syslog(d, m, n)} [kernel] ", True, True),
    ("dots", lambda d, m, n: f"{d:%d.%m.%Y %H:%M:%S} kernel: ", True, False),
    ("half day", lambda d, m, n: f"{d:%m/%d/%Y, %I:%M:%S %p} vat kernel: ", True, False),
    ("unknown words", lambda d, m, n: f"%% {_boot(d, m, n)} some.thing/else|7| ", True, False),
)  # fmt: skip
# what a person or a program adds to every line
AROUND: tuple[tuple[str, str, str], ...] = (
    ("", "", ""),
    ("grep", "/var/log/messages-20240721:", ""),
    ("grep -n", "messages.1:1234:", ""),
    ("zgrep", "kern.log.2.gz:", ""),
    ("quote", "> ", ""),
    ("nested quote", ">> > ", ""),
    ("indent", "        ", ""),
    ("tabs", "\t", "  \t"),
    ("bullet", "- ", ""),
    ("pod", "pod/brew-7f9 brewd ", ""),
    ("compose", "vat_1  | ", ""),
    ("pdsh", "node17: ", ""),
    ("cat -n", "   117\t", ""),
    ("table", "| ", " |"),
    ("backticks", "`", "`"),
    ("markup", "<td>", "</td></tr>"),
)
Line = tuple[str, datetime, float]  # message, time of day, seconds since boot
Wrap = Callable[[str, datetime, float], str]
SHARE_OF_FORMS = 0.05
SHARE_FOREIGN = 0.3
SHARE_TORN = 0.03
TORN_AT = 100  # columns, as mail and terminals tear lines


def _object(**fields: object) -> str:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def _journal(line: str, day: datetime, mono: float) -> str:
    us = round(day.timestamp() * 1e6)
    return _object(
        __REALTIME_TIMESTAMP=str(us), _SOURCE_MONOTONIC_TIMESTAMP=str(round(mono * 1e6)), _BOOT_ID="b", MESSAGE=line,
        SYSLOG_IDENTIFIER="kernel", _TRANSPORT="kernel", _HOSTNAME="vat",
    )  # fmt: skip


def _ms(day: datetime) -> int:
    return round(day.timestamp() * 1e3)


def _quoted(text: str, quote: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', quote) + '"'


# name, wrapper, whether it adds a clock of its own
WRAPS: tuple[tuple[str, Wrap, bool], ...] = (
    ("plain", lambda line, d, m: line, False),
    ("docker", lambda line, d, m: _object(log=line + "\n", stream="stderr", time=f"{d:{ISO}.%f}Z"), True),
    ("cri", lambda line, d, m: f"{d:{ISO}.%f}789Z stderr F {line}", True),
    ("journal json", _journal, True),
    ("json-seq", lambda line, d, m: "\x1e" + _journal(line, d, m), True),
    ("json-sse", lambda line, d, m: "data: " + _journal(line, d, m), True),
    ("cloud", lambda line, d, m: _object(jsonPayload={"MESSAGE": line}, timestamp=f"{d:{ISO}.%f}Z"), True),
    ("elastic", lambda line, d, m: _object(_source={"@timestamp": f"{d:{ISO}}.250Z", "message": line}), True),
    ("loki", lambda line, d, m: _object(stream={"job": "x"}, values=[[str(round(d.timestamp() * 1e9)), line]]), True),
    ("cloudwatch", lambda line, d, m: _object(events=[{"timestamp": _ms(d), "message": line}]), True),
    ("csv", lambda line, d, m: f'{d:{ISO}Z},vat,kernel,{_quoted(line, chr(34) * 2)}', True),
    ("csv text first", lambda line, d, m: f'{_quoted(line, chr(34) * 2)},"{d:%Y-%m-%d %H:%M:%S}",7', True),
    ("logfmt", lambda line, d, m: f"ts={d:{ISO}Z} level=err msg={_quoted(line, chr(92) + chr(34))}", True),
    ("fluentd", lambda line, d, m: f"{d:{ISO}} +0000 kern.err: " + _object(ident="kernel", message=line), True),
    ("colours", lambda line, d, m: f"\x1b[32m{line[:9]}\x1b[0m\x1b[33m{line[9:]}\x1b[0m", False),
    ("escaped colours", lambda line, d, m: f"#033[0;1;31m{line}#033[0m", False),
)  # fmt: skip
ENDS = ("\n", "\r\n", "\n\n")


@cache
def months() -> tuple[str, ...]:
    """July in every language that is known, English several times as often as any other."""
    table = files("mmbench.victims.kernel_log").joinpath("months.txt").read_text("utf-8").splitlines()
    return ("Jul",) * 200 + tuple(table[6].split("|"))


def _pretty(lines: list[Line]) -> str:
    records = [{"pri": 3, "time": mono, "msg": text} for text, _, mono in lines]
    return json.dumps({"dmesg": records}, indent=3).replace("},\n      {", "},{")


def _json_pretty(lines: list[Line]) -> str:
    return "\n".join(json.dumps(json.loads(_journal(*line)), indent="\t") for line in lines)


def _export(lines: list[Line]) -> str:
    fields = [json.loads(_journal(*line)) for line in lines]
    return "\n\n".join("__CURSOR=s\n" + "\n".join(f"{name}={one[name]}" for name in one) for one in fields) + "\n"


def _verbose(lines: list[Line]) -> str:
    return "\n".join(
        f"Thu {day:%Y-%m-%d %H:%M:%S.%f} UTC [s=7f;i=1;b=b]\n    MESSAGE={text}\n    SYSLOG_IDENTIFIER=kernel"
        for text, day, _ in lines
    )


def _cloud_pretty(lines: list[Line]) -> str:
    return json.dumps(
        [{"jsonPayload": {"MESSAGE": text}, "labels": {}, "timestamp": f"{day:{ISO}.%f}Z"} for text, day, _ in lines],
        indent=2,
    )


def _one_message(lines: list[Line]) -> str:
    return _object(id=7, message="\n".join(_boot(day, mono, "") + " " + text for text, day, mono in lines))


# logs that take several lines for one record, or one record for several lines
FORMS: tuple[tuple[str, Callable[[list[Line]], str]], ...] = (
    ("dmesg --json", _pretty),
    ("json-pretty", _json_pretty),
    ("export", _export),
    ("verbose", _verbose),
    ("cloud pretty", _cloud_pretty),
    ("one message", _one_message),
)


def lines_of() -> list[Line]:
    """The incident's messages with their times."""
    found = [(text, KILL_AT - timedelta(milliseconds=1), KILL_MONO - 0.001) for text in DUMP]
    found.append((KILL, KILL_AT, KILL_MONO))
    found.append((REAP, KILL_AT + timedelta(seconds=REAP_S), KILL_MONO + REAP_S))
    return found


def layout(rng: random.Random) -> Layout:
    """One layout, drawn."""
    if rng.random() < SHARE_OF_FORMS:
        name, form = rng.choice(FORMS)
        return Layout(name, (form(lines_of()) + "\n").encode(), True)
    prefix, stamp, is_timed, speaks = rng.choice(PREFIXES)
    around, before, after = rng.choice(AROUND)
    wrap, wrapped, adds_time = rng.choice(WRAPS)
    month, end, is_foreign = rng.choice(months()) if speaks else "Jul", rng.choice(ENDS), rng.random() < SHARE_FOREIGN
    out = []
    for text, day, mono in lines_of():
        line = stamp(day, mono, month) + text
        out.append(before + wrapped(line, day, mono) + after)
        if is_foreign and text == DUMP[4]:
            out.append("Jul 18 12:48:23 vat systemd[1]: Started Session 7 of User brew.")
    name = f"{prefix} / {around} / {wrap} / {month} / {end!r}{' / foreign line' if is_foreign else ''}"
    text = end.join(out) + end
    if rng.random() < SHARE_TORN:
        torn = "\n".join(part for line in text.split("\n") for part in wrap_text(line, TORN_AT) or [""])
        return Layout(f"{name} / torn at {TORN_AT}", torn.encode(), is_timed or adds_time, True)
    return Layout(name, text.encode(), is_timed or adds_time)

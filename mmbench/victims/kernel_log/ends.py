"""Where in a line a message about OOM kills begins and ends, whatever stands around it.

A start is told by the first words of the message and what must follow them; `kernel` and `daemons` read the rest.
"""

from __future__ import annotations

import re

from mmbench.victims.kernel_log.kernel import find_row

# In the kernel's order: the dump's head, its parts, the kill, the reap; then the killers in user space.
_STARTS = (
    r"(?:(?:Memory cgroup o|O)ut of memory[^:\"]{0,60}: )?(?:OOM )?[Kk]ill(?:ed)? process \d",
    r"oom_reaper: ",
    r"oom-kill:",
    r"(?<= )invoked oom-killer: ",
    r"page allocation (?:failure|stalls)",
    r"\[\s*pid\s*\]\s+uid\s",
    r"(?:CPU *: *\d+ +)?(?:UID: *\d+ )?(?:[Pp][Ii][Dd]: *\d+,? )?[Cc]omm: ",
    r"Linux version \d",
    r"Memory cgroup stats for ",
    r"unevictable \d+\b",
    r"(?:Node \d+ )?(?:DMA|DMA32|Normal|HighMem|Movable|Device) free:\d",
    r"(?:Memory cgroup o|O)ut of memory(?: and no killable|[^:\"]{0,60}: (?:OOM )?Kill)",
    r"send sigkill to \d",
    r"Kill(?:ing)? '",
    r"to free \d+kB ",
    r"Process \d+ was reaped in ",
    r"sending SIG(?:TERM|KILL)\b",
    r"[Kk]illing process '",
    r"[Kk]illing process \d",
    r"process (?:\d+ )?exited after ",
    r"process \d+ did not exit",
    r"kill failed: ",
    r"dryrun, not actually ",
    r"oomd kill: ",
    r"(?:Killed|Marked|Killing) /",
)
_START = re.compile("|".join(_STARTS))
_CLOSERS = " \t\"'`,;|)]}>\\"
_MARKUP = re.compile(r"(?:</?[A-Za-z][^<>]*>\s*)+$")
_PARENS = {")": "(", "]": "[", "}": "{"}


def find_start(text: str) -> int:
    """Where the first message begins; -1 when there is none."""
    found = _START.search(text)
    return -1 if found is None else found.start()


def find_any(text: str) -> int:
    """Where the first message, or row of a task dump, begins; -1 when there is none."""
    row, start = find_row(text), find_start(text)
    return start if row is None else row[0] if start < 0 else min(row[0], start)


def closed(text: str) -> str:
    """`text` without markup, and without quotes, commas and brackets at its end that were opened before it."""
    text = _MARKUP.sub("", text)
    end = len(text)
    while end and text[end - 1] in _CLOSERS:
        last = text[end - 1]
        if last in _PARENS and text.count(_PARENS[last], 0, end) >= text.count(last, 0, end):
            break
        if last == "," and text[end - 2 : end - 1] not in _CLOSERS:  # the kernel's own, where a line was torn
            break
        if last in "\"'`" and text.count(last, 0, end) % 2 == 0:
            break
        end -= 1
    return text[:end]

"""Where in a line a message about OOM kills begins, whatever stands before it.

A start is told by the first words of the message and what must follow them; `kernel` and `daemons` read the rest.
"""

from __future__ import annotations

import re

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
    r"Node \d+ \w+ free:",
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


def find_start(text: str) -> int:
    """Where the first message begins; -1 when there is none."""
    found = _START.search(text)
    return -1 if found is None else found.start()

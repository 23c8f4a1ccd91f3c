"""The kernel's own messages: kills, reaps, what the OOM dump says around them, and tracepoints of `oom`.

Source: mm/oom_kill.c, mm/show_mem.c (mlocked of each zone), mm/memcontrol.c (unevictable), include/trace/events/oom.h,
drivers/staging/android/lowmemorykiller.c (until v4.11).
"""

from __future__ import annotations

import re
from math import log

from mmbench.oom_printk import parse_oom_printk
from mmbench.victims.kernel_log import said as s
from mmbench.victims.kernel_log.said import Said

PAGE_KIB = (4, 8, 16, 64, 256)
_RELEASE = re.compile(r"(?:ainted(?::| ).*?|^Linux version )(\d{1,3}\.\d{1,3}(?:\.\d{1,5})?)")
_SCOPE = re.compile(r"^(?:(?P<reason>.*?): )?Kill process \d+ \(.*\) score \d+ or sacrifice child$")
_CONSTRAINT = re.compile(r"^oom-kill:constraint=(CONSTRAINT_\w+),.*task=(.*),pid=(\d+),uid=-?\d+$")
_MLOCKED = re.compile(r"^(?:Node )?((?:\d+ )?\w+) free:.*\bmlocked:(\d+)kB")
_UNEVICTABLE = re.compile(r"^(?:Memory cgroup stats for (.*?):.*\bunevictable:(\d+)KB|unevictable (\d+)\b)")
_TABLE = re.compile(r"^\[\s*pid\s*\]\s+uid\s+tgid\s+total_vm\s.*\bname$")
_ROW = re.compile(r"\[\s*\d+\]\s+-?\d+\s+(\d+)\s+\d+\s")
_NOBODY = re.compile(r"^(?:Memory cgroup o|O)ut of memory and no killable")
_STRANGE = re.compile(r"Kill(?:ed)? process \d|^oom_reaper: |^oom-kill:|lowmemorykiller: Kill|ut of memory[^:]*: Kill")
_TRACE = re.compile(
    r"[\]\s]\s*(\d+)\.(\d{6,9}):\s+(?:oom:)?(mark_victim|wake_reaper|start_task_reaping|finish_task_reaping|skip_task_reaping):(?:\s+(.*))?$"
)
_TRACE_PID = re.compile(r"\bpid=(\d+)")
_TRACE_MARK = re.compile(
    r"^pid=\d+ comm=(?P<comm>.*) total-vm=(\d+)kB anon-rss=(\d+)kB file-rss[:=](\d+)kB shmem-rss[:=](\d+)kB "
    r".*\bpgtables=(\d+)kB oom_score_adj=(-?\d+)"
)
_TRACE_KINDS = {
    "wake_reaper": s.NOTHING,
    "start_task_reaping": s.REAP_STARTED,
    "finish_task_reaping": s.REAPED,
    "skip_task_reaping": s.SKIPPED,
}


def read_kernel(text: str) -> Said | None:
    """What a kernel message says; None when it is not about OOM kills."""
    found = parse_oom_printk(text)
    if found is not None:
        kind = {"killed": s.KILL, "reaped": s.REAPED, "unable": s.GAVE_UP}[found.kind]
        return Said(kind, _by(found.reason), found.pid, found.comm, found.sizes_kib, found.oom_score_adj)
    if constraint := _CONSTRAINT.match(text):
        return Said(s.SCOPE, "memcg" if constraint[1] == "CONSTRAINT_MEMCG" else "kernel", int(constraint[3]))
    if scope := _SCOPE.match(text):
        return Said(s.SCOPE, _by(scope["reason"] or ""))
    if text.startswith("invoked oom-killer: "):
        return Said(s.DUMP)
    if text.startswith("page allocation "):
        return Said(s.ALIEN)
    if _TABLE.match(text):
        return Said(s.TABLE, name=text)
    if zone := _MLOCKED.match(text):
        return Said(s.MLOCKED, name=zone[1], n_bytes=int(zone[2]) << 10)
    if group := _UNEVICTABLE.match(text):
        n_bytes = int(group[2]) << 10 if group[2] else int(group[3])
        return Said(s.MLOCKED, by="memcg", name=group[1] or "", n_bytes=n_bytes)
    if release := _RELEASE.search(text):
        return Said(s.BOOT if text.startswith("Linux version ") else s.RELEASE, name=release[1])
    if _NOBODY.match(text):
        return Said(s.NOBODY)
    return Said(s.STRANGE) if _STRANGE.search(text) else None


def _by(reason: str) -> str:
    return "memcg" if "emory cgroup" in reason else "kernel"


def find_row(line: str) -> tuple[int, int] | None:
    """Where a row of the task dump begins, whatever stands before it, and its thread group; None without one."""
    found = _ROW.search(line)
    return (found.start(), int(found[1])) if found else None


def read_row(head: str, row: str, total_vm_kib: int | None) -> Said | None:
    """A row of the task dump as a statement about its thread group; None when it does not fit its head.

    The columns changed (nr_ptes and nr_pmds, later pgtables_bytes, rss by kind from v6.8 on), so the head decides. Rows
    count pages of the machine's size: it follows from total_vm_kib, what the kill's own line says of total_vm.
    """
    names = head.partition("]")[2].split()[:-1]
    words = row.partition("]")[2].split(None, len(names))
    try:
        numbers = [int(word) for word in words[: len(names)]]
    except ValueError:
        return None
    if len(words) <= len(names):
        return None
    cell = dict(zip(names, numbers, strict=True))
    page_kib = _page_kib(cell.get("total_vm"), total_vm_kib)
    if page_kib is None or "tgid" not in cell:
        return None
    sizes = {
        f"{kind}-rss": cell[f"rss_{kind}"] * page_kib for kind in ("anon", "file", "shmem") if f"rss_{kind}" in cell
    }
    if "swapents" in cell:
        sizes["swap"] = cell["swapents"] * page_kib
    if "pgtables_bytes" in cell:
        sizes["pgtables"] = cell["pgtables_bytes"] >> 10
    elif "nr_ptes" in cell:
        sizes["pgtables"] = page_kib * (cell["nr_ptes"] + cell.get("nr_pmds", 0) + cell.get("nr_puds", 0))
    return Said(
        s.TABLE, pid=cell["tgid"], name=words[-1].strip(), sizes_kib=sizes, oom_score_adj=cell.get("oom_score_adj")
    )


def _page_kib(total_vm_pages: int | None, total_vm_kib: int | None) -> int | None:
    """KiB a page: 4, 16 or 64, whichever the two sizes of one address space agree on; None when they agree on none."""
    if not total_vm_pages or not total_vm_kib:
        return 4
    if total_vm_pages < 0:
        return None
    nearest = min(PAGE_KIB, key=lambda kib: abs(log(total_vm_kib / (total_vm_pages * kib))))
    return nearest if abs(log(total_vm_kib / (total_vm_pages * nearest))) < log(1.5) else None


def read_trace(line: str) -> tuple[int, Said] | None:
    """A line of ftrace, trace-cmd or perf script with an `oom` tracepoint: microseconds and what it says; else None."""
    found = _TRACE.search(line)
    if found is None:
        return None
    mono_us = int(found[1]) * 1_000_000 + int(found[2][:6])
    pid = _TRACE_PID.search(found[4] or "")
    if pid is None:
        return mono_us, Said(s.STRANGE)
    if found[3] != "mark_victim":
        return mono_us, Said(_TRACE_KINDS[found[3]], pid=int(pid[1]))
    mark = _TRACE_MARK.match(found[4])
    if mark is None:  # before v6.9 the event has the pid alone
        return mono_us, Said(s.KILL, "kernel", int(pid[1]))
    names = ("total-vm", "anon-rss", "file-rss", "shmem-rss", "pgtables")
    sizes = dict(zip(names, map(int, mark.groups()[1:6]), strict=True))
    return mono_us, Said(s.KILL, "kernel", int(pid[1]), mark["comm"], sizes, int(mark[7]))

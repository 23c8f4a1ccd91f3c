"""Whom an OOM killer took beside a victim that was exiting: rows of a table, and a page for kernel developers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mmbench.report.text.answer_page import markdown
from mmbench.report.units import NOTHING, format_size

SCOPES = {"memcg": "cgroup", "global": "machine"}
FLAG = {True: "in BTF", False: "not in BTF", None: "no BTF"}
OVERVIEW = ["kernel", "boots", "with a further kill", "95 % interval", "without a cgroup", "`CSS_TASK_ITER_WITH_DEAD`"]
HEADS = (
    *("full", "victim", "needed", "runs", "further kill", "95 % interval", "who", "after the victim"),
    *("exit_mmap over", "model"),
)


class Kernel(NamedTuple):
    """One kernel's part of a page.

    boots, without_cgroup: those with a further kill, of how many; share: the 95 % interval of the first; failed: what
    was said of runs without an answer, of n_runs; rows: as ask.exiting.exiting_rows; has_flag: of BTF, None where the
    kernel has none; loads: the least and the greatest load average of the host
    """

    release: str
    package_version: str
    has_flag: bool | None
    boots: tuple[int, int]
    without_cgroup: tuple[int, int]
    share: tuple[float, float]
    failed: Sequence[str]
    n_runs: int
    rows: Sequence[Mapping[str, Any]]
    loads: tuple[float, float]


def row_texts(row: Mapping[str, Any]) -> list[str]:
    """The cells of a question's row, as HEADS names them."""
    first, over = row["first_ms"], row["exit_mmap_ms"]
    return [
        SCOPES[row["scope"]],
        format_size(row["victim_bytes"]),
        format_size(row["need_bytes"]),
        str(row["n"]),
        str(row["n_killed"]),
        percents((row["low"], row["high"])),
        ", ".join(f"{name} {n}" for name, n in row["who"].items()) or NOTHING,
        f"{first[0]:.0f} to {first[1]:.0f} ms" if first else NOTHING,
        f"{over[0]:.0f} to {over[2]:.0f} ms" if over else NOTHING,
        str(row.get("model_kills", NOTHING)),
    ]


def percents(ends: tuple[float, float]) -> str:
    """Both ends of an interval of a share."""
    return f"{100 * ends[0]:.0f} to {100 * ends[1]:.0f} %"


def exiting_page(kernels: Sequence[Kernel]) -> str:
    """The page in Markdown: who was killed, where it does not happen, the evidence, what is not known."""
    parts = [
        "# A memory cgroup's OOM killer takes another process while its victim is exiting",
        flow(_found(kernels)),
        markdown(OVERVIEW, [_overview(kernel) for kernel in kernels]),
        flow(WHEN),
        "## Do it again",
        "\n".join(_commands(kernels)),
        flow(_setting(kernels)),
        "## Every question (*measured*, and *model*)",
        *(_questions(kernel) for kernel in kernels),
        flow(_reading(kernels) + _failed(kernels)),
        "## Why",
        flow(WHY),
        "## What is not known",
        flow(UNKNOWN),
        "Made by `mmbench answer memcg-exiting-victim` from the records in `results/lab/exiting-victim`.",
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def flow(text: str) -> str:
    """Text of a source file as Markdown: the lines of a paragraph or of an item of a list are one line."""
    lines = ("\n" + line if line[:2] in ("", "- ") else " " + line for line in text.strip().splitlines())
    return "".join(lines).replace("\n ", "\n\n").strip()


def names(kernels: Sequence[Kernel]) -> str:
    """Their releases in a sentence."""
    said = [kernel.release.split("+")[0].split("-")[0] for kernel in kernels]
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said) or "none of the kernels asked"


def _commands(kernels: Sequence[Kernel]) -> list[str]:
    """What makes these records, as many boots for each."""
    by_boots: dict[int, list[str]] = {}
    for kernel in kernels:
        by_boots.setdefault(kernel.boots[1], []).append(".".join(kernel.release.split(".")[:2]))
    return [
        f"    mmbench lab run {' '.join(series)} --set exiting-victim --boots {n}" for n, series in by_boots.items()
    ]


def _found(kernels: Sequence[Kernel]) -> str:
    bad = [kernel for kernel in kernels if kernel.boots[0]]
    kills = sum(row["n_kills"] for kernel in bad for row in kernel.rows)
    early = sum(row["before_gone"] for kernel in bad for row in kernel.rows)
    return f"""
A memory cgroup is full. The OOM killer takes a process that alone has more memory than is needed, and nothing holds
that process up. On Linux {names(bad)} the killer often does not wait for it: it takes a second process, and sometimes
the one that asked for the memory, while the first is still giving its memory back ({early} of {kills} such kills came
before the victim's exit_mmap was over). On {names([kernel for kernel in kernels if not kernel.boots[0]])} this did
not happen. Unmodified Debian kernels in QEMU, 2 CPUs, no module; each boot asks four times in a cgroup, once without
(*measured*):
"""


def _overview(kernel: Kernel) -> list[str]:
    (killed, n), (killed_global, n_global) = kernel.boots, kernel.without_cgroup
    shares = [str(killed), percents(kernel.share), f"{killed_global} of {n_global}"]
    return [kernel.release, str(n), *shares, FLAG[kernel.has_flag]]


def _questions(kernel: Kernel) -> str:
    head = f"### {kernel.release} ({kernel.package_version})"
    return f"{head}\n\n{markdown(HEADS, [row_texts(row) for row in kernel.rows])}"


def _setting(kernels: Sequence[Kernel]) -> str:
    low, high = min(kernel.loads[0] for kernel in kernels), max(kernel.loads[1] for kernel in kernels)
    return f"""
fetch the kernels from Debian's archive and boot each of them again and again; a path to a bzImage works, too. The
exit code is 1 when somebody else was killed, so it serves `git bisect run`. In the cgroup are a victim (oom_score_adj
1000) of 128 or 256 MiB of anonymous memory, a bystander of 40 MiB, and the trigger, which writes 32 or 128 MiB to a
memfd; the limit is 16 MiB above what the first two use, so the victim alone is enough. Without a cgroup the trigger
writes what is available in the guest (700 MiB) and 64 MiB more. Further kills are `mark_victim` events of other
processes. An emulated CPU is slow and the host was busy (load {low:.0f} to {high:.0f} on its 2 CPUs), so an exit
takes longer than on hardware, and the share of runs is this machine's. That it happens carries over, how often does
not.
"""


def _reading(kernels: Sequence[Kernel]) -> str:
    rows = [row for kernel in kernels for row in kernel.rows if "model_kills" in row]
    right = sum((row["model_kills"] > 0) == (row["n_killed"] > 0) for row in rows)
    fast = sum(row["model_kills_at_full_speed"] > 0 for row in rows)
    return f"""
A run is one boot's answer to one question, so the runs of a row are independent; intervals are Clopper and Pearson's.
*who* counts the runs in which the bystander or the trigger died. *model* is the number of further kills that mmbench
predicts with `--killer-blind 2` for kernels from 6.19 on, 1 for older ones and 0 without a cgroup, told only how slow
exit is in that guest: its yes or no is what was seen in {right} of {len(rows)} rows. At the speed of a real machine
(default costs) it predicts a further kill in {fast} of {len(rows)}: its killer looks once a jiffy (4 ms), when a
small victim has given enough back; a real cgroup's killer looks sooner.
"""


def _failed(kernels: Sequence[Kernel]) -> str:
    failed = [text for kernel in kernels for text in kernel.failed]
    n = sum(kernel.n_runs for kernel in kernels)
    return f"\n{len(failed)} of {n} runs have no answer: {'; '.join(sorted(set(failed)))}\n" if failed else ""


WHEN = """
It matters where an innocent process of the same cgroup (a container, a systemd unit) should not die for a victim that
is giving its memory back already. It does not matter for a global OOM, nor with `memory.oom.group`, where all of the
cgroup dies anyway, nor where the victim is small or fast enough to be gone before the killer looks again.
"""
WHY = """
Evidence, and no accusation: a72f73c4dd9b ("cgroup: Don't expose dead tasks in cgroup", March 2026, v7.0 and stable
6.19; 20260306192235.DY60tMnM@linutronix.de) makes css_task_iter_advance pass over a task that is `PF_EXITING` and has
no live thread, so that systemd does not find tasks in cgroup.procs which waitpid has returned. `mem_cgroup_scan_tasks`
walks the tasks of a cgroup with the same iterator. From `exit_signals` on the victim is therefore not among the
tasks that `oom_evaluate_task` is shown; it cannot find a victim without `MMF_OOM_SKIP` and abort the scan, so
the next process is chosen. An OOM without a cgroup walks `for_each_process` and still meets the victim. Before, a task
was on the cgroup's list until after `exit_mm`, whose last step is mostly exit_mmap. Since 7.1 the iterator has
`CSS_TASK_ITER_WITH_DEAD`, which shows such tasks; in 7.3.4 `mem_cgroup_scan_tasks` gives `CSS_TASK_ITER_PROCS` alone.

What agrees with it here: the kernels on either side of that commit; on the same kernels nobody else dies without a
cgroup; and on 7.3 nobody else dies in one while a tracer holds the victim at its exit stop, which is before
`PF_EXITING` ([the lab](../lab.md), kind `memcg`).
"""
UNKNOWN = """
- Proof by a kernel with that one commit reverted, or with `CSS_TASK_ITER_WITH_DEAD` given in `mem_cgroup_scan_tasks`:
none was built for these records.
- How often it happens on hardware: that depends on how fast the victim exits and how soon the trigger asks again.
- Whether somebody reported it: list archives were read up to September 2026, and nothing was found.
"""

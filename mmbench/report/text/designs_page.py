"""Every design step by step with its sources, as one page in Markdown; what all of them share comes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mmbench.report.text.answer_page import markdown

SHARED = """
## What all of them share

**The parties.** `exit` is the victim itself: exit_mm lets go of its mm, and whoever drops the last `mm_users` runs
exit_mmap. The OOM `reaper` is one kernel thread for the system. `mrelease` is a process_mrelease(2) caller. An OOM
victim's mm is pinned by `mm_count` only, which never keeps exit_mmap from starting (mark_oom_victim, mm/oom_kill.c).

**The killer's rule** (oom_evaluate_task, out_of_memory). An OOM victim without MMF_OOM_SKIP ends the scan: nobody is
killed, whoever asked for memory tries again. With MMF_OOM_SKIP it is passed over, and the next process may die. So
the flag does not say that memory is back, it says that nobody should wait for this mm any more. A memory cgroup's
killer must also find the victim among the cgroup's tasks ([since 7.0 it does not while the victim
exits](answers/memcg-exiting-victim.md)).

**A reap pass** (__oom_reap_task_mm). Sets MMF_UNSTABLE first, after which faults of the mm fail instead of bringing
fresh pages (3f70dc38cec2). Visits VMA by VMA, leaves out those with a flag of its mask and shared mappings that are
not anonymous, zaps the rest in an mmu_gather of its own for each (687cb0884a71). Takes no page lock, frees no table,
removes no VMA. Up to v5.17 its mask holds VM_LOCKED, since v5.18 no longer (a213e5cf71cb). From the lowest VMA up
until v6.17, from the highest down since v6.18 (5e1953dc71af).

**The reaper** (oom_reap_task). Ten attempts at mmap_lock by trylock, HZ/10 and one jiffy apart; then "unable to
reap". Sets MMF_OOM_SKIP in every case, also when it has given up and nothing is freed. The newest victim of its list
comes first. Since v5.18 a victim enters the list 2 s after the kill, and only if it is still needed (e4a38402c36e);
before, at the kill.

**process_mrelease** (v5.15). Pins `mm_users` in v5.15 and v5.16, which keeps exit_mmap away, and only the struct
since v5.17 (ba535c1caf3e). ESRCH once the victim has left exit_mm. Waits for mmap_lock for read, can be killed
meanwhile, tests MMF_OOM_SKIP again under the lock; makes one reap pass and never sets MMF_OOM_SKIP.

**Munlock up to v5.17** (munlock_vma_pages_range). Clears VM_LOCKED of the VMA first, then walks it in batches of up
to 15 pages of one table: takes them off the LRU, then lock_page of each in turn, which may sleep for as long as
somebody holds that lock, then puts them back. A page that others map needs an rmap walk. Nobody may zap what it walks
(CVE-2018-1000200; 27ae357fa82b).

**Munlock since v5.18** (cea86fe246b6 and the series around it). Part of the zap, by removal of the mapping; no page
lock. Pages collect in a batch per CPU (15, since v6.9 31), which holds a reference to them until it is full or
drained.

**Unmapping** (zap_pte_range). One hold of a table's lock for up to 512 entries. A gather keeps 8 pages on the stack
and allocates batch pages for 510 more each while it can get them; a full gather flushes the TLB and frees its pages.
Two gathers open on one mm force a flush of all of it. Tables are freed by free_pgtables, when nobody can be inside a
walk: under the write lock, or with proof that no walker is left.

**What may not happen** is in [the model](model.md#invariants), and `mmbench check` looks for it in every interleaving
of a small world.
"""


class Design(NamedTuple):
    """A design's name, what it says of itself (name of a fact -> text), and a row per step (see ask.designs)."""

    name: str
    facts: Mapping[str, str]
    steps: Sequence[Mapping[str, str]]


def designs_page(designs: Sequence[Design]) -> str:
    """The page as Markdown; a role that an earlier design has step for step is named, not repeated."""
    known: dict[str, str] = {}
    head = (
        "# The designs, step by step\n\nWhat each design does in the model, from its strategy file: every step with "
        "the mode in which mmap_lock is held *before* it, and where it comes from. `mmbench show ID` prints one, "
        "`mmbench show ID --against OTHER` how two differ."
    )
    parts = [head, SHARED.strip(), *(_design(design, known) for design in designs)]
    return "\n\n".join([*parts, "Made by `mmbench answer designs`."]) + "\n"


def _design(design: Design, known: dict[str, str]) -> str:
    parts = [f"## {design.name}: {design.facts['design']}"]
    parts.append("\n".join(f"- {name}: {text}" for name, text in design.facts.items() if name != "design"))
    for role in dict.fromkeys(row["role"] for row in design.steps):
        rows = [_row(row) for row in design.steps if row["role"] == role]
        first = known.setdefault(f"{role} {rows}", design.name)
        if first == design.name:
            parts.append(f"**{role}**\n\n" + markdown(["holds", "step", "op", "with", "else"], rows))
        else:
            parts.append(f"**{role}**: as in {first}.")
    return "\n\n".join(parts)


def _row(row: Mapping[str, str]) -> list[str]:
    goes = row["otherwise"] or (f"then {row['goes to']}" if row["goes to"] else "")
    return [row["holds mmap_lock"], row["step"], f"`{row['op']}`", row["arguments"].replace("|", "\\|"), goes]

"""The experiments, one function per kind: each makes fresh victims with the live probe and returns exact numbers.

Page counts are pairs, [in the locked part of the range, in the rest], read from pagemap while the victim is held at
its exit stop. Times are nanoseconds of the guest's clock, which under QEMU's -icount are instructions of the guest.
"""

import os
import time
from contextlib import ExitStack
from typing import Any

from mmbench.errors import CannotError
from mmbench.live import libc, proc
from mmbench.live.build import build
from mmbench.live.kmsg import KernelLog
from mmbench.live.oom import kill_in_own_cgroup
from mmbench.live.pagemap import PAGE_BYTES, present_pages
from mmbench.live.probe import Held, await_exit_stop, finish, seize, time_exit, time_mrelease_then_exit, time_race
from mmbench.live.sampling import layout_mismatch
from mmbench.live.tracefs import TraceInstance, open_tracefs, remove_instance
from mmbench.live.victim import Victim, write_file
from mmbench.live.workload import VictimConfig

MAX_VICTIM_BYTES = 512 << 20
REAP_TIMEOUT_S = 8.0
POLL_S = 0.02
QUIET_S = 2.6  # the reaper comes 2.00 to 2.03 s after a kill and takes 0.1 s: who looks meanwhile takes its CPU
ORDER_POLL_S = 0.0005
N_PARTS = 4  # of the range, watched while the reaper works

Found = dict[str, Any]


def pages(victim: Victim) -> list[int]:
    """Count the present pages in the locked part of the range and in the rest."""
    locked, whole = victim.config.locked_span_pages, victim.config.span_pages
    parts = ((victim.start, locked), (victim.start + locked * PAGE_BYTES, whole - locked))
    return [present_pages(victim.pid, start, n) if n else 0 for start, n in parts]


class Counted(Held):
    """A held victim that remembers every count of its pages, part by part; refuses one that is not as planned."""

    def __init__(self, victim: Victim) -> None:
        super().__init__(victim)
        self.counts: list[list[int]] = []
        mismatch = layout_mismatch(self)
        if mismatch:
            raise CannotError(f"the victim is not what was planned: {mismatch}")
        self.counts.clear()

    def pages(self) -> int:
        """Count all present pages, and keep the counts of the parts."""
        self.counts.append(pages(self.victim))
        return sum(self.counts[-1])


def exit_alone(config: VictimConfig) -> Found:
    """Time exit_mmap alone."""
    with Victim(config, MAX_VICTIM_BYTES) as victim:
        held = Counted(victim)
        ns = time_exit(held).ns
        return {"pages_before": held.counts[0], "ns": ns}


def mrelease_then_exit(config: VictimConfig) -> Found:
    """Time process_mrelease alone, count what it left, and time the exit of that."""
    with Victim(config, MAX_VICTIM_BYTES) as victim:
        held = Counted(victim)
        mrelease, rest = time_mrelease_then_exit(held)
        before, after = held.counts
        return {"pages_before": before, "pages_after": after, "ns": mrelease.ns, "exit_after_ns": rest.ns}


def mrelease_races_exit(config: VictimConfig) -> Found:
    """Time both at once on two CPUs, from the hold until the victim is gone."""
    with Victim(config, MAX_VICTIM_BYTES) as victim:
        held = Counted(victim)
        race = time_race(held, caller_cpu=0)
    lost = race.error == "ESRCH"  # the victim gave its memory up before the caller took it
    return {"pages_before": held.counts[0], "ns": race.ns, "mrelease_ns": race.parts["mrelease_ns"], "lost": lost}


def reaper_then_exit(config: VictimConfig) -> Found:
    """Have the OOM killer kill a victim (sysrq f), hold it, and time the OOM reaper alone, then the exit."""
    with OomKilled(config) as kill:
        before = pages(kill.victim)
        kill.await_reaper()
        after = pages(kill.victim)
        rest = finish(kill.victim, "exit_after", sum(after))
        times = kill.reaper_times()
        return {"pages_before": before, "pages_after": after, **times, "exit_after_ns": rest.ns}


def reap_order(config: VictimConfig) -> Found:
    """Watch the OOM reaper through pagemap: the pages left in each quarter of the range, whenever they changed."""
    with OomKilled(config) as kill:
        victim, part = kill.victim, config.span_pages // N_PARTS

        def left() -> list[int]:
            starts = [victim.start + i * part * PAGE_BYTES for i in range(N_PARTS)]
            return [present_pages(victim.pid, start, part) for start in starts]

        seen = [left()]
        kill.await_reaper(ORDER_POLL_S, lambda: seen.append(left()))
        seen.append(left())
        finish(victim, "exit_after", 0)
    changes = [counts for i, counts in enumerate(seen) if i == 0 or counts != seen[i - 1]]
    return {"left_by_quarter": changes}


def memcg_oom(config: VictimConfig) -> Found:
    """Have the OOM killer kill a victim in a memory cgroup; the probe of the running kernel, unchanged."""
    record: Found = {}
    for message in kill_in_own_cgroup(config.to_dict(), True, MAX_VICTIM_BYTES):
        record = message.get("record", record)
    return {
        "pages_before": record["pages_before"],
        "pages_after": record["pages_after_reap"],
        "n_collateral_kills": record["n_collateral_kills"],
        "trigger": record["trigger"]["outcome"],
    }


def explicit_munlock(config: VictimConfig) -> Found:
    """Time munlock(2) of a whole range, then munmap(2) of it, in this process."""
    start = build(config)
    before = proc.status("self")["VmLck"] // PAGE_BYTES
    t0 = time.monotonic_ns()
    libc.munlock(start, config.span_bytes)
    t1 = time.monotonic_ns()
    libc.munmap(start, config.span_bytes)
    t2 = time.monotonic_ns()
    return {"pages_before": [before, config.facts().n_pages - before], "ns": t1 - t0, "munmap_ns": t2 - t1}


class OomKilled(ExitStack):
    """A victim that the OOM killer killed and that is held at its exit stop; the reaper comes 2 s later."""

    def __init__(self, config: VictimConfig) -> None:
        super().__init__()
        try:
            self.log = self.enter_context(KernelLog())
            tracefs = open_tracefs()
            self.callback(os.close, tracefs)
            self.trace = TraceInstance(tracefs, "lab")
            self.callback(remove_instance, tracefs, "lab")
            self.trace.enable("oom")
            self.victim = self.enter_context(Victim(config, MAX_VICTIM_BYTES))
            seize(self.victim)
            write_file("/proc/sysrq-trigger", "f")
            await_exit_stop(self.victim.pid)
        except BaseException:
            self.close()
            raise

    def await_reaper(self, poll_s: float = POLL_S, look: Any = None) -> None:
        """Wait until the reaper says that it is through with the victim; undisturbed, unless there is a ``look``."""
        deadline = time.monotonic() + REAP_TIMEOUT_S
        if look is None:
            time.sleep(QUIET_S)
        while not any(m.pid == self.victim.pid and m.kind in ("reaped", "unable") for m in self.log.messages()):
            if time.monotonic() > deadline:
                raise CannotError(f"the OOM reaper said nothing within {REAP_TIMEOUT_S:.0f} s")
            if look is not None:
                look()
            time.sleep(poll_s)

    def reaper_times(self) -> dict[str, int]:
        """Return the reaper's own time (microsecond resolution) and its delay after the kill, by tracepoints."""
        at = {e.event: e.t_ns for e in self.trace.events() if e.fields.get("pid") == str(self.victim.pid)}
        start = at["start_task_reaping"]
        return {"ns": at["finish_task_reaping"] - start, "delay_ns": start - at["mark_victim"]}


KINDS = {
    "exit": exit_alone,
    "mrelease": mrelease_then_exit,
    "race": mrelease_races_exit,
    "reaper": reaper_then_exit,
    "order": reap_order,
    "memcg": memcg_oom,
    "munlock": explicit_munlock,
}

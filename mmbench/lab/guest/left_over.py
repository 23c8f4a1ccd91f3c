"""What is left when everybody is gone: pages that still count as mlocked, page tables that were not given back."""

import time

from mmbench.live.proc import read
from mmbench.live.victim import Victim, write_file

COUNTERS = {"nr_mlock": "nr_mlock_left", "nr_page_table_pages": "tables_left"}
SETTLE_S, POLL_S = 0.5, 0.02  # tables are given back after a grace period of RCU


def count() -> dict[str, int]:
    """The counters of /proc/vmstat that a teardown has to bring back, exact.

    What CPUs keep for later is dealt with first: batches of pages to mlock or munlock, counters of their own.
    """
    write_file("/proc/sys/vm/drop_caches", "1")  # begins with lru_add_drain_all
    write_file("/proc/sys/vm/stat_refresh", "1")
    counts = dict(line.split() for line in read("/proc/vmstat").splitlines())
    return {name: int(counts[name]) for name in COUNTERS}


def still_mapped(victim: Victim) -> dict[str, int]:
    """Pages that count as mlocked when the victim is gone and its child still maps them; nothing for other victims."""
    return {} if victim.sharer is None else {"nr_mlock_shared": count()["nr_mlock"]}


def since(before: dict[str, int]) -> dict[str, int]:
    """How much more there is than before, when it has settled."""
    deadline = time.monotonic() + SETTLE_S
    while (now := count()) != before and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return {told: now[name] - before[name] for name, told in COUNTERS.items()}

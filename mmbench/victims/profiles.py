"""Named victims: programs that lock much memory, with the size and shape that their documentation gives.

Every profile names its source. What the source does not say is marked "assumed" in the summary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmbench.errors import InputError
from mmbench.model.layout import FILE, PAGE_BYTES, VM_LOCKED, VM_SHARED, VmaTable, vma_table
from mmbench.victims.join import join
from mmbench.victims.sizes import parse_size
from mmbench.victims.synthetic import FIRST_PAGE, synthetic
from mmbench.victims.victim import Victim

MLOCK = "mlock"
INFERRED = "mlock, inferred"
NOT_MLOCK = "hugetlb and plain memory, not mlock"


@dataclass(frozen=True)
class Profile:
    """One named victim.

    shape:  makes the VMAs from a size in bytes
    size:   the size that the source documents, for `shape`
    pinned: by what the memory is held: MLOCK, INFERRED (not printed by the source), or NOT_MLOCK
    """

    name: str
    summary: str
    size: str
    shape: Callable[[int], VmaTable]
    source: str
    pinned: str = MLOCK
    resizable: bool = False

    def build(self, size: str | None = None) -> Victim:
        """Build the victim, of another size where the profile is a class of sizes; else raise InputError."""
        if size is not None and not self.resizable:
            raise InputError(f"profile {self.name!r} has one documented size, {self.size}; use it without a size.")
        size = self.size if size is None else size
        size_bytes = parse_size(size, f"size of {self.name}")
        facts = {"summary": self.summary, "pinned-by": self.pinned, "size": size}
        return Victim(self.name, self.shape(size_bytes), self.source, facts)


def _plain(**shape: Any) -> Callable[[int], VmaTable]:
    """A shape that is one call of `synthetic`."""
    return lambda size_bytes: synthetic(size_bytes, **shape).vmas


def _eos(size_bytes: int) -> VmaTable:
    """One shared file map that mlock was still populating, from its first page on, when the OOM killer came."""
    resident = 7_928_148 // 4  # file-rss in kB
    row: dict[str, object] = {
        "start": FIRST_PAGE,
        "pages": size_bytes // PAGE_BYTES,
        "flags": VM_SHARED | VM_LOCKED,
        "kind": FILE,
        "resident": resident,
    }
    return vma_table(row, {0: np.array([[0, resident]], dtype=np.int64)})


def _es_heap(size_bytes: int) -> VmaTable:
    heap = synthetic(size_bytes, locked=1.0, vmas=4, thp=0.5)
    maps = synthetic(parse_size("256MiB"), locked=1.0, vmas=512, kind="file")
    return join(heap.vmas, maps.vmas)


def _qemu(size_bytes: int) -> VmaTable:
    guest = synthetic(size_bytes, locked=1.0, vmas=1, thp=1.0)
    overhead = synthetic(parse_size("118MiB"), locked=1.0, vmas=309)
    return join(guest.vmas, overhead.vmas)


def _oracle(size_bytes: int) -> VmaTable:
    """SGA : PGA = 75 : 30; 85 % of the SGA in huge pages. Every Oracle process maps the SGA."""
    sga = size_bytes * 75 // 105
    large = synthetic(sga * 85 // 100, locked=0.0, vmas=4, hugetlb=1.0, shared=1.0, elsewhere=1.0)
    small = synthetic(sga * 15 // 100, locked=0.0, vmas=4, kind="shmem", shared=1.0, elsewhere=1.0)
    pga = synthetic(size_bytes - sga, locked=0.0, vmas=480)
    return join(large.vmas, small.vmas, pga.vmas)


_LLAMA = {"locked": 1.0, "vmas": 1, "kind": "file", "shared": 1.0}
_LTP_CHUNK = 3 << 30

_ALL = (
    Profile(
        "eos-nodeos",
        "blockchain node with a shared file map in 4 KiB pages, killed while mlock was populating it",
        "8452480KiB",
        _eos,
        "EOSIO/eos issues 4726, 3990, 5592: kernel log, total-vm 8452480 kB, file-rss 7928148 kB, no VmLck",
        INFERRED,
    ),
    Profile(
        "llama-mlock",
        "language model of 65 G parameters: one shared map of the weights, all of it locked",
        "38.5GB",
        _plain(**_LLAMA),
        "llama.cpp issue 702: about 38.5 GB for 65B at 4 bits, --mlock",
        resizable=True,
    ),
    Profile(
        "llama-mlock-7b",
        "language model of 7 G parameters: one shared map of the weights, all of it locked",
        "4212486144",
        _plain(**_LLAMA),
        "llama-cpp-python issue 254: mlock of 4212486144 bytes, 7B at 4 bits",
    ),
    Profile(
        "llama-mlock-70b",
        "language model of 70 G parameters: one shared map of the weights, all of it locked",
        "46494.72MiB",
        _plain(**_LLAMA),
        "llama-api issue 13: 'mem required = 46494.72 MB' for 70B at 5 bits; that program's MB is 1024 * 1024",
    ),
    Profile(
        "es-heap",
        "Elasticsearch with bootstrap.memory_lock: JVM heap and locked file maps; assumed: half of the heap in THP, "
        "256 MiB of file maps",
        "31GiB",
        _es_heap,
        "Elasticsearch reference, heap size: at most half of RAM and below the compressed-oops limit, near 32 GB; "
        "-Xmx31g is the customary largest",
        resizable=True,
    ),
    Profile(
        "seastar",
        "ScyllaDB or Redpanda with --lock-memory: RAM less max(1.5 GiB, 7 %), one huge VMA per shard; assumed: "
        "32 shards, THP throughout",
        "220GB",
        _plain(locked=1.0, vmas=32, thp=1.0),
        "seastar src/core/resource.cc, calculate_memory; ScyllaDB knowledge base, memory usage (220G)",
        resizable=True,
    ),
    Profile(
        "cassandra",
        "JVM heap locked through JNA mlockall; assumed: 16 VMAs, no THP",
        "8GiB",
        _plain(locked=1.0, vmas=16),
        "cassandra-env.sh: max(min(RAM/2, 1 GiB), min(RAM/4, 8 GiB)); DataStax heap size page: to 32 GB",
        resizable=True,
    ),
    Profile(
        "qemu-locked",
        "virtual machine with <locked/>: guest RAM in THP and QEMU's own memory, all locked; assumed: 16 GiB guest",
        "16GiB",
        _qemu,
        "libvirt domain format, memoryBacking/locked; overhead of 118 MiB in 309 VMAs as in the recorded qemu-guest",
        resizable=True,
    ),
    Profile(
        "oracle-sga",
        "75 GB SGA, 85 % of it in 2 MiB pages and all of it shared by every process, and 30 GB PGA; assumed: "
        "how many VMAs",
        "105GB",
        _oracle,
        "tanelpoder.com, 25 Oct 2013 (85 % large pages); PRVE-00068 (75 GB SGA and 30 GB PGA of 128 GB)",
        NOT_MLOCK,
        resizable=True,
    ),
    Profile(
        "stress-frag",
        "the worst shape: 262,144 locked VMAs of one page each, two pages of gap between them",
        "1GiB",
        _plain(locked=1.0, vmas=262_144, gap_pages=2),
        "stress-ng manual, --mlock; the program itself maps shared memory and stops at vm.max_map_count, see the "
        "recorded stress-ng-mlock",
    ),
    Profile(
        "android-pinner",
        "system server that pins camera files in the page cache, at its cap; assumed: 40 files",
        "80MiB",
        _plain(locked=1.0, vmas=40, kind="file", shared=1.0),
        "Android PinnerService, MAX_CAMERA_PIN_SIZE",
    ),
    Profile(
        "rt-audio",
        "real-time audio server or OOM daemon after mlockall; assumed: 200 VMAs, 64 MiB of the documented tens of MiB",
        "64MiB",
        _plain(locked=1.0, vmas=200),
        "JACK limits.d; earlyoom and nohang sources",
        resizable=True,
    ),
    Profile(
        "ltp-mlock",
        "out-of-memory test that maps and locks 3 GiB at a time until it is killed; assumed: killed at the fourth",
        "12GiB",
        lambda size_bytes: synthetic(size_bytes, locked=1.0, vmas=-(-size_bytes // _LTP_CHUNK)).vmas,
        "LTP testcases/kernel/mem/oom: LENGTH (3UL<<30), MLOCK",
        resizable=True,
    ),
)

PROFILES = {profile.name: profile for profile in _ALL}

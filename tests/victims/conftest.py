"""A canned /proc: one process whose smaps shows every kind of VMA that the snapshot must understand."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

PID = 4242
PRESENT, EXCLUSIVE = 1 << 63, 1 << 56

FIELDS = """\
Size:           {size:8d} kB
KernelPageSize: {page:8d} kB
MMUPageSize:    {page:8d} kB
Rss:            {rss:8d} kB
Pss:            {rss:8d} kB
Shared_Clean:   {shared:8d} kB
Shared_Dirty:          0 kB
Private_Clean:         0 kB
Anonymous:             0 kB
AnonHugePages:  {anon_huge:8d} kB
ShmemPmdMapped: {shmem_huge:8d} kB
FilePmdMapped:  {file_huge:8d} kB
Shared_Hugetlb: {shared_hugetlb:8d} kB
Private_Hugetlb:{private_hugetlb:8d} kB
Swap:                  0 kB
Locked:         {rss:8d} kB
THPeligible:           0
ProtectionKey:         0
VmFlags: {flags} 
"""


def vma(line: str, flags: str, rss: int = 0, **kb: int) -> str:
    """One VMA of smaps: its maps line, VmFlags and sizes in kB."""
    low, high = (int(edge, 16) for edge in line.split()[0].split("-"))
    names = ("shared", "anon_huge", "shmem_huge", "file_huge", "shared_hugetlb", "private_hugetlb")
    values = {name: 0 for name in names} | {"page": 4} | kb
    return line + "\n" + FIELDS.format(size=(high - low) // 1024, rss=rss, flags=flags, **values)


SMAPS = "".join(
    [
        vma("00400000-00420000 r-xp 00000000 fe:00 1234    /home/secret name/program", "rd ex mr mw me", 80, shared=80),
        vma("00500000-00510000 rw-p 00000000 00:00 0       [heap]", "rd wr mr mw me ac", 24),
        vma("00800000-00e00000 rw-p 00000000 00:00 0 ", "rd wr mr mw me lo ac hg", 6144, anon_huge=4096),
        vma(
            "01000000-01003000 rw-s 00000000 00:01 77      /dev/zero (deleted)",
            "rd wr sh mr mw me ms lo lf",
            4,
            shared=4,
        ),
        vma("01010000-01014000 rw-p 00000000 00:05 9       /dev/zero", "rd wr mr mw me", 16),
        vma("01020000-01024000 rw-s 00000000 00:01 78      /memfd:buffer (deleted)", "rd wr sh mr mw me ms", 16),
        vma("01030000-01034000 rw-s 00000000 00:1c 79      /mnt/a tmpfs file", "rd wr sh mr mw me ms", 0),
        vma(
            "01200000-01600000 rw-s 00000000 00:0f 80      /anon_hugepage (deleted)",
            "rd wr sh mr mw me ms de ht",
            0,
            page=2048,
            shared_hugetlb=2048,
            private_hugetlb=2048,
        ),
        vma("01600000-01604000 r--p 00000000 00:00 0       [vvar]", "rd mr pf io de dd"),
        vma("01604000-01606000 r-xp 00000000 00:00 0       [vdso]", "rd ex mr mw me de", 8, shared=8),
        vma("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]", "ex"),
    ]
)

STAT = (
    "{pid} (a (strange) name) {state} 1 2 3 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 1 0 {start} 1000 20 0 4194304 0 {stack} "
    "0\n"
)
MOUNTINFO = """\
22 1 254:0 / / rw,relatime - ext4 /dev/root rw
30 22 0:28 / /mnt rw,nosuid shared:5 - tmpfs tmpfs rw
31 22 0:29 / /proc rw - proc proc rw
"""


class Canned:
    """A /proc folder that a test may spoil."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / str(PID)
        self.home.mkdir()
        (root / "sys/kernel").mkdir(parents=True)
        (root / "sys/kernel/osrelease").write_text("6.18.0-test\n")
        (self.home / "comm").write_text("a (strange) name\n")
        (self.home / "mountinfo").write_text(MOUNTINFO)
        (self.home / "smaps").write_text(SMAPS)
        self.stat()
        heap = {0x500 + i: PRESENT | EXCLUSIVE for i in (0, 1, 2, 9)} | {0x504: PRESENT, 0x505: PRESENT}
        text = {0x400 + i: PRESENT for i in range(20)}
        self.pagemap({**heap, **text, 0x1001: PRESENT | (1 << 61)})

    def stat(self, state: str = "S", flags: int = 0x400000, start: int = 555, stack: int = 140720000000000) -> None:
        (self.home / "stat").write_text(STAT.format(pid=PID, state=state, flags=flags, start=start, stack=stack))

    def pagemap(self, words: dict[int, int]) -> None:
        with open(self.home / "pagemap", "wb") as file:
            for page, word in words.items():
                file.seek(8 * page)
                file.write(struct.pack("<Q", word))
            file.truncate(8 * 0x2000)


@pytest.fixture
def canned(tmp_path: Path) -> Canned:
    root = tmp_path / "proc"
    root.mkdir()
    return Canned(root)


@pytest.fixture
def smaps_vma() -> Callable[..., str]:
    return vma

"""/proc/PID/smaps, read into the words of the model; the paths of mappings are looked at and dropped.

Source: fs/proc/task_mmu.c, show_smap and show_smap_vma_flags (v6.18).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mmbench.errors import CannotError
from mmbench.model.layout import (
    ANON,
    FILE,
    MAX_PAGES,
    PAGES_PER_TABLE,
    SHMEM,
    VM_HUGETLB,
    VM_LOCKED,
    VM_LOCKONFAULT,
    VM_PFNMAP,
    VM_SHARED,
)

_VM_FLAGS = {"lo": VM_LOCKED, "lf": VM_LOCKONFAULT, "ht": VM_HUGETLB, "pf": VM_PFNMAP, "sh": VM_SHARED}
_HEADER = re.compile(r"([0-9a-f]+)-([0-9a-f]+) [r-][w-][x-][sp] [0-9a-f]+ ([0-9a-f]+:[0-9a-f]+) (\d+) *(.*)", re.ASCII)
_FIELD = re.compile(r"([A-Za-z_]+): +(\d+)(?: kB)?", re.ASCII)
_SHMEM_PATHS = ("/dev/zero (deleted)", "/memfd:", "/SYSV", "/dev/shm/", "[anon_shmem:")
_KB_PER_PAGE = 4
_KB_PER_BLOCK = _KB_PER_PAGE * PAGES_PER_TABLE


@dataclass(frozen=True)
class Smap:
    """One VMA as smaps shows it, in pages; `resident` is what the kernel counts as Rss, or hugetlb pages."""

    start: int
    pages: int
    flags: int
    kind: int
    resident: int
    huge: int
    elsewhere: int


def parse_smaps(lines: Iterable[str], tmpfs_devices: frozenset[str] = frozenset()) -> Iterator[Smap]:
    """Yield the VMAs of smaps text in address order; [vsyscall], which belongs to no mm, is left out.

    tmpfs_devices: devices ("00:1c", hex as in maps) whose files are shmem.
    Raises CannotError when the text stops in the middle of a VMA or is not smaps.
    """
    header: re.Match[str] | None = None
    fields: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\n")
        if match := _HEADER.fullmatch(text):
            if header is not None:
                yield from _smap(header, fields, tmpfs_devices)
            header, fields = match, {}
        elif text.startswith("VmFlags:"):
            fields["VmFlags"] = text.removeprefix("VmFlags:")
        elif field := _FIELD.fullmatch(text.rstrip()):
            fields[field[1]] = field[2]
        else:
            raise CannotError(f"smaps, line {number}: found {text[:60]!r}; the process ended while it was being read.")
    if header is not None:
        yield from _smap(header, fields, tmpfs_devices)


def _smap(header: re.Match[str], fields: dict[str, str], tmpfs_devices: frozenset[str]) -> Iterator[Smap]:
    low, high, device, inode, path = header.groups()
    missing = [name for name in ("Size", "Rss", "VmFlags") if name not in fields]
    if missing:
        raise CannotError(
            f"smaps stops inside the VMA at {low} (no {', '.join(missing)}): the process ended while it was being "
            "read, or the kernel was built without CONFIG_PROC_PAGE_MONITOR. Try again, or another process."
        )
    start, end = int(low, 16) >> 12, int(high, 16) >> 12
    if start >= MAX_PAGES:
        return
    flags = sum(_VM_FLAGS.get(name, 0) for name in fields["VmFlags"].split())
    kb = {name: int(value) for name, value in fields.items() if name != "VmFlags"}
    if not flags & VM_HUGETLB and kb.get("KernelPageSize", _KB_PER_PAGE) != _KB_PER_PAGE:
        raise CannotError(f"this kernel has pages of {kb['KernelPageSize']} KiB; the model counts pages of 4 KiB.")
    if flags & VM_HUGETLB:
        elsewhere = kb.get("Shared_Hugetlb", 0) // _KB_PER_PAGE
        resident = elsewhere + kb.get("Private_Hugetlb", 0) // _KB_PER_PAGE
        huge = resident // PAGES_PER_TABLE
    else:
        resident = kb["Rss"] // _KB_PER_PAGE
        huge = sum(kb.get(name, 0) for name in ("AnonHugePages", "ShmemPmdMapped", "FilePmdMapped")) // _KB_PER_BLOCK
        elsewhere = (kb.get("Shared_Clean", 0) + kb.get("Shared_Dirty", 0)) // _KB_PER_PAGE
    yield Smap(start, end - start, flags, _kind(flags, device, inode, path, tmpfs_devices), resident, huge, elsewhere)


def _kind(flags: int, device: str, inode: str, path: str, tmpfs_devices: frozenset[str]) -> int:
    """Tell anonymous, shmem and file memory apart by what backs the VMA."""
    if flags & VM_HUGETLB:
        return SHMEM if flags & VM_SHARED else ANON
    if inode == "0" or path == "/dev/zero":  # a private mapping of /dev/zero is anonymous memory (mmap_zero)
        return ANON
    return SHMEM if path.startswith(_SHMEM_PATHS) or device in tmpfs_devices else FILE


def tmpfs_devices(mountinfo: Iterable[str]) -> frozenset[str]:
    """Return the devices of tmpfs mounts in /proc/PID/mountinfo, in the hex form that maps uses."""
    devices = set()
    for line in mountinfo:
        mount, _, rest = line.partition(" - ")
        if rest.startswith("tmpfs "):
            major, minor = mount.split()[2].split(":")
            devices.add(f"{int(major):02x}:{int(minor):02x}")
    return frozenset(devices)

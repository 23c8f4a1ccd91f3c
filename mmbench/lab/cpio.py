"""A newc cpio archive, the format of an initramfs, as a pure function of its entries: same entries, same bytes.

Source: Documentation/driver-api/early-userspace/buffer-format.rst. Owner is root and mtime 0 throughout; entries are
sorted by path, and the folders that a path needs are made.
"""

import stat
from dataclasses import dataclass

MAGIC = b"070701"
TRAILER = "TRAILER!!!"


@dataclass(frozen=True)
class Entry:
    """One file, folder or device: ``mode`` as in stat(2), content (of a regular file), device numbers."""

    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


def regular(content: bytes, is_executable: bool = False) -> Entry:
    """Make a regular file, readable by all."""
    return Entry(stat.S_IFREG | (0o755 if is_executable else 0o644), content)


def folder() -> Entry:
    """Make an empty folder; needed only where nothing else is put into it."""
    return Entry(stat.S_IFDIR | 0o755)


def character_device(major: int, minor: int) -> Entry:
    """Make a character device."""
    return Entry(stat.S_IFCHR | 0o600, device=(major, minor))


def archive(entries: dict[str, Entry]) -> bytes:
    """Return the archive of ``entries`` (path without leading slash -> entry)."""
    whole = dict(entries)
    for path in entries:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            whole.setdefault("/".join(parts[:depth]), folder())
    members = [_member(number, path, whole[path]) for number, path in enumerate(sorted(whole), start=1)]
    return b"".join([*members, _member(0, TRAILER, Entry(0))])


def _member(inode: int, path: str, entry: Entry) -> bytes:
    name = path.encode() + b"\0"
    n_links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (inode, entry.mode, 0, 0, n_links, 0, len(entry.content), 0, 0, *entry.device, len(name), 0)
    header = MAGIC + b"".join(b"%08X" % value for value in fields)
    return _padded(header + name) + _padded(entry.content)


def _padded(part: bytes) -> bytes:
    return part + bytes(-len(part) % 4)

"""Where compiled code is kept, and who is told that it has to be compiled first. Nothing here imports numba.

The folder is named after a hash of all sources that compiled code can reach. numba itself stamps a cached function
with its own file only (numba issue 1833), so after an edit in a callee of another file it would run the old machine
code; with the hash in the path it cannot.

Environment: MMBENCH_CACHE_DIR moves the cache; MMBENCH_CACHE_DIR=/dev/null does without.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

PACKAGE = Path(__file__).parent
VARIABLE = "MMBENCH_CACHE_DIR"
KEPT_CACHES = 4

# Everything that may hold or be called by compiled code; a test keeps njit out of the rest of the package.
COMPILED = (
    "accelerate.py",
    "linked.py",
    "rng.py",
    "words.py",
    "model",
    "pages",
    "sync",
    "machine",
    "engine",
    "checker/bfs.py",
    "checker/drive.py",
    "checker/expand.py",
    "checker/packing.py",
    "checker/reached.py",
    "checker/symmetry.py",
    "sizing/laws/arrivals.py",
    "sizing/laws/draws.py",
    "sizing/laws/entries.py",
    "sizing/queue/crew.py",
    "sizing/queue/delay.py",
    "sizing/queue/domains.py",
    "sizing/queue/period.py",
    "sizing/queue/reaper_list.py",
    "sizing/queue/tally.py",
    "sizing/queue/worst.py",
    "sizing/stats/histogram.py",
    "sizing/stats/keyed.py",
)


class CacheWarning(UserWarning):
    """Compiled code cannot be kept where it belongs; every answer is the same, and takes longer."""


# Called with a function's name before it is compiled. A terminal says what a first run waits for.
before_compiling: list[Callable[[str], None]] = []


def source_hash() -> str:
    """Hash the .py files that compiled code can reach, names and contents: the key of the code cache."""
    digest = hashlib.blake2b(digest_size=10)
    paths = [path for name in COMPILED for path in (PACKAGE / name, *(PACKAGE / name).rglob("*.py"))]
    for path in sorted(p for p in paths if p.is_file()):
        digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def cache_root() -> Path:
    """Where compiled kernels belong: MMBENCH_CACHE_DIR, else the user's cache folder. Raises OSError without a home."""
    base = os.environ.get(VARIABLE)
    if base:
        return Path(base).absolute()
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mmbench" / "kernels"
    except RuntimeError:
        raise OSError("this account has no home folder") from None


def private_root() -> Path:
    """A folder below the system's temporary one that nobody else can write: code is loaded from it. Raises OSError."""
    root = Path(tempfile.gettempdir()) / f"mmbench-{os.getuid()}"
    root.mkdir(mode=0o700, exist_ok=True)
    found = root.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise OSError(f"{root} is there and not this account's alone")
    return root


def opened(root: Path) -> Path:
    """The folder of this source hash below `root`, made and written to. Raises OSError."""
    folder = root / source_hash()
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    tempfile.TemporaryFile(dir=folder).close()
    return folder


def drop_old(folder: Path) -> None:
    """Remove all but the newest few folders beside this one, of those that are named like it."""
    try:  # the folder may be a person's, and hold more than this cache
        others = [p for p in folder.parent.iterdir() if p != folder and len(p.name) == len(folder.name)]
        others.sort(key=lambda p: p.stat().st_mtime)
    except OSError:
        return  # another process drops them just now
    for old in others[: -KEPT_CACHES or None]:
        shutil.rmtree(old, ignore_errors=True)


_said: set[str] = set()  # numba forgets, while it compiles, which warnings were shown


def warn(reason: str, consequence: str) -> None:
    """Say once why code is not kept where it belongs, what happens instead, and how to choose another folder."""
    if reason in _said:
        return
    _said.add(reason)
    warnings.warn(f"{reason}; {consequence}. {VARIABLE}=FOLDER names another place.", CacheWarning, stacklevel=2)


def prepare_cache() -> Path | None:
    """The folder for compiled code: where it belongs, else a private temporary one, else None: it is not kept.

    Processes that this one starts find the same place through MMBENCH_CACHE_DIR, and do not say it again.
    """
    if os.environ.get(VARIABLE) == os.devnull:
        return None
    try:
        folder = opened(cache_root())
    except OSError as error:
        reason = f"compiled code cannot be kept where it belongs ({error})"
    else:
        drop_old(folder)
        return folder
    try:
        folder = opened(private_root())
    except OSError:
        warn(reason, "every command compiles anew, for up to a minute")
        os.environ[VARIABLE] = os.devnull
        return None
    warn(reason, f"it is kept in {folder.parent} until that is emptied")
    os.environ[VARIABLE] = str(folder.parent)
    drop_old(folder)
    return folder

"""The only place that calls numba.njit, so that every kernel is compiled with the same options.

The compiled-code cache lives in a folder named after a hash of all sources that compiled code can reach. numba itself
stamps a cached function with its own file only (numba issue 1833), so after an edit in a callee of another
file it would run the old machine code; with the hash in the path it cannot.

Environment: MMBENCH_CACHE_DIR moves the cache; NUMBA_DISABLE_JIT=1 runs every kernel as plain Python.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
KEPT_CACHES = 4

# Everything that may hold or be called by compiled code; a test keeps njit out of the rest of the package.
COMPILED = (
    "accelerate.py",
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
    "checker/symmetry.py",
    "sizing/laws/arrivals.py",
    "sizing/laws/draws.py",
    "sizing/laws/entries.py",
    "sizing/queue/period.py",
    "sizing/queue/reaper_list.py",
    "sizing/queue/tally.py",
    "sizing/queue/worst.py",
    "sizing/stats/histogram.py",
    "sizing/stats/keyed.py",
)


def source_hash() -> str:
    """Hash the .py files that compiled code can reach, names and contents: the key of the code cache."""
    digest = hashlib.blake2b(digest_size=10)
    paths = [path for name in COMPILED for path in (PACKAGE / name, *(PACKAGE / name).rglob("*.py"))]
    for path in sorted(p for p in paths if p.is_file()):
        digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def cache_root() -> Path:
    """Where compiled kernels are kept: MMBENCH_CACHE_DIR, else the user's cache folder."""
    base = os.environ.get("MMBENCH_CACHE_DIR")
    if base:
        return Path(base)
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "mmbench" / "kernels"


def prepare_cache() -> Path:
    """Point numba at the folder of this source hash and drop all but the newest few older ones."""
    folder = cache_root() / source_hash()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        # only what is named like ours: the folder may be a person's, and hold more than this cache
        others = [p for p in folder.parent.iterdir() if p != folder and len(p.name) == len(folder.name)]
        others.sort(key=lambda p: p.stat().st_mtime)
        for old in others[: -KEPT_CACHES or None]:
            shutil.rmtree(old, ignore_errors=True)
    except OSError:
        pass  # a read-only home costs compile time, not correctness: numba falls back to its own choice
    else:
        os.environ["NUMBA_CACHE_DIR"] = str(folder)
    return folder


CACHE_FOLDER = prepare_cache()

import numba  # noqa: E402  (the cache folder must be set before numba is imported)
from numba.core import config  # noqa: E402

_config: Any = config
_config.CACHE_DIR = os.environ.get("NUMBA_CACHE_DIR", "")
JIT_DISABLED = bool(_config.DISABLE_JIT)


HOUSE: dict[str, Any] = {"nogil": True, "error_model": "numpy"}  # GIL released, no fast-math, C division rules


def njit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that Python code calls too; the machine code is cached."""
    return numba.njit(cache=True, **HOUSE)(function)  # type: ignore[no-any-return]


def njit_inline(function: Callable[..., Any]) -> Callable[..., Any]:
    """As njit, and always merged into compiled callers: for the few small functions of the innermost loop."""
    return numba.njit(cache=True, forceinline=True, **HOUSE)(function)  # type: ignore[no-any-return]


def njit_inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that only compiled code calls; without a Python entry it compiles a quarter faster."""
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return numba.njit(**HOUSE, **options)(function)  # type: ignore[no-any-return]


if JIT_DISABLED:
    import numpy as np

    np.seterr(over="ignore")  # uint64 wraps around, in compiled code without a word

    def pointer(array: Any) -> Any:
        """A flat view of the array: plain Python indexes it the same way."""
        return array.reshape(-1)

    def shifted(array: Any, n: int) -> Any:
        """The array from element n on."""
        return array[n:]

else:
    from numba import types
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array

    @intrinsic
    def pointer(typing_context: Any, array: Any) -> Any:
        """Pointer to the first element of a contiguous array, to be indexed inside compiled loops.

        numba counts references of every array at every call, atomically, which costs more than a whole step of
        the machine does. The caller keeps the array alive while the pointer is in use. No bounds, no length.
        """

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return make_array(signature.args[0])(context, builder, value=args[0]).data

        return types.CPointer(array.dtype)(array), code

    @intrinsic
    def shifted(typing_context: Any, base: Any, n: Any) -> Any:
        """Pointer n elements further on."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.gep(args[0], [args[1]])

        return base(base, types.int64), code

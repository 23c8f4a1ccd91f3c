"""The only place that calls numba.njit, so that every kernel is compiled with the same options.

Environment: NUMBA_DISABLE_JIT=1 runs every kernel as plain Python; see `codecache` for where compiled code is kept.
"""

from __future__ import annotations

import fcntl
import functools
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from mmbench.codecache import before_compiling, prepare_cache, warn

CACHE_FOLDER = prepare_cache()


@contextmanager
def without_scipy() -> Iterator[None]:
    """Hide scipy from numba, which asks at import whether it could call BLAS: no kernel here multiplies matrices.

    That question alone takes longer than all other imports of a run together.
    """
    hidden = [name for name in ("scipy", "scipy.linalg.cython_blas") if name not in sys.modules]
    sys.modules |= dict.fromkeys(hidden)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


if CACHE_FOLDER:
    os.environ["NUMBA_CACHE_DIR"] = str(CACHE_FOLDER)

with without_scipy():
    import numba
    import numba.np.arraymath
    from numba.core import config, event
    from numba.core.caching import FunctionCache

    from mmbench.linked import HouseCompiler, called_from_python, linking

_config: Any = config
JIT_DISABLED = bool(_config.DISABLE_JIT)
if CACHE_FOLDER:
    _config.CACHE_DIR = str(CACHE_FOLDER)  # numba may have been imported by somebody else

# GIL released, no fast-math, C division rules
HOUSE: dict[str, Any] = {"nogil": True, "error_model": "numpy", "pipeline_class": HouseCompiler}


# --- compiled code on disk --------------------------------------------------------------------------


class KeptCode(FunctionCache):  # type: ignore[misc]
    """numba's cache of one function, for a disk that may be full and two processes that compile at once.

    numba's own looks for its files when a function is defined, which for a hundred of them takes as long as a run does;
    this one waits until the function is called.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._open = functools.cache(functools.partial(super().__init__, function))

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled if there is room; numba's index is read, changed and written under a lock."""
        try:
            self._open()
            with open(os.path.join(self.cache_path, "lock"), "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                super().save_overload(sig, data)
        except (OSError, RuntimeError) as error:  # numba's own is the second, where the folder is gone
            why = getattr(error, "strerror", None) or error
            warn(f"compiled code cannot be kept ({why})", "the next command compiles it anew, for up to a minute")

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What was compiled before, or None; a damaged file is forgotten."""
        try:
            self._open()
            return super().load_overload(sig, target_context if called_from_python(sig) else linking(target_context))
        except Exception:  # its bytes mean whatever they happen to mean
            with suppress(OSError, AttributeError):
                self.flush()
            return None


class Announce(event.Listener):  # type: ignore[misc]
    """Passes on what numba is about to compile, and lets nobody look for garbage meanwhile: it took a seventh of it."""

    def __init__(self) -> None:
        self.collected: list[bool] = []  # before each compilation that has begun: one is inside the other

    def on_start(self, started: Any) -> None:
        self.collected.append(gc.isenabled())
        gc.disable()
        for tell in before_compiling:
            tell(started.data["dispatcher"].py_func.__name__)

    def on_end(self, ended: Any) -> None:
        if self.collected.pop():
            gc.enable()


event.register("numba:compile", Announce())


def kept(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """Compile a function and keep the machine code where there is a place for it."""
    dispatcher = numba.njit(**HOUSE, **options)(function)
    if CACHE_FOLDER and not JIT_DISABLED:
        dispatcher._cache = KeptCode(function)
    return dispatcher  # type: ignore[no-any-return]


# --- the house's decorators -------------------------------------------------------------------------


def njit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that Python code calls too; the machine code is cached."""
    return kept(function)


def njit_inline(function: Callable[..., Any]) -> Callable[..., Any]:
    """As njit, and always merged into compiled callers: for the few small functions of the innermost loop."""
    return kept(function, forceinline=True)


NO_ENTRY: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def njit_inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that only compiled code calls; without a Python entry it compiles a quarter faster."""
    return numba.njit(**HOUSE, **NO_ENTRY)(function)  # type: ignore[no-any-return]


def njit_shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """As njit_inner, and kept: for what several entries call, so that the second of them finds it compiled."""
    return kept(function, **NO_ENTRY)


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

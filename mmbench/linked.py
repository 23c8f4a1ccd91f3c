"""Compiled code that only compiled code calls: it is linked into its callers and made into machine code there, once.

numba optimises and emits every function together with all that it calls, so what stands five calls deep went through
LLVM six times, and five of the results nobody could run.
"""

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.compiler import Compiler


class LinkedLibrary(JITCodeLibrary):  # type: ignore[misc]
    """A function's IR as its callers will merge it: with what it calls, without machine code of its own."""

    def _optimize_final_module(self) -> None:
        """Nothing: whoever is called from Python optimises all of it at once."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def serialize_using_object_code(self) -> Any:
        """What the cache on disk keeps: there is no object code."""
        return self.serialize_using_bitcode()


class LinkingCodegen(JITCPUCodegen):  # type: ignore[misc]
    """numba's code generator, the same LLVM engine, and libraries that are only linked."""

    _library_class = LinkedLibrary

    def __init__(self, codegen: JITCPUCodegen) -> None:
        self.__dict__ = codegen.__dict__

    def set_env(self, name: str, env: Any) -> None:
        """Nothing: what the environment is for, calls back into Python, no kernel does."""


def called_from_python(args: Any) -> bool:
    """False for a signature with a bare pointer, which no Python object has."""
    return not any(isinstance(part, types.CPointer) for arg in args for part in (arg, *getattr(arg, "types", ())))


def linking(target: Any) -> Any:
    """A numba target like this one whose functions are only linked."""
    return target.subtarget(_internal_codegen=LinkingCodegen(target.codegen()))


class HouseCompiler(Compiler):  # type: ignore[misc]
    """numba's compiler, which makes no machine code of a function that Python cannot call."""

    def __init__(self, typingctx: Any, targetctx: Any, library: Any, args: Any, *rest: Any) -> None:
        target = targetctx if called_from_python(args) else linking(targetctx)
        super().__init__(typingctx, target, library, args, *rest)

"""Run by the interpreter that goes into the guest: says which modules an entry point needs, and compiles them.

Prints one JSON object: ``version`` ("3.11"), ``python`` ("3.11.2"), ``modules`` (path below the library
folder -> base64 of its code) and ``libraries`` (extension modules: path below lib-dynload -> path here). The code is
written in marshal's version 2, whose bytes do not depend on reference counts, without docstrings and line numbers.
"""

import base64
import importlib.util
import json
import marshal
import sys
from types import CodeType

EXTENSION_SUFFIXES = (".so",)


def needed(entry: str) -> dict[str, str]:
    """Import ``entry`` and return every module then loaded that has a file: dotted name -> path."""
    __import__(entry)
    found = {}
    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        path = getattr(module, "__file__", None)
        if spec is not None and path is not None and spec.name != "__main__":
            found[spec.name] = path
    return found


def compiled(name: str, path: str) -> tuple[str, bytes]:
    """Return where a module's code goes below the library folder, and that code as a .pyc never checked for age."""
    inside = name.replace(".", "/") + ("/__init__" if path.endswith("__init__.py") else "")
    with open(path, "rb") as source:
        code = without_lines(compile(source.read(), f"{inside}.py", "exec", dont_inherit=True, optimize=2))
    unchecked_hash = (1).to_bytes(4, "little") + bytes(8)
    return f"{inside}.pyc", importlib.util.MAGIC_NUMBER + unchecked_hash + marshal.dumps(code, 2)


def without_lines(code: CodeType) -> CodeType:
    """Return code that names no source line, so that a comment added to the probe changes no byte of the guest.

    Every instruction gets an entry "no location" (Objects/locations.md in CPython, code 15, at most 8 instructions).
    """
    n_instructions = len(code.co_code) // 2
    lengths = [8] * (n_instructions // 8) + ([n_instructions % 8] if n_instructions % 8 else [])
    return code.replace(
        co_firstlineno=1,
        co_linetable=bytes(0x80 | 15 << 3 | length - 1 for length in lengths),
        co_consts=tuple(without_lines(part) if isinstance(part, CodeType) else part for part in code.co_consts),
    )


def main(root: str, *entries: str) -> None:
    """Collect for ``entries``, found below ``root`` or in the standard library."""
    sys.path.insert(0, root)
    files: dict[str, str] = {}
    for entry in entries:
        files |= needed(entry)
    modules, libraries = {}, {}
    for name, path in sorted(files.items()):
        if path.endswith(EXTENSION_SUFFIXES):
            libraries[path.rsplit("/", 1)[1]] = path
        else:
            inside, code = compiled(name, path)
            modules[inside] = base64.b64encode(code).decode()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    python = ".".join(str(number) for number in sys.version_info[:3])
    found = {"version": version, "python": python, "modules": modules, "libraries": libraries}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])

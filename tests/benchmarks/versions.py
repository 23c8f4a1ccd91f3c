"""What each benchmark's body is, and the version it had: a series whose body changes is another series.

    python -m tests.benchmarks.versions

writes versions.json again, and refuses where a body changed under the same version.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import json
import sys
import textwrap
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from asv_runner.discovery import disc_benchmarks  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("versions.json")
PLAIN = (int, float, str, bool, tuple, type(None))
HOOKS = ("setup", "setup_cache", "teardown")

Table = dict[str, dict[str, str]]


def bodies() -> Table:
    """Benchmark -> version, and hash of all code and constants of the suite that it reaches. Comments do not count."""
    found = {}
    for benchmark in disc_benchmarks(str(ROOT / "benchmarks")):
        owner = type(benchmark.func.__self__)
        module = importlib.import_module(f"benchmarks.{benchmark.name.partition('.')[0]}")
        texts: dict[str, str] = {}
        names = [benchmark.func.__name__, *HOOKS]
        for name in names:
            if hasattr(owner, name):
                reach(getattr(owner, name), sys.modules[getattr(owner, name).__module__], texts)
        for name in ("params", "timer", "number", "repeat", "rounds", "warmup_time"):
            if hasattr(owner, name):
                texts[f"class {name}"] = repr(getattr(owner, name)) if name != "timer" else owner.timer.__name__
        digest = hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()[:16]
        found[benchmark.name] = {"version": benchmark.version, "body": digest}
        assert module
    return found


def reach(function: Any, module: ModuleType, texts: dict[str, str]) -> None:
    """Add a function's code, and that of everything of the suite it names. Mutates: texts."""
    function = inspect.unwrap(getattr(function, "py_func", function))
    key = f"{module.__name__}.{function.__qualname__}"
    if key in texts:
        return
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    drop_docstrings(tree)
    texts[key] = ast.dump(tree)
    for name in sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}):
        named = getattr(module, name, None)
        target = getattr(named, "py_func", named)
        where = getattr(target, "__module__", "")
        if isinstance(inspect.unwrap(target) if callable(target) else target, FunctionType):
            if where.startswith("benchmarks"):
                reach(target, sys.modules[where], texts)
        elif isinstance(named, PLAIN) and name.isupper():
            texts[f"{module.__name__}.{name}"] = repr(named)
    for node in ast.walk(tree):
        is_method = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
        owner = getattr(module, function.__qualname__.partition(".")[0], None)
        if is_method and isinstance(getattr(owner, node.attr, None), FunctionType):
            reach(getattr(owner, node.attr), module, texts)


def drop_docstrings(tree: ast.AST) -> None:
    """Words about a function are not its body. Mutates: tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]


def recorded() -> Table:
    """The committed table."""
    return dict(json.loads(TABLE.read_text())) if TABLE.is_file() else {}


def unversioned(now: Table, was: Table) -> list[str]:
    """Benchmarks whose body changed and whose version did not."""
    return [
        name
        for name, found in now.items()
        if name in was and found["body"] != was[name]["body"] and found["version"] == was[name]["version"]
    ]


def main() -> int:
    now = bodies()
    wrong = unversioned(now, recorded())
    if wrong:
        print(f"these changed under the same version; raise `version`, or undo: {', '.join(wrong)}", file=sys.stderr)
        return 1
    TABLE.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""What each benchmark's body is, and the version it had: a series whose body changes is another series.

    python -m tests.benchmarks.versions

writes versions.json again, and refuses where a body changed under the same version: raise `version` then.
"""

from __future__ import annotations

import ast
import hashlib
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
PLAIN = (int, float, str, bool, tuple, list, dict, type(None))
HOOKS = ("setup", "setup_cache", "teardown")
SETTINGS = ("params", "timer", "number", "repeat", "rounds", "warmup_time")

Table = dict[str, dict[str, str]]


def bodies() -> Table:
    """Benchmark -> version, and hash of all code and constants of the suite that it reaches. Comments do not count."""
    found = {}
    for benchmark in disc_benchmarks(str(ROOT / "benchmarks")):
        owner = type(benchmark.func.__self__)
        texts: dict[str, str] = {}
        for name in (benchmark.func.__name__, *HOOKS):
            if hasattr(owner, name):
                reach(getattr(owner, name), texts)
        for name in (name for name in SETTINGS if hasattr(owner, name)):
            setting = getattr(owner, name)
            texts[f"class {name}"] = getattr(setting, "__name__", repr(setting))
        digest = hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()[:16]
        found[benchmark.name] = {"version": benchmark.version, "body": digest}
    return found


def reach(thing: Any, texts: dict[str, str]) -> None:
    """Add a function's or class's code, and that of everything of the suite that it names. Mutates: texts."""
    thing = inspect.unwrap(getattr(thing, "py_func", thing))
    module = sys.modules[thing.__module__]
    key = f"{module.__name__}.{thing.__qualname__}"
    if key in texts:
        return
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    drop_words(tree)
    texts[key] = ast.unparse(tree)
    owner = getattr(module, thing.__qualname__.partition(".")[0], None)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            take(node.id, module, texts)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            named = owner if node.value.id == "self" else getattr(module, node.value.id, None)
            if isinstance(named, ModuleType) and is_ours(named.__name__):
                take(node.attr, named, texts)
            elif named is owner and isinstance(getattr(owner, node.attr, None), FunctionType):
                reach(getattr(owner, node.attr), texts)


def take(name: str, module: ModuleType, texts: dict[str, str]) -> None:
    """Add what a name of a module means: code of the suite, or a constant. Mutates: texts."""
    named = getattr(module, name, None)
    code = inspect.unwrap(getattr(named, "py_func", named)) if callable(named) else None
    if isinstance(code, (FunctionType, type)) and is_ours(code.__module__):
        reach(code, texts)
    elif isinstance(named, PLAIN) and name.isupper():
        texts[f"{module.__name__}.{name}"] = repr(named)


def is_ours(module: str) -> bool:
    """Whether a module belongs to the suite."""
    return module.partition(".")[0] == "benchmarks"


def drop_words(tree: ast.AST) -> None:
    """Words about a function are not its body, nor is the module where it finds a name. Mutates: tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            node.module = node.module.partition(".")[0]
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]


def recorded() -> Table:
    """The committed table."""
    return dict(json.loads(TABLE.read_text())) if TABLE.is_file() else {}


def unversioned(now: Table, was: Table) -> list[str]:
    """Benchmarks whose body changed and whose version was not raised."""
    changed = [name for name, found in now.items() if name in was and found["body"] != was[name]["body"]]
    return [name for name in changed if int(now[name]["version"]) <= int(was[name]["version"])]


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

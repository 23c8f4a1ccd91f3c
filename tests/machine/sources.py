"""Which functions of mmbench/machine an op brought with it: what its branch of apply.py calls, and no older op does."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import mmbench
from mmbench.machine.ops import NUMBER, Op

MACHINE = Path(mmbench.__file__).parent / "machine"
Function = tuple[str, str]  # file without .py, name
SOURCES = {path.stem: path.read_text() for path in sorted(MACHINE.glob("*.py"))}
TREES = {name: ast.parse(text) for name, text in SOURCES.items()}
FUNCTIONS: dict[Function, ast.FunctionDef] = {
    (file, node.name): node for file, tree in TREES.items() for node in tree.body if isinstance(node, ast.FunctionDef)
}


@cache
def imported(file: str) -> dict[str, Function]:
    """Name in a file -> the file of the machine that it is from, and its name there ("" for a whole file)."""
    found = {}
    for node in ast.walk(TREES[file]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mmbench.machine"):
            package, _, module = str(node.module).removeprefix("mmbench.").partition(".")
            assert package == "machine"
            for one in node.names:
                found[one.asname or one.name] = (module, one.name) if module else (one.name, "")
    return found


def called(file: str, node: ast.AST) -> set[Function]:
    """Functions of the machine that a piece of a file names."""
    names = imported(file)
    found = {(file, n.id) for n in ast.walk(node) if isinstance(n, ast.Name)}
    found |= {names[n.id] for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in names}
    found |= {
        (names[n.value.id][0], n.attr)
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id in names
    }
    return found & FUNCTIONS.keys()


def reached(first: set[Function]) -> set[Function]:
    """Those functions, and all that they call."""
    done: set[Function] = set()
    while first:
        one = first.pop()
        done.add(one)
        first |= called(one[0], FUNCTIONS[one]) - done
    return done


@cache
def branches() -> dict[str, set[Function]]:
    """Op -> functions that its branch of apply.py calls."""
    found: dict[str, set[Function]] = {}
    for node in ast.walk(TREES["apply"]):
        if isinstance(node, ast.If):
            ops = {n.id for n in ast.walk(node.test) if isinstance(n, ast.Name)} & Op.__members__.keys()
            for op in ops:
                found[op] = called("apply", ast.Module(node.body, []))
    return found


def brought_by(op: Op) -> set[Function]:
    """Functions that an op brought with it."""
    older = [name for name, one in Op.__members__.items() if one & NUMBER < op & NUMBER]
    known = reached(set().union(*(branches().get(name, set()) for name in older)))
    return reached(set(branches().get(op.name, set()))) - known


def text_of(function: Function) -> str:
    """The source of a function."""
    return ast.get_source_segment(SOURCES[function[0]], FUNCTIONS[function]) or ""

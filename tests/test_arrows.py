"""The arrows between folders: who may import whom, and where compiled code may live."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mmbench
from mmbench.codecache import COMPILED

PACKAGE = Path(mmbench.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
BASE = {
    "accelerate",
    "codecache",
    "errors",
    "extras",
    "rng",
    "oom_printk",
    "release",
    "words",
    "__version__",
    "report.units",
    "records.types",
    "records.measured_types",
    "records.oom_types",
}

# Folder -> folders of the package that it may import besides itself and BASE.
ALLOWED = {
    "model": set(),
    "pages": {"model"},
    "sync": {"model"},
    "machine": {"model", "pages", "sync"},
    "strategies": {"machine"},
    "scenarios": {"machine", "strategies.user_file"},
    "cost": {"machine", "records.files", "records.schema"},
    "victims": {"model", "records"},
    "engine": {"model", "machine", "cost", "scenarios", "strategies"},
    "checker": {"model", "machine", "scenarios", "strategies", "records"},
    "validation": {"model", "machine", "engine", "cost", "scenarios", "strategies", "records", "report"},
    "live": set(),
    "sizing": {"model", "machine", "engine", "cost", "scenarios", "strategies", "victims", "records"},
    "lab": {"live", "records"},
    "tracking": {"records", "report"},
    "site": {
        *("machine", "engine", "checker", "cost", "scenarios", "strategies", "victims", "records", "report"),
        *("validation", "lab", "tracking"),
    },
    "records": set(),
    "glossary": set(),
    "report": {"records", "machine.ops"},  # what an op of a record means
}
ALLOWED["ask"] = set(ALLOWED) - {"site", "report", "tracking"}
ALLOWED["site"].add("ask")
ALLOWED["api"] = {"ask", "records", "report", "strategies", "victims", "checker"}

# Folder inside a folder -> its neighbours there that it may import besides itself.
RECORDS_IN_WORDS = {"report.reading", "report.units", "report.outcome", "report.answer"}
INNER = {
    "sizing/stats": set(),
    "sizing/laws": {"sizing.stats"},
    "sizing/queue": {"sizing.stats", "sizing.laws"},
    "sizing/compute": set(),
    "report/story": RECORDS_IN_WORDS,
    "report/text": RECORDS_IN_WORDS | {"report.story"},
    "report/pictures": RECORDS_IN_WORDS | {"report.story", "report.text"},
}


def imports_of(path: Path) -> set[str]:
    """Modules of the package that a file imports, as dotted names below mmbench."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("mmbench"):
            module = node.module.removeprefix("mmbench").lstrip(".")
            found |= {module} if module else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.removeprefix("mmbench.") for a in node.names if a.name.startswith("mmbench.")}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_follow_the_arrows(path):
    folder = path.relative_to(PACKAGE).parts[0]
    if folder in ALLOWED:
        wrong = {m for m in imports_of(path) if not {m, m.split(".")[0]} & (ALLOWED[folder] | BASE | {folder})}
        assert not wrong
    doors = {m for m in imports_of(path) if m.split(".")[0] in ("cli", "api")}
    opens = {"cli": {"cli"}, "api": {"api"}, "__main__.py": {"cli"}, "__init__.py": {"api"}}
    assert {m.split(".")[0] for m in doors} <= opens.get(folder, set())


@pytest.mark.parametrize("path", sorted((PACKAGE.parent / "benchmarks").rglob("*.py")), ids=lambda p: p.name)
def test_the_suite_asks_and_never_types(path):
    assert not {m for m in imports_of(path) if m.split(".")[0] in ("cli", "api")}


@pytest.mark.parametrize("folder", INNER)
def test_imports_inside_a_folder_follow_the_arrows(folder):
    around, own = folder.split("/")[0], folder.replace("/", ".")
    for path in (PACKAGE / folder).glob("*.py"):
        inside = {m for m in imports_of(path) if m.startswith(f"{around}.")}
        assert not {m for m in inside if not m.startswith((f"{own}.", *INNER[folder]))}, path


def test_every_folder_has_its_arrows():
    folders = {p.relative_to(PACKAGE).parts[0] for p in FILES if p.parent != PACKAGE}
    assert folders <= set(ALLOWED) | {"cli"}


@pytest.mark.parametrize("path", [p for p in FILES if p.parent.name == "strategies"], ids=lambda p: p.name)
def test_a_design_imports_protocol_and_ops_only(path):
    if path.name not in ("__init__.py", "load.py", "user_file.py"):
        assert imports_of(path) <= {"machine.protocol", "machine.ops"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_compiled_code_lives_where_the_cache_looks(path):
    compiles = "njit" in path.read_text() and "accelerate" in imports_of(path)
    name = str(path.relative_to(PACKAGE))
    assert not compiles or any(name == found or name.startswith(f"{found}/") for found in COMPILED)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_file_is_one_idea(path):
    assert len(path.read_text().splitlines()) <= 400

"""What the documents show works: every command is understood, cheap ones run; Python examples run in order.

`make test-docs` runs the ones that take long, too. What needs a network, root or a quiet machine is only understood.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench.checker.scope import find_scope, scope_json
from mmbench.cli.main import build_parser, main
from tests.notebook import CELLS, NOTEBOOK

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "results" / "README.md"]
COMMAND = re.compile(r"^(?:sudo |time )?(?:\.venv/bin/)?mmbench ")
KILLS = ROOT / "tests/victims/kernel_log/logs/docker_5.3_syslog.log"
CHEAP = ("list", "show", "compare", "run", "trace")
LONG = ("check", "size")
PROPERTY = "NAME = 'nobody is killed in vain'\n\ndef holds(v):\n    return True\n"
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """(page, command) of every line in a block of shell that starts mmbench, pipes and comments cut off."""
    found = []
    for page in PAGES:
        text = re.sub(r"\\\n\s*", " ", page.read_text())
        for line in (line.strip() for line in text.splitlines() if line.startswith(("    ", "mmbench "))):
            for part in re.split(r"\s*(?:\||&&|;)\s+", line.split("  #")[0].split(" # ")[0]):
                if COMMAND.match(part) and "..." not in part and not re.search(r"\[|\bVERB\b", part):
                    found.append((page.name, COMMAND.sub("", part.split(" > ")[0].replace("$$", "1234")).strip()))
    return list(dict.fromkeys(found))


@pytest.mark.parametrize(("page", "command"), commands())
def test_every_command_in_the_documents_is_understood(page, command):
    build_parser().parse_args(shlex.split(command))


def test_there_are_commands_to_read():
    assert len(commands()) > 40


def ran(folder: Path, command: str) -> int:
    """The exit code of a command in a folder with what the documents speak of: a design of one's own, the sources."""
    (folder / "mmbench").symlink_to(Path(mmbench.__file__).parent)
    design = Path(mmbench.__file__).parent / "strategies" / "v6_18.py"
    (folder / "my_design.py").write_text(design.read_text().replace('"v6.18"', '"my-design"'))
    return main(shlex.split(command))


@pytest.mark.parametrize("command", [c for _, c in commands() if c.split()[0] in CHEAP and "kills.json" not in c])
def test_cheap_commands_run(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert ran(tmp_path, command) == 0 and any(capsys.readouterr())


@pytest.mark.docs
@pytest.mark.parametrize("command", [c for _, c in commands() if c.split()[0] in LONG and "--replay" not in c])
def test_long_commands_run(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_scope.json").write_text(json.dumps(scope_json(find_scope("default"))))
    (tmp_path / "my_property.py").write_text(PROPERTY)
    if "verdicts.json" in command:
        shutil.copy(Path(mmbench.__file__).parent / "checker" / "verdicts.json", tmp_path)
    if "kills.json" in command:
        mmbench.snapshot(os.getpid(), "mine.victim")
        assert main(["import", str(KILLS), "-o", "oom.kills.json"]) == 0
    assert ran(tmp_path, command) in (0, 1) and any(capsys.readouterr())


def test_the_python_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("pandas")
    space: dict[str, object] = {}
    blocks = PYTHON.findall((ROOT / "docs" / "python.md").read_text())
    assert len(blocks) > 5
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), space)
    assert "Did you mean 'v6.1'?" in capsys.readouterr().out
    assert {"runs.png", "causes.png", "mine.victim"} <= {path.name for path in tmp_path.iterdir()}


def cells() -> list[dict[str, Any]]:
    """The code cells of the notebook."""
    return [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_was_executed_from_the_first_cell_to_the_last():
    assert [cell["execution_count"] for cell in cells()] == list(range(1, len(cells()) + 1))
    assert all(cell["outputs"] for cell in cells())
    assert not [out for cell in cells() for out in cell["outputs"] if out["output_type"] == "error"]
    written = ["".join(cell["source"]) for cell in cells()]
    assert written == [text for kind, text in CELLS if kind == "code"], "write it again: python -m tests.notebook"


@pytest.mark.docs
def test_the_cells_of_the_notebook_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    for cell in cells():
        exec(compile("".join(cell["source"]), "docs/python.ipynb", "exec"), space)
    assert space["verdict"].verdict == "fails"

"""README's commands work in a fresh clone as they stand: verbs and options parse, files exist, commits are measured."""

from __future__ import annotations

import argparse
import re
import shlex
from collections import Counter
from html import unescape
from pathlib import Path

import pytest

from mmbench.ask.verdicts import of_design
from mmbench.cli.main import build_parser, main
from mmbench.records.verdicts import SAFE, WORLD
from mmbench.strategies import IDS, load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [shlex.split(line, comments=True) for line in re.findall(r"^    (?:.*\| )?(mmbench .*)", README, re.M)]


def parsed(argv: list[str]) -> argparse.Namespace:
    return build_parser().parse_args([word.replace("$$", "1") for word in argv[1:]])


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_the_command_is_one(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    args = parsed(argv)
    for name in ("strategy", "strategies"):
        given = getattr(args, name, None) or []
        for spec in [given] if isinstance(given, str) else given:
            load(spec)


def test_the_picture_of_the_first_command_shows_what_it_prints_today(capsys: pytest.CaptureFixture[str]) -> None:
    svg = (ROOT / "docs" / "pictures" / "first-run.svg").read_text()
    shown = [unescape(text).replace("\xa0", " ") for text in re.findall(r"<text [^>]*>([^<]*)</text>", svg)]
    command = next(text for text in shown if text.startswith("$ ")).removeprefix("$ ").rstrip()
    assert command in README and "http" not in re.sub(r"http://www.w3.org/\S+|<!--.*?-->", "", svg)
    assert main(shlex.split(command)[1:]) == 0
    words = Counter("".join(shown).split())
    missing = Counter(capsys.readouterr().out.split()) - words
    assert not missing, "draw it again: .venv/bin/python -m tools.first_run docs/pictures/first-run.svg"


@pytest.mark.parametrize("name", IDS)
def test_the_table_of_designs_has_the_verdicts_of_the_checker(name: str) -> None:
    row = re.search(rf"^\| `{re.escape(name)}` \|.*$", README, re.MULTILINE)
    said = of_design(load(name))
    elsewhere = [f"{verdict} in `{scope}`" for scope, verdict in said.items() if scope != WORLD]
    assert row is not None
    verdict = row[0].split("|")[5].strip()
    assert verdict == "; ".join([said[WORLD], *elsewhere * (said[WORLD] == SAFE)])


def test_the_commits_that_it_compares_are_measured() -> None:
    (argv,) = (argv for argv in COMMANDS if argv[1:3] == ["bench", "compare"])
    assert len(argv) == 5 and all(list(ROOT.glob(f"results/asv/*/{commit}-*.json")) for commit in argv[3:])


def test_every_verb_that_asks_is_shown_and_mmbench_is_on_the_path_by_then() -> None:
    assert {argv[1] for argv in COMMANDS} >= {"compare", "run", "trace", "show", "check", "size", "import", "bench"}
    assert README.index(". .venv/bin/activate") < README.index("    mmbench ")

"""What a stranger sees on 80 columns: nothing wider, nothing cut, no token and no internal name unasked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mmbench.cli.main import main
from mmbench.records.files import read_json
from mmbench.report.text.measured import validation_view
from mmbench.report.text.tables import as_text

SMALL = ("--size", "4MiB", "--vmas", "4", "--scenario", "contended+mrelease")
LEAKS = re.compile(r"mm1-|\w+_ps=|\w+_ppm=|…")
BROKEN = re.compile(r"\d\n\s*(?:(?:ps|ns|us|ms|s|KiB|MiB|GiB)\b|%)|\[[^]\n]*\d[^]\n]*\n[^]\n]*\]")
VALIDATION = Path(__file__).parents[2] / "results" / "calibration" / "2026-11-26" / "linux-6.18.44.json"


def judged(text: str) -> None:
    assert max(map(len, text.splitlines())) <= 80
    assert not LEAKS.search(text) and not BROKEN.search(text)


@pytest.mark.parametrize(
    "argv",
    [
        ("compare", *SMALL),
        ("compare", "v6.1", "v6.18", "--vmas", "4", "--sweep", "size=4MiB,8MiB"),
        ("run", "v6.18", *SMALL),
        ("trace", "drop-oom-skip", "--size", "16MiB", "--scenario", "stuck-holder"),
        ("show", "v6.1"),
        ("show", "trylock", "--against", "v5.17"),
        ("check", "v4.14", "--scope", "default"),
        ("size", "v6.18", "drop-oom-skip", "v5.17", "--holds", "memory", "--n", "20000", "--heavy", "16GiB"),
        ("size", "--slo", "p99<3s", "--n", "20000"),
        ("list", "scenarios"),
        ("list", "ops"),
        ("explain", "I5"),
    ],
    ids=" ".join,
)
def test_a_screen_of_eighty_columns(argv, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    main(list(argv))
    judged(capsys.readouterr().out)


def test_the_published_validation_begins_with_its_verdict():
    record = read_json(str(VALIDATION))
    text = as_text(validation_view(record), 80)
    judged(text)
    assert text.startswith(record["verdict"]) and len(text.splitlines()) <= 20
    assert len(as_text(validation_view(record, detail=True), 80).splitlines()) > len(record["rows"])

"""Where a command prints: full devices, closed streams and poor encodings end in a sentence, or simply work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmbench.errors import EXIT_BAD_INPUT, EXIT_CANNOT, EXIT_OK

ROOT = Path(__file__).parents[2]


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a shell says of a command line in which `mmbench` is this one."""
    line = command.replace("mmbench", f"{sys.executable} -m mmbench")
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, cwd=ROOT, env=os.environ | environment, encoding="utf-8"
    )


@pytest.mark.parametrize("words", ["list", "list --format json", "explain MMF_OOM_SKIP", "--version"])
def test_a_full_device_is_a_sentence(words):
    done = shell(f"mmbench {words} > /dev/full")
    assert done.returncode == EXIT_CANNOT
    assert done.stderr == "mmbench: the output: No space left on device; free space there, or choose another place.\n"


@pytest.mark.parametrize("words", ["--help", "check --help"])
@pytest.mark.parametrize("unbuffered", ["", "1"])  # Python writes at once, or when it ends
def test_help_on_a_full_device_is_a_sentence(words, unbuffered):
    done = shell(f"mmbench {words} > /dev/full", PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == EXIT_CANNOT and "No space left on device" in done.stderr


def test_an_error_that_nobody_can_read_keeps_its_exit_code():
    assert shell("mmbench run nope 2> /dev/full").returncode == EXIT_BAD_INPUT


def test_closed_streams_are_empty_ones():
    assert shell("mmbench list >&-").returncode == EXIT_OK
    done = shell("mmbench import - -o x.kills.json <&-")
    assert (done.returncode, done.stderr.count("\n")) == (EXIT_BAD_INPUT, 1) and "is empty" in done.stderr


@pytest.mark.parametrize(
    "poor",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_a_poor_encoding_spells_what_it_cannot_print(poor):
    rich, done = shell("mmbench list strategies", PYTHONIOENCODING="utf-8"), shell("mmbench list strategies", **poor)
    assert (done.returncode, done.stderr) == (EXIT_OK, "")
    assert not rich.stdout.isascii() and done.stdout.isascii()
    assert [len(line) for line in done.stdout.splitlines()] == [len(line) for line in rich.stdout.splitlines()]


def test_json_means_the_same_in_a_poor_encoding(tmp_path):
    from mmbench.cli.streams import SPELLED

    value = {"victim": "µ \N{GRINNING FACE}"}
    assert json.loads(json.dumps(value, ensure_ascii=False).encode("ascii", SPELLED)) == value


def test_a_word_of_a_pages_length_is_not_repeated_whole(capsys):
    from mmbench.cli.streams import tell

    tell(f"mmbench: unknown victim {'x' * 5000}; allowed: one of these.")
    assert capsys.readouterr().err == f"mmbench: unknown victim {'x' * 97}... allowed: one of these.\n"

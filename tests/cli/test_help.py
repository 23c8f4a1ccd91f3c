"""Help, version and completion, and what is said where an extra is missed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mmbench import __version__
from mmbench.cli.main import VERBS, main
from mmbench.extras import EXTRAS


@pytest.mark.parametrize("verb", VERBS)
def test_help_prints_the_page_of_the_verb(capsys, verb):
    assert main(["help", verb]) == 0
    page = capsys.readouterr().out
    assert page.startswith(f"usage: mmbench {verb}")
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    assert capsys.readouterr().out == page


@pytest.mark.parametrize("columns", (60, 80))
@pytest.mark.parametrize("verb", VERBS)
def test_no_page_is_wider_than_the_terminal(capsys, monkeypatch, verb, columns):
    """Descriptions and examples were printed as written, up to 205 columns wide; what cannot be folded is one word."""
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["help", verb]) == 0
    wide = [line for line in capsys.readouterr().out.splitlines() if len(line) > columns]
    assert not [line for line in wide if len(line.split()) > 1]


def test_only_the_verb_that_was_typed_is_given_its_options():
    code = "import sys; from mmbench.cli.main import build_parser; build_parser(sys.argv[1:]); print(*sys.modules)"
    for typed, loaded in ((["--help"], set()), (["show", "list"], {"show"})):
        done = subprocess.run([sys.executable, "-c", code, *typed], check=True, capture_output=True, text=True)
        assert {name.removeprefix("mmbench.cli.") for name in done.stdout.split()} & set(VERBS) == loaded


def test_help_alone_names_every_verb(capsys):
    assert main(["help"]) == 0
    page = capsys.readouterr().out
    assert all(f"    {verb}" in page for verb in (*VERBS, "help")) and "exit codes: 0 done" in page


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"commit": "0123456789abcdef", "commit_modified": "no"}, ", commit 0123456789ab"),
        ({"commit": "0123456789abcdef", "commit_modified": "yes"}, ", commit 0123456789ab and changes to it"),
        ({"commit": None, "commit_modified": None}, ""),
    ],
)
def test_the_version_names_the_commit_where_there_is_one(capsys, monkeypatch, found, said):
    monkeypatch.setattr("mmbench.records.manifest.commit_of_checkout", lambda: found)
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out == f"mmbench {__version__}{said}\n"


@pytest.mark.parametrize(("typed", "offered"), [("mmbench ch", {"check "}), ("mmbench help sn", {"snapshot "})])
def test_a_shell_is_told_how_the_line_goes_on(tmp_path, typed, offered):
    answer = tmp_path / "answer"  # argcomplete writes to a file descriptor, or to this file
    env = os.environ | {
        "_ARGCOMPLETE": "1", "_ARGCOMPLETE_STDOUT_FILENAME": str(answer), "_ARGCOMPLETE_IFS": "\n",
        "COMP_LINE": typed, "COMP_POINT": str(len(typed)),
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", "from mmbench.cli.main import main; main()"], env=env, check=True)
    assert set(answer.read_text().split("\n")) == offered


@pytest.mark.parametrize(
    ("module", "argv"),
    [
        ("matplotlib", ("compare", "--plot", "a.png")),
        ("matplotlib", ("trace", "v6.18", "--plot", "a.png")),
        ("matplotlib", ("size", "--plot", "ccdf=a.png")),
        ("distributed", ("size", "--heavy", "64MiB", "--n", "10k", "--backend", "dask")),
        ("asv", ("bench", "smoke")),
    ],
)
def test_a_missing_extra_is_named_before_anything_is_run(capsys, monkeypatch, module, argv):
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "mmbench.sizing.compute.cluster", raising=False)
    assert main(list(argv)) == 3
    assert f"pip install 'mmbench[{EXTRAS[module]}]'" in capsys.readouterr().err

"""mmbench bench as a person meets it; asv is stood in for where it would take minutes."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import pytest
from asv.machine import MachineCollection  # type: ignore[import-untyped]
from asv_runner.discovery import disc_benchmarks  # type: ignore[import-untyped]

from mmbench.cli.main import build_parser, main
from mmbench.errors import CannotError
from mmbench.tracking import history, repository
from mmbench.tracking.series import HIGHER_IS_BETTER
from tests.tracking.conftest import (
    MACHINE,
    write,  # noqa: F401
)
from tests.tracking.conftest import repository as scratch  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
BLOCKING = "blocking.Blocking.track_blocking_seconds"
FREED = "freed.Freed.track_freed_pages"
TIME = "speed.Engine.time_race"
PARAMS = [["'v4.14'", "'drop-oom-skip'", "'v6.18'"], ["'1GiB'"]]


@pytest.fixture
def here(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    monkeypatch.chdir(scratch)
    return scratch


def commits(root: Path) -> list[str]:
    log = ["git", "-C", root, "rev-list", "--reverse", "HEAD"]
    return subprocess.run(log, capture_output=True, text=True, check=True).stdout.split()


def results(root: Path) -> Path:
    return root / "results" / "asv"


@pytest.mark.parametrize(
    ("series", "was", "now", "code", "word"),
    [
        (FREED, 100, 122, 0, "better"),
        (FREED, 122, 100, 1, "worse"),
        (BLOCKING, 1.0, 1.5, 1, "worse"),
        (BLOCKING, 1.5, 1.0, 0, "better"),
        (BLOCKING, 1.0, 1.0, 0, "unchanged"),
    ],
)
def test_compare_knows_which_way_is_better(here, write, capsys, series, was, now, code, word):  # noqa: F811
    a, b, _ = commits(here)
    write(a, {series: ([], [was])}, folder=results(here))
    write(b, {series: ([], [now])}, folder=results(here))
    assert main(["bench", "compare", a[:8], b[:8], "--format", "json"]) == code
    (value,) = json.loads(capsys.readouterr().out)["values"]
    assert value["verdict"] == word


def test_compare_writes_markdown_and_csv(here, write, capsys, tmp_path):  # noqa: F811
    a, b, _ = commits(here)
    for commit, values in ((a, [1.0, 2.0, 3.0]), (b, [1.0, 2.5, 2.0])):
        write(commit, {BLOCKING: (PARAMS, values)}, folder=results(here))
    page, table = tmp_path / "c.md", tmp_path / "c.csv"
    assert main(["bench", "compare", a, b, "--markdown", str(page), "--csv", str(table)]) == 1
    assert "track_blocking_seconds(v6.18, 1GiB)" in capsys.readouterr().out
    assert "| track_blocking_seconds(drop-oom-skip, 1GiB) | 2 | 2.5 | +25.00 % | exact | worse |" in page.read_text()
    rows = list(csv.DictReader(table.open()))
    assert [row["verdict"] for row in rows] == ["worse", "unchanged", "better"]


def test_one_commit_compares_its_strategies(here, write, capsys):  # noqa: F811
    a = commits(here)[0]
    write(a, {BLOCKING: (PARAMS, [3.0, 2.0, 1.0]), FREED: (PARAMS, [3, 2, 1])}, folder=results(here))
    for argv in ([a], [a, a[:8]]):
        assert main(["bench", "compare", *argv]) == 0
        lines = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert ["v6.18", "1*"] in lines and ["v4.14", "3*"] in lines and ["drop-oom-skip", "2"] in lines
    assert main(["bench", "compare", a, "--format", "json"]) == 0
    best = {
        (row["series"], row["strategy"]) for row in json.loads(capsys.readouterr().out)["strategies"] if row["best"]
    }
    assert best == {(BLOCKING, "v6.18"), (FREED, "v4.14")}


def test_two_commits_and_the_strategies_of_the_second(here, write, capsys):  # noqa: F811
    a, b, _ = commits(here)
    write(a, {BLOCKING: (PARAMS, [3.0, 2.0, 1.0])}, folder=results(here))
    write(b, {BLOCKING: (PARAMS, [3.0, 2.0, 2.0])}, folder=results(here))
    assert main(["bench", "compare", a, b, "--strategies"]) == 1
    out = capsys.readouterr().out
    assert "+100.00 %" in out and "strategies in " + b[:8] in out


def test_timings_of_the_same_code_are_no_change_and_their_spread_is_told(here, write, capsys):  # noqa: F811
    a, b, _ = commits(here)
    samples = [1.0 + 0.01 * n for n in range(10)]
    write(a, {}, {TIME: samples}, folder=results(here))
    write(b, {}, {TIME: [1.02 * sample for sample in samples]}, folder=results(here))
    (results(here) / "benchmarks.json").write_text(json.dumps({TIME: {"unit": "seconds"}, "version": 2}))
    assert main(["bench", "compare", a, b]) == 0
    assert ["time_race()", "1.045", "s", "1.066", "s", "+2.00", "%", "4.3", "%,", "4.3", "%", "no", "change"] in [
        line.split() for line in capsys.readouterr().out.splitlines()
    ]


def test_a_move_that_changelog_names_is_no_bad_news(here, write, capsys, tmp_path):  # noqa: F811
    a, b, _ = commits(here)
    write(a, {BLOCKING: (PARAMS, [1.0, 2.0, 3.0])}, folder=results(here))
    write(b, {BLOCKING: (PARAMS, [1.0, 2.5, 3.0])}, folder=results(here))
    page = tmp_path / "c.md"
    assert main(["bench", "compare", a, b]) == 1
    assert capsys.readouterr().out.startswith("\u25bc 1 value worse.")
    (here / "CHANGELOG.md").write_text(f"- A dearer lock. Moved since `{a[:8]}`: `{BLOCKING}`.\n")
    assert main(["bench", "compare", a, b, "--markdown", str(page)]) == 0
    assert capsys.readouterr().out.startswith("\u25c6 1 value moved on purpose, as CHANGELOG says.")
    assert page.read_text().startswith("# \u25c6 1 value moved on purpose") and "> A dearer lock." in page.read_text()
    assert "`\u25c6\u25c6\u25c6" + 7 * "\u00b7" + "`" in page.read_text()


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.stem)
def test_the_commands_of_a_workflow_are_ours(path):
    for line in path.read_text().splitlines():
        command = line.partition(".venv/bin/mmbench ")[2].partition("||")[0].replace('"', "")
        if command:
            assert build_parser().parse_args(command.split()).step in ("history", "compare")


def test_nothing_measured_is_2_and_says_how_to_measure(here, write, capsys):  # noqa: F811
    a, b, _ = commits(here)
    assert main(["bench", "compare", a, b]) == 2
    assert f"Measure it: mmbench bench history {a[:8]}\n" in capsys.readouterr().err
    write(a, {BLOCKING: ([], [1.0])}, folder=results(here))
    write(b, {BLOCKING: ([], [None])}, folder=results(here))
    assert main(["bench", "compare", a, b]) == 2
    assert f"nothing was measured of {b[:8]}: asv recorded failures only" in capsys.readouterr().err
    write(b, {FREED: ([], [1.0])}, folder=results(here))
    assert main(["bench", "compare", a, b]) == 2
    assert "nothing was measured of both" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["compare", "nonsense"], "no commit 'nonsense' here"),
        (["history", "nonsense"], "no commit 'nonsense' here"),
        (["history", "..HEAD"], "is no range; give A..B"),
        (["history", "HEAD..HEAD"], "no commits in HEAD..HEAD"),
        (["history", "HEAD~1...HEAD"], "is no range"),
        (["history", "nonsense..HEAD"], "no commit 'nonsense' here"),
        (["history", "HEAD~2..HEAD", "--sample", "0"], "at least 1 commit"),
    ],
)
def test_bad_input_is_a_sentence(here, capsys, argv, sentence):
    assert main(["bench", *argv]) == 2
    assert sentence in capsys.readouterr().err


def test_outside_a_repository(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert main(["bench", "compare", "HEAD"]) == 3
    assert "not a git repository" in capsys.readouterr().err


def test_a_dirty_tree_is_refused(here, capsys):
    (here / "asv.conf.json").write_text("{ }")
    for argv in (["here"], ["history", "HEAD"]):
        assert main(["bench", *argv]) == 2
        assert "1 changed file (asv.conf.json)" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "steps"), [("mmbench/new.py", {"here"}), ("benchmarks/new.py", {"here", "history"})])
def test_new_files_that_count_are_refused(here, asv, name, steps):
    (here / name).parent.mkdir()
    (here / name).write_text("")
    refused = {
        step for step in ("here", "history") if main(["bench", step, *(["HEAD"] if step == "history" else [])]) == 2
    }
    assert refused == steps


def test_results_do_not_make_a_tree_dirty(here, asv):
    assert main(["bench", "here"]) == 0
    for command in (["add", "."], ["commit", "-qm", "results"]):
        subprocess.run(["git", "-C", here, *command], check=True)
    for path in results(here).glob("*/*.json"):
        path.write_text(path.read_text() + "\n")
    assert main(["bench", "here"]) == 0


@pytest.fixture
def asv(monkeypatch: pytest.MonkeyPatch, here: Path, write, tmp_path: Path):  # noqa: F811
    """asv stood in for: writes one value for every commit but those that do not build; returns what it was asked.

    The machine is the one that `write` writes for, whatever this one is called and whether asv has ever run here.
    """
    asked: list[str] = []
    monkeypatch.setenv("HOME", str(tmp_path))
    MachineCollection.save("vm", MACHINE)

    def run(root: Path, *args: str, on_line=None) -> int:
        if args[0] == "run":
            commit = args[-1].removesuffix("^!")
            asked.append(commit)
            if commit in broken:
                on_line("Build failed")
                return 1
            write(commit, {BLOCKING: ([], [1.0])}, folder=results(root))
        return 0

    monkeypatch.setattr(history, "suite", lambda root: {BLOCKING: "1"})
    broken: list[str] = []
    run.broken = broken  # type: ignore[attr-defined]
    run.asked = asked  # type: ignore[attr-defined]
    monkeypatch.setattr(history, "asv", run)
    return run


def test_a_commit_that_does_not_build_is_recorded_and_the_rest_goes_on(here, asv, capsys):
    _, b, c = commits(here)
    asv.broken.append(b)
    assert main(["bench", "history", "HEAD~2..HEAD"]) == 1
    err = capsys.readouterr().err
    assert asv.asked == [b, c]
    assert "Build failed" in err and f"failed, or with failed values: {b[:8]}" in err and "measured: 1 values" in err


def test_an_interrupted_history_keeps_what_it_has_and_goes_on(here, asv, monkeypatch, capsys):
    _, b, c = commits(here)
    real = history.asv

    def stop(root, *args, on_line=None):
        if args[-1].startswith(c):
            raise KeyboardInterrupt
        return real(root, *args, on_line=on_line)

    monkeypatch.setattr(history, "asv", stop)
    assert main(["bench", "history", "HEAD~2..HEAD"]) == 130
    assert "the same command measures the rest" in capsys.readouterr().err
    assert history.count(here, "vm", b, {BLOCKING: "1"}) == (1, 0)
    monkeypatch.setattr(history, "asv", real)
    assert main(["bench", "history", "HEAD~2..HEAD"]) == 0
    assert asv.asked == [b, c], "what is there is not measured again"
    assert "already there: 1 values" in capsys.readouterr().err


def test_a_series_of_another_version_is_measured_again(here, asv, monkeypatch):
    c = commits(here)[-1]
    assert main(["bench", "history", "HEAD"]) == 0
    monkeypatch.setattr(history, "suite", lambda root: {BLOCKING: "2"})
    assert main(["bench", "history", "HEAD"]) == 2  # the stand-in still writes version 1
    assert asv.asked == [c, c]


def test_nothing_at_all_is_2(here, asv, capsys):
    asv.broken += commits(here)
    assert main(["bench", "history", "HEAD~2..HEAD"]) == 2
    assert "nothing was measured" in capsys.readouterr().err


def test_a_sample_is_even_and_has_the_newest():
    names = [str(n) for n in range(20)]
    assert history.spaced(names, 5) == ["3", "7", "11", "15", "19"]
    assert history.spaced(names, None) == names == history.spaced(names, 50)


def test_without_asv_it_says_how_to_get_it(here, monkeypatch):
    monkeypatch.setattr("mmbench.extras.find_spec", lambda name: None)
    with pytest.raises(CannotError, match=r"mmbench\[bench\]"):
        repository.asv(here, "--version")


def test_directions_are_what_the_benchmarks_say_of_themselves():
    for benchmark in disc_benchmarks(str(ROOT / "benchmarks")):
        function = benchmark.name.rpartition(".")[2]
        if function.startswith("track_"):
            said = benchmark.func.__doc__
            assert ("Higher is better" in said) == (function in HIGHER_IS_BETTER), benchmark.name
            assert ("Lower is better" in said) != ("Higher is better" in said), benchmark.name

"""`import mmbench`: the names people use, answers as table, frame and picture, and the command line's sentences."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mmbench as mm
from mmbench.cli.main import main
from mmbench.records.run_record import validate_record
from mmbench.victims import read_victim

NAMES = {
    "CannotError", "InputError", "MmbenchError", "Study", "check", "compare", "import_log", "read_study", "replay",
    "run", "snapshot", "sweep", "trace",
}  # fmt: skip
SMALL = {"size": "16MiB", "vmas": 4}
KILLS = {"ordinary": "64MiB", "heavy": "256MiB", "rarity": "1/10", "n": 5000}
LOG = Path(__file__).parents[1] / "victims" / "kernel_log" / "logs" / "bare_4.19_5.4.log"


def printed(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main([*argv]) == 0
    return capsys.readouterr().out


def test_the_public_names_are_these_and_all_are_there():
    assert set(mm.__all__) == NAMES and set(dir(mm)) >= NAMES
    assert all(getattr(mm, name).__doc__ for name in NAMES)
    with pytest.raises(AttributeError, match="no attribute 'comparison'"):
        _ = mm.comparison


def test_importing_loads_nothing_heavy():
    code = "import sys, mmbench; assert not {'numpy', 'numba', 'rich', 'mmbench.api'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_compare_asks_what_the_command_line_asks(capsys):
    runs = mm.compare("v5.17", "v6.18", scenario="stuck-holder", holder_at=0.5, seed=3, **SMALL)
    words = ["--size", "16MiB", "--vmas", "4", "--scenario", "stuck-holder", "--holder-at", "0.5", "--seed", "3"]
    out = printed(capsys, "compare", "v5.17", "v6.18", *words, "--format", "json")
    assert runs.records == json.loads(out) and runs.json() == out
    for record in runs:
        validate_record(record)
    assert mm.replay(runs[1]["token"])[0] == runs[1]
    assert runs.csv() == printed(capsys, "compare", "v5.17", "v6.18", *words, "--format", "csv")


def test_a_frame_has_the_columns_of_csv_and_exact_integers():
    pandas = pytest.importorskip("pandas")
    runs = mm.compare("v5.17", "v6.18", scenario="mrelease", **SMALL)
    frame = runs.frame()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == runs.csv().partition("\n")[0].split(",")
    assert frame["time_ps.all"].tolist() == [r["time_ps"]["all"] for r in runs]


def test_a_frame_without_pandas_says_what_to_install(monkeypatch):
    runs = mm.run("v6.18", **SMALL)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(mm.CannotError, match=r"pandas is not installed, .*: pip install 'mmbench\[frame\]'"):
        runs.frame()


def test_answers_are_tables_in_a_notebook_and_pictures_on_disk(tmp_path):
    runs = mm.compare("v5.17", "v6.18", **SMALL)
    html = runs._repr_html_()
    assert html.startswith("<pre") and "v6.18" in html and "v6.18" in repr(runs)
    runs.plot(tmp_path / "runs.png")
    trace = mm.trace("v6.18", scenario="mrelease", **SMALL)
    trace.plot(tmp_path / "trace.svg")
    trace.save(tmp_path / "trace.json.gz")
    sweep = mm.sweep("v6.18", locked=["0", "100%"], **SMALL)
    sweep.plot(tmp_path / "sweep.pdf")
    assert {p.name for p in tmp_path.iterdir()} == {"runs.png", "trace.svg", "trace.json.gz", "sweep.pdf"}
    assert trace.csv().startswith("at_ps,end_ps,task,kind,what") and "<pre" in trace._repr_html_()
    assert [r["locked_pages"] for r in sweep] == [0, 4096] and "<pre" in sweep._repr_html_()


def test_text_is_text_in_a_notebook_too(monkeypatch, capsys):
    runs = mm.run("v6.18", **SMALL)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)  # where rich shows a table and returns nothing
    assert "v6.18" in repr(runs) and "<pre" in runs._repr_html_()
    assert not capsys.readouterr().out


def test_check_gives_the_verdict(tmp_path):
    assert mm.check("v4.14", scope="default").verdict == "fails"
    own = tmp_path / "mine.py"
    own.write_text((Path(mm.__file__).parent / "strategies" / "v6_18.py").read_text())
    assert mm.check(own).verdict == "safe"


def test_a_study_answers_and_finds_the_largest(capsys, tmp_path):
    study = mm.Study(kills="poisson:0.2/s", strategies=["v6.18", "drop-oom-skip"], holds="memory", **KILLS)
    words = ["--kills", "poisson:0.2/s", "--holds", "memory", "--ordinary", "64MiB", "--heavy", "256MiB"]
    words += ["--rarity", "1/10", "--n", "5000", "v6.18", "drop-oom-skip"]
    found = study.answer()
    assert found.records == json.loads(printed(capsys, "size", *words, "--format", "json"))
    assert found.csv() == printed(capsys, "size", *words, "--format", "csv")
    assert "v6.18" in repr(found) and "<pre" in found._repr_html_() and "mmbench size" in repr(study)
    found.plot(tmp_path / "a.png", "causes")
    promise = study.largest("p99<2s")
    assert promise.records == json.loads(printed(capsys, "size", *words, "--slo", "p99<2s", "--format", "json"))
    assert promise[0]["answer"] == "256 MiB" and "<pre" in promise._repr_html_()


def test_a_process_and_a_log(tmp_path):
    victim = mm.snapshot(os.getpid(), tmp_path / "me.victim", name="me")
    assert read_victim(tmp_path / "me.victim").vmas.resident_pages == victim.vmas.resident_pages > 0
    kills = mm.import_log(LOG)
    assert len(kills) == len(kills.record["kills"]) and kills[0]["number"] == 1 and "<pre" in kills._repr_html_()
    kills.save(tmp_path / "a.kills.json")
    assert mm.run("v6.18", victim=f"{tmp_path}/a.kills.json:1", locked="50%")[0]["victim"]
    assert kills.csv().startswith("number,")


@pytest.mark.parametrize(
    ("words", "argv"),
    [
        ({"size": "64 GiBs"}, ["--size", "64 GiBs"]),
        ({"scenario": "stuck"}, ["--scenario", "stuck"]),
        ({"locked": "2"}, ["--locked", "2"]),
        ({"victim": "redis", "size": "1GiB"}, ["--victim", "redis", "--size", "1GiB"]),
        ({"vmas": "many"}, ["--vmas", "many"]),
        ({"exit_start": 5}, ["--exit-start", "5"]),
        ({"costs": "none.json"}, ["--costs", "none.json"]),
    ],
)
def test_bad_input_raises_one_exception_with_the_sentence_of_the_command_line(words, argv, capsys):
    with pytest.raises(mm.InputError) as error:
        mm.compare("v6.18", **words)
    try:
        code = main(["compare", "v6.18", *argv])
    except SystemExit as stopped:  # what argparse refuses
        code = stopped.code
    assert code == 2 and " ".join(str(error.value).split()) in " ".join(capsys.readouterr().err.split())


def test_unknown_words_and_designs_are_named():
    with pytest.raises(mm.InputError, match=r"unknown keyword 'holder_hlod'. Did you mean 'holder_hold'"):
        mm.compare("v6.18", holder_hlod="5s")
    with pytest.raises(mm.InputError, match=r"unknown strategy 'v6.19'"):
        mm.run("v6.19")
    with pytest.raises(mm.InputError, match=r"unknown keyword 'heavvy'. Did you mean 'heavy'"):
        mm.Study(heavvy="64GiB")
    with pytest.raises(mm.InputError, match="is not a promise"):
        mm.Study(**KILLS).largest("fast")
    for name in ("reapers", "seed", "hosts", "workers"):
        with pytest.raises(mm.InputError, match=rf"{name} 1.5 is not a whole number"):
            mm.Study(**{name: 1.5})
    assert mm.Study(reapers=2, **KILLS).plan.n_reapers == mm.Study(reapers="2", **KILLS).plan.n_reapers == 2
    with pytest.raises(mm.InputError, match=r"unknown --order 'oldset'.* Did you mean 'oldest'"):
        mm.Study(order="oldset")
    with pytest.raises(mm.InputError, match=r"seed 1.5 is not a whole number"):
        mm.run("v6.18", seed=1.5)


WRONG_TYPES = {
    "compare": lambda: mm.compare(7),
    "compare, a list": lambda: mm.compare(["v6.18"]),
    "compare, a file": lambda: mm.compare(Path("/no/such.py")),
    "sweep": lambda: mm.sweep("v6.18", locked=5),
    "sweep, one share": lambda: mm.sweep("v6.18", locked="50%"),
    "replay": lambda: mm.replay(5),
    "trace": lambda: mm.trace(None),
    "check": lambda: mm.check(5),
    "check, states": lambda: mm.check("v6.18", max_states="many"),
    "check, memory": lambda: mm.check("v6.18", max_memory=5.5),
    "check, scope": lambda: mm.check("v6.18", Path("/no/such.json")),
    "Study": lambda: mm.Study(strategies=5),
    "Study, nobody": lambda: mm.Study(strategies=[]),
    "Study, backend": lambda: mm.Study(backend="cloud"),
    "Study, reapers": lambda: mm.Study(reapers=1.5),
    "Study, overrides": lambda: mm.Study(overrides=5),
    "largest": lambda: mm.Study().largest(5),
    "snapshot": lambda: mm.snapshot("me"),
    "import_log": lambda: mm.import_log(5),
    "read_study": lambda: mm.read_study(5),
}


def test_a_study_of_one_design_twice_is_refused_in_the_sentence_of_the_command_line(capsys):
    with pytest.raises(mm.InputError, match=r"the design 'v6.18' is named twice; give each once") as error:
        mm.Study(strategies=["v6.18", "v6.1", "v6.18"])
    assert main(["size", "v6.18", "v6.1", "v6.18"]) == 2
    assert " ".join(str(error.value).split()) in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_what_is_of_another_type_is_bad_input_too(name):
    with pytest.raises(mm.InputError, match=r"\w+ .*\w"):
        WRONG_TYPES[name]()

"""doctor, calibrate, validate and oom as a person meets them: bad input anywhere, the real thing in the live ring."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path

import pytest

import mmbench
from mmbench.cli.main import main
from mmbench.cost.table import FOLDER, load_table
from mmbench.errors import CannotError
from mmbench.live import doctor as live_doctor
from mmbench.live import experiment
from mmbench.live.doctor import Check
from mmbench.live.workload import VictimConfig
from mmbench.validation import calibration
from mmbench.validation.freeze import digest
from mmbench.validation.predict import design_of, predict

MIB = 1 << 20
NAMES = ("process_mrelease", "ptrace exit stop", "pagemap", "THP")
ALL_WELL = [Check(name, True, "works") for name in NAMES]
KINDS_OF_MODE = {"exit": ("exit",), "mrelease": ("mrelease", "exit_after"), "race": ("race",)}
CANNED = Path(__file__).parents[1] / "validation" / "canned"


@pytest.fixture(scope="module")
def calibrated() -> Callable[..., calibration.Calibration]:
    """Calibrations, each computed once: the same samples give the same one, and the search is what takes long."""
    real, found = calibration.calibrate, {}

    def calibrate(samples, costs, design, where) -> calibration.Calibration:
        key = json.dumps([samples, costs.name, design.name, where])
        if key not in found:
            found[key] = real(samples, costs, design, where)
        return deepcopy(found[key])

    return calibrate


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, calibrated) -> list[str]:
    """A machine on which the model is the truth, with a base of 1 ms; returns what was asked of it, in order."""
    asked: list[str] = []

    def measure(configs: list[VictimConfig], modes: tuple[str, ...], *, progress, **_: object) -> list[dict]:
        asked.append(f"measure {len(configs)}")
        found = []
        for config in configs:
            lines = {
                line["what"]: line for line in predict(config.to_dict(), design_of("6.18"), load_table("reference"))
            }
            for what in (what for mode in modes for what in KINDS_OF_MODE[mode]):
                for rep in range(3):
                    found.append(
                        {
                            "config": config.to_dict(), "facts": asdict(config.facts()), "what": what, "rep": rep,
                            "ns": lines[what]["model_ns"] + 1_000_000, "cpu_ns": None, "error": "", "why": "",
                            "freed_pages": lines[what]["freed_pages"], "disturbed": False, "foreign_share": 0.0,
                            "parts": {"mrelease_cpu_ns": 1, "exit_cpu_ns": 1},
                        }
                    )  # fmt: skip
        progress(1, 1, 0.0)
        return found

    monkeypatch.setattr(live_doctor, "doctor", lambda: ALL_WELL)
    monkeypatch.setattr(experiment, "measure", measure)
    monkeypatch.setattr(calibration, "calibrate", calibrated)
    monkeypatch.setattr(experiment, "allowed_memory_bytes", lambda asked_bytes=None: asked_bytes or 2 << 30)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "host", "6.18.44", "", "x86_64")))
    return asked


def _noting(asked: list[str]):
    from mmbench.records import files

    real = files.write_text

    def write_text(path, text: str) -> None:
        asked.append(f"write {Path(path).name}")
        real(path, text)

    return write_text


# -- everywhere: a machine of canned answers --------------------------------------------------------------------------


def test_validate_calibrates_predicts_freezes_and_only_then_measures(machine, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("mmbench.validation.freeze.write_text", _noting(machine))
    out = tmp_path / "here.json"
    code = main(["validate", "--quick", "-o", str(out), "--plot", str(tmp_path / "here.png"), "--format", "json"])
    record = json.loads(capsys.readouterr().out)
    assert (code, record["verdict"]) == (0, "pass")
    assert json.loads(out.read_text()) == record
    frozen = machine.index("write here.predictions.json")
    measured = [i for i, what in enumerate(machine) if what.startswith("measure")]
    assert measured[0] < frozen < measured[1]
    assert [machine[i] for i in measured[1:]] == ["measure 13"] * 8
    assert record["looks"] == [13, 26, 52, 104] and record["stopped"] == "decided"
    for what in ("exit", "mrelease", "exit_after"):
        assert record["held_out"][what]["n"] == 104 and record["held_out"][what]["p95_abs_error"] < 0.02
    assert record["held_out"]["race"]["median_abs_error"] < 0.03
    assert record["freed_pages"] == {"n": 104, "exact": 104}
    parts = {"here.json", "here.png", "here.predictions.json", "here.costs.json", "here.costs.samples.jsonl.gz"}
    assert {path.name for path in tmp_path.iterdir()} == parts | {"here.samples.jsonl.gz"}
    assert (tmp_path / "here.png").read_bytes().startswith(b"\x89PNG")
    load_table(str(tmp_path / "here.costs.json"))


def test_validate_fails_with_costs_of_another_machine(machine, capsys, tmp_path):
    table = json.loads((Path(mmbench.__file__).parent / "cost/tables/default.json").read_text())
    table["base_ps"] = {"exit": 10**9, "mrelease": 10**9, "exit_after": 10**9, "race": 10**9}
    for entry in table["costs"].values():
        entry["ps"] = entry["ps"] * 13 // 10
    path = tmp_path / "other.json"
    path.write_text(json.dumps(table))
    assert main(["validate", "--costs", str(path), "--held-out", "5", "--max-memory", "256MiB"]) == 1
    printed = capsys.readouterr()
    assert "fail" in printed.out and "5 of 5 configurations exact" in printed.out
    assert "40 victims predicted and frozen" in printed.err


def test_calibrate_writes_a_table_with_its_samples(machine, capsys, tmp_path):
    out = tmp_path / "here.json"
    assert main(["calibrate", "--quick", "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "not shown by this kernel, carried over:" in printed and "old_munlock_page" in printed
    table, data = load_table(str(out)), json.loads(out.read_text())
    assert table.base_ps["exit"] == pytest.approx(1e9, rel=0.01)
    assert {"date", "manifest", "fits", "race_ratios", "spread", "errors", "samples"} <= set(data)
    lines = gzip.decompress((tmp_path / data["samples"]).read_bytes()).splitlines()
    assert len(lines) > 100 and json.loads(lines[0])["what"]


def test_calibrate_prints_csv(machine, capsys, tmp_path):
    assert main(["calibrate", "--quick", "-o", str(tmp_path / "a.json"), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows[0]["cost"] == "zap_pte" and int(rows[0]["ps"]) > 0 and "provenance" in rows[0]


def test_noisy_calibration_is_inconclusive(machine, capsys, tmp_path, monkeypatch):
    quiet = experiment.measure

    def noisy(*args, **kwargs):
        samples = quiet(*args, **kwargs)
        return [s | {"ns": s["ns"] * (1 + s["rep"] / 2), "disturbed": True, "why": "others took 9%"} for s in samples]

    monkeypatch.setattr(experiment, "measure", noisy)
    monkeypatch.setattr(calibration, "MAX_ROUNDS", 10)  # the noise decides, whatever prices are found
    assert main(["calibrate", "--quick", "-o", str(tmp_path / "a.json")]) == 1
    assert "inconclusive" in capsys.readouterr().err
    assert main(["validate", "--quick"]) == 1
    printed = capsys.readouterr()
    assert "undecided" in printed.out and "a quieter machine might" in printed.err


def test_one_cpu_measures_no_race(machine, capsys, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert main(["validate", "--quick", "--format", "json"]) == 1
    record = json.loads(capsys.readouterr().out)
    assert record["held_out"]["race"]["n"] == 0 and record["verdict"] == "undecided"


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["validate", "--costs", "reference"], "base_ps"),
        (["validate", "--costs", "nowhere.json"], "does not exist"),
        (["validate", "--plot", "a.gif"], "cannot draw into"),
        (["validate", "--plot", "no/where/a.png"], "create no/where first"),
        (["validate", "--held-out", "0"], "1 to 500"),
        (["validate", "--max-memory", "lots"], "not a size"),
        (["validate", "-o", "a.txt"], "ends with .json"),
        (["calibrate", "-o", "no/where/a.json"], "create no/where first"),
        (["oom", "--size", "10.5MiB", "--kind", "thp", "--yes"], "multiple of 2097152"),
        (["oom", "--locked", "2", "--yes"], "share"),
        (["oom", "--costs", "defualt", "--yes"], "Did you mean 'default'"),
        (["oom", "--vmas", "0", "--yes"], "0 VMAs"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(machine, capsys, argv, sentence):
    assert main(argv) == 2
    assert sentence in capsys.readouterr().err
    assert not [what for what in machine if what.startswith("measure")]


def test_oom_without_a_terminal_wants_a_yes(machine, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    monkeypatch.setattr(experiment, "oom_kill", lambda *_: pytest.fail("nobody was asked"))
    assert main(["oom"]) == 2
    assert "give --yes" in capsys.readouterr().err


def test_oom_asks_and_takes_no_for_an_answer(machine, capsys, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("no\n"))
    monkeypatch.setattr(experiment, "oom_kill", lambda *_: pytest.fail("the answer was no"))
    assert main(["oom"]) == 0
    assert "Go on?" in capsys.readouterr().err


@pytest.mark.parametrize(("freed", "code"), [(8192, 0), (8000, 1)])
def test_oom_compares_page_counts(machine, capsys, monkeypatch, freed, code):
    kill = json.loads((CANNED / "oom_held.json").read_text()) | {"freed_by_reaper_pages": freed}
    monkeypatch.setattr(experiment, "oom_kill", lambda *_: kill)
    assert main(["oom", "--yes", "--size", "32MiB", "--vmas", "4", "--format", "json"]) == code
    assert json.loads(capsys.readouterr().out)["compared"][2]["measured"] == freed


def test_a_machine_that_cannot_is_exit_code_3(machine, capsys, monkeypatch, tmp_path):
    def cannot(*_: object, **__: object):
        raise CannotError("no")

    broken = [Check("process_mrelease", False, "Function not implemented", "use Linux 5.15 or later"), *ALL_WELL[1:]]
    monkeypatch.setattr(live_doctor, "doctor", lambda: broken)
    assert main(["doctor"]) == 3
    assert "use Linux 5.15 or later" in capsys.readouterr().out
    assert main(["validate"]) == 3
    assert "use Linux 5.15 or later" in capsys.readouterr().err
    monkeypatch.setattr(live_doctor, "doctor", lambda: [Check("session", False, "it ended", "see ctypes")])
    assert main(["calibrate", "-o", str(tmp_path / "a.json")]) == 3
    assert "it ended" in capsys.readouterr().err
    monkeypatch.setattr(experiment, "oom_kill", cannot)
    assert main(["oom", "--yes"]) == 3


@pytest.mark.parametrize("verb", ["doctor", "calibrate", "validate", "oom"])
def test_help_has_an_example_and_loads_nothing_heavy(verb):
    source = (
        "import sys\nfrom mmbench.cli.main import main\n"
        f"try: main(['{verb}', '--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('numba', 'matplotlib', 'scipy', 'rich') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60)
    assert f"mmbench {verb}" in done.stdout and "examples:" in done.stdout
    assert done.stderr.strip() == "[]"


# -- the live ring ----------------------------------------------------------------------------------------------------


@pytest.fixture
def able() -> None:
    missing = [c for c in live_doctor.doctor() if c.name in NAMES[:3] and not c.ok]
    if missing:
        pytest.skip("; ".join(f"{c.name}: {c.reason} ({c.how})" for c in missing))


@pytest.mark.live
def test_doctor_for_real(able, capsys):
    assert main(["doctor", "--format", "json"]) == 0
    assert {"process_mrelease", "pagemap", "second CPU"} <= {
        check["name"] for check in json.loads(capsys.readouterr().out)
    }


@pytest.mark.live
def test_validate_for_real_and_small(able, capsys, tmp_path):
    out = str(tmp_path / "r.json")
    began = time.monotonic()
    code = main(["validate", "--quick", "--max-memory", "96MiB", "--held-out", "4", "-o", out, "--format", "json"])
    assert time.monotonic() - began < 300
    record = json.loads(capsys.readouterr().out)
    assert code == (0 if record["verdict"] == "pass" else 1)
    n = record["looks"][-1]  # as many as it took to tell, or as the time allowed
    assert record["looks"][0] == 4 and n in (4, 8, 16, 32)
    assert record["freed_pages"]["n"] == record["freed_pages"]["exact"] <= n
    assert all(found["n"] <= n for found in record["held_out"].values())


@pytest.mark.live
def test_oom_for_real(able, capsys):
    checks = {check.name: check for check in live_doctor.doctor()}
    for name in ("tracefs", "memory cgroup"):
        if not checks[name].ok or os.geteuid():
            pytest.skip(f"{name}: {checks[name].reason} ({checks[name].how}); run as root")
    assert main(["oom", "--yes", "--size", "64MiB", "--format", "json"]) == 0
    compared = {row["name"]: row for row in json.loads(capsys.readouterr().out)["compared"]}
    assert compared["freed by the reaper"]["measured"] == compared["freed by the reaper"]["model"] == 16384
    assert compared["reaper comes"]["error"] == pytest.approx(0, abs=0.1)


@pytest.mark.live
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_validation_that_is_stopped_leaves_nothing(able, tmp_path, number):
    mark = f"MMBENCH_RING={uuid.uuid4()}"
    name, value = mark.split("=")
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(mmbench.__file__).parents[1]), name: value}
    argv = [sys.executable, "-m", "mmbench", "validate", "--quick", "--max-memory", "64MiB"]
    process = subprocess.Popen(argv, env=env, stderr=subprocess.PIPE, cwd=tmp_path, start_new_session=True)
    assert process.stderr is not None
    assert b"calibrating" in process.stderr.readline()
    assert len(_marked(mark)) >= 2
    process.send_signal(number)
    process.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while _marked(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _marked(mark)
    assert list(tmp_path.iterdir()) == []


def _marked(mark: str) -> list[str]:
    """Living processes whose environment carries a mark, zombies apart."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark.encode() in (entry / "environ").read_bytes():
                    found.append(entry.name)
            except OSError:
                continue
    return found


# -- the shipped table ------------------------------------------------------------------------------------------------


RESULTS = Path(__file__).parents[2] / "results" / "calibration"


def test_the_default_table_is_what_its_raw_samples_give(tmp_path):
    default = json.loads((FOLDER / "default.json").read_text())
    again = tmp_path / "again.json"
    assert main(["calibrate", "--samples", str(RESULTS / default["samples"]), "-o", str(again)]) == 0
    found = json.loads(again.read_text())
    for name, entry in default["costs"].items():
        assert found["costs"][name]["ps"] == pytest.approx(entry["ps"], rel=0.05, abs=2000), name
        assert found["costs"][name]["provenance"] == entry["provenance"]
    assert found["base_ps"] == pytest.approx(default["base_ps"], rel=0.01)


def test_the_default_table_was_validated_in_its_own_session():
    default = json.loads((FOLDER / "default.json").read_text())
    record = json.loads((RESULTS / default["samples"].replace(".costs.samples.jsonl.gz", ".json")).read_text())
    frozen = (RESULTS / default["samples"].replace(".costs.samples.jsonl.gz", ".predictions.json")).read_text()
    assert record["predictions_sha256"] == digest(frozen)
    assert json.loads(frozen)["costs"]["base_ps"] == default["base_ps"]
    shown = {name: entry["ps"] for name, entry in default["costs"].items() if not entry.get("carried_over")}
    predicted_with = json.loads(frozen)["costs"]["prices_ps"]  # what is carried over is of no account on this kernel
    assert len(shown) >= 15 and shown == {name: predicted_with[name] for name in shown}
    assert record["verdict"] == "pass" and record["manifest"]["commit_modified"] == "no"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "line 1: field 'config' is missing"),
        ("[1]", "line 1: the whole of it is [1]; allowed: an object"),
        ("{", "line 1 is not JSON"),
    ],
)
def test_samples_that_are_none_are_refused(tmp_path, capsys, text, why):
    (tmp_path / "x.samples.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "x.json").write_text("{}")
    out = tmp_path / "again.json"
    assert main(["calibrate", "--samples", str(tmp_path / "x.samples.jsonl.gz"), "-o", str(out)]) == 2
    assert why in capsys.readouterr().err and not out.exists()

"""Booted kernels against the model, from the records on disk: pages exactly, instructions closely."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from mmbench.cli.main import main
from mmbench.cost.table import FOLDER, load_table
from mmbench.errors import InputError
from mmbench.validation.kernel_lab import compare, era_of, observations

RECORDS = sorted((Path(__file__).parents[2] / "results" / "lab").glob("*.json"))
# The largest errors that pass, median and 95th percentile, where a record has the full set.
GOALS = {"exit": (0.01, 0.05), "mrelease": (0.01, 0.05), "exit_after": (0.03, None), "race": (0.10, None)}


@pytest.fixture(scope="module", params=RECORDS, ids=lambda path: path.stem)
def compared(request) -> dict[str, Any]:
    return compare(json.loads(request.param.read_text()))


def test_every_page_that_a_lone_reaper_leaves_is_predicted(compared):
    assert compared["freed_pages"]["n"] >= 15
    assert [cell for cell in compared["cells"] if cell["left"] != cell["model_left"]] == []


def test_instructions_of_held_out_victims_are_predicted(compared):
    for what, found in compared["held_out"].items():
        median, p95 = GOALS[what]
        if found["n"]:
            assert found["median_abs_error"] <= median, (what, found)
            assert p95 is None or found["p95_abs_error"] <= p95, (what, found)


def test_there_are_records_of_both_eras():
    designs = {era_of(json.loads(path.read_text())["release"]) for path in RECORDS}
    assert {"v4.17", "v6.1"} <= designs


@pytest.mark.parametrize(
    ("release", "design"), [("5.10.0-46-amd64", "v4.17"), ("6.1.0-1", "v6.1"), ("6.17.13", "v6.1"), ("7.3.4", "v6.18")]
)
def test_a_kernel_runs_the_design_of_its_era(release, design):
    assert era_of(release) == design


@pytest.mark.parametrize("release", ["4.4.0", "unknown"])
def test_no_design_of_another_era_stands_in(release):
    with pytest.raises(InputError, match=r"4\.14"):
        era_of(release)


def test_a_page_too_many_is_bad_news(tmp_path, capsys):
    record = copy.deepcopy(json.loads(RECORDS[0].read_text()))
    entry = next(e for b in record["boots"] for e in b["experiments"] if "pages_after" in e and e["kind"] == "reaper")
    entry["pages_after"][0] += 1
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(record))
    assert main(["lab", "compare", str(path)]) == 1
    assert "pages, model" in capsys.readouterr().out


def test_cost_tables_in_instructions_load(tmp_path, capsys):
    old = next(path for path in RECORDS if path.stem == "5.10")
    assert main(["lab", "compare", str(old), "--write-costs", str(tmp_path), "--format", "json"]) == 0
    table = load_table(str(tmp_path / "lab-5.10.json"))
    assert 500_000 < table.entries["old_munlock_page"]["ps"] < 2_000_000
    assert table.entries["old_munlock_page"]["provenance"] == "fitted"
    assert json.loads(capsys.readouterr().out)[0]["strategy"] == "v4.17"


def test_no_record_is_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["lab", "compare"]) == 2
    assert "mmbench lab run" in capsys.readouterr().err


def test_calibration_and_held_out_share_no_victim():
    for path in RECORDS:
        record = json.loads(path.read_text())
        sets = [{json.dumps(o["config"]) for o in observations(record, role)} for role in ("calibration", "held-out")]
        assert not sets[0] & sets[1]


def test_a_table_in_instructions_has_no_nanoseconds_in_it():
    """What no victim shows comes from a table in nanoseconds; it is carried over at the rate of a page's cost."""
    reference = load_table("reference")
    for path in RECORDS:
        table = load_table(f"lab-{path.stem}")
        rate = table.entries["zap_anon_folio"]["ps"] / reference.entries["zap_anon_folio"]["ps"]
        assert 4 < rate < 8
        assert table.entries["lock_op"]["ps"] == pytest.approx(rate * reference.entries["lock_op"]["ps"], rel=1e-3)
        assert "a page's instructions" in str(table.entries["lock_op"]["source"])
        assert {"zap_thp", "zap_shmem_folio"} <= {n for n, e in table.entries.items() if e["provenance"] == "fitted"}


def test_the_tables_that_ship_are_those_of_the_records(tmp_path):
    assert main(["lab", "compare", *map(str, RECORDS), "--write-costs", str(tmp_path)]) == 0
    for path in RECORDS:
        found = json.loads((tmp_path / f"lab-{path.stem}.json").read_text())
        shipped = json.loads(Path(FOLDER, f"lab-{path.stem}.json").read_text())
        assert found.keys() == shipped.keys()
        for name, entry in shipped["costs"].items():
            assert found["costs"][name]["ps"] == pytest.approx(entry["ps"], rel=1e-6, abs=1), (path.stem, name)

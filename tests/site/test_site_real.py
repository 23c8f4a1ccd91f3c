"""What kernels did with designs is told as the records have it, beside the model, and README names the same kernels."""

from __future__ import annotations

import copy
import re

import pytest

from mmbench.checker.verdict import Verdict
from mmbench.lab.design_record import read_record
from mmbench.site.forced import Forcing
from mmbench.site.matrix_page import matrix_page
from mmbench.site.real import family, outcome, real_designs, record_files, run_on
from mmbench.strategies import IDS
from tests.report.conftest import storm
from tests.site.conftest import ROOT

FILES = record_files(ROOT / "results" / "lab")


@pytest.fixture(scope="module")
def reals():
    return real_designs(FILES)


def test_every_record_of_designs_is_told(reals):
    told = {(name, real.series) for name, found in reals.items() for real in found}
    records = [read_record(path) for path in FILES]
    assert told == {(name, record["series"]) for record in records for name in record["programs"]}
    assert {record["set"] for record in records} == {"full"}


def test_reality_is_what_the_model_said(reals):
    everyone = [real for found in reals.values() for real in found]
    for counts in ("left", "as_told"):
        right, n = map(sum, zip(*(getattr(real, counts) for real in everyone), strict=True))
        assert right == n > 50
    assert all(real.tells_apart for real in everyone)  # 7.3's killer hides who exits, and the model knows


def test_an_outcome_is_told_with_the_models_beside_it(reals):
    (real,) = reals["drop-oom-skip"]
    row = real.holders[0]
    assert "reaper gave up, 1 further kill" in outcome(row, real) and "as modelled" in outcome(row, real)
    wrong = copy.copy(row) | {"model_kills": 0}
    assert "model: reaper gave up, nobody else killed" in outcome(wrong, real)
    new = next(found for found in reals["v6.18"] if found.series == "7.3")
    assert "1 further kill" in outcome(new.holders[0], new) and "as modelled" in outcome(new.holders[0], new)
    real.own = [copy.copy(row) | {"model_kills": 0}]
    assert "so does the kernel's own code" in outcome(wrong, real)


def test_the_page_has_a_row_for_every_design_and_variant(reals):
    records = storm()
    names = [record["strategy"] for record in records]
    said = {name: Verdict(name, "default", "safe", True, "", 1, 1, 1, 0.0, {}, {}) for name in names}
    page = matrix_page(records, said, reals, Forcing())
    rows = re.findall(r'<tr><th scope="row">.*?>([\w.:=-]+)</', page)
    variants = [spec[spec.index(":") :] for name in names for spec in family(reals, name) if ":" in spec]
    assert sorted(rows) == sorted([*names, *variants]) and variants
    left, told = (
        sum(getattr(real, what)[0] for found in reals.values() for real in found) for what in ("left", "as_told")
    )
    assert f"<strong>{left} of {left}</strong>" in page and f"<strong>{told} of {told}</strong>" in page


@pytest.mark.parametrize("name", IDS)
def test_readme_names_the_kernels_that_ran_a_design(reals, name):
    row = re.search(rf"^\| `{re.escape(name)}` \|.*$", (ROOT / "README.md").read_text(), re.MULTILINE)[0]
    assert row.split("|")[4].strip() == (", ".join(run_on(reals, name)) or "-")
    assert all(spec.startswith(name) for spec in family(reals, name))

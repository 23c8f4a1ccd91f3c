"""A benchmark whose body changes gets another version: else asv would draw one line through two different things."""

from __future__ import annotations

import pytest

from benchmarks import common, freed
from benchmarks.common import ModelSeries
from tests.benchmarks.versions import bodies, main, reach, recorded, unversioned


def test_no_body_changed_under_its_version():
    assert unversioned(bodies(), recorded()) == [], "raise `version`, then: python -m tests.benchmarks.versions"


def test_the_table_is_up_to_date():
    assert bodies() == recorded(), "write it again: python -m tests.benchmarks.versions"


def changed(monkeypatch: pytest.MonkeyPatch, module: object, name: str, value: object) -> set[str]:
    monkeypatch.setattr(module, name, value)
    return set(unversioned(bodies(), recorded()))


def test_a_constant_of_another_file_is_part_of_the_body(monkeypatch):
    found = changed(monkeypatch, common, "SCENARIOS", ("quiet",))
    assert "blocking.Blocking.track_blocking_seconds" in found
    assert "memory.Memory.track_array_bytes_per_page" not in found


def test_a_helper_is_part_of_the_body(monkeypatch):
    def freed_by(record, ps):
        return 0

    freed_by.__module__ = "benchmarks.freed"
    assert changed(monkeypatch, freed, "freed_by", freed_by) == {
        "freed.Freed.track_freed_pages",
        "later.Freed.track_freed_pages",
    }


def test_what_is_named_through_its_module_or_as_a_class_is_part_of_the_body(monkeypatch):
    def freed_by(record, ps):
        return common.PARTIES, ModelSeries

    freed_by.__module__ = "benchmarks.freed"
    monkeypatch.setattr(freed, "common", common, raising=False)
    texts = {}
    reach(freed_by, texts)
    assert texts["benchmarks.common.PARTIES"] == "('exit', 'reaper', 'mrelease')"
    assert "benchmarks.common.ModelSeries" in texts and "benchmarks.common.run_victim" in texts


@pytest.mark.parametrize(("version", "refused"), [("0", True), ("1", True), ("2", False), ("10", False)])
def test_a_changed_body_needs_a_higher_version(version, refused):
    was = {"a.A.track_a": {"version": "1", "body": "old"}}
    now = {"a.A.track_a": {"version": version, "body": "new"}, "b.B.track_b": {"version": "1", "body": "new"}}
    assert unversioned(now, was) == (["a.A.track_a"] if refused else [])


def test_the_table_is_not_written_over_a_change(monkeypatch, capsys):
    monkeypatch.setattr(common, "SCENARIOS", ("quiet",))
    before = recorded()
    assert main() == 1 and "raise `version`" in capsys.readouterr().err
    assert recorded() == before

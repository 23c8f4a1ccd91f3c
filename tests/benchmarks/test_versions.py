"""A benchmark whose body changes gets another version: else asv would draw one line through two different things."""

from __future__ import annotations

import pytest

from benchmarks import common, freed
from tests.benchmarks.versions import bodies, main, recorded, unversioned


def test_no_body_changed_under_its_version():
    assert unversioned(bodies(), recorded()) == [], "raise `version`, then: python -m tests.benchmarks.versions"


def test_the_table_is_up_to_date():
    assert bodies() == recorded(), "write it again: python -m tests.benchmarks.versions"


def changed(monkeypatch: pytest.MonkeyPatch, module: object, name: str, value: object) -> set[str]:
    monkeypatch.setattr(module, name, value)
    return set(unversioned(bodies(), recorded()))


def test_a_constant_of_another_file_is_part_of_the_body(monkeypatch):
    found = changed(monkeypatch, common, "SCENARIOS", ("quiet",))
    assert (
        "blocking.Blocking.track_blocking_seconds" in found and "memory.Memory.track_array_bytes_per_page" not in found
    )


def test_a_helper_is_part_of_the_body(monkeypatch):
    def freed_by(record, ps):
        return 0

    freed_by.__module__ = "benchmarks.freed"
    assert changed(monkeypatch, freed, "freed_by", freed_by) == {"freed.Freed.track_freed_pages"}


def test_the_table_is_not_written_over_a_change(monkeypatch, capsys):
    monkeypatch.setattr(common, "SCENARIOS", ("quiet",))
    before = recorded()
    assert main() == 1 and "raise `version`" in capsys.readouterr().err
    assert recorded() == before

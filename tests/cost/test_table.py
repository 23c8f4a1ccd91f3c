"""Cost tables: what a table lacks is priced from the default table, and says so."""

from __future__ import annotations

import json

import pytest

from mmbench.cost.table import DEFAULT, load_table
from mmbench.errors import InputError


@pytest.fixture
def older(tmp_path):
    """A user's table, twice as slow, from before `thp_contended` and `batch_page` were items."""
    data = json.loads(DEFAULT.read_text())
    for name in ("thp_contended", "batch_page"):
        del data["costs"][name]
    for entry in data["costs"].values():
        entry["ps"] *= 2
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(data))
    return path


def test_a_table_older_than_an_item_prices_it_from_the_default_table(older):
    found, shipped = load_table(str(older)), load_table()
    for name in ("thp_contended", "batch_page"):
        assert found.entries[name]["ps"] == 2 * shipped.entries[name]["ps"]
        assert found.entries[name]["provenance"] == "assumed"
        assert "not in this table" in found.entries[name]["source"]
    assert (found.prices == 2 * shipped.prices).all()


def test_without_the_yardstick_nothing_can_be_assumed(older):
    data = json.loads(older.read_text())
    del data["costs"]["zap_anon_folio"]
    older.write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"the cost '\w+' is missing"):
        load_table(str(older))


def test_a_misspelt_cost_is_named(older):
    data = json.loads(older.read_text())
    data["costs"]["thp_contendet"] = data["costs"]["gather"]
    older.write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"thp_contendet.*thp_contended"):
        load_table(str(older))

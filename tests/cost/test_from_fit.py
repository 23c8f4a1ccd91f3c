"""Prices are factors on another table, non-negative, and every entry says where it is from."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from mmbench.cost.from_fit import FOLLOWERS, PARTS, Prices, carried_over, fit_prices, set_fitted, table_of
from mmbench.cost.table import COLD, FOLDER, load_table, table_from
from mmbench.errors import InputError
from mmbench.machine.work import NAMES, UNPRICED

DEFAULT = load_table("reference")
ITEMS = [name for name in NAMES if name not in UNPRICED] + [COLD]
BASE_NS = {"exit": 900_000, "mrelease": 600_000, "exit_after": 250_000}


def observations(factor: float = 1.0, after: int = 131_072, **kind_factor: float) -> list[dict]:
    """Random amounts of everything, costing `factor` times what the default table says, and a base."""
    draw, found = np.random.default_rng(1), []
    price = {name: entry["ps"] for name, entry in DEFAULT.entries.items()}
    for what, base_ns in BASE_NS.items():
        for _ in range(20):
            work = {item: int(draw.integers(0, 20_000)) for items, _ in PARTS.values() for item in items}
            work["zap_pte"] = int(draw.integers(0, 200_000))
            work[COLD] = max(work["zap_pte"] - after, 0)
            ns = sum(n * price[item] for item, n in work.items()) * factor * kind_factor.get(what, 1.0) / 1000
            found.append({"what": what, "median_ns": ns + base_ns, "spread": 0.02, "work": work})
    return found


def test_every_item_is_fitted_follows_or_stays() -> None:
    fitted = {item for part in PARTS.values() for item in part.items}
    assert fitted <= set(ITEMS) and set(FOLLOWERS) <= set(ITEMS) - fitted
    assert set(FOLLOWERS.values()) <= set(PARTS)
    assert set(ITEMS) - fitted - set(FOLLOWERS) == {"full_flush", "lock_op"}


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0])
def test_a_uniform_factor_is_found_with_its_bases(factor: float) -> None:
    prices = fit_prices(observations(factor), DEFAULT)
    assert set(prices.factors) == set(PARTS)
    for value, low, high in prices.factors.values():
        assert value == pytest.approx(factor, rel=1e-3) and low <= value * 1.001 and value <= high * 1.001
    assert prices.base_ps == {what: pytest.approx(1000 * ns, rel=1e-3) for what, ns in BASE_NS.items()}
    assert all(np.abs(errors).max() < 1e-6 for errors in prices.errors.values())


@pytest.mark.parametrize("after", [16_384, 65_536, 131_072])
def test_where_pages_begin_to_be_cold_is_found(after: int) -> None:
    prices = fit_prices(observations(after=after), DEFAULT)
    assert prices.cold_after_pages == after
    assert table_of(prices, DEFAULT, "here")["cold_after_pages"] == after


def test_pages_mapped_elsewhere_are_not_cold() -> None:
    stays_ns = sum(DEFAULT.entries[item]["ps"] for item in ("zap_pte", "zap_elsewhere_folio")) / 1000
    shared = []
    for k, o in enumerate(observations()):
        n = 10_000 * (k % 3)
        work = o["work"] | {"zap_pte": o["work"]["zap_pte"] + n, "zap_elsewhere_folio": n}
        shared.append(o | {"work": work, "median_ns": o["median_ns"] + n * stays_ns})
    prices = fit_prices(shared, DEFAULT)
    assert prices.cold_after_pages == 131_072
    assert prices.factors["cold"][0] == pytest.approx(1.0, rel=1e-3)


def test_no_price_is_negative() -> None:
    backwards = [o | {"median_ns": 1e9 / (1 + o["work"]["free_vma"])} for o in observations()]
    prices = fit_prices(backwards, DEFAULT)
    assert all(low >= 0 and value >= 0 for value, low, _ in prices.factors.values())
    table_from(table_of(prices, DEFAULT, "backwards"))


def test_a_noisy_kind_counts_less() -> None:
    wrong = [o | {"spread": 0.5 if o["what"] == "exit_after" else 0.02} for o in observations(1.0, exit_after=1.5)]
    alike = [o | {"spread": 0.02} for o in wrong]
    trusted, mixed = (np.abs(fit_prices(found, DEFAULT).errors["exit"]).mean() for found in (wrong, alike))
    assert 5 * trusted < mixed


def test_a_table_keeps_proportions_and_names_its_sources() -> None:
    prices = fit_prices(observations(2.0), DEFAULT)
    data = json.loads(json.dumps(table_of(prices, DEFAULT, "Linux 6.18, somewhere")))
    table = table_from(data)
    entries = table.entries
    assert entries["zap_pte"]["ps"] / entries["free_folio"]["ps"] == pytest.approx(15_500 / 82_000, rel=1e-3)
    assert entries["zap_pte"]["provenance"] == "scaled from" and "split" in entries["zap_pte"]["source"]
    assert (
        entries["walk_entry"]["provenance"] == "fitted" and "Linux 6.18, somewhere" in entries["walk_entry"]["source"]
    )
    assert set(carried_over(data)) == set(FOLLOWERS) | {"full_flush", "lock_op"}
    assert entries["old_munlock_page"]["ps"] == pytest.approx(2 * 113_055, rel=1e-3)
    assert table.base_ps["exit"] == pytest.approx(900_000_000, rel=1e-3)


def test_prices_found_otherwise_replace_what_was_carried_over() -> None:
    data = table_of(fit_prices(observations(), DEFAULT), DEFAULT, "here")
    set_fitted(data, {"full_flush": 123}, "from races")
    assert data["costs"]["full_flush"] == {"ps": 123, "provenance": "fitted", "source": "from races"}
    assert "full_flush" not in carried_over(data)


def test_a_price_of_zero_can_grow_again() -> None:
    zero = copy.deepcopy(json.loads((FOLDER / "reference.json").read_text()))
    zero["costs"]["batch_page"]["ps"] = 0
    prices = fit_prices(observations(), table_from(zero))
    table = table_of(prices, table_from(zero), "here")
    assert table["costs"]["batch_page"]["ps"] == pytest.approx(DEFAULT.entries["batch_page"]["ps"], rel=1e-3)


def test_parts_that_nothing_shows_are_carried_over() -> None:
    hidden = [o | {"work": o["work"] | {"zap_thp": 0}} for o in observations()]
    prices = fit_prices(hidden, DEFAULT)
    assert "thp" not in prices.factors
    entry = table_of(prices, DEFAULT, "here")["costs"]["zap_thp"]
    assert entry["ps"] == DEFAULT.entries["zap_thp"]["ps"] and entry["carried_over"]


def test_alike_observations_are_refused() -> None:
    with pytest.raises(InputError, match="cannot tell"):
        fit_prices(observations()[:1] * 40, DEFAULT)
    with pytest.raises(InputError, match="cannot tell"):
        fit_prices(observations()[:9], DEFAULT)


@pytest.mark.parametrize(
    ("base_ps", "sentence"),
    [
        ({"exits": 1}, "Did you mean 'exit'"),
        ({"exit": -1}, "integer from 0"),
        ({"exit": 1.5}, "integer from 0"),
        ({"exit": True}, "integer from 0"),
        ([1], "object of picoseconds"),
    ],
)
def test_bad_bases_are_refused_in_a_sentence(base_ps: object, sentence: str) -> None:
    data = table_of(Prices({}, {}, {}, 131_072), DEFAULT, "here") | {"base_ps": base_ps}
    with pytest.raises(InputError, match=sentence):
        table_from(data)


def test_a_table_without_bases_still_loads() -> None:
    data = table_of(Prices({}, {}, {}, 131_072), DEFAULT, "here")
    del data["base_ps"]
    assert table_from(data).base_ps == {}

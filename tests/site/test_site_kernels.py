"""The page of kernels is made from the records: every kernel a column, every strategy a row, every number theirs."""

from __future__ import annotations

import copy
import json
from html.parser import HTMLParser

import pytest

from mmbench.errors import InputError
from mmbench.site import kernels
from mmbench.site.front import KERNELS
from mmbench.site.kernels import AGREE, DIFFER, NOT_COMPARED, TRUTH_TABLE, ask, designs
from mmbench.site.kernels_page import kernels_page
from mmbench.site.offline import loads_of_page
from mmbench.strategies import IDS
from tests.site.conftest import ROOT
from tests.site.test_site_front import Balance

RECORDS = {path.name: json.loads(path.read_text()) for path in sorted((ROOT / "results" / "lab").glob("*.json"))}
OLD = next(name for name, record in RECORDS.items() if record["series"] == "5.10")


class Tables(HTMLParser):
    """Tables of a page: per row its cells, each (classes, words)."""

    def __init__(self):
        super().__init__()
        self.tables = []

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append((dict(attrs).get("class"), []))
        elif tag == "tr":
            self.tables[-1][1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][1][-1].append([(dict(attrs).get("class") or "").split(), ""])

    def handle_data(self, data):
        if self.tables and self.tables[-1][1] and self.tables[-1][1][-1]:
            self.tables[-1][1][-1][-1][1] += data


def tables(page, name=None):
    """Tables of a class, each a list of rows."""
    parser = Tables()
    parser.feed(page)
    return [rows for kind, rows in parser.tables if kind == name]


def page_of(record, name=OLD):
    return kernels_page(ask({name: record}), designs())


@pytest.fixture(scope="module")
def asked():
    return ask(RECORDS)


@pytest.fixture(scope="module")
def page(asked):
    return kernels_page(asked, designs())


def planted(party, role):
    """The old kernel's record with a page more left by one party, the kernel's first answer to it."""
    record = copy.deepcopy(RECORDS[OLD])
    entry = next(e for e in kernels.all_experiments(record, role, party) if "pages_after" in e)
    entry["pages_after"][0] += 1
    return record


def test_every_kernel_is_a_column_and_every_strategy_a_row(page):
    (rows,) = tables(page, "matrix")
    series = sorted((r["series"] for r in RECORDS.values()), key=lambda s: [int(n) for n in s.split(".")])
    assert len(series) >= 6
    assert [words.partition("ships")[0] for _, words in rows[0][1:]] == series
    assert all(row[0][1].startswith(name) for row, name in zip(rows[1:], IDS, strict=True))
    assert {len(row) for row in rows} == {len(series) + 1}


def test_each_kernel_agrees_with_the_design_that_it_ships(page, asked):
    (rows,) = tables(page, "matrix")
    for column, kernel in enumerate(asked, 1):
        cells = [(name, row[column]) for name, row in zip(IDS, rows[1:], strict=True)]
        assert [name for name, (classes, _) in cells if "era" in classes] == [kernel.era]
        classes, words = dict(cells)[kernel.era]
        n = len([q for q in kernel.questions if q.verdict(kernel.era) != NOT_COMPARED])
        assert n >= 15 and classes == [AGREE, "era"] and words.startswith(f"{n} of {n} ")
        assert any(DIFFER in classes for _, (classes, _) in cells)
    assert 'class="wrong"' not in page


@pytest.mark.parametrize("role", [TRUTH_TABLE, "reaper"])
def test_a_page_too_many_in_a_record_differs(role):
    right, wrong = page_of(RECORDS[OLD]), page_of(planted("reaper", role))
    row = 1 + IDS.index("v4.17")
    was, now = (tables(found, "matrix")[0][row][1] for found in (right, wrong))
    assert was[0] == [AGREE, "era"] and was[1].startswith("15 of 15")
    assert now[0] == [DIFFER, "era"] and now[1].startswith("14 of 15")
    assert wrong.count('<span class="wrong">') == 2 and "14 of 15" in tables(wrong)[0][1][6][1]


def test_a_reaper_in_the_other_order_differs():
    record = copy.deepcopy(RECORDS[OLD])
    for entry in kernels.all_experiments(record, TRUTH_TABLE, "order"):
        entry["left_by_quarter"] = [counts[::-1] for counts in entry["left_by_quarter"]]
    (kernel,) = ask({OLD: record})
    assert kernel.order == "down" and kernel.counts("v4.17")[DIFFER] == 0
    cells = [row[1] for row in tables(kernels_page([kernel], designs()), "matrix")[0][1:]]
    assert cells[IDS.index("v4.17")][0] == [DIFFER, "era"]


def test_orders_of_the_designs():
    orders = {one.name: one.order for one in designs()}
    assert set(orders) == set(IDS) and (orders["v6.1"], orders["v6.18"]) == ("up", "down")


def test_every_victim_is_there_with_every_design(page, asked):
    folded = tables(page)[2:]
    rows = sum(len(rows) - 1 for rows in folded)
    assert rows == sum(len(kernel.questions) for kernel in asked) >= 300
    first = folded[0][1]
    entry = next(e for e in kernels.all_experiments(RECORDS[OLD], TRUTH_TABLE, "reaper"))
    assert [words for _, words in first[2:4]] == [f"{sum(entry[key]):,}" for key in ("pages_before", "pages_after")]
    assert len(first) == 4 + len(IDS)


def test_what_a_kernel_lacks_is_not_compared(asked):
    old = next(kernel for kernel in asked if kernel.file == OLD)
    refused = [q for q in old.truth_table() if q.party == "mrelease"]
    assert refused and {q.real for q in refused} == {"ENOSYS"}
    assert {q.verdict(name) for q in refused for name in IDS} == {NOT_COMPARED}
    assert {q.model["v4.14"] for q in refused} == {None} and refused[0].model["v6.1"] == 0
    n_lone = sum(e["kind"] in kernels.LONE for e in kernels.all_experiments(RECORDS[OLD]))
    assert n_lone == sum(q.real != "ENOSYS" for q in old.questions) + sum(old.silent.values())


def test_errors_are_those_of_the_comparison(page, asked):
    rows = tables(page)[1][1:]
    for row, kernel in zip(rows, asked, strict=True):
        found = kernel.compared["held_out"]["exit"]
        median, p95 = 100 * found["median_abs_error"], 100 * found["p95_abs_error"]
        assert row[2][1] == f"{median:.2f} % / {p95:.1f} % ({found['n']})"
        assert kernel.record["vmlinuz_sha256"] in page and kernel.record["package_version"] in page


def test_a_victim_is_torn_down_once_for_all_kernels(monkeypatch):
    seen = []
    monkeypatch.setattr(kernels.kernel_lab, "compare", lambda record: {})
    monkeypatch.setattr(kernels.kernel_lab, "freed_alone", lambda *a: seen.append(json.dumps(a[:2]) + a[2].name) or 0)
    ask({"a.json": RECORDS[OLD], "b.json": RECORDS[OLD]})
    assert len(seen) == len(set(seen)) > 50


def test_kernels_are_in_the_order_of_their_release(monkeypatch):
    monkeypatch.setattr(kernels.kernel_lab, "compare", lambda record: {})
    monkeypatch.setattr(kernels.kernel_lab, "freed_alone", lambda *a: 0)
    found = ask({"a": RECORDS[OLD] | {"series": "5.10"}, "b": RECORDS[OLD] | {"series": "5.4"}, "c": RECORDS[OLD]})
    assert [kernel.file for kernel in found] == ["b", "a", "c"]


def test_the_page_loads_only_its_style_and_is_closed(page):
    parser = Balance()
    parser.feed(page)
    parser.close()
    assert parser.open == [] and "<script" not in page and "http" not in page
    assert loads_of_page(page) == ["asv/swallow.ico", "style.css"]
    assert 'href="index.html"' in page and KERNELS == "kernels.html"


def test_a_record_is_text_not_markup():
    record = copy.deepcopy(RECORDS[OLD]) | {"release": "5.10.0<img src=x>", "package_version": "<b>"}
    found = page_of(record)
    assert "<img" not in found and "<b>" not in found and "&lt;img src=x&gt;" in found


@pytest.mark.parametrize("record", [{"format": "mmbench-lab 1"}, {"format": "another"}])
def test_what_is_no_record_is_refused(record):
    with pytest.raises(InputError):
        ask({"a.json": record})


def test_the_answer_comes_first_and_counts_what_is_right(asked):
    right, wrong = page_of(RECORDS[OLD]), page_of(planted("reaper", "reaper"))
    assert right.index("<strong>1 of 1</strong> booted kernels") < right.index("Legend") < right.index("<h2>")
    assert "<strong>0 of 1</strong> booted kernels" in wrong and "14 of 15 experiments" in wrong

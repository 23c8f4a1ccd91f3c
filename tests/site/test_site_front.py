"""The front page says what was run and checked, labelled, and its tokens make the runs again."""

from __future__ import annotations

from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest

from mmbench.ask.runs import replayed, run_all
from mmbench.checker.verdict import Verdict
from mmbench.errors import InputError
from mmbench.records.manifest import build_manifest
from mmbench.records.token import read_token
from mmbench.report.text.grid import MEASURES
from mmbench.site import head, publish, views
from mmbench.site.front import Facts, front_page
from mmbench.site.pages import copied_lab
from mmbench.strategies import IDS, load

ASV = {
    "machines": {"vm": {"cpu": "A<B", "num_cpu": "2", "os": "Linux", "arch": "x86_64", "ram": "1073741824"}},
    "benchmarks": {
        "blocking.track_blocking_seconds": {
            "param_names": ["strategy", "size", "locked"],
            "params": [["'v6.1'", "'v6.18'", "'trylock'"], ["'1GiB'", "'64GiB'"], ["'10%'", "'90%'"]],
        }
    },
}
VALIDATION = {
    "machine": "Linux <test>", "verdict": "pass", "date": "2026-01-02", "freed_pages": {"n": 24, "exact": 23},
    "held_out": {"exit": {"n": 24, "median_abs_error": 0.0312, "p95_abs_error": 0.071}},
}  # fmt: skip


LAB = {"5.10.json": {"series": "5.10", "release": "5.10.0-46", "package_version": "5.10.1"}}


class Balance(HTMLParser):
    """Every element that is opened is closed, in order."""

    VOID = ("meta", "link", "img", "br")

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def runs():
    return head.run_head("1GiB")


@pytest.fixture(scope="module")
def sweep():
    return head.run_sweep("256MiB")


@pytest.fixture(scope="module")
def facts(runs, sweep):
    verdicts = {
        name: Verdict(name, "default", "safe", True, "", 1, 1, 1, 0.0, {"I5": "holds", "S1": "holds"}, {})
        for name in IDS
    }
    verdicts["v4.14"] = Verdict("v4.14", "default", "fails", True, "", 1, 1, 1, 0.0, {"I5": "broken"}, {})
    schedules = {"v4.14": ["v4.14-I5.txt"]}
    return Facts(runs, sweep, verdicts, schedules, {"here": VALIDATION}, LAB, build_manifest(), ASV)


def test_every_strategy_in_every_scenario(facts, runs):
    page = front_page(facts)
    parser = Balance()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    assert list(runs) == list(head.SCENARIOS)
    for records in runs.values():
        assert [record["strategy"] for record in records] == list(IDS)
        assert all(unescape(page).count(f"mmbench run --replay {record['token']}") == 1 for record in records)
    assert page.count('<a href="schedules/v4.14-I5.txt">fails I5</a>') == len(head.SCENARIOS)
    assert "<script" not in page
    assert "One victim of 1.00 GiB, 90 % of it in VM_LOCKED VMAs" in page


def test_the_sweep_covers_every_share_and_its_worst_runs_have_tokens(facts, sweep):
    shares = {round(r["locked_pages"] / r["resident_pages"], 2) for r in sweep}
    assert len(sweep) == len(IDS) * len(head.SHARES) and shares == {float(share) for share in head.SHARES}
    page = front_page(facts)
    for measure in MEASURES.values():
        latest = max(sweep, key=lambda r: (measure(r) is None, measure(r) or 0))
        assert page.count(latest["token"]) == 1
        assert read_token(latest["token"]).strategy == latest["strategy"]


def test_validation_errors_are_read_not_invented(facts):
    page = front_page(facts)
    assert "<td>3.1 %</td><td>7.1 %</td>" in page
    assert "23 of 24 victims" in page.replace("\n", " ")
    assert '<a href="lab/5.10.json"><code>5.10</code></a></th><td>5.10.0-46</td>' in page
    assert "Linux &lt;test&gt;" in page and "A&lt;B" in page
    assert page.count('<a href="kernels.html">') == 2
    bare = front_page(replace(facts, validations={}, lab={}))
    assert "kernels.html" not in bare
    assert "No validation has been recorded" in bare and "No record of another kernel" in bare


@pytest.mark.parametrize("scenario", head.SCENARIOS)
def test_a_token_makes_the_run_again(runs, scenario):
    record = runs[scenario][-1]
    strategy, inputs = replayed(record["token"])
    assert run_all(inputs, [load(strategy)]) == [record]


def test_schedules_are_written_for_what_is_broken(tmp_path):
    from mmbench.checker.replay import read
    from mmbench.checker.scope import find_scope
    from mmbench.checker.verdict import check

    one = load("v4.14")
    verdict = check(one.name, one.roles, find_scope("default"), spec=one.spec)
    assert head.write_schedules([verdict], tmp_path) == {"v4.14": ["v4.14-I5.txt"]}
    assert "I5" in (tmp_path / "v4.14-I5.txt").read_text()
    assert read(tmp_path / "v4.14-I5.json").property.name == "I5"


def test_links_to_graphs_are_asvs_own_and_only_to_what_exists():
    assert views.bar_chart(ASV, views.BLOCKING) == (
        "asv/index.html#blocking.track_blocking_seconds?x-axis=strategy"
        "&p-strategy=%27v6.1%27&p-strategy=%27v6.18%27&p-strategy=%27trylock%27"
        "&p-size=%2764GiB%27&p-locked=%2710%25%27&p-locked=%2790%25%27"
    )
    assert views.line_graph(ASV, "track_nothing") == ""
    assert list(views.across(ASV).values()) == [
        "What did a commit change?",
        "Every series over commits",
        "Blocking by strategy",
    ]


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"thesis\.txt"):
        publish(tmp_path, tmp_path / "results")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_lab_records_are_copied_and_nothing_else(tmp_path):
    (tmp_path / "a.json").write_text('{"format": "mmbench-lab 1"}')
    (tmp_path / "b.json").write_text('{"format": "another"}')
    assert list(copied_lab(tmp_path, tmp_path / "out")) == ["a.json"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.json"]


def test_no_results_is_said(tmp_path):
    with pytest.raises(InputError, match="no asv results"):
        publish(tmp_path / "site", tmp_path)
    assert list(tmp_path.iterdir()) == []

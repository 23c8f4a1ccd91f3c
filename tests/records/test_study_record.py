"""Studies of many kills on disk: today's format, the one before it, and what is neither.

old/*-1.json.gz were printed by the last version that wrote them, at commit f6c09e96:
mmbench size --heavy 1GiB --rarity 1/50 --holds memory --n 40000 --strategy v5.17 v6.18 --tail 2s --hosts 10
--format json, and with --slo "p99<1ms" in place of --tail and --hosts.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmbench.errors import InputError
from mmbench.records.files import read_json
from mmbench.records.study_record import read_studies
from mmbench.words import CAUSE, SHARE

OLD = Path(__file__).parent / "old"
STUDY, PROMISE = OLD / "size-1.json.gz", OLD / "slo-1.json.gz"


def test_a_study_of_version_1_is_read_in_the_words_of_today():
    was, now = read_json(STUDY), read_studies(STUDY).studies
    assert [record["format"] for record in was] == ["mmbench-size 1"] * 2
    for old, new in zip(was, now, strict=True):
        assert new["format"] == "mmbench-size 2"
        assert new["latency"]["skip"]["percentiles"]["p99.9"] == old["latency"]["skip"]["p99.9"]
        for name, shares in new["causes"].items():
            assert set(shares["mean_ps"]) == set(SHARE)
            by_prose = {k: v for k, v in old["causes"][name].items() if k not in ("from_ps", "kills")}
            assert sorted(shares["mean_ps"].values()) == sorted(by_prose.values())
            assert shares["mean_ps"]["page_lock"] == by_prose["page lock, through mmap_lock"]
            assert shares["mean_ps"]["timer"] == by_prose["reaper's timer"]
        same = set(old) - {"format", "latency", "causes"}
        assert {name: new[name] for name in same} == {name: old[name] for name in same}
    holds = [(kill["hold"], kill["hold_ps"]) for record in now for one in record["latency"].values()
             if (kill := one["max"])]  # fmt: skip
    assert set(holds) == {("none", None), ("memory", None)}


def test_a_promise_of_version_1_too():
    kept = read_studies(PROMISE)
    assert not kept.studies and [record["format"] for record in kept.promises] == ["mmbench-slo 2"] * 2
    assert all(set(record["in_the_way"]["causes"]["mean_ps"]) == set(SHARE) for record in kept.promises)


def test_what_is_read_is_written_and_read_again(tmp_path):
    now = read_studies(STUDY)
    (tmp_path / "kept.json").write_text(json.dumps(now.studies))
    assert read_studies(tmp_path / "kept.json") == now


def test_a_wait_has_one_name_in_runs_and_studies():
    assert {key for key in SHARE if key in CAUSE} == {"page_lock", "mmap_lock_retry"}
    assert all(SHARE[key].name == CAUSE[key].name for key in SHARE if key in CAUSE)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda r: r.update(format="mmbench-size 3"), "[1].format"),
        (lambda r: r["causes"]["p50"].pop("mmap_lock"), "causes.p50.mmap_lock"),
        (lambda r: r["causes"]["p50"].update(kills=10**9), "at most 'kills'"),
        (lambda r: r["latency"]["all"].pop("p50"), "latency.all.p50"),
        (lambda r: r["latency"]["all"]["max"].update(hold=["long"]), "latency.all.max.hold"),
        (lambda r: r["latency"]["all"]["p50"].update(value="long"), "latency.all.p50.value"),
        (lambda r: r["tail"]["p"].pop(), "lists of one length"),
        (lambda r: r["ranking"]["mean"]["rank"].pop("v5.17"), "ranking.mean.rank"),
        (lambda r: r.pop("made_from"), "made_from"),
    ],
)
def test_a_damaged_study_is_refused_by_field(tmp_path, damage, said):
    records = read_json(STUDY)
    damage(records[1])
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps(records))
    with pytest.raises(InputError) as error:
        read_studies(path)
    assert "damaged.json" in str(error.value) and said in str(error.value)


@pytest.mark.parametrize("value", [{}, [], [1], [{"format": "mmbench-run 1"}], None])
def test_what_is_no_list_of_studies_is_refused(tmp_path, value):
    (tmp_path / "other.json").write_text(json.dumps(value))
    with pytest.raises(InputError, match=r"other\.json"):
        read_studies(tmp_path / "other.json")

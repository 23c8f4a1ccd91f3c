"""What the model computes is one history, whatever kernel or machine ran it; timings stay where they were measured."""

from __future__ import annotations

import json
import math

from mmbench.site.asv_results import by_origin

TRACK, TIME = "blocking.Blocking.track_blocking_seconds", "speed.Engine.time_race"


def results_of(tmp_path, *measured):
    """A results folder: (commit, machine, os, date, value) each."""
    folder = tmp_path / "asv"
    folder.mkdir()
    (folder / "benchmarks.json").write_text("{}")
    for commit, machine, system, date, value in measured:
        (folder / machine).mkdir(exist_ok=True)
        params = {"machine": machine, "os": system, "ram": "1"}
        (folder / machine / "machine.json").write_text(json.dumps(params | {"version": 1}))
        found = {"commit_hash": commit, "date": date, "env_name": "e", "params": params}
        results = {TRACK: [[value, float("nan")]], TIME: [[1.0]]}
        (folder / machine / f"{commit[:8]}-{system}.json").write_text(json.dumps(found | {"results": results}))
    return folder


def test_a_kernel_update_splits_no_tracked_series(tmp_path):
    folder = results_of(tmp_path, ("a" * 40, "vm", "6.18.1", 1, 5.0), ("b" * 40, "vm", "6.18.2", 2, 6.0))
    parted = by_origin(folder, tmp_path / "parted")
    model = [json.loads(path.read_text()) for path in sorted((parted / "model").glob("*-model.json"))]
    assert [found["results"][TRACK][0][0] for found in model] == [5.0, 6.0]
    assert math.isnan(model[0]["results"][TRACK][0][1])
    assert model[0]["params"] == model[1]["params"] and not any(TIME in found["results"] for found in model)


def test_timings_keep_their_machine_and_kernel(tmp_path):
    folder = results_of(tmp_path, ("a" * 40, "vm", "6.18.1", 1, 5.0), ("a" * 40, "other", "7.3", 2, 5.0))
    parted = by_origin(folder, tmp_path / "parted")
    timed = {path.parent.name: json.loads(path.read_text()) for path in parted.glob("*/aaaaaaaa-[67]*.json")}
    assert {name: found["params"]["os"] for name, found in timed.items()} == {"vm": "6.18.1", "other": "7.3"}
    assert all(list(found["results"]) == [TIME] for found in timed.values())


def test_two_machines_with_the_same_commit_give_one_value_the_newest(tmp_path):
    folder = results_of(tmp_path, ("a" * 40, "vm", "6.18.1", 9, 5.0), ("a" * 40, "other", "7.3", 2, 4.0))
    [path] = (by_origin(folder, tmp_path / "parted") / "model").glob("*-model.json")
    assert json.loads(path.read_text())["results"][TRACK][0][0] == 5.0

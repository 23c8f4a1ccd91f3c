import copy
import json

import pytest

from mmbench.errors import InputError
from mmbench.records.run_record import RUN_RECORD, validate_record


def broken(record, path, value):
    """Return a copy of the record with the value at a dotted path replaced."""
    record = copy.deepcopy(record)
    *way, last = path.split(".")
    place = record
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[int(last) if isinstance(place, list) else last] = value
    return record


def test_a_complete_record_passes_and_survives_json(record):
    validate_record(record)
    validate_record(json.loads(json.dumps(record)))


@pytest.mark.parametrize("name", RUN_RECORD.required)
def test_each_missing_field_is_named(record, name):
    del record[name]
    with pytest.raises(InputError, match=f"field '{name}' is missing"):
        validate_record(record)


@pytest.mark.parametrize("name", RUN_RECORD.required)
@pytest.mark.parametrize("value", [True, b"bytes"])
def test_each_field_of_a_wrong_type_is_named(record, name, value):
    record[name] = value
    with pytest.raises(InputError, match=f"field '{name}' is"):
        validate_record(record)


NULLABLE = {"throughput_pages_per_s"}


@pytest.mark.parametrize("name", RUN_RECORD.required)
def test_null_is_refused_where_it_has_no_meaning(record, name):
    record[name] = None
    if name in NULLABLE:
        validate_record(record)
    else:
        with pytest.raises(InputError, match=f"field '{name}' is null"):
            validate_record(record)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", "mmbench-run 2"),
        ("kind", "measured"),
        ("strategy", ""),
        ("seed", 1.0),
        ("resident_pages", 1024.0),
        ("outcome", "done"),
        ("freed_pages.exit", -1),
        ("freed_pages.exit", True),
        ("left_pages.mapped_elsewhere", "24"),
        ("blocked_ps.exit.ptl", 1.5),
        ("blocked_ps.exit", []),
        ("time_ps.oom_skip", -1),
        ("throughput_pages_per_s", float("nan")),
        ("throughput_pages_per_s", float("inf")),
        ("throughput_by_task.exit", -1.0),
        ("patience_kills.oomd", None),
        ("curve.time_ps", {}),
        ("curve.freed_pages", None),
        ("params.self_reaping", float("nan")),
        ("params.self_reaping", {1, 2}),
        ("violations", ["I5", ""]),
    ],
)
def test_a_value_out_of_its_rule_is_named_by_its_path(record, path, value):
    with pytest.raises(InputError) as error:
        validate_record(broken(record, path, value))
    assert f"'{path}" in str(error.value)
    assert "allowed" in str(error.value)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("blocked_ps.exit.pagelock", 1, "Did you mean 'page_lock'"),
        ("time_ps.frist", 1, "Did you mean 'first'"),
        ("patience_kills.oomd2", 1, "Did you mean 'oomd'"),
        ("strateggy", "x", "Did you mean 'strategy'"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_one(record, path, value, said):
    with pytest.raises(InputError, match=said):
        validate_record(broken(record, path, value))


def test_missing_parts_of_an_object_are_named_with_their_path(record):
    del record["time_ps"]["p90"]
    with pytest.raises(InputError, match=r"field 'time_ps\.p90' is missing"):
        validate_record(record)


@pytest.mark.parametrize("task", ["exit", "reaper", "mrelease", "allocator"])
@pytest.mark.parametrize("more", [1, 24, 1024])
def test_pages_freed_twice_or_out_of_nothing_are_noticed(record, task, more):
    record["freed_pages"][task] = record["freed_pages"].get(task, 0) + more
    with pytest.raises(InputError, match="every page is freed once"):
        validate_record(record)


@pytest.mark.parametrize("part", ["freed_pages", "left_pages"])
def test_pages_that_are_neither_freed_nor_left_are_noticed(record, part):
    name = next(iter(record[part]))
    record[part][name] -= 1
    with pytest.raises(InputError, match=r"together 1,023; allowed: exactly 'resident_pages', 1,024"):
        validate_record(record)


def test_left_pages_count_for_conservation(record):
    record["left_pages"]["contended"] = 1
    with pytest.raises(InputError, match="together 1,025"):
        validate_record(record)
    record["freed_pages"]["exit"] -= 1
    record["curve"]["freed_pages"][-1] -= 1
    record["throughput_pages_per_s"] = 999 * 10**12 // 40
    validate_record(record)


def test_no_more_is_locked_than_resident(record):
    with pytest.raises(InputError, match="field 'locked_pages' is 1025"):
        validate_record(record | {"locked_pages": 1025})


@pytest.mark.parametrize("late", ["half", "p90", "all"])
def test_progress_times_come_in_order(record, late):
    with pytest.raises(InputError, match=f"time_ps.{late}"):
        validate_record(broken(record, f"time_ps.{late}", 9))


def test_what_never_happened_stays_never(record):
    with pytest.raises(InputError, match=r"time_ps\.all"):
        validate_record(broken(record, "time_ps.p90", None))
    validate_record(broken(broken(record, "time_ps.all", None), "time_ps.p90", None))


@pytest.mark.parametrize(
    ("curve", "said"),
    [
        ({"time_ps": [0, 10, 9], "freed_pages": [0, 1, 1000]}, r"curve\.time_ps\[2\]"),
        ({"time_ps": [0, 10, 40], "freed_pages": [0, 5, 4]}, r"curve\.freed_pages\[2\]"),
        ({"time_ps": [0, 10], "freed_pages": [0, 1, 2]}, "2 times and 3 page counts"),
        ({"time_ps": [0, 10], "freed_pages": [0, 1001]}, "at most the pages freed, 1000"),
    ],
)
def test_the_curve_never_falls_and_never_exceeds_what_was_freed(record, curve, said):
    with pytest.raises(InputError, match=said):
        validate_record(record | {"curve": curve})


def test_the_engines_details_are_optional_and_checked(record):
    more = {
        "status": "shipped 6.1", "mrelease_left_pages": {}, "busy_ps": {"exit": 60}, "end_ps": {"exit": None},
        "reap_passes": {"reaper": 1}, "freed_at": {"time_ps": [5, 50], "freed_pages": [0, 1000]},
        "work": {"exit": {"zap": 3}}, "timeline_dropped": 0,
        "timeline": [{"at_ps": 0, "task": "exit", "kind": "step", "step": "unmap", "op": "unmap_vmas", "n": 1,
                      "last_ps": 0, "total_ps": 9}],
    }  # fmt: skip
    validate_record(record | more)
    for path, value in {
        "timeline.0": [0, "exit", "step"],
        "timeline.0.at_ps": None,
        "timeline.0.kind": "sleep",
        "timeline_dropped": -1,
        "freed_at.freed_pages.1": 1001,
        "freed_at.time_ps.1": 4,
        "end_ps.exit": -1,
        "work.exit": 3,
    }.items():
        with pytest.raises(InputError, match=path.split(".")[0]):
            validate_record(broken(record | more, path, value))


def test_unsafe_names_its_violations(record):
    with pytest.raises(InputError, match="field 'violations'"):
        validate_record(record | {"outcome": "unsafe"})
    validate_record(record | {"outcome": "unsafe", "violations": ["I5"]})


@pytest.mark.parametrize("value", [None, [], "text", 3])
def test_something_else_is_no_record(value):
    with pytest.raises(InputError, match="JSON object"):
        validate_record(value)


def test_an_entry_of_a_walk_says_which_vma_it_came_to(record):
    record["timeline"] = [{"at_ps": 0, "task": "exit", "kind": "vma", "step": "unmap", "op": "unmap_vmas"}]
    with pytest.raises(InputError, match=r"'timeline\[0\]' has no 'vma'"):
        validate_record(record)

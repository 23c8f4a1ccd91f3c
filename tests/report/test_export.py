import csv
import io
import json

import pytest

from mmbench.errors import InputError
from mmbench.report.text.export import to_csv, to_json


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_per_record_and_exact_values(storm_records):
    parsed = rows(to_csv([r | {"timeline": [[1, "exit", "step", "x"]]} for r in storm_records]))
    assert [row["strategy"] for row in parsed] == [r["strategy"] for r in storm_records]
    for row, record in zip(parsed, storm_records, strict=True):
        assert int(row["resident_pages"]) == record["resident_pages"]
        for name, value in record["time_ps"].items():
            assert row[f"time_ps.{name}"] == ("" if value is None else str(value))
        for task, causes in record["blocked_ps"].items():
            for cause, value in causes.items():
                assert int(row[f"blocked_ps.{task}.{cause}"]) == value
        assert row["violations"] == ";".join(record["violations"])
    assert not any(name.startswith(("curve", "timeline")) for name in parsed[0])


def test_csv_columns_are_those_of_all_records_in_a_fixed_order():
    text = to_csv([{"strategy": "a", "extra": 1, "seed": 7}, {"seed": 8, "strategy": "b", "params": {"k": "x,y"}}])
    assert text == 'strategy,params.k,seed,extra\na,,7,1\nb,"x,y",8,\n'


def test_json_returns_the_records(quiet_records):
    assert json.loads(to_json(quiet_records)) == quiet_records


def test_json_refuses_what_it_cannot_say():
    with pytest.raises(InputError, match="JSON"):
        to_json([{"strategy": "a", "throughput_pages_per_s": float("nan")}])

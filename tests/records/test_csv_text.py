"""One way to write rows as CSV."""

import csv
import io

from mmbench.records.csv_text import csv_text, flat_row


def test_objects_are_columns_lists_are_joined_and_null_is_empty():
    row = {"a": {"b": 1, "c": {"d": None}}, "e": ["x", 2], "f": "g,h"}
    assert flat_row(row) == {"a.b": 1, "a.c.d": None, "e": "x;2", "f": "g,h"}
    text = csv_text([row, {"new": True}])
    assert text.splitlines() == ["a.b,a.c.d,e,f,new", '1,,x;2,"g,h",', ",,,,True"]
    assert next(csv.DictReader(io.StringIO(text)))["f"] == "g,h"


def test_columns_stand_as_they_were_met_unless_ordered():
    rows = [{"b": 1, "a": 2}, {"c": 3}]
    assert csv_text(rows).splitlines()[0] == "b,a,c"
    assert csv_text(rows, {"c": 0, "a": 1, "b": 1}.__getitem__).splitlines()[0] == "c,b,a"

"""The first screen of a comparison: twenty lines, eighty columns, the answer first and no token in sight."""

import pytest

from mmbench.report.text.ranked import Wanted, compare_view
from mmbench.report.text.tables import as_text

FIRST_SCREEN = """\
model | scenario quiet | victim synthetic 64GiB | costs default | seed 1
soonest, all freed: trylock (3.00 s)
blocked least: v5.18, v6.18 (15.0 ms)
not ranked: drop-oom-skip (killed another process); v4.14 (unsafe I5)
                    all  against  MMF_OOM     exit   helper  freed by
strategy          freed    v6.18    _SKIP  blocked  blocked    helper
trylock          3.00 s    0.91x   3.01 s  43.0 ms   290 ms      50 %  best
v5.18            3.30 s    1.00x   3.30 s  15.0 ms      0 s       0 %
v6.1             3.30 s    1.00x   3.30 s  19.0 ms      0 s       0 %
v6.18            3.30 s    1.00x   3.30 s  15.0 ms      0 s       0 %
write-downgrade  3.90 s    1.18x   3.95 s   163 ms   2.60 s      50 %
unlocking-flag   4.90 s    1.48x  310 ms!  43.0 ms  1.00 ms       0 %
v4.17            5.30 s    1.61x  301 ms!  43.0 ms      0 s       0 %  worst
v5.17            5.30 s    1.61x  301 ms!  43.0 ms   1.00 s       0 %  worst
drop-oom-skip    4.90 s    1.48x  1.00 s!  43.0 ms   1.00 s       0 %  killed
v4.14            5.00 s    1.52x  305 ms!  43.0 ms  2.00 ms      10 %  unsafe
check: 10 safe
!: gave up or too early; helper: reaper or mrelease; more: --detail, --tokens
"""


def test_the_first_screen_answers(quiet_records):
    assert as_text(compare_view(quiet_records, 80), 80) == FIRST_SCREEN
    assert len(FIRST_SCREEN.splitlines()) <= 20


@pytest.mark.parametrize("width", [60, 80, 100, 250])
def test_no_line_is_wider_than_asked_and_no_number_is_cut(storm_records, width):
    renamed = [r | {"strategy": r["strategy"] + ":a_parameter=of_some_length"} for r in storm_records]
    text = as_text(compare_view(renamed, width), width)
    assert max(map(len, text.splitlines())) <= width
    assert "\u2026" not in text


def test_the_order_of_history_and_another_baseline_on_request(quiet_records):
    rows = as_text(compare_view(quiet_records, 80, Wanted(baseline="v5.17", history_order=True)), 80).splitlines()[6:16]
    assert [row.split()[0] for row in rows] == [r["strategy"] for r in quiet_records]
    assert next(row for row in rows if row.startswith("trylock")).split()[3] == "0.57x"


def test_tokens_and_all_columns_on_request_only(quiet_records):
    plain = as_text(compare_view(quiet_records, 80), 80)
    everything = as_text(compare_view(quiet_records, 80, Wanted(detail=True, tokens=True)), 80)
    assert "trylock-1" not in plain and "trylock-1" in everything
    assert everything.startswith("\n".join(plain.splitlines()[:-1])) and "LRU lock" in everything


def test_a_baseline_that_took_no_part_gives_no_ratios(quiet_records):
    assert "against" not in as_text(compare_view(quiet_records, 80, Wanted(baseline="v1.0")), 80)


def test_a_design_that_is_safe_in_the_world_of_a_run_and_not_in_another_is_named(quiet_records):
    said = {"default": "safe", "shared": "fails I7"}
    runs = [r | {"checker": said} if r["strategy"] in ("v5.18", "trylock") else r for r in quiet_records]
    lines = as_text(compare_view(runs, 80), 80).splitlines()
    assert next(line for line in lines if "scope" in line).startswith("check, scope shared: ")
    assert next(line for line in lines if "scope" in line).endswith(" fail (I7)")


def test_what_the_checker_says_stands_below_the_table_and_whom_it_was_not_asked_about(quiet_records):
    said = {"v4.14": {"default": "fails I5"}, "trylock": {"default": "stalls S1", "shared": "fails I7"}, "v6.18": {}}
    runs = [r | {"checker": said.get(r["strategy"], r["checker"])} for r in quiet_records]
    runs[-1] |= {"file": "./mine.py"}
    lines = as_text(compare_view(runs, 80), 80).splitlines()
    assert "check: v4.14 fails (I5); trylock stalls (S1); 7 safe" in lines
    assert "not checked: v6.18; mmbench check ./mine.py" in lines

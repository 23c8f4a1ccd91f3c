from hypothesis import given
from hypothesis import strategies as st

from mmbench.report.pictures.curves import Curve, TimeAxis, coinciding, curve, layers, time_axis

S = 10**12


def record(times, pages, **time_ps):
    return {"strategy": "x", "curve": {"time_ps": times, "freed_pages": pages}, "time_ps": time_ps}


def ramp(start, end, pages=1000, finished=True):
    return Curve([start, end], [0, pages], finished)


def test_a_line_begins_where_freeing_begins_not_at_the_kill():
    c = curve(record([0, S, 2 * S], [0, 0, 100], first=S + 5, all=2 * S))
    assert (c.times_ps, c.pages, c.finished) == ([S + 5, 2 * S], [0, 100], True)
    assert c.at(S) == 0


def test_without_a_first_time_the_last_zero_is_the_start():
    assert curve(record([0, 3, 9], [0, 0, 5])).times_ps == [3, 9]


def test_a_run_that_freed_nothing_is_level_and_a_run_without_a_curve_is_no_line():
    assert curve(record([0, S], [0, 0])) == Curve([0], [0], False)
    assert curve({"strategy": "x"}) is None


def test_a_run_that_ended_with_pages_left_is_finished_and_a_hung_one_is_not():
    some = record([0, 3, 9], [0, 0, 5], all=None)
    assert curve(some | {"outcome": "completed"}).finished
    assert not curve(some | {"outcome": "hung"}).finished


def test_an_idle_tail_is_not_drawn():
    assert curve(record([0, 5, 900], [0, 10, 10], first=1, all=5)).times_ps == [1, 5]


def test_the_axis_is_logarithmic_only_when_the_spans_demand_it():
    assert not time_axis([ramp(1, 3 * S), ramp(1, 5 * S)]).is_log
    assert time_axis([ramp(10**9, S // 10), ramp(S, 2 * S)]).is_log
    assert not time_axis([]).is_log


@given(st.floats(0, 1), st.booleans())
def test_place_and_time_are_inverse(place, is_log):
    axis = TimeAxis(10**9, 10**13, is_log)
    assert abs(axis.place(axis.time(place)) - place) < 1e-9


def test_twins_coincide_and_near_misses_do_not():
    curves = [ramp(0, 4 * S), ramp(0, 4 * S + 10**9), ramp(0, 3 * S), ramp(0, 4 * S, finished=False)]
    axis = time_axis(curves)
    assert coinciding(curves, axis, 1000) == [[0, 1], [2], [3]]


def test_lines_that_share_a_stretch_lie_in_different_layers():
    stem = [0, S, 5 * S]
    curves = [Curve(stem, [0, 500, 1000], True), Curve([0, S], [0, 500], False), ramp(3 * S, 5 * S)]
    axis = time_axis(curves)
    found = layers(curves, axis, 1000)
    assert found[2] == 0 and found[0] != found[1]


@given(st.lists(st.tuples(st.integers(0, S), st.integers(0, 50)), min_size=1, max_size=20))
def test_a_line_never_falls_and_ends_at_what_was_freed(steps):
    times = sorted({t for t, _ in steps})
    pages = sorted(n for _, n in steps)[: len(times)]
    c = curve(record(times, pages))
    heights = [c.at(t) for t in range(0, S + 1, S // 50)]
    assert heights == sorted(heights)
    assert heights[-1] == pages[-1]

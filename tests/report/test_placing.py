from hypothesis import given
from hypothesis import strategies as st

from mmbench.report.pictures.placing import Box, Label, place_labels

PANEL = Box(0, 0, 600, 500)
coordinate = st.tuples(st.floats(0, 600), st.floats(0, 500))


@given(st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=6))
def test_names_stay_inside_cover_no_line_and_no_other_name(segments):
    labels = [Label(80, 14, list(segment)) for segment in segments]
    boxes = place_labels(labels, PANEL)
    found = [box for box in boxes if box is not None]
    for i, box in enumerate(found):
        assert box.left >= 0 and box.bottom >= 0 and box.right <= 600 and box.top <= 500
        assert not any(box.meets(other) for other in found[:i])
    for box in found:
        for (x0, y0), (x1, y1) in segments:
            middle = ((x0 + x1) / 2, (y0 + y1) / 2)
            assert all(box.distance(p) > 0 for p in ((x0, y0), (x1, y1)))
            assert box.distance(middle) >= 2


def test_a_name_is_nearest_to_its_own_line():
    lines = [[(100.0, 0.0), (100.0, 500.0)], [(130.0, 0.0), (130.0, 500.0)]]
    left, right = place_labels([Label(60, 14, line) for line in lines], PANEL)
    assert left.right < 100 and right.left > 130


def test_a_name_without_room_is_left_out():
    lines = [[(x, 0.0), (x, 500.0)] for x in (290.0, 300.0, 310.0)]
    assert place_labels([Label(60, 14, line) for line in lines], PANEL)[1] is None

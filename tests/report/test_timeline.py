"""The timeline picture: lanes, marks, close-ups, the same bytes twice."""

from __future__ import annotations

import pytest

from mmbench.errors import InputError
from mmbench.report.pictures.timeline import draw, timeline, windows
from mmbench.report.story.spans import story

from .runs import ran


def texts(record):
    figure = draw(record, story(record))
    return [text.get_text() for axes in figure.axes for text in axes.texts] + [t.get_text() for t in figure.texts]


def test_the_same_record_gives_the_same_bytes_with_its_token(tmp_path):
    record = ran("drop-oom-skip", "stuck-holder")
    for name in ("a.png", "b.png"):
        timeline(record, tmp_path / name)
    data = (tmp_path / "a.png").read_bytes()
    assert data == (tmp_path / "b.png").read_bytes() and len(data) > 10_000
    assert b"mmbench run --replay mm1-drop-oom-skip-stuck-holder" in data


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_other_formats(tmp_path, suffix):
    timeline(ran("v6.1", "mrelease"), tmp_path / f"a{suffix}")
    assert (tmp_path / f"a{suffix}").stat().st_size > 5000


def test_it_names_tasks_locks_model_and_the_flag():
    found = texts(ran("drop-oom-skip", "stuck-holder"))
    assert {"exit", "reaper", "holder", "allocator", "freed", "page lock", "mmap_lock write"} <= set(found)
    assert any(t.startswith("drop-oom-skip | model | scenario stuck-holder") for t in found)
    assert any(t.startswith("MMF_OOM_SKIP, 1.05 s") for t in found) and "kills another process" in found


def test_tasks_without_anything_to_show_have_no_lane():
    assert "crowd1" not in texts(ran("v5.18", "contended"))


def test_bars_lie_inside_the_run():
    record = ran("v5.17", "contended")
    s = story(record)
    axes = draw(record, s).axes[-1]
    left, right = axes.get_xlim()
    bars = [(p.get_x(), p.get_x() + p.get_width()) for p in axes.patches]
    assert bars and all(left <= a <= b <= right for a, b in bars)


def test_a_beginning_that_would_be_too_small_to_see_gets_a_close_up():
    record = ran("drop-oom-skip", "stuck-holder", holder_needs_pages=0, holder_hold_ps=30 * 10**12)
    shown = windows(story(record))
    names = [name for name, _, _ in shown]
    assert names[:2] == ["the first 1.26 s", "the whole run"]
    assert all(since < until for _, since, until in shown)
    assert [name for name, _, _ in windows(story(ran("v4.14", "mrelease")))] == ["the whole run"]


def test_a_record_without_a_log_and_a_wrong_suffix_are_refused(tmp_path):
    with pytest.raises(InputError, match="do the run again"):
        timeline({"strategy": "x"}, tmp_path / "a.png")
    with pytest.raises(InputError, match=r"allowed: \.png"):
        timeline(ran("v6.18", "quiet"), tmp_path / "a.gif")

import os
import sys

import pytest

from mmbench.errors import InputError
from mmbench.report.outcome import ranking
from mmbench.report.pictures.names import STYLES, line_styles, result_in_words
from mmbench.report.pictures.plots import compare_figure, draw
from mmbench.words import CAUSE_KEYS, CAUSES


def pixels(path):
    import matplotlib.image

    return matplotlib.image.imread(str(path))


def test_the_figure_is_not_blank_in_any_of_its_panels(storm_records, tmp_path):
    path = tmp_path / "storm.png"
    compare_figure(storm_records, path)
    image = pixels(path)
    width = image.shape[1]
    for part in (image[:, : width * 2 // 5], image[:, width * 2 // 5 : width * 3 // 5], image[:, width * 3 // 5 :]):
        assert part[..., :3].var() > 1e-3


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".PNG"])
def test_the_same_records_give_the_same_bytes(mrelease_records, tmp_path, suffix):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    compare_figure(mrelease_records, first)
    compare_figure(mrelease_records, second)
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size > 5_000


def test_the_users_matplotlib_settings_do_not_reach_the_figure_and_stay_as_they_were(mrelease_records, tmp_path):
    import matplotlib

    compare_figure(mrelease_records, tmp_path / "a.png")
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": "mine"}):
        compare_figure(mrelease_records, tmp_path / "b.png")
        assert matplotlib.rcParams["font.size"] == 30
        assert matplotlib.rcParams["svg.hashsalt"] == "mine"
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_drawing_needs_no_pyplot_and_importing_needs_no_matplotlib():
    import subprocess

    code = (
        "import sys, mmbench.report.pictures.plots as p, mmbench.report.text.tables, mmbench.report.text.detail\n"
        "assert not {'matplotlib', 'rich', 'numpy'} & set(sys.modules)\n"
        "p.draw([{'strategy': 'x'}])\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_line_per_run_with_a_curve_and_one_marker_each(quiet_records):
    curves = draw(quiet_records).axes[0]
    lines = [line for line in curves.lines if line.get_linestyle() != "None" and len(line.get_xdata()) > 1]
    markers = [line for line in curves.lines if line.get_marker() != "None"]
    assert len(lines) == len(markers) == len(quiet_records)
    looks = {(line.get_color(), line.get_marker()) for line in markers}
    assert len(looks) == len(quiet_records)
    assert len({(line.get_xdata()[0], line.get_ydata()[0]) for line in markers}) == len(quiet_records)


def test_every_one_of_coinciding_lines_is_seen_and_none_more_than_the_others(quiet_records, tmp_path):
    compare_figure([r for r in quiet_records if r["strategy"] in ("v5.18", "v6.1", "v6.18")], tmp_path / "x.png")
    image = pixels(tmp_path / "x.png")[:, : 1680 // 2, :3]
    shown = []
    for colour in (STYLES[name][0] for name in ("v5.18", "v6.1", "v6.18")):
        rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        shown.append(int((abs(image - rgb).max(axis=2) < 0.02).sum()))
    assert min(shown) > 300
    assert max(shown) < 2 * min(shown)


def test_bars_add_up_to_the_waiting_of_the_record(storm_records):
    bars = draw(storm_records).axes[2]
    drawn = sum(patch.get_width() for patch in bars.patches)
    waited = sum(sum(r["blocked_ps"][t].values()) for r in storm_records for t in ("exit", "reaper")) / 1e12
    assert drawn == pytest.approx(waited)
    texts = {text.get_text() for text in bars.texts}
    assert {"exit", "reaper", "60.0 s", "15.0 ms"} <= texts and "mrelease" not in texts


def test_causes_are_stacked_without_overlap(quiet_records):
    bars = draw(quiet_records).axes[2]
    rows = {}
    for patch in bars.patches:
        rows.setdefault(round(patch.get_y(), 6), []).append(patch)
    assert max(map(len, rows.values())) >= 3
    for patches in rows.values():
        end = 0.0
        for patch in patches:
            assert patch.get_x() == pytest.approx(end)
            end += patch.get_width()


def test_mrelease_has_bars_when_it_waited(mrelease_records):
    assert "mrelease" in {text.get_text() for text in draw(mrelease_records).axes[2].texts}


def test_the_title_says_model_scenario_victim_and_cost_table(quiet_records):
    assert draw(quiet_records).texts[0].get_text() == (
        "model | scenario quiet | victim synthetic 64GiB | costs default | seed 1"
    )


def test_rows_go_from_the_soonest_sound_run_to_the_unsafe_one(storm_records):
    names = [place.name for place in ranking(storm_records)]
    assert names[0] == "trylock"
    assert names[-4:] == ["write-downgrade", "drop-oom-skip", "unlocking-flag", "v4.14"]


def test_results_in_words(storm_records):
    words = {r["strategy"]: result_in_words(r) for r in storm_records}
    assert words["unlocking-flag"] == "HUNG, KILLED, LEFT, 90 % left"
    assert words["v4.14"] == "UNSAFE, all in 14.0 s"
    assert words["drop-oom-skip"] == "KILLED, GAVE UP, all in 6.00 s"
    assert result_in_words({"strategy": "x"}) == "no time to all"


def test_causes_are_told_apart_in_grey_too():
    looks = {(fill.colour, fill.hatch) for fill in CAUSES if fill.counts}
    assert len(looks) == len(CAUSE_KEYS)


@pytest.mark.parametrize(
    "records",
    [
        [{"strategy": "a"}, {"strategy": "a"}],
        [{"strategy": "a", "curve": None, "time_ps": None, "blocked_ps": None, "outcome": None}],
        [{"strategy": "a", "curve": {"time_ps": [0], "freed_pages": [9]}, "time_ps": {"first": 0, "all": 0}}],
        [{"strategy": "$x_{$", "blocked_ps": {"exit": {"new_cause": 5, "ptl": None}}}],
    ],
)
def test_missing_and_odd_pieces_are_drawn_around(records, tmp_path):
    compare_figure(records, tmp_path / "x.png")
    assert pixels(tmp_path / "x.png").var() > 0


@pytest.mark.parametrize("name", ["x.jpg", "x", "x.png.gz", ""])
def test_other_suffixes_are_refused_before_anything_is_drawn(quiet_records, tmp_path, name):
    with pytest.raises(InputError, match=r"allowed: \.png, \.svg, \.pdf"):
        compare_figure(quiet_records, str(tmp_path / name) if name else "")
    assert os.listdir(tmp_path) == []


def test_paths_that_cannot_be_written_are_input_errors(mrelease_records, tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "none" / "x.png", tmp_path / "folder.png", tmp_path / "file" / "x.png"):
        with pytest.raises(InputError, match="cannot write"):
            compare_figure(mrelease_records, path)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.png"]


def test_a_failed_rename_leaves_the_old_figure_and_nothing_else(mrelease_records, tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    path.write_bytes(b"old")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(InputError, match="permission denied"):
        compare_figure(mrelease_records, path)
    assert os.listdir(tmp_path) == ["x.png"] and path.read_bytes() == b"old"


def test_a_design_looks_the_same_in_every_picture_and_no_two_runs_look_alike():
    some = line_styles(["v6.18", "trylock", "./mine.py"])
    more = line_styles(["v4.14", "trylock:bail_out=vma", "trylock", "v6.18", "v6.18"])
    assert some[:2] == [STYLES["v6.18"], STYLES["trylock"]]
    assert (more[0], more[3]) == (STYLES["v4.14"], STYLES["v6.18"])
    assert len(set(some)) == len(some) and len(set(more)) == len(more)
    assert len(set(line_styles([f"mine{k}" for k in range(60)]))) == 60

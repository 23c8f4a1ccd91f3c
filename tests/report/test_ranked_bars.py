"""Ranked bars and the Pareto picture: order, baseline and front are those of the answer; no flawed design is on top."""

from __future__ import annotations

from mmbench.report.outcome import ranking
from mmbench.report.pictures.pareto import draw as draw_pareto
from mmbench.report.pictures.pareto import spots, unbeaten
from mmbench.report.pictures.ranked_bars import BASE, BEST, FLAWED, draw


def lengths(axes):
    return [bar.get_width() for bar in axes.patches]


def colours(axes):
    return [bar.get_facecolor()[:3] for bar in axes.patches]


def rgb(colour):
    return tuple(int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))


def test_bars_stand_in_the_order_of_the_answer_as_multiples_of_the_baseline(storm_records):
    places = ranking(storm_records)
    [axes] = draw(storm_records, "v6.18").axes
    assert [t.get_text() for t in axes.get_yticklabels()] == [place.name for place in places]
    base = next(place.all_ps for place in places if place.name == "v6.18")
    sound = [place for place in places if not place.flaws]
    assert lengths(axes)[: len(sound)] == [place.all_ps / base for place in sound]
    found = dict(zip([place.name for place in places], colours(axes), strict=True))
    assert found["v6.18"] == rgb(BASE) and found[sound[0].name] == rgb(BEST)
    assert all(found[place.name] == rgb(FLAWED) for place in places if place.flaws)


def test_a_panel_for_each_size_with_one_order(quiet_records):
    small = [
        r | {"victim": "small"} | {name: r[name] // 1024 for name in ("resident_pages", "locked_pages")}
        for r in quiet_records
    ]
    figure = draw([*small, *quiet_records], "v6.18")
    assert [len(axes.patches) for axes in figure.axes] == [len(quiet_records)] * 2
    assert figure.axes[1].get_title("left").startswith("64.0 GiB, 1 = v6.18")


def test_the_front_has_nobody_who_is_beaten_in_both_and_nobody_flawed(storm_records):
    found, never = spots(storm_records)
    front = unbeaten(found)
    assert front and not any(spot.place.flaws for spot in front)
    for spot in front:
        better = [s for s in found if s.all_ps <= spot.all_ps and s.blocked_ps <= spot.blocked_ps and s != spot]
        assert all(s.place.flaws or (s.all_ps, s.blocked_ps) == (spot.all_ps, spot.blocked_ps) for s in better)
    assert len(found) + len(never) == len(storm_records)


def test_every_design_is_named_once(quiet_records):
    figure = draw_pareto(quiet_records)
    foot = figure.texts[-1].get_text().partition("no room for: ")[2]
    texts = [*(t.get_text() for t in figure.axes[0].texts), *filter(None, foot.split(", "))]
    assert sorted(text.split(" (")[0] for text in texts) == sorted(r["strategy"] for r in quiet_records)

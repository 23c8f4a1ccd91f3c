"""The heatmap and its table: a cell per run, stalled runs marked, the worst framed and with its token."""

from __future__ import annotations

from typing import Any

import pytest

from mmbench.errors import InputError
from mmbench.report.outcome import FLAWS
from mmbench.report.pictures.heatmap import draw, heatmap
from mmbench.report.text.grid import MEASURES, all_freed_ps, grid, worst
from mmbench.report.text.sweep import SIGNS, sweep_view
from mmbench.report.text.tables import as_text

MS = 10**9


def run(strategy: str, percent: int, blocked: int, done: int | None, outcome: str = "completed") -> dict[str, Any]:
    return {
        "kind": "model", "strategy": strategy, "params": {}, "scenario": "quiet", "costs": "default", "seed": 1,
        "victim": "synthetic-1GiB", "resident_pages": 1000, "locked_pages": 10 * percent, "outcome": outcome,
        "blocked_ps": {"exit": {"page_lock": blocked}}, "time_ps": {"all": done}, "violations": [],
        "token": f"mm1-{strategy}-{percent}",
    }  # fmt: skip


@pytest.fixture
def sweep() -> list[dict[str, Any]]:
    return [
        run("v6.1", 0, 0, 5 * MS), run("v5.17", 0, 2 * MS, 6 * MS), run("v6.1", 50, MS, 7 * MS),
        run("v5.17", 50, 900 * MS, 950 * MS, "gave-up"), run("v6.1", 100, 3 * MS, 8 * MS),
        run("v5.17", 100, 700 * MS, None, "hung"),
    ]  # fmt: skip


def test_the_grid_has_rows_by_design_and_columns_by_share(sweep):
    found = grid(sweep)
    assert (found.names, found.values, found.titles) == (
        ["v6.1", "v5.17"],
        [0.0, 50.0, 100.0],
        ["0 %", "50 %", "100 %"],
    )
    assert found.cells[1][2]["token"] == "mm1-v5.17-100"
    assert grid(sweep[:3]).cells[1] == [sweep[1], None]


def test_variants_of_one_design_are_rows_of_their_own(sweep):
    other = [
        r | {"strategy": "v6.1:lru_batch=15", "params": {"lru_batch": "15"}} for r in sweep if r["strategy"] == "v6.1"
    ]
    assert grid(sweep + other).names == ["v6.1", "v5.17", "v6.1:lru_batch=15"]


def test_every_way_to_go_wrong_has_a_sign_of_its_own(sweep):
    """A design that gave up and one that killed another process had the same mark."""
    assert len(set(SIGNS.values())) == len(SIGNS) == len(FLAWS)
    text = as_text(sweep_view(sweep), 80)
    assert "! gave up, ~ hung" in text and "950 ms!" in text


def test_never_is_worse_than_late(sweep):
    assert worst(sweep, all_freed_ps)["token"] == "mm1-v5.17-100"
    assert worst(sweep, MEASURES["time blocked, all tasks"])["token"] == "mm1-v5.17-50"


def test_every_cell_says_its_value_and_how_a_stalled_run_ended(sweep):
    blocking, freed = (
        [t.get_text() for t in axes.texts] for axes in draw(sweep, grid(sweep)).axes if axes.get_title("left")
    )
    assert {"0 s", "2.00 ms", "900 ms", "700 ms", "gave up", "hung"} <= set(blocking)
    assert {"5.00 ms", "never", "hung"} <= set(freed)


def test_the_worst_cell_is_framed(sweep):
    blocking = draw(sweep, grid(sweep)).axes[0]
    framed = [p for p in blocking.patches if not p.get_fill()]
    assert [(round(p.get_x() + 0.46), round(p.get_y() + 0.45)) for p in framed] == [(1, 1)]


def test_the_same_bytes_with_the_tokens_of_the_worst(sweep, tmp_path):
    for name in ("a.png", "b.png"):
        heatmap(sweep, tmp_path / name)
    data = (tmp_path / "a.png").read_bytes()
    assert data == (tmp_path / "b.png").read_bytes()
    assert b"--replay mm1-v5.17-50" in data and b"--replay mm1-v5.17-100" in data


def test_a_sweep_where_nothing_blocks_is_drawn(tmp_path):
    heatmap([run("v6.1", p, 0, 5 * MS) for p in (0, 100)], tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5000


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_table_fits_marks_stalls_and_carries_tokens(sweep, width):
    text = as_text(sweep_view(sweep, width, tokens=True), width)
    assert max(map(len, text.splitlines())) <= width
    assert "900 ms!" in text and "-~" in text and "! gave up" in text
    joined = text.replace("\n", "")
    assert "mm1-v5.17-50" in joined and "mm1-v5.17-100" in joined
    assert "mm1-" not in as_text(sweep_view(sweep, width), width)


def test_two_runs_of_one_cell_and_victims_that_differ_in_two_things_are_refused(sweep, tmp_path):
    with pytest.raises(InputError, match="a cell shows one"):
        grid([*sweep, sweep[0]])
    with pytest.raises(InputError, match="differ in size and in locked share"):
        heatmap([sweep[0], sweep[2] | {"resident_pages": 2000}], tmp_path / "a.png")
    assert grid([sweep[0], sweep[1] | {"resident_pages": 2000}]).what == "size"
    with pytest.raises(InputError, match="how many pages"):
        grid([{"strategy": "x"}])

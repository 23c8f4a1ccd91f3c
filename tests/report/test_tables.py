import io

import pytest
from rich.console import Console

from mmbench.report.text.detail import run_view
from mmbench.report.text.tables import as_text, detail_tables

GOLDEN_64 = """\

                     time to  time to  time to  extra
strategy  outcome      first     half      all  kills
─────────────────────────────────────────────────────
v5.17     completed  48.6 us   470 us   900 us      0
v6.1      completed  43.6 us   227 us   400 us      0

          freed by  freed by  freed by                 left
strategy      exit    reaper  mrelease  throughput   behind
───────────────────────────────────────────────────────────
v5.17         98 %       0 %       0 %  42.4 GiB/s  960 KiB
v6.1          39 %       0 %      59 %  95.4 GiB/s  960 KiB

          reaper       exit                     reaper
strategy  passed over  blocked                  blocked
───────────────────────────────────────────────────────
v5.17     0 %          300 us page lock         0 s
v6.1      0 %          30.0 us page-table lock  0 s

          mrelease
strategy  blocked
─────────────────────────────────
v5.17     900 us mmap_lock read
v6.1      40.0 us page-table lock
"""


def test_the_tables_of_a_tiny_set_are_these(mrelease_records):
    assert as_text(detail_tables(mrelease_records[:2], 64), 64) == GOLDEN_64


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, 250])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(storm_records, width):
    text = as_text(detail_tables(storm_records, width), width)
    assert max(map(len, text.splitlines())) <= width
    assert "\u2026" not in text
    for record in storm_records:
        assert any(line.startswith(record["strategy"]) for line in text.splitlines())


def test_a_wide_terminal_gets_one_table_and_a_narrow_one_loses_no_column(storm_records):
    def words(width):
        return set(as_text(detail_tables(storm_records, width), width).split())

    wide = as_text(detail_tables(storm_records, 250), 250)
    assert sum(line.startswith("strategy") for line in wide.splitlines()) == 1
    assert {w for w in words(250) if not w.startswith("─")} <= words(80)


def test_the_first_table_at_80_columns_holds_the_times(quiet_records):
    text = as_text(detail_tables(quiet_records, 80), 80)
    first = text.split("\n\n")[0]
    row = next(line for line in first.splitlines() if line.startswith("trylock"))
    assert row.split() == ["trylock", "completed", "31.0", "ms", "1.50", "s", "3.00", "s", "3.01", "s", "0"]


def test_missing_pieces_are_dashes_or_absent():
    text = as_text(detail_tables([{"strategy": "a", "outcome": "completed"}, {"strategy": "b"}], 80), 80)
    assert [line.split() for line in text.splitlines()[-2:]] == [["a", "completed"], ["b", "-"]]


def test_colour_appears_on_a_terminal_only(storm_records):
    def printed(terminal):
        stream = io.StringIO()
        colours = "standard" if terminal else None
        console = Console(file=stream, force_terminal=terminal, width=120, color_system=colours)
        console.print(detail_tables(storm_records, 120))
        return stream.getvalue()

    assert "\x1b[" in printed(True)
    assert "\x1b[" not in printed(False)


def test_text_in_a_record_is_never_markup():
    odd = {"strategy": "[bold]x[/] [/red]", "outcome": "[/]", "victim": "[/nope]", "violations": ["[/I5]"]}
    assert "[bold]x[/] [/red]" in as_text(detail_tables([odd], 80), 80)
    assert "[/], breaks [/I5]" in as_text(run_view(odd), 80)


def test_one_run_shows_who_waited_for_what_and_why_pages_stayed(storm_records):
    text = as_text(run_view(storm_records[2]), 100)
    lines = [line.split() for line in text.splitlines()]
    assert ["page", "lock", "1.00", "s", "-"] in lines
    assert ["mmap_lock", "retry", "-", "1.00", "s"] in lines
    assert ["all", "causes", "1.00", "s", "1.00", "s"] in lines
    assert ["MMF_OOM_SKIP", "set", "1.00", "s"] in lines
    assert "another process maps them too" in text
    assert "reaper left: gave up" in text and "16,777,216 (64.0 GiB)" in text
    assert "zone lock" not in text and "reaper left: VM_LOCKED" not in text


def test_one_run_shows_the_work_the_end_and_the_samples_where_they_are_known(storm_records):
    more = {
        "status": "never merged", "busy_ps": {"exit": 5 * 10**12, "reaper": 0},
        "end_ps": {"exit": 7 * 10**12, "reaper": None},
        "freed_at": {"time_ps": [10**9, 10**12], "freed_pages": [0, 8388608]},
        "mrelease_left_pages": {"contended_vma": 9},
    }  # fmt: skip
    text = as_text(run_view(storm_records[2] | more), 120)
    lines = [line.split() for line in text.splitlines()]
    assert ["at", "work", "5.00", "s", "0", "s"] in lines
    assert ["finished", "at", "7.00", "s", "-"] in lines
    assert ["1.00", "s", "8,388,608", "(32.0", "GiB)", "50", "%"] in lines
    assert text.startswith("drop-oom-skip (never merged) | model")
    assert "mrelease left: contended vma" in text


def test_a_token_is_shown_whole():
    token = "mm1-" + "".join(chr(ord("a") + i % 26) for i in range(200))
    assert token in as_text(run_view({"strategy": "a", "token": token}), 80).replace("\n", "")


def test_parameters_are_shown_with_units():
    params = {"exit_start_ps": 10**8, "reaper_start_ps": -1, "need_pages": 4096, "bail_out": "page"}
    text = as_text(run_view({"strategy": "a", "scenario_params": params}), 120)
    assert "exit_start=100us, reaper_start=never, need=16.0MiB, bail_out=page" in text


def test_one_run_needs_a_strategy_only():
    assert as_text(run_view({"strategy": "x"}), 80).startswith("x | model\n")

"""The checker's schedules that booted kernels took are told as the records have them; what broke shows as broken."""

from __future__ import annotations

import json
import re

import pytest

from mmbench.checker.verdict import Verdict
from mmbench.lab.design_record import experiments, read_record
from mmbench.scenarios import NAMED
from mmbench.site.designs import design_page
from mmbench.site.forced import Forcing, forced_lines, forced_part, read_forcing
from mmbench.site.matrix_page import matrix_page
from mmbench.site.real import real_designs, record_files, schedule_files
from mmbench.strategies import IDS, load
from tests.report.conftest import storm
from tests.site.conftest import ROOT

LAB = ROOT / "results" / "lab"
FILES = schedule_files(LAB)


@pytest.fixture(scope="module")
def forcing():
    return read_forcing(FILES)


def verdict_of(name):
    return Verdict(name, "default", "safe", True, "", 1, 1, 1, 0.0, {}, {})


def plain(html):
    """The words of a piece of HTML."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split()).replace(" ;", ";")


def planted(tmp_path, change, series="5.10", design="v4.14"):
    """What is read from a record in which one experiment of a design has been changed."""
    record = json.loads((LAB / "schedules" / f"{series}.json").read_text())
    (entry,) = (e for boot in record["boots"] for e in boot["experiments"] if e["design"] == design)
    change(entry, record)
    path = tmp_path / "planted.json"
    path.write_text(json.dumps(record))
    return read_forcing([path]).family(design)


def test_every_forced_schedule_is_on_its_designs_page(forcing):
    records = [read_record(path) for path in FILES]
    there = sorted((e["design"], r["series"], e["property"]) for r in records for e in experiments(r, "schedule"))
    told = [one for name in IDS for one in forcing.family(name).taken]
    assert sorted((one.design, one.series, f"{one.rule} in {one.scope}") for one in told) == there
    assert len(there) == 37
    for name in IDS:
        rows = re.findall(r'<tr><th scope="row"><code>(.*?)</code>', forced_part(forcing.family(name)))
        own = [one.design.removeprefix(name) or name for one in forcing.family(name).taken]
        assert [row.replace("<wbr>", "") for row in rows] == own == sorted(own, key=lambda spec: spec != name)


def test_no_file_is_both_a_record_of_designs_and_one_of_schedules():
    assert FILES and not set(FILES) & set(record_files(LAB))


def test_the_words_are_those_of_the_lab(forcing):
    """docs/lab.md counts the same: ten stalls, 3,686 pages in five of seventeen, nothing for I5 and K1."""
    old = [one for one in forcing.taken if one.series == "5.10"]
    (text,) = re.findall(
        r"\*\*Schedules of the checker, forced\.\*\*.*?\n\*\*", (ROOT / "docs/lab.md").read_text(), re.S
    )
    said = [(one.rule, one.said) for one in old]
    stalls = sum(said == ("S1", "stalls: exit sleeps, and the reaper gave up") for said in said)
    left = sum(said == ("I7", "3,686 pages that a child maps, too, stay mlocked") for said in said)
    assert f"| S1, the stall | {stalls} | in all ten exit sleeps in munlock" in text and stalls == 10
    assert f"| I7, pages stay mlocked | {sum(one.rule == 'I7' for one in old)} | 3,686 pages" in text and left == 5
    assert f"all {sum(one.n_turns for one in old)} turns are taken" in text
    assert {one.said for one in old if one.rule in ("I5", "K1")} == {"no oops, no bad page, every counter back"}
    assert all(one.taken == one.n_turns for one in forcing.taken)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("drop-oom-skip", "S1: 1 of 1 stalls on 5.10 not run on 6.1, 6.12, 7.2, 7.3"),
        ("no-munlock", "I7 in shared: 1 of 1 leaves pages mlocked on 5.10; nothing breaks on 6.1, 6.12, 7.2, 7.3"),
        ("v4.14", "I5: nothing breaks on 5.10 not run on 6.1, 6.12, 7.2, 7.3"),
        ("v6.18", ""),
    ],
)
def test_a_cell_says_what_came_of_them_and_where(forcing, spec, said):
    assert plain(" ".join(forced_lines(forcing.of([spec]), "default"))) == said


def test_a_family_is_counted_together(forcing):
    lines = forced_lines(Forcing([one for one in forcing.taken if one.series == "5.10"]), "default")
    assert [plain(line) for line in lines] == [
        "S1: 10 of 10 stall on 5.10",
        "K1: nothing breaks on 5.10",
        "I7 in shared: 5 of 17 leave pages mlocked on 5.10",
        "I5: nothing breaks on 5.10",
    ]


def test_the_table_of_designs_has_a_cell_for_each_and_its_variants(forcing):
    records = [*storm(), storm()[-1] | {"strategy": "exit-write"}]
    said = {record["strategy"]: verdict_of(record["strategy"]) for record in records}
    page = matrix_page(records, said, real_designs(record_files(LAB)), forcing)
    cells = {}
    for row in re.findall(r"<tr>.*", page):
        name = re.search(r">([\w.:=-]+)</", row)
        cells[name[1]] = plain(re.findall(r"<td>(.*?)</td>", row)[2]) if "<td>" in row else ""
    assert cells["drop-oom-skip"].startswith("S1: 1 of 1 stalls on 5.10") and cells["v6.1"] == "-"
    assert "11 variants more: S1: 7 of 7 stall on 5.10 I7 in shared: 4 of 11 leave pages mlocked" in cells["trylock"]
    assert "11 of them not run on 6.1" in cells["trylock"]
    # The variant has a row of its own, so the design's does not count it.
    assert cells[":oom_skip=first"].startswith("K1: nothing breaks on 5.10, 6.1") and cells["exit-write"] == "-"


def test_a_page_says_why_kernels_could_not_and_how_to_do_it_again(forcing):
    page = plain(
        design_page(
            load("trylock"), {next(iter(NAMED)): storm()}, verdict_of("trylock"), (), "", {}, forcing.family("trylock")
        )
    )
    assert "schedules, forced in a real kernel" in page
    assert "Linux 6.1, not run: trylock:bail_out=vma,exit_lock=write, exit step" in page and "(and 15 more)" in page
    assert "8 of 8 3 rounded" in page and "a turn that ends there goes on to the end of that walk" in page
    assert "mmbench check trylock --save schedules/" in page
    asleep = "stalls: exit sleeps, and the reaper gave up exit slept in wait_on_page_bit_common &lt; __munlock_pagevec"
    assert asleep in page
    assert "No record: no booted kernel was made to take a schedule" in forced_part(forcing.family("v6.18"))


@pytest.mark.parametrize(
    ("change", "cell", "said"),
    [
        ({"error": "BUG: Bad page state", "errno": ""}, "1 of 1 breaks the kernel", "BUG: Bad page state"),
        ({"nr_mlock_left": 7}, "1 of 1 leaves a counter off", "counters off: 7 mlocked pages, 0 page tables"),
        ({"tables_left": [-2]}, "1 of 1 leaves a counter off", "counters off: 0 mlocked pages, 2 page tables"),
        ({"reaper_said": "unable"}, "1 of 1 stalls", "stalls: exit sleeps, and the reaper gave up"),
        ({"nr_mlock_shared": 5}, "1 of 1 leaves pages mlocked", "5 pages that a child maps, too, stay mlocked"),
    ],
)  # fmt: skip
def test_what_broke_shows_as_broken(tmp_path, change, cell, said):
    found = planted(tmp_path, lambda entry, _: entry.update(change))
    assert f'<span class="wrong">{cell}</span> on 5.10' in forced_lines(found, "default")[0]
    assert f'<span class="wrong">{said}</span>' in forced_part(found)


def test_a_turn_that_was_not_taken_shows(tmp_path):
    found = planted(tmp_path, lambda entry, _: entry["turns_seen"][1].update(reached=False))
    assert '<span class="wrong">1 of 1 is not taken as it says</span>' in forced_lines(found, "default")[0]
    assert '<span class="wrong">2 of 3</span>' in forced_part(found)


def test_a_reap_pass_over_tables_that_exit_frees_shows(tmp_path):
    """As the module's log would have it: the reaper's pass begins before exit is through with its tables."""

    def overlap(entry, record):
        ops = [line.split()[1] for line in record["programs"][entry["design"]] if line.startswith("row ")]
        (steps,) = entry["steps"]
        freeing = next(step for step in steps if step["role"] == "exit" and ops[step["row"]] == "FREE_PGTABLES")
        late = [step for step in steps if step["role"] == "reaper"]
        for n, step in enumerate(late):
            step["ns"] = freeing["ns"] + n
        assert late

    found = planted(tmp_path, overlap)
    assert "1 of 1 walks page tables that exit frees" in forced_lines(found, "default")[0]
    assert '<span class="wrong">unsafe: a reap pass ran while exit freed page tables</span>' in forced_part(found)


def test_a_schedule_that_no_guest_can_take_is_told_by_the_name_of_its_file(tmp_path):
    def refuse(_, record):
        record["refused"]["v4.14-two-callers-I5.json"] = "the scope has 2 tasks 'mrelease'; a guest has one of each."

    found = planted(tmp_path, refuse)
    assert [one.series for one in found.not_run] == ["5.10"]
    assert "not run: the scope has 2 tasks &#x27;mrelease&#x27;" in forced_part(found)


def test_words_of_a_record_are_no_markup(tmp_path):
    found = planted(tmp_path, lambda entry, _: entry.update(error="<b>oops</b>", errno="", property="<i> in <s>"))
    assert not re.search("<(b|i|s)>", forced_part(found) + " ".join(forced_lines(found, "default")))

"""The page of changes shows what `bench compare` says, without scripts too; the badge says it in three words."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest

from mmbench.site.change_data import VERDICTS, change_data
from mmbench.site.change_page import change_page, percent
from mmbench.site.changing import write_changes
from mmbench.tracking.change import BETTER, MEANT, WORSE
from mmbench.tracking.past import judged, read_past
from mmbench.tracking.repository import git
from tests.site.conftest import ROOT
from tests.tracking.conftest import (
    repository,  # noqa: F401
    write,  # noqa: F401
)

BLOCKING = "blocking.Blocking.track_blocking_seconds"
FREED = "freed.Freed.track_freed_pages"
RACE = "speed.Engine.time_race"
ORDER = ("rev-list", "--reverse", "HEAD")
SAMPLES = [1.0 + 0.01 * n for n in range(10)]


@pytest.fixture
def measured(repository, write):  # noqa: F811
    """Three commits: freed pages rise as CHANGELOG says, then blocking gets worse; with timings."""
    folder = repository / "results" / "asv"
    hashes = git(repository, *ORDER).split()
    for commit, freed, blocked in zip(hashes, (1, 2, 2), (1.0, 1.0, 1.5), strict=True):
        write(commit, {FREED: ([], [freed]), BLOCKING: ([["'<b>'"]], [blocked])}, {RACE: SAMPLES}, folder=folder)
    (repository / "CHANGELOG.md").write_text(f"- Why `x`, <i>so</i>. Moved since `{hashes[0][:8]}`: `{FREED}`.\n")
    return repository, folder


def test_the_page_shows_the_newest_pair_without_scripts(measured):
    page = change_page(change_data(measured[0], read_past(*measured)))
    assert '<p id="line" class="line worse">' in page and "1 value worse. Also: 1 the same" in page
    assert "<h2>Worse <small>1</small></h2>" in page and "Moved on purpose" not in page
    assert "+50.00 %" in page and "4.3 %, 4.3 %" in page  # the timing's noise
    assert "&lt;b&gt;" in page and "<b>" not in page


def test_every_pair_is_judged_in_both_directions(measured):
    data = change_data(measured[0], read_past(*measured))
    kinds = {name: pair["kind"] for name, pair in data["pairs"].items()}
    assert kinds == {"0-1": MEANT, "1-2": WORSE, "0-2": WORSE, "1-0": MEANT, "2-1": BETTER, "2-0": BETTER}
    assert data["whys"] == ["Why `x`, <i>so</i>."]
    keys = [key["series"] for key in data["keys"]]
    assert VERDICTS[ord(data["pairs"]["0-2"]["letters"][keys.index(FREED)]) - ord("a")] == MEANT


def test_the_badge_and_the_data_are_whole(measured, tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    assert write_changes(site, *measured)
    badge = json.loads((site / "badge.json").read_text())
    assert badge["schemaVersion"] == 1 and badge["message"].startswith("worse in ")
    assert badge["message"] in ElementTree.parse(site / "badge.svg").getroot().attrib["aria-label"]
    assert (site / "changes-data.js").read_text().startswith('changes.data({"commits":[')


def test_one_commit_has_no_page(repository, write, tmp_path):  # noqa: F811
    folder = write(git(repository, "rev-parse", "HEAD"), {FREED: ([], [1])}, folder=repository / "results" / "asv")
    assert not write_changes(tmp_path, repository, folder) and not list(tmp_path.glob("*.html"))


@pytest.mark.parametrize(
    ("change", "text"), [(0.5, "+50.00 %"), (-1e-9, "-under 0.01 %"), (0.0, "+0.00 %"), (1e-4, "+0.01 %")]
)
def test_a_change_too_small_for_its_digits_is_not_shown_as_none(change, text):
    assert percent(change) == text


def test_every_published_move_of_a_deterministic_series_was_meant():
    past = read_past(ROOT, ROOT / "results" / "asv")
    steps = [judged(past, a, b) for a, b in pairwise(past.history)]
    exact = [change for step in steps for change in step if change.key.is_exact]
    assert sum(change.verdict == MEANT for change in exact) > 100
    assert not [(change.key, change.why) for change in exact if change.verdict in (WORSE, BETTER)]

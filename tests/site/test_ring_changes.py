"""The page of changes in a browser: any pair, whose address holds it, and series that no kernel update splits."""

from __future__ import annotations

import json
import shutil
from urllib.parse import quote

import pytest

from mmbench.site.publishing import publish_asv
from tests.site.conftest import ROOT, Browser, serving
from tests.site.test_ring_browser import (
    NOTHING_SIDEWAYS,
    PLOTTED,
    nothing_remote_and_no_error,  # noqa: F401
)

pytestmark = pytest.mark.browser

LINE = "return document.querySelector('#line').innerText"
CHOOSE = """
const select = document.querySelector(`#pair select[name=${arguments[0]}]`);
select.selectedIndex = arguments[1];
select.dispatchEvent(new Event('change', {bubbles: true}));"""
SERIES = "freed.Freed.track_freed_pages"
POINTS = "return $('#main-graph').data('plot').getData().map(s => s.data.filter(p => p[1] !== null).length)"


@pytest.mark.parametrize(("name", "width", "dark"), [("changes", 1400, False), ("changes-phone", 390, True)])
def test_any_pair_is_shown_and_its_address_holds_it(browser, name, width, dark):
    with browser.window(width, dark) as whole:
        browser.open("changes.html", width)
        newest = browser.until(LINE)
        assert newest.strip() and browser.run(NOTHING_SIDEWAYS)
        whole(name)
        n = browser.run("return document.querySelector('#pair select').options.length")
        browser.run(CHOOSE, "a", n - 1)
        address = browser.until("return location.hash")
        oldest = browser.run(LINE)
        assert oldest != newest
        browser.open("index.html", width)
        browser.open(f"changes.html{address}", width)
        browser.until("return document.body.dataset.shown === arguments[0]", address)
        assert browser.run(LINE) == oldest
        browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert browser.run("return document.querySelectorAll('svg.spark polyline').length") > 50
        assert browser.run(NOTHING_SIDEWAYS)


def test_scripts_show_the_newest_pair_as_the_page_itself_does(browser, site):
    inside = "return document.querySelector('#change').innerHTML"
    browser.open("changes.html")
    browser.until("return document.body.dataset.shown !== undefined")
    browser.run("document.querySelectorAll('#change details').forEach(d => d.open = true)")
    by_script = browser.run("return document.querySelector('#change').innerText")
    page = (site / "changes.html").read_text()
    start = page.index('<div id="change">') + len('<div id="change">')
    browser.run(
        "document.querySelector('#change').innerHTML = arguments[0]", page[start : page.index("</div>\n<p class=")]
    )
    browser.run("document.querySelectorAll('#change details').forEach(d => d.open = true)")
    assert browser.run(inside) and browser.run("return document.querySelector('#change').innerText") == by_script


def test_unknown_commits_and_a_commit_with_itself_are_sentences(browser):
    browser.open("changes.html#a=nonsense&b=1")
    browser.until(
        "return document.querySelector('#change').innerText.includes('Nothing was measured of nonsense and 1')"
    )
    same = browser.run("return document.querySelector('#pair select').options[0].value")
    browser.open(f"changes.html#a={same}&b={same}")
    browser.until("return document.querySelector('#change').innerText.includes('the same commit')")


def test_results_of_another_kernel_split_no_deterministic_series(browser, site, tmp_path):
    """The newest results once more, as another kernel and memory measured them: as many lines and points as without."""
    results = tmp_path / "results"
    shutil.copytree(ROOT / "results" / "asv", results)
    changed = sorted(path for path in results.glob("*/*.json") if path.name != "machine.json")[::2]
    for path in changed:
        found = json.loads(path.read_text())
        found["params"] |= {"os": "Linux 9.9", "ram": "1"}
        path.write_text(json.dumps(found))
    publish_asv(tmp_path / "html", results)
    browser.open(f"asv/index.html#{quote(SERIES)}")
    browser.until(PLOTTED)
    points = browser.run(POINTS)
    with serving(tmp_path / "html") as address:
        other = Browser(browser.driver, address)
        other.open(f"index.html#{quote(SERIES)}")
        other.until(PLOTTED)
        assert other.run(POINTS) == points and len(changed) > 3
    browser.open("index.html")

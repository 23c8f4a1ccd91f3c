"""Our pages for everybody: axe-core finds nothing serious, keys do what a mouse does, paper and phones show all."""

from __future__ import annotations

import base64

import pytest

from mmbench.errors import CannotError
from mmbench.strategies import IDS
from tests.site import axe
from tests.site.conftest import ROOT
from tests.site.test_ring_browser import (
    NOTHING_SIDEWAYS,
    SHOWN,
    nothing_remote_and_no_error,  # noqa: F401
)

pytestmark = pytest.mark.browser

READY = {"explore.html": "return document.body.dataset.shown", "changes.html": "return document.querySelector('#line')"}
PAGES = ("index.html", "explore.html", "changes.html", "designs.html", "kernels.html", "answers/exit-write.html")
PAGES += tuple(f"designs/{name}.html" for name in IDS)
PAINT = "return (performance.getEntriesByName('first-contentful-paint')[0] || {}).startTime"
WEIGHT = """
const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
return all.map(entry => entry.transferSize).reduce((a, b) => a + b, 0)"""
FOCUS = "return document.activeElement.getAttribute('name') || document.activeElement.textContent"


@pytest.fixture(scope="session")
def axe_core():
    """axe-core's script; without npm or its registry there is none."""
    try:
        return axe.source(ROOT / "build" / "axe-core")
    except CannotError as error:
        pytest.skip(str(error))


def shown(browser, page):
    """Open a page and wait for what its scripts make."""
    browser.open(page)
    if page in READY:
        browser.until(READY[page])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing_serious(browser, axe_core, page, dark):
    with browser.window(1280, dark):
        shown(browser, page)
        browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert axe.serious(browser, axe_core) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_phone_and_paper_show_all_of_it(browser, page):
    with browser.window(390, dark=True) as whole:
        shown(browser, page)
        assert browser.run(NOTHING_SIDEWAYS)
        whole(f"phone-{page.replace('/', '-').removesuffix('.html')}")
    browser.see(dark=True, medium="print")
    assert browser.run("return getComputedStyle(document.documentElement).getPropertyValue('--page')") == "#ffffff"
    bars = "return [...document.querySelectorAll('.bars td.bar span')].map(n => getComputedStyle(n).printColorAdjust)"
    assert set(browser.run(bars)) <= {"exact"}
    ways = "return [...document.querySelectorAll('nav, form, .buttons')].filter(n => n.offsetParent).length"
    assert browser.run(ways) == 0
    pdf = base64.b64decode(browser.driver.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert pdf.startswith(b"%PDF") and len(pdf) > 10_000
    browser.see()


def test_the_explorer_by_keyboard_alone(browser):
    from selenium.webdriver.common.keys import Keys

    shown(browser, "explore.html")
    for _ in range(10):
        browser.type(Keys.TAB)
        if browser.run(FOCUS) == "scenario":
            break
    first = browser.run(SHOWN)
    browser.type(Keys.ARROW_DOWN)
    browser.until("return document.body.dataset.shown !== arguments[0]", first)
    for _ in range(20):
        browser.type(Keys.TAB)
        if browser.run(FOCUS) == "design":
            break
    browser.type(Keys.SPACE)
    browser.until("return document.querySelectorAll('#bars tbody tr').length === arguments[0]", len(IDS) - 1)
    assert "designs=" in browser.run("return location.hash")
    for _ in range(len(IDS) + 5):
        browser.type(Keys.TAB)
        if "MMF_OOM_SKIP" in browser.run(FOCUS):
            break
    browser.type(Keys.ENTER)
    assert "sort=skip" in browser.run("return location.hash")
    assert "MMF_OOM_SKIP" in browser.run("return document.querySelector('th[aria-sort]').innerText")
    outline = "return getComputedStyle(document.querySelector('th[aria-sort] button')).outlineStyle"
    assert "MMF_OOM_SKIP" in browser.run(FOCUS) and browser.run(outline) != "none"


def test_the_first_page_is_light_and_soon(browser):
    """Under 1 MB on the wire, with every picture; first paint under half a second, best of three."""
    paints = []
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    for _ in range(3):
        browser.open("index.html")
        paints.append(browser.until(PAINT))
    assert min(paints) < 500
    browser.run("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
    browser.until("return [...document.images].every(i => i.complete && i.naturalWidth > 0)")
    weight = browser.run(WEIGHT)
    browser.driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": False})
    assert 300_000 < weight < 1_000_000, "less than its pictures have: they came from the cache"

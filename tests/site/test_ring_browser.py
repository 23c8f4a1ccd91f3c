"""Every view of the published site in a real browser that reaches no network, with pictures in build/screenshots."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from mmbench.site import views
from mmbench.strategies import IDS

pytestmark = pytest.mark.browser

# Every point and bar, looked for in the pixels: (drawn, expected). A bar is drawn when its series' colour is found at
# half its height, which a bar that begins at its own value has not; a point when any colour is within 3 pixels, because
# lines may coincide. A bar that an axis from zero would draw less than 8 pixels high is not expected.
MARKS_DRAWN = """
const plot = $('#main-graph').data('plot'), canvas = $('#main-graph canvas.flot-base')[0];
const scale = canvas.width / parseFloat(canvas.style.width), context = canvas.getContext('2d');
const left = plot.getPlotOffset().left, top = plot.getPlotOffset().top;
let drawn = 0, expected = 0;
for (const series of plot.getData()) {
  const [r, g, b] = $.color.parse(series.color).normalize().toString().match(/\\d+/g).map(Number);
  const size = series.datapoints.pointsize, points = series.datapoints.points;
  for (let i = 0; i < points.length; i += size) {
    if (points[i + 1] === null) continue;
    const value = points[i + 1], axis = series.yaxis, range = axis.max - axis.min;
    if (series.bars.show && plot.height() * Math.abs(value) / range < 8) continue;
    expected++;
    const height = axis.p2c(Math.max(0, axis.min)) - axis.p2c(value);  // a bar of less than nothing hangs down
    const x = (left + series.xaxis.p2c(points[i])) * scale;
    const y = (top + axis.p2c(value) + (series.bars.show ? height / 2 : 0)) * scale;
    if (!isFinite(x) || !isFinite(y) || series.bars.show && Math.abs(height) < 8) continue;
    const box = context.getImageData(Math.round(x) - 1, Math.round(y) - 3, 3, 7).data;
    for (let k = 0; k < box.length; k += 4) {
      const near = Math.abs(box[k] - r) + Math.abs(box[k + 1] - g) + Math.abs(box[k + 2] - b) < 40;
      if ((near || !series.bars.show) && box[k + 3] > 40) { drawn++; break; }
    }
  }
}
return [drawn, expected];
"""
COLOURED = """
const canvas = $('#main-graph canvas.flot-base')[0];
const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
let n = 0;
for (let k = 0; k < data.length; k += 4)
  if (data[k + 3] > 60 && Math.max(data[k], data[k+1], data[k+2]) - Math.min(data[k], data[k+1], data[k+2]) > 60) n++;
return n;
"""
# How many of the grid's small plots have a line in them; those out of sight are drawn when they scroll in.
GRID_DRAWN = """
return [...document.querySelectorAll('#summarygrid-display canvas.flot-base')].filter(canvas => {
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  for (let k = 0; k < data.length; k += 4) if (data[k + 2] - data[k] > 60 && data[k + 3] > 60) return true;
}).length"""
# Nothing but the tables' own frames scrolls sideways.
NOTHING_SIDEWAYS = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
MATRIX = "return document.querySelectorAll('table.matrix:not(.swatches) tbody {}').length"
FRAMES = """
const cells = [...document.querySelectorAll('table.matrix:not(.swatches) td.era')].map(cell => getComputedStyle(cell));
return cells.filter(style => parseFloat(style.outlineWidth) >= 2).map(style => style.outlineColor);"""
# The contrast of every link and button of asv's navigation with what it stands on.
CONTRASTS = """
const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
const light = (text) => rgb(text).slice(0, 3).map(v => v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
const ground = (node) => !node ? "rgb(255, 255, 255)" : rgb(getComputedStyle(node).backgroundColor)[3] === 0
  ? ground(node.parentElement) : getComputedStyle(node).backgroundColor;
const words = [...document.querySelectorAll('#nav a, #nav span, .asv-navigation a, .btn.active')];
return words.filter(n => n.offsetParent).map(n => {
  const [a, b] = [light(getComputedStyle(n).color), light(ground(n))].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
});"""
PLOTTED = "return window.$ && $('#main-graph').data('plot') && $('#main-graph').data('plot').getData().length"


@pytest.fixture(autouse=True)
def nothing_remote_and_no_error(browser):
    """Holds after every test of this file."""
    browser.console_errors()
    yield
    assert browser.remote() == []
    assert browser.console_errors() == []


def test_a_remote_request_would_be_seen(browser):
    browser.open("index.html")
    browser.run("new Image().src = 'https://planted.invalid/x.png'")
    browser.until("return performance.getEntriesByType('resource').some(e => e.name.includes('planted'))")
    assert browser.remote() == ["https://planted.invalid/x.png"]
    assert any("planted" in line for line in browser.console_errors())
    browser.open("index.html")


@pytest.mark.parametrize(("name", "width", "dark"), [("front", 1280, False), ("front-phone", 400, True)])
def test_front_page(browser, name, width, dark):
    with browser.window(width, dark) as whole:
        browser.open("index.html", width)
        assert browser.run("return document.querySelectorAll('section#stuck-holder tbody tr').length") == len(IDS)
        browser.run("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
        browser.until("return [...document.images].every(i => i.complete && i.naturalWidth > 0)")
        assert browser.run(NOTHING_SIDEWAYS)
        browser.picture(name)
        whole(name)


@pytest.mark.parametrize(("name", "width", "dark"), [("kernels", 1280, False), ("kernels-phone", 400, True)])
def test_page_of_kernels(browser, site, name, width, dark):
    n_kernels = len(list((site / "lab").glob("*.json")))
    with browser.window(width, dark) as whole:
        browser.open("index.html", width)
        browser.run("document.querySelector('nav a[href=\"kernels.html\"]').click()")
        browser.until(MATRIX.format("tr") + " === arguments[0]", len(IDS))
        assert browser.run(MATRIX.format("td")) == len(IDS) * n_kernels
        # Framed, and not only marked so: once in each column, in the colour of agreement.
        colours = browser.run(FRAMES)
        assert len(colours) == n_kernels >= 6 and len(set(colours)) == 1
        assert browser.run(NOTHING_SIDEWAYS)
        browser.picture(name)
        whole(name)
        browser.run("document.querySelectorAll('section > details').forEach(d => d.open = true)")
        assert browser.run(NOTHING_SIDEWAYS)
        whole(f"{name}-open")
        browser.run("document.querySelector('nav a[href=\"index.html\"]').click()")
        browser.until("return document.querySelectorAll('section#stuck-holder').length")


@pytest.mark.parametrize("page", ["index.html", "kernels.html"])
def test_every_link_of_a_page_leads_somewhere(browser, site, page):
    browser.open(page)
    links = browser.run("return [...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))")
    assert len(links) > 5
    assert [link for link in links if not (site / (link.partition("#")[0] or page)).is_file()] == []
    inside = [link[1:] for link in links if link.startswith("#")]
    assert browser.run("return arguments[0].filter(id => !document.getElementById(id))", inside) == []


def test_grid(browser, index, site):
    browser.open("asv/index.html#/")
    n = browser.until("return document.querySelectorAll('#summarygrid-display a.benchmark-container').length")
    assert n == len(index["benchmarks"])
    with_data = [
        b for b in index["benchmarks"] if len(json.loads((site / f"asv/graphs/summary/{b}.json").read_text())) > 1
    ]
    assert with_data
    browser.until(GRID_DRAWN + " >= arguments[0]", min(len(with_data), 3))
    browser.picture("grid")


@pytest.mark.parametrize("old", ["summarylist", "regressions"])
def test_old_addresses_of_asvs_list_and_regressions_lead_to_the_page_of_changes(browser, old):
    browser.open(f"asv/index.html#/{old}")
    browser.until("return location.pathname.endsWith('/changes.html') && document.querySelector('#line')")


def test_asvs_pages_have_a_way_home_and_readable_colours(browser, index):
    browser.open(f"asv/index.html#{quote(sorted(index['benchmarks'])[0])}")
    browser.until(PLOTTED)
    links = browser.run("return [...document.querySelectorAll('#nav a')].map(a => a.getAttribute('href'))")
    assert "../index.html" in links and "../changes.html" in links and not [x for x in links if "regressions" in x]
    seen = browser.run("return [...document.querySelectorAll('#nav a')].filter(a => a.offsetParent).length")
    assert seen == len(links) - 1  # asv's scripts want the project's name, which nobody needs
    assert min(browser.run(CONTRASTS)) >= 4.5


def test_line_graph(browser, index):
    address = views.line_graph(index, views.LEFT)
    browser.open(address)
    assert browser.until(PLOTTED) == 2
    assert browser.run(COLOURED) > 100
    browser.picture("line")


def test_bar_chart_of_strategies(browser, index):
    name = views.find(index, views.BLOCKING)
    browser.open(views.bar_chart(index, views.BLOCKING))
    n_series = browser.until(PLOTTED)
    found = index["benchmarks"][name]
    values = dict(zip(found["param_names"], found["params"], strict=True))
    assert n_series == len(values["locked"]) >= 2
    n_bars = n_series * len(values["strategy"])
    assert browser.run(MARKS_DRAWN) == [n_bars, n_bars]
    # Each strategy's bars stand on either side of its label, whose place is a whole number.
    first = browser.run("return $('#main-graph').data('plot').getData().map(s => s.datapoints.points[0])")
    assert first == sorted(set(first)) and abs(sum(first)) < 0.05
    browser.picture("bars")


def test_every_graph_that_the_front_page_links_to_is_drawn(browser, index):
    browser.open("index.html")
    links = browser.run("return [...document.querySelectorAll('a[href*=\".html#\"]')].map(a => a.getAttribute('href'))")
    graphs = [link for link in links if "#/" not in link]
    assert len(graphs) >= len(index["benchmarks"])
    for link in graphs:
        browser.open(link)
        browser.until(PLOTTED)
        drawn, expected = browser.run(MARKS_DRAWN)
        assert drawn == expected >= 1, link


def test_deep_link_to_a_series(browser, index):
    name = sorted(index["benchmarks"])[0]
    browser.open(f"asv/index.html#{quote(name)}")
    browser.until(PLOTTED)
    assert browser.run("return $('#title').text()") == name


SHOWN = "return document.body.dataset.shown || ''"
KINDS = "return [...document.querySelectorAll('#bars tbody tr')].map(row => row.className)"
CHOOSE = """
const select = document.querySelector(`#ask select[name=${arguments[0]}]`);
select.value = arguments[1];
select.dispatchEvent(new Event('change', {bubbles: true}));"""


@pytest.mark.parametrize(("name", "width", "dark"), [("explore", 1400, False), ("explore-phone", 390, True)])
def test_the_explorer_answers_and_its_address_holds_the_view(browser, name, width, dark):
    with browser.window(width, dark) as whole:
        browser.open("explore.html", width)
        browser.until("return document.querySelectorAll('#bars tbody tr').length === arguments[0]", len(IDS))
        browser.until("return document.querySelector('#curves canvas') !== null")
        kinds = browser.run(KINDS)
        assert "flawed" in kinds and set(kinds[kinds.index("flawed") :]) == {"flawed"}
        assert "drop-oom-skip (gave up" in browser.run("return document.querySelector('#says').innerText")
        assert browser.run(NOTHING_SIDEWAYS)
        browser.picture(name)
        whole(name)
        browser.run(CHOOSE, "scenario", "mrelease")
        browser.run(CHOOSE, "measure", "exit")
        browser.until("return (document.body.dataset.shown || '').includes('mrelease')")
        address = browser.run("return location.hash")
        browser.open("index.html", width)
        browser.open(f"explore.html{address}", width)
        browser.until("return (document.body.dataset.shown || '').includes('measure=exit')")
        assert browser.run(SHOWN) == address
        assert "--scenario mrelease" in browser.run("return document.querySelector('#command').innerText")


def test_the_first_screen_ranks_no_flawed_design_above_a_sound_one(browser):
    browser.open("index.html")
    kinds = browser.run("return [...document.querySelectorAll('#answer table.bars tbody tr')].map(r => r.className)")
    assert len(kinds) == len(IDS) and set(kinds[kinds.index("flawed") :]) == {"flawed"}
    top = browser.run("return document.querySelector('#answer table.bars').getBoundingClientRect().top")
    assert top < 400


def test_a_page_for_each_design(browser):
    for name in IDS:
        browser.open(f"designs/{name}.html")
        assert name in browser.run("return document.querySelector('h1').innerText")
        assert browser.run("return [...document.images].every(i => i.alt)")


def test_every_series_as_asv_itself_opens_it_has_values(browser, index, site):
    for name, series in index["benchmarks"].items():
        summary = json.loads((site / f"asv/graphs/summary/{name}.json").read_text())
        if not summary:
            continue
        browser.open(f"asv/index.html#{quote(name)}")
        n_series = browser.until(PLOTTED)
        drawn, expected = browser.run(MARKS_DRAWN)
        assert drawn == expected >= 1, name
        values = dict(zip(series["param_names"], series["params"], strict=True))
        assert n_series >= len(values.get("strategy", "x")), name

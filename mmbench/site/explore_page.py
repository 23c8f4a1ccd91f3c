"""The explorer: choose designs, victim, scenario and measure; bars, curves and table follow. It needs scripts."""

from __future__ import annotations

from mmbench.site.parts import MODEL, badge, document, to_front
from mmbench.site.vendored import path_of

EXPLORER = "explore.html"
SCRIPT = "explore.js"
SAVES = {"csv": "CSV", "json": "JSON", "png": "PNG", "link": "Copy the link to this view"}
BUTTONS = " ".join(f'<button type="button" data-save="{key}">{text}</button>' for key, text in SAVES.items())


def explorer_page() -> str:
    """The document; explore.js fills it from the files of site.explore."""
    header = f"""{to_front()}
<h1>Ask the model</h1>"""
    body = f"""<noscript><p>This page computes its views in the browser and needs JavaScript. The
<a href="index.html">front page</a> answers without.</p></noscript>
<form id="ask" aria-label="What to show">
<label>scenario <select name="scenario"></select></label>
<label>size <select name="size"></select></label>
<label>locked <select name="locked"></select></label>
<label>VMAs <select name="vmas"></select></label>
<label>measure <select name="measure"></select></label>
<fieldset><legend>designs</legend><div id="designs"></div></fieldset>
</form>
<p id="says" class="answer" aria-live="polite"></p>
<section aria-label="Ranked">
<h2>Ranked {badge(MODEL)}</h2>
<table class="bars" id="bars"><thead></thead><tbody></tbody></table>
<p class="legend">Striped: gave up, killed another process, never ended, left memory or is unsafe. Such a design stands
below the others whatever its numbers are. A column's heading sorts by it.</p>
</section>
<section aria-label="Memory freed over time">
<h2>Freed over time {badge(MODEL)}</h2>
<div id="curves" role="img" aria-label="Share of the victim's memory freed over time, a line per design"></div>
<p class="legend">Point at it for values; drag to zoom, double-click to see all.</p>
</section>
<section aria-label="Take it along">
<h2>Take it along</h2>
<p><code id="command"></code></p>
<p class="buttons">{BUTTONS}</p>
</section>"""
    scripts = (chart("uPlot.iife.min.js"), SCRIPT)
    return document("mmbench: ask the model", header, body, scripts=scripts, styles=(chart("uPlot.min.css"),))


def chart(file: str) -> str:
    """Where the site has a file of the chart library: beside those of asv's pages."""
    return f"asv/vendor/{path_of('uplot', file)}"

"""Writes the page of changes with its data and its badge, from what asv measured."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from mmbench.records.files import write_bytes, write_text
from mmbench.site.change_data import Data, change_data
from mmbench.site.change_page import DATA, SCRIPT, change_page, page_of
from mmbench.site.views import CHANGES
from mmbench.tracking.change import BETTER, MEANT, WORSE
from mmbench.tracking.past import read_past

BADGE = "badge"
LABEL = "mmbench"
COLOURS = {WORSE: "#b3261e", BETTER: "#136b37", MEANT: "#0b57a4"}
OTHERWISE = "#5a626b"
WORDS = {WORSE: "worse", BETTER: "better", MEANT: "moved on purpose"}
LETTER_PX, EDGE_PX = 6.6, 7


def write_changes(site: Path, root: Path, results: Path) -> bool:
    """Write changes.html, its script and data, and the badge; False with fewer than two commits to compare.

    root: the repository, for its commits and CHANGELOG.md; results: the folder of asv's results
    """
    found = read_past(root, results)
    if len(found.history) < 2:
        return False
    data = change_data(root, found)
    write_text(site / CHANGES, change_page(data))
    packed = json.dumps(page_of(data), separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    write_text(site / DATA, f"changes.data({packed});\n")
    write_bytes(site / SCRIPT, (Path(__file__).parent / "static" / SCRIPT).read_bytes())
    write_badge(site, data)
    return True


def write_badge(site: Path, data: Data) -> None:
    """badge.svg, and badge.json as shields.io reads it: what the newest measured commit changed."""
    last = len(data["commits"]) - 1
    kind = str(data["pairs"][f"{last - 1}-{last}"]["kind"])
    words = f"{WORDS.get(kind, 'nothing moved')} in {data['commits'][last]['short']}"
    colour = COLOURS.get(kind, OTHERWISE)
    write_text(site / f"{BADGE}.svg", badge_svg(LABEL, words, colour))
    shields = {"schemaVersion": 1, "label": LABEL, "message": words, "color": colour}
    write_text(site / f"{BADGE}.json", json.dumps(shields) + "\n")


def badge_svg(label: str, words: str, colour: str) -> str:
    """Two fields beside each other, as badges are."""
    left, right = (round(len(text) * LETTER_PX + 2 * EDGE_PX) for text in (label, words))
    says = escape(f"{label}: {words}")
    size = f'width="{left + right}" height="20"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{says}">
<title>{says}</title>
<rect width="{left}" height="20" fill="#3b4046"/><rect x="{left}" width="{right}" height="20" fill="{colour}"/>
<g fill="#ffffff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="{left / 2}" y="14">{escape(label)}</text><text x="{left + right / 2}" y="14">{escape(words)}</text>
</g>
</svg>
"""

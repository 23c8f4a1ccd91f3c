"""axe-core, the accessibility checker, from its npm package: fetched once, held to npm's own hash, never shipped."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mmbench.site.vendored import integrity, pack, unpacked

SPEC = "axe-core@4.14.1"
INTEGRITY = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
FILE = "axe.min.js"
SERIOUS = ("serious", "critical")
RUN = """
const done = arguments[arguments.length - 1];
const told = (node) => `${node.html.slice(0, 160)} ${node.failureSummary}`;
axe.run(document, {resultTypes: ['violations']}).then(found => done(found.violations.map(v =>
  ({id: v.id, impact: v.impact, nodes: v.nodes.slice(0, 3).map(told)}))));"""


def source(folder: Path) -> str:
    """axe-core's script, kept in a folder beside its own hash. Raises CannotError without npm or its registry."""
    kept, checked = folder / FILE, folder / f"{FILE}.{INTEGRITY[7:17].replace('/', '_')}.sha256"
    if kept.is_file() and checked.is_file() and hashlib.sha256(kept.read_bytes()).hexdigest() == checked.read_text():
        return kept.read_text()
    archive = pack(SPEC)
    assert integrity(archive) == INTEGRITY
    data = unpacked(archive)[FILE]
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(data)
    checked.write_text(hashlib.sha256(data).hexdigest())
    return data.decode()


def serious(browser, script: str) -> list[str]:
    """Serious and critical findings on the open page, as lines."""
    browser.run(script + "\nwindow.axe = axe;")
    found = browser.driver.execute_async_script(RUN)
    return [f"{one['id']}: {node}" for one in found if one["impact"] in SERIOUS for node in one["nodes"]]

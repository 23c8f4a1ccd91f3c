"""asv's pages without a network: local copies for every script and stylesheet from a CDN, and nothing remote left.

A page may link to anywhere; it may not load from anywhere but its own folder.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from mmbench.errors import InputError
from mmbench.records.files import read_text, write_bytes, write_text
from mmbench.site.repairs import REPAIRS
from mmbench.site.vendored import FOLDER, VendorFile, verified

LOADING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}
REMOTE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
TAG = re.compile(r"<(script|link)\b[^>]*>", re.IGNORECASE)
ADDRESS = re.compile(r"""\b(?:src|href)\s*=\s*["']([^"']*)["']""", re.IGNORECASE)
# Addresses put together at run time escape this; the browser ring sees those.
SCRIPT_LOADS = re.compile(
    r"""(?:\b(?:src|href|url)\s*[=:]|\b(?:from|import)|\b(?:fetch|import|importScripts|get\w*|ajax|post)\s*\()"""
    r"""\s*\\?["'`]([^"'`\s\\]+)""",
    re.IGNORECASE,
)
STYLE_LOADS = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""", re.IGNORECASE)


def make_offline(html_dir: Path, vendor: Path = FOLDER) -> None:
    """Make the folder that `asv publish` wrote work from a plain file server with no network.

    Raises InputError when a vendor file is not what its checksum says, when a tag of asv's page has no local copy, when
    a piece to repair is not found exactly once, or when a page, stylesheet or script still loads something remote.
    """
    files = verified(vendor)
    page = html_dir / "index.html"
    write_text(page, with_local_copies(read_text(page), files))
    for file in files:
        target = html_dir / "vendor" / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(target, file.data)
    repair(html_dir)
    check_offline(html_dir)


def with_local_copies(page: str, files: list[VendorFile]) -> str:
    """The page with every remote script and stylesheet replaced by its local copy. Raises InputError without one."""
    copies = {file.replaces: file.path for file in files if file.replaces}

    def local(match: re.Match[str]) -> str:
        found = ADDRESS.search(match[0])
        if not found or not REMOTE.match(found[1]):
            return match[0]
        name = found[1].rpartition("/")[2]
        if name not in copies:
            raise InputError(f"asv's page loads {found[1]!r}; local copies exist of: {', '.join(sorted(copies))}.")
        if match[1].lower() == "script":
            return f'<script src="vendor/{copies[name]}" onerror="js_load_failure()">'
        return f'<link rel="stylesheet" href="vendor/{copies[name]}">'

    return TAG.sub(local, page)


def repair(html_dir: Path) -> None:
    """Repair page, style and scripts. Raises InputError unless each piece is there once and is the one we know."""
    for name, was, better in REPAIRS:
        found = sorted(html_dir.rglob(name))
        text = "".join(map(read_text, found))
        if len(found) != 1 or text.count(was) != 1:
            raise InputError(
                f"{html_dir}: {was.strip().splitlines()[0]!r} is {text.count(was)} times in {len(found)} files {name}; "
                "allowed is once in one: look at this version, repair it anew."
            )
        write_text(found[0], text.replace(was, better))


class _Loads(HTMLParser):
    """What a page loads by itself, as addresses; styles inside the page included."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._inside = tag
        address = given.get(LOADING.get(tag, ""))
        if address:
            self.addresses.append(address)
        self.addresses += [part.split()[0] for part in (given.get("srcset") or "").split(",") if part.strip()]
        self.addresses += loads_of_style(given.get("style") or "")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.addresses += loads_of_style(data)
        elif self._inside == "script":
            self.addresses += loads_of_script(data)


def loads_of_style(css: str) -> list[str]:
    """Addresses in url() and @import."""
    return [a or b for a, b in STYLE_LOADS.findall(css)]


def loads_of_script(source: str) -> list[str]:
    """Addresses written out where a script loads something, also inside tags that it writes."""
    return SCRIPT_LOADS.findall(source)


def loads_of_page(html: str) -> list[str]:
    """Addresses that a browser loads on opening the page."""
    parser = _Loads()
    parser.feed(html)
    parser.close()
    return parser.addresses


def check_offline(folder: Path) -> None:
    """Raise InputError naming each page, stylesheet or script below `folder` that loads something from another host."""
    remote = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".html", ".svg"):
            loads = loads_of_page(read_text(path))
        elif path.suffix == ".css":
            loads = loads_of_style(read_text(path))
        elif path.suffix == ".js":
            loads = loads_of_script(read_text(path))
        else:
            continue
        remote += [f"{path.relative_to(folder)}: {address}" for address in loads if REMOTE.match(address)]
    if remote:
        raise InputError(f"the site must load nothing remote; found {'; '.join(remote)}.")

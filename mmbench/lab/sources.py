"""The archive that this machine's apt is set up for, read from its sources at run time; both formats.

Source: sources.list(5). Only what is needed to ask the same archive for other suites is kept: where it is, and which
key its signatures are checked with.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from mmbench.errors import CannotError

_ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)\s*(?P<components>.*)$")
_STANDARD_SUITES = ("stable", "oldstable", "testing", "unstable", "sid")


@dataclass(frozen=True)
class Source:
    """One archive and its suites; ``signed_by`` is the text of its Signed-By field, "" when apt's own keys decide."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""


@dataclass(frozen=True)
class Archive:
    """The two roots that carry kernels; ``security`` is None where this machine is not set up for it."""

    main: Source
    security: Source | None


def parse_list(text: str) -> list[Source]:
    """Parse the one-line format."""
    found = []
    for line in text.splitlines():
        match = _ONE_LINE.match(line.split("#", 1)[0].strip())
        if match:
            options = dict(word.partition("=")[::2] for word in (match["options"] or "").split())
            signed_by = options.get("signed-by", "").replace(",", " ")
            found.append(Source(match["uri"], (match["suite"],), tuple(match["components"].split()), signed_by))
    return found


def parse_deb822(text: str) -> list[Source]:
    """Parse the stanza format; disabled stanzas and source packages are left out."""
    found = []
    for stanza in re.split(r"\n[ \t]*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1] in (" ", "\t") and name:
                fields[name] += "\n" + line
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() != "no":
            suites, components = (tuple(fields.get(key, "").split()) for key in ("suites", "components"))
            signed_by = fields.get("signed-by", "")
            found += [Source(uri, suites, components, signed_by) for uri in fields.get("uris", "").split()]
    return found


def read_sources(list_file: Path, parts: Path) -> list[Source]:
    """Read every source of the machine."""
    found = parse_list(_text(list_file))
    for path in sorted(parts.glob("*.list")):
        found += parse_list(_text(path))
    for path in sorted(parts.glob("*.sources")):
        found += parse_deb822(_text(path))
    return found


def find_archive(sources: list[Source], codename: str) -> Archive:
    """Choose the distribution's own archive among the sources. Raises CannotError when there is none."""
    wanted = {codename, *_STANDARD_SUITES} - {""}
    mains = [s for s in sources if wanted & set(s.suites) and "main" in s.components]
    if not mains:
        raise CannotError(
            f"apt's sources name no Debian archive (a suite among {', '.join(sorted(wanted))}, component main), so "
            "there is nothing to fetch a kernel from. Give a path to a vmlinuz instead."
        )
    securities = [s for s in sources if any(suite.endswith("-security") for suite in s.suites)]
    return Archive(mains[0], securities[0] if securities else None)


def private_stanza(source: Source, suites: tuple[str, ...]) -> str:
    """Return the deb822 stanza that asks ``source`` for other suites, its signatures checked as the machine does.

    Older suites are no longer signed anew, so their expiry date is not looked at; the signature is.
    """
    lines = ["Types: deb", f"URIs: {source.uri}", f"Suites: {' '.join(suites)}", "Components: main"]
    lines += ["Architectures: amd64", "Check-Valid-Until: no"]
    return "\n".join([*lines, *([f"Signed-By: {source.signed_by}"] if source.signed_by else [])]) + "\n"


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""  # apt itself reads what it may, and most machines have one of the two formats only

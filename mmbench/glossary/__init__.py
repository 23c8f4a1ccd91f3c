"""The words of mmbench's output and what they mean: `terms.md`, read term by term."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TERMS = Path(__file__).with_name("terms.md")


@dataclass(frozen=True)
class Term:
    """One entry: its names, the one it is known by first, and its text in one paragraph."""

    names: tuple[str, ...]
    text: str


def terms() -> list[Term]:
    """Every entry of the glossary, in its order."""
    found = []
    for part in TERMS.read_text(encoding="utf-8").split("\n## ")[1:]:
        heading, _, body = part.partition("\n")
        found.append(Term(tuple(name.strip() for name in heading.split(",")), " ".join(body.split())))
    return found

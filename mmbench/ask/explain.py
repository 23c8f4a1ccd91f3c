"""What a word of the output means: the glossary's terms, and every word that is declared somewhere with its meaning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mmbench.errors import nearest
from mmbench.glossary import terms


@dataclass(frozen=True)
class Meaning:
    """A word, what kind of word it is, and what it means."""

    word: str
    kind: str
    text: str


def meanings() -> Iterator[Meaning]:
    """Every word there is: terms first, then rules of the checker, designs, scenarios, ops, work items."""
    from mmbench.checker.properties import ALL
    from mmbench.machine.ops import Op
    from mmbench.machine.work import ITEMS
    from mmbench.scenarios import NAMED
    from mmbench.strategies import load_all

    for term in terms():
        for name in term.names:
            yield Meaning(name, "term", term.text)
    for rule in ALL:
        yield Meaning(rule.name, "rule of the checker", f"{rule.claim}. Broken, in the kernel: {rule.kernel}.")
    for one in load_all():
        s = one.strategy
        text = f"{s.title} ({s.status}). exit_mmap holds {s.holds}. It never {s.never}. See mmbench show {s.id}."
        yield Meaning(s.id, "design", text)
    for name, (text, *_) in NAMED.items():
        yield Meaning(name, "scenario", f"{text}. See mmbench compare --scenario {name}.")
    for op in Op:
        yield Meaning(op.name.lower(), "op of a step", f"{op.spec.meaning}.")
    for item in ITEMS:
        yield Meaning(item.name, "work item, priced by the cost table", f"{item.meaning}.")


def explain(word: str) -> list[Meaning]:
    """All meanings of a word, capitals and dashes aside. Raises InputError with the nearest known word."""
    key = folded(word)
    known = list(meanings())
    found = [m for m in known if folded(m.word) == key]
    if not found:
        raise nearest(word, list(dict.fromkeys(m.word for m in known)), "word")
    return list({m.text: m for m in found}.values())


def folded(word: str) -> str:
    """A word as it is compared."""
    return word.lower().replace("-", " ").replace("_", " ").strip()

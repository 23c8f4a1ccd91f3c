"""What a design says of itself: its facts, and its steps with the lock held at each; and how two designs differ."""

from __future__ import annotations

from difflib import SequenceMatcher

from mmbench.machine.lint import lint_role
from mmbench.machine.protocol import Step
from mmbench.model.layout import VM_FLAG_NAMES, VM_UNLOCKING
from mmbench.model.world import MMF_NAMES, WHY_NAMES
from mmbench.report.units import format_time
from mmbench.strategies import IDS, load
from mmbench.strategies.load import Loaded

NAMES = {"ps": "for"}  # arguments in words


def argument_words(step: Step) -> str:
    """The step's arguments with flags by name and times with units."""
    vm = {f"VM_{name.upper()}": bit for name, bit in VM_FLAG_NAMES.items()} | {"VM_UNLOCKING": VM_UNLOCKING}

    def word(name: str, value: int) -> str:
        if name in ("skip", "mark"):
            return " | ".join(flag for flag, bit in vm.items() if value & bit) or "none"
        if name == "flag":
            return " | ".join(flag for flag, bit in MMF_NAMES.items() if value & bit)
        if name == "ps":
            return format_time(value)
        if name == "why":
            return WHY_NAMES[value]
        if name == "direction":
            return "low to high" if value > 0 else "high to low"
        return str(value)

    return ", ".join(f"{NAMES.get(name, name)}={word(name, value)}" for name, value in step.args.items())


def step_rows(loaded: Loaded) -> list[dict[str, str]]:
    """One row per step of every role."""
    rows = []
    for role, steps in loaded.roles.items():
        for step, held in zip(steps, lint_role(loaded.strategy.id, role, steps), strict=True):
            rows.append(
                {
                    "role": role,
                    "holds mmap_lock": held.mmap_lock or "-",
                    "step": step.label,
                    "op": step.op.name.lower(),
                    "arguments": argument_words(step),
                    "goes to": step.to,
                    "otherwise": step.otherwise,
                    "meaning": step.op.spec.meaning,
                }
            )
    return rows


def facts(loaded: Loaded) -> dict[str, str]:
    """What the design says of itself."""
    s = loaded.strategy
    return {
        "design": s.title,
        "status": s.status,
        "exit_mmap holds": s.holds,
        "never": s.never,
        "sources": "; ".join(s.sources),
        **{f"assumes: {k}": v for k, v in s.assumes.items()},
        **{
            f"open: {k}": f"{loaded.params[k]} (default {p.default}; choices {', '.join(p.choices)}): {p.why}"
            for k, p in s.params.items()
        },
    }


def step_difference(loaded: Loaded, other: Loaded) -> list[dict[str, str]]:
    """Steps that only one of two designs has, role by role: rows with "-" (the other's) or "+" (this one's).

    Steps are alike when op, arguments and the lock held agree, whatever their labels.
    """
    mine, theirs = _by_role(loaded), _by_role(other)
    found = []
    for role in dict.fromkeys([*theirs, *mine]):
        old, new = theirs.get(role, []), mine.get(role, [])
        keys = [[(r["op"], r["arguments"], r["holds mmap_lock"]) for r in rows] for rows in (old, new)]
        for tag, i, j, k, m in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
            if tag != "equal":
                found += [{"sign": "-", **row} for row in old[i:j]] + [{"sign": "+", **row} for row in new[k:m]]
    return found


def nearest_design(loaded: Loaded) -> str:
    """The shipped or proposed design from which this one differs in the fewest steps; the first of equals."""
    others = [name for name in IDS if name != loaded.strategy.id]
    return min(others, key=lambda name: len(step_difference(loaded, load(name))))


def _by_role(loaded: Loaded) -> dict[str, list[dict[str, str]]]:
    rows: dict[str, list[dict[str, str]]] = {}
    for row in step_rows(loaded):
        rows.setdefault(row["role"], []).append(row)
    return rows

"""The published races of this corner of the kernel, each as a strategy with its fix taken out.

The numbers are those of the docs (docs/checker.md). A case fails with one property, and its fixed twin does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mmbench.checker.properties import OwnProperty, read_property
from mmbench.checker.scope import find_scope
from mmbench.checker.verdict import Verdict, check
from mmbench.strategies import load

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One bug: broken and fixed strategy (file of this folder or id), the scope, and the property that breaks.

    own: the file that defines a property of its own, or ""
    fix_seen: False where the fix is a timer, which a check without time cannot see
    """

    number: int
    title: str
    broken: str
    fixed: str
    scope: str
    property: str
    own: str = ""
    fix_seen: bool = True


CASES = (
    Case(1, "CVE-2018-1000200: munlock beside the reaper", "v4.14", "v4.17", "default", "I5"),
    Case(2, "victim identity in exit_mmap", "bug02_victim_identity.py", "v4.14", "unlocked", "I1"),
    Case(4, "process_mrelease against free_pgtables", "bug04_mrelease_unpinned.py", "v4.17", "plain-kill", "I1"),
    Case(5, "use after free of mm->mmap", "bug05_dangling_list.py", "v5.17", "plain-kill", "I8"),
    Case(
        6,
        "futex robust list",
        "bug06_robust_list.py",
        "bug06_robust_list.py:delay=2s",
        "unlocked",
        "own",
        own="bug06_robust_list.py",
        fix_seen=False,
    ),
    Case(
        8,
        "premature next victim (the loser sets MMF_OOM_SKIP)",
        "bug08_loser_sets_skip.py",
        "v4.17",
        "unlocked",
        "K1",
    ),
    Case(10, "inverted MMF_OOM_SKIP test", "bug10_inverted_test.py", "v6.18", "default", "I4"),
    Case(
        11,
        "the reaper as last user",
        "bug11_reaper_last_user.py",
        "bug11_reaper_last_user.py:mmput=async",
        "timed-holder",
        "R1",
    ),
)

# Bug number -> (title, why the model cannot show it)
OUT_OF_SCOPE = {
    3: ("TLB leak (687cb0884a71, CVE-2017-18202)", "the model has no TLB and no running threads of the victim"),
    7: ("double enqueue (9bcdeb51bd7d)", "the reaper's list and its links are not part of the world"),
    9: ("failed fork (64c37e134b12)", "half-built mms, the marker entry and rmap walkers are not modelled"),
    12: (
        "missing gather finish (2018)",
        "MMU notifiers and their refusal are not modelled; a path that leaves a gather open is refused by the linter",
    ),
}


def spec_of(name: str) -> str:
    """What strategies.load wants: an id, or the path of a file of this folder with its parameters."""
    return str(FOLDER / name) if ".py" in name else name


def run_case(case: Case, *, fixed: bool) -> Verdict:
    """Check a case with its fix taken out, or with the fix."""
    loaded = load(spec_of(case.fixed if fixed else case.broken))
    own: OwnProperty | None = read_property(FOLDER / case.own) if case.own else None
    return check(loaded.name, loaded.roles, find_scope(case.scope), own=own, spec=loaded.spec)

"""All orders, no time: every interleaving of a strategy in a small world, judged against named properties."""

from mmbench.checker.scope import Scope, find_scope
from mmbench.checker.search import Limits
from mmbench.checker.verdict import Verdict, check

__all__ = ["Limits", "Scope", "Verdict", "check", "find_scope"]

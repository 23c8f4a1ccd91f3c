"""Who is there besides the victim, and when each of them starts."""

from mmbench.scenarios.scenario import NAMED, Scenario, scenario

__all__ = ["NAMED", "Scenario", "scenario"]

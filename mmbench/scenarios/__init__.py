"""Who is there besides the victim, and when each of them starts.

A scenario file of one's own imports from here: ScenarioFile, Bystander, Option, and step and Op for their steps.
"""

from mmbench.machine.protocol import DONE_LABEL, Op, step
from mmbench.scenarios.bystander import BEFORE_THE_KILL, JIFFY_PS, MS, NEVER, SECOND, US, Bystander, Option
from mmbench.scenarios.scenario import NAMED, OPTIONS, Scenario, ScenarioFile, scenario

__all__ = [
    "BEFORE_THE_KILL",
    "DONE_LABEL",
    "JIFFY_PS",
    "MS",
    "NAMED",
    "NEVER",
    "OPTIONS",
    "SECOND",
    "US",
    "Bystander",
    "Op",
    "Option",
    "Scenario",
    "ScenarioFile",
    "scenario",
    "step",
]

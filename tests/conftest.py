"""Runs of the tests are alike: the same examples are drawn, none fails by the clock, and Ctrl-C works in children.

A shell's background job ignores Ctrl-C, and so would what it starts.
"""

import os
import signal

from hypothesis import Phase, settings

os.environ.pop("COLUMNS", None)  # whoever runs the tests may have a narrow terminal
settings.register_profile("repeatable", derandomize=True, deadline=None)
# For planted mutants: that there is a counterexample is all that is asked, not how small one can be.
settings.register_profile(
    "first-failure",
    derandomize=True,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    report_multiple_bugs=False,
)
settings.load_profile("repeatable")
signal.signal(signal.SIGINT, signal.default_int_handler)

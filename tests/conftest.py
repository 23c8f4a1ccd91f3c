"""Runs of the tests are alike: the same examples are drawn, none fails by the clock, and Ctrl-C works in children.

A shell's background job ignores Ctrl-C, and so would what it starts.
"""

import signal

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
signal.signal(signal.SIGINT, signal.default_int_handler)

"""Runs of the tests are alike: the same examples are drawn, and Ctrl-C works in children even if ignored here."""

import signal

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it, and so would children

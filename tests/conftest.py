"""Property tests draw the same examples every time: a run of the tests is reproducible like everything else here."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

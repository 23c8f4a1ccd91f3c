"""What `import mmbench` gives: questions as functions, answers that know how to be a table, a data frame or a picture.

compare, run, sweep, replay, trace   single runs      check    all interleavings
Study, read_study                    many kills       snapshot, import_log    what dies, and what died

Every answer was checked where it was made. Bad input raises mmbench.InputError with the sentence that the command
line prints; what this machine or account cannot do raises mmbench.CannotError.
"""

from mmbench.api.answer import Answer
from mmbench.api.checks import check
from mmbench.api.runs import Runs, Sweep, Trace, compare, replay, run, sweep, trace
from mmbench.api.studies import Latencies, Promise, Study, read_study
from mmbench.api.victims import Kills, import_log, snapshot

__all__ = [
    "Answer",
    "Kills",
    "Latencies",
    "Promise",
    "Runs",
    "Study",
    "Sweep",
    "Trace",
    "check",
    "compare",
    "import_log",
    "read_study",
    "replay",
    "run",
    "snapshot",
    "sweep",
    "trace",
]

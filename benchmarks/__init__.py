"""The asv suite: `track_*` is the model's answer and deterministic, `time_*` is this machine's speed. Never mixed.

One suite measures older commits, too: `MOVED` gives modules that have moved since the names that they had then.
"""

import sys
from importlib import import_module
from importlib.util import find_spec

MOVED = {  # new name -> the name before
    "mmbench.pages": "mmbench.kernels",
    "mmbench.sizing.laws.entries": "mmbench.sizing.entries",
    "mmbench.sizing.laws.families": "mmbench.sizing.families",
    "mmbench.sizing.laws.spoken": "mmbench.sizing.laws",
    "mmbench.sizing.queue.mixture": "mmbench.sizing.mixture",
    "mmbench.sizing.queue.reaper_list": "mmbench.sizing.queue",
    "mmbench.sizing.queue.service": "mmbench.sizing.service",
}


def exists(module: str) -> bool:
    """Whether this version of mmbench has the module."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # what should be its package is a module
        return False


for new, old in MOVED.items():
    if not exists(new) and exists(old):
        sys.modules[new] = import_module(old)

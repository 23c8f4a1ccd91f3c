"""The asv suite: `track_*` is the model's answer and deterministic, `time_*` is this machine's speed. Never mixed.

One suite measures older commits, too: `MOVED` gives modules that have moved since the names that they had then.
"""

import sys
from importlib import import_module
from importlib.util import find_spec

MOVED = {"mmbench.pages": "mmbench.kernels"}  # new name -> the name before

for new, old in MOVED.items():
    if find_spec(new) is None and find_spec(old) is not None:
        sys.modules[new] = import_module(old)

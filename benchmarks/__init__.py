"""The asv suite: `track_*` is the model's answer and deterministic, `time_*` is this machine's speed. Never mixed.

One suite measures older commits, too: `MOVED` gives modules that have moved since the names that they had then.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

MOVED = {  # new name -> the name before, or the names of the modules that it was made of
    "mmbench.ask.runs": ("mmbench.cli.running", "mmbench.cli.inputs"),
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


def stand_in(new: str, old: str | tuple[str, ...]) -> ModuleType:
    """What stands for the module `new` where it does not exist yet."""
    if isinstance(old, str):
        return import_module(old)
    module = ModuleType(new, f"Names of {' and '.join(old)}.")
    for name in old:
        vars(module).update({k: v for k, v in vars(import_module(name)).items() if not k.startswith("__")})
    return module


for new, old in MOVED.items():
    if not exists(new) and exists(old if isinstance(old, str) else old[0]):
        sys.modules[new] = stand_in(new, old)

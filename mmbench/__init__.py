"""mmbench: how OOM victims with large mlocked address spaces give their memory back, design by design.

    import mmbench as mm
    mm.compare("v5.17", "v6.18", size="64GiB", scenario="stuck-holder")

docs/python.md shows the rest. Names are loaded when they are first asked for, so that `mmbench --help` stays quick.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmbench.api import Study, check, compare, import_log, read_study, replay, run, snapshot, sweep, trace
    from mmbench.errors import CannotError, InputError, MmbenchError

__version__ = "0.2.0"
__all__ = [
    "CannotError", "InputError", "MmbenchError", "Study", "check", "compare", "import_log", "read_study", "replay",
    "run", "snapshot", "sweep", "trace",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mmbench import api, errors

    return getattr(errors if name.endswith("Error") else api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

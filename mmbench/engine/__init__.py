"""One order, with time: run a victim, a strategy and a scenario, and measure blocking, freed pages, throughput."""

from mmbench.engine.runner import run, run_prepared
from mmbench.engine.setup import Prepared, prepare

__all__ = ["Prepared", "prepare", "run", "run_prepared"]

"""The kill behind a maximum is the kill behind it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mmbench.sizing.extremes import extremes
from mmbench.sizing.laws.spoken import KillLaw
from mmbench.sizing.off_grid import table_says
from mmbench.sizing.queue.reaper_list import REAPER
from mmbench.sizing.queue.tally import BEHIND, QUANTITIES
from mmbench.sizing.sample import Sample
from mmbench.sizing.study import play, room_of, run_chunk
from tests.sizing.test_rare import held


def test_every_maximum_names_its_kill_and_the_engine_runs_it() -> None:
    parts, _, study, setting = held("drop-oom-skip", "exp:100ms", rarity="1/10")
    study = replace(study, kills=KillLaw("poisson", 10**11), kept_kills=2000, edge_kills=100)
    sample = Sample(run_chunk(study, 0, 20))
    found = extremes(parts, study, setting, 20)
    for q, name in enumerate(QUANTITIES):
        kill = found[name]
        low, high = sample.largest(name)
        assert low <= kill["exact_ps"] <= high
        room = room_of(study)
        play(study, kill["replication"], np.ascontiguousarray(study.fields[:, :, REAPER]), room)
        entry, wait = (int(room[k][study.edge_kills + kill["kill"]]) for k in (1, 2))
        assert wait == kill["wait_ps"]
        assert kill["exact_ps"] == (wait if q == BEHIND else int(table_says(study.fields, entry, wait)[q]))
    assert found["all"]["engine_ps"] > 0 and "engine_ps" not in found["behind"]
    assert "1GiB" in found["all"]["victim"] and (found["all"]["hold"], found["all"]["hold_ps"] > 0) == ("time", True)


def test_a_long_study_is_not_gone_through_again(exponential) -> None:
    parts, _, study, setting = held("v5.17", "none", rarity="1/10")
    assert extremes(parts, study, setting, 10**4) == {}

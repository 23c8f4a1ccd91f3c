"""The designed configurations tell the terms apart, the held-out ones are others, and both stay within bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.cost.fit import FEATURES, TERMS, _design
from mmbench.errors import CannotError
from mmbench.live.design import calibration_set, held_out_set
from mmbench.live.experiment import interleaved
from mmbench.live.workload import VictimConfig

MIB = 1 << 20


def _row(config: VictimConfig, what: str) -> dict:
    return {"config": config.to_dict(), "facts": vars(config.facts()), "what": what}


@pytest.mark.parametrize("what", list(TERMS))
@pytest.mark.parametrize("max_mib", [96, 512, 1024, 4096])
def test_calibration_set_tells_all_its_terms_apart(what: str, max_mib: int) -> None:
    configs = calibration_set(max_mib * MIB)
    names, _ = _design([_row(config, what) for config in configs], what)
    missing = set(TERMS[what]) - set(names)
    assert missing <= ({"cold"} if max_mib < 1024 else set())
    assert set(names) <= set(FEATURES)


@settings(max_examples=40, deadline=None)
@given(st.integers(48, 6000), st.integers(0, 99), st.one_of(st.none(), st.integers(0, 256)))
def test_sets_stay_within_bounds_and_apart(max_mib: int, seed: int, locked_mib: int | None) -> None:
    locked = None if locked_mib is None else locked_mib * MIB
    fitted = calibration_set(max_mib * MIB, locked)
    held_out = held_out_set(20, max_mib * MIB, locked, has_thp=True, has_shmem=True, seed=seed)
    assert len(set(fitted)) == len(fitted) >= 12
    assert len(set(held_out)) == 20
    assert not set(fitted) & set(held_out)
    for config in fitted + held_out:
        assert config.memory_bytes <= max_mib * MIB
        assert locked is None or config.locked_bytes <= locked


def test_held_out_is_the_same_for_the_same_seed_only() -> None:
    assert held_out_set(20, 1 << 30, seed=7) == held_out_set(20, 1 << 30, seed=7)
    assert held_out_set(20, 1 << 30, seed=7) != held_out_set(20, 1 << 30, seed=8)


def test_kinds_that_cannot_be_had_are_left_out() -> None:
    kinds = {config.kind for config in calibration_set(1 << 30, has_thp=False, has_shmem=False)}
    assert kinds == {"anon"}
    assert {config.kind for config in held_out_set(50, 1 << 30, has_thp=True, has_shmem=True)} == {
        "anon",
        "thp",
        "shmem",
    }


def test_too_little_memory_is_refused() -> None:
    with pytest.raises(CannotError, match="at least 32 MiB"):
        calibration_set(8 * MIB)


def test_repetitions_are_interleaved_and_shuffled() -> None:
    plan = interleaved(5, ("exit", "race"), 3, seed=1)
    assert len(plan) == 30
    rounds = [plan[i : i + 10] for i in range(0, 30, 10)]
    for rep, once in enumerate(rounds):
        assert {item[2] for item in once} == {rep}
        assert len(set(once)) == 10
    assert [item[:2] for item in rounds[0]] != [item[:2] for item in rounds[1]]

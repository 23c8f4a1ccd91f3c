"""A victim's arithmetic against a page-by-page count, and what it refuses."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmbench.errors import InputError
from mmbench.live.workload import VictimConfig

PAGE = 4096


@st.composite
def configs(draw: st.DrawFn) -> VictimConfig:
    kind = draw(st.sampled_from(["anon", "shmem", "file", "thp"]))
    unit = 512 if kind == "thp" else 1
    units = draw(st.integers(1, 6 if kind == "thp" else 3000))
    return VictimConfig(
        span_bytes=units * unit * PAGE,
        locked_share=draw(st.floats(0.0, 1.0)),
        n_vmas=draw(st.integers(1, units)),
        stride_pages=1 if kind == "thp" else draw(st.integers(1, units)),
        kind=kind,
    )


@settings(deadline=None)
@example(VictimConfig(3 * 9 * PAGE, 0.0, 3))  # one page more than a gather holds on its stack
@example(VictimConfig(3 * 8 * PAGE, 0.0, 3))
@given(configs())
def test_facts_equal_a_count_page_by_page(config: VictimConfig) -> None:
    span = config.span_bytes // PAGE
    present = list(range(0, span, config.stride_pages))
    segments = config.segment_edges()
    boundary = config.locked_span_pages
    # a VMA is a run of pages that agree in segment and in lock
    keys = [(sum(edge <= page for edge in segments), page < boundary) for page in range(span)]
    runs: dict[tuple[int, bool], int] = {}
    for page in range(span):
        runs[keys[page]] = runs.get(keys[page], 0) + (page % config.stride_pages == 0)
    facts = config.facts()
    assert facts.n_pages == len(present)
    assert facts.n_locked_pages == sum(page < boundary for page in present)
    assert facts.n_unlocked_pages == facts.n_pages - facts.n_locked_pages
    assert facts.n_vmas == len(runs)
    assert facts.n_batched_vmas == sum(count > 8 for count in runs.values())
    tables = len({page // 512 for page in present})
    assert (facts.n_tables, facts.n_thps) == ((0, tables) if config.kind == "thp" else (tables, 0))


@given(configs())
def test_a_config_survives_json_and_names_itself(config: VictimConfig) -> None:
    assert VictimConfig.from_dict(config.to_dict()) == config
    assert config.kind in str(config)


def test_thp_boundaries_never_split_a_huge_page() -> None:
    config = VictimConfig(8 << 20, 0.4, 3, kind="thp")
    assert all(edge % 512 == 0 for edge in config.vma_edges())


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({"span_bytes": 100}, "multiple of 4096"),
        ({"span_bytes": 4 << 20, "kind": "thq"}, "Did you mean 'thp'"),
        ({"span_bytes": 3 << 20, "kind": "thp"}, "multiple of 2097152"),
        ({"span_bytes": 4 << 20, "locked_share": 1.5}, "from 0 to 1"),
        ({"span_bytes": 4 << 20, "n_vmas": 5000}, "allowed is 1 to 1024"),
        ({"span_bytes": 4 << 20, "stride_pages": 0}, "allowed is 1 to 1024"),
        ({"span_bytes": 4 << 20, "stride_pages": 2, "kind": "thp"}, "only 1 for thp"),
        ({"span_bytes": 4 << 20, "stride": 2}, "Did you mean 'stride_pages'"),
        ({"span_bytes": "4M"}, "give int"),
        ({"span_bytes": True}, "give int"),
        ({"locked_share": 1.0}, "without span_bytes"),
    ],
)
def test_impossible_victims_are_refused_with_what_is_allowed(found: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        VictimConfig.from_dict(found)

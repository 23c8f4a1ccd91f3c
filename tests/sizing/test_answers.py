"""From a mixture and the engine to answers: service table, load, inverse, choosing, off-grid error."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from mmbench.cost.table import load_table
from mmbench.engine import prepare, run_prepared
from mmbench.errors import InputError
from mmbench.scenarios import scenario
from mmbench.sizing.answers import answer, fleet_sentence, one_in, sentence
from mmbench.sizing.choosing import difference, is_decided, ranking
from mmbench.sizing.exactness import errors, examine, mended, rests_on
from mmbench.sizing.inverse import Verdict, highest, judge, parse_slo
from mmbench.sizing.laws.families import parse_family
from mmbench.sizing.laws.spoken import KillLaw, parse_holds, parse_kills
from mmbench.sizing.load import check_growth, check_steady, growth, load_of
from mmbench.sizing.queue.lateness import over_waits
from mmbench.sizing.queue.mixture import mixture, node_tables, service_table
from mmbench.sizing.queue.reaper_list import ALL, COLLATERAL, N_FIELDS, NOT_LISTED, REAPER, SKIP, WAITS_PS
from mmbench.sizing.queue.service import Setting, check_setting, run_once
from mmbench.sizing.sample import Sample
from mmbench.sizing.study import Study, run_chunk
from mmbench.sizing.textbook import textbook_study
from mmbench.sizing.worlds import heavy_of
from mmbench.strategies import load

MS, GIB = 10**9, 1 << 30


def setting_of(strategy: str, where: str = "quiet") -> Setting:
    return Setting(load(strategy), scenario(where), load_table())


def table_of(strategy: str, heavy: str = "1GiB", rarity: str = "1/10", holds: str = "none"):
    parts = mixture(
        parse_family("64MiB", None, "--ordinary", GIB),
        parse_family(heavy, "0.9", "--heavy", 64 * GIB),
        Fraction(rarity),
        parse_holds(holds),
        Fraction(1),
    )
    setting = setting_of(strategy)
    nodes = node_tables(parts, setting, lambda: None)
    return parts, setting, nodes, service_table(parts, nodes, setting)


def test_the_table_holds_what_the_engine_says() -> None:
    parts, setting, _, table = table_of("v4.17")
    prepared = prepare(parts[1].family.build(GIB))
    for k in (0, 1, 30, 60):
        late = setting.scenario.but(reaper_start_ps=int(WAITS_PS[k]))
        record = run_prepared(prepared, setting.loaded, late, setting.costs, victim="")
        assert table.fields[1, k, SKIP] == pytest.approx(record["time_ps"]["oom_skip"], rel=0.003)
        assert table.fields[1, k, ALL] == pytest.approx(record["time_ps"]["all"], rel=0.003)
        busy = record["end_ps"]["reaper"] - int(WAITS_PS[k])
        assert table.fields[1, k, REAPER] == pytest.approx(busy, rel=0.003, abs=2 * 10**8)


def test_a_late_reaper_stalls_where_the_design_shuts_it_out() -> None:
    """drop-oom-skip: at once it reaps, 5 ms late it polls for exit_mmap; until memory comes it gives up after 1 s."""
    _, _, _, table = table_of("drop-oom-skip", holds="memory")
    assert table.fields[1, :, REAPER].max() == pytest.approx(1040 * MS, rel=0.01)
    assert table.fields[1, 0, COLLATERAL] == 1


def test_who_is_done_when_the_timer_fires_never_enters_the_list() -> None:
    _, setting, _, table = table_of("v6.18")
    assert setting.delay_ps == 2000 * MS
    assert (table.fields[:, 0, REAPER] == NOT_LISTED).all()
    assert table.busy_ps(0) == 0.0


def test_lines_are_run_once_a_doubling_and_bends_where_they_are() -> None:
    asked = []

    def run(wait_ps: int) -> list[int]:
        asked.append(wait_ps)
        return [max(10**12 - wait_ps, 0)] * N_FIELDS

    rows = over_waits(run)
    assert len(asked) < 40
    truth = np.maximum(10**12 - WAITS_PS, 0)
    assert (np.abs(rows[:, 0] - truth) <= np.maximum(truth * 0.01, 10**8)).all()


def test_a_scenario_without_a_reaper_is_refused() -> None:
    with pytest.raises(InputError, match="no OOM reaper"):
        check_setting(setting_of("v6.18", "mrelease"))


def test_holds_need_mlocked_victims() -> None:
    plain = parse_family("64MiB", None, "--ordinary", GIB)
    with pytest.raises(InputError, match="mlocked"):
        mixture(plain, None, Fraction(0), parse_holds("memory"), Fraction(1))


def test_a_load_of_one_or_more_has_no_steady_state() -> None:
    _, setting, _, table = table_of("trylock", holds="memory")
    busy_s = table.busy_ps(len(WAITS_PS) - 1) / 1e12
    rate = 2 / busy_s
    law = KillLaw("test", mean_ps=round(1e12 / rate))
    assert load_of(law, table).backlog == pytest.approx(2.0, rel=0.01)
    with pytest.raises(InputError, match=r"no steady state.*load of 2.*grows by"):
        check_steady(law, table, setting.loaded.name)


def test_a_list_that_grows_newest_first_has_no_steady_state() -> None:
    """v5.17's reaper is busy for long with who is a little late and for nothing with who is very late."""
    _, setting, _, table = table_of("v5.17", heavy="16GiB", rarity="1/2", holds="memory")

    def study_at(mean_ps: int) -> Study:
        law = KillLaw("poisson", mean_ps=mean_ps)
        assert load_of(law, table).backlog < 1
        return Study(1, law, table.thresholds, table.components, table.fields, name=setting.loaded.name)

    with pytest.raises(InputError, match=r"v5\.17: .*no steady state.*never comes to the end.*grows by"):
        check_growth(study_at(10**10))
    came, went = growth(study_at(10**10)) or (0.0, 0.0)
    assert came == pytest.approx(100, rel=0.03) and 0 < went < came
    assert growth(study_at(10**13)) is None


def test_a_busy_queue_with_a_steady_state_is_not_refused(exponential) -> None:
    assert all(
        growth(textbook_study(exponential, load, seed=seed)) is None for load in (0.5, 0.95) for seed in range(9)
    )
    assert growth(textbook_study(exponential, 0.0001)) is None
    came, went = growth(textbook_study(exponential, 1.5)) or (0.0, 0.0)
    assert came / went == pytest.approx(1.5, rel=0.05)


def lognormal_study(strategy: str):
    """Ordinary victims of every size up to 32 GiB, and now and then a heavy one whose page somebody holds."""
    parts = mixture(
        parse_family("lognormal:256MiB,1.5", None, "--ordinary", 32 * GIB),
        parse_family("8GiB", "0.9", "--heavy", 64 * GIB), Fraction(1, 50), parse_holds("memory"), Fraction(1),
    )  # fmt: skip
    setting = setting_of(strategy)
    runs = node_tables(parts, setting, lambda: None)

    def study_of(runs) -> Study:
        table = service_table(parts, runs, setting)
        return Study(
            1, parse_kills("poisson:1/s"), table.thresholds, table.components, table.fields, setting.delay_ps,
            heavy=heavy_of(parts, table.components, len(table.fields)),
        )  # fmt: skip

    return parts, setting, runs, study_of


def test_every_printed_number_rests_on_engine_runs_of_its_kills() -> None:
    parts, setting, runs, study_of = lognormal_study("drop-oom-skip")
    examined = examine(parts, study_of(runs), setting, 4, {}, 0.99)
    at = examined[0]
    rest = rests_on(at)
    assert {"skip p50", "skip p99.99", "reaper p99", "skip over", "reaper over", "heavy"} <= rest.keys()
    assert all(0 < len(kills) <= 15 for _, kills in rest.values())
    q, kills = rest["skip p99"]
    truth = np.quantile(at.values[q], 0.99, method="inverted_cdf")
    assert np.abs(at.values[q][kills] - truth).max() < 0.1 * truth
    before = errors(examined)
    assert (
        set(before) == {*rest, "skip p99 without", "skip p99 unlocked"}
        and max(found["worst"] for found in before.values()) > 0.005
    )
    after = mended(parts, runs, setting, study_of, 0.99)
    assert max(len(of.sizes) for of in after) > max(len(of.sizes) for of in runs)
    found = errors(examine(parts, study_of(after), setting, 4, {}, 0.99))
    assert max(of["median"] for of in found.values()) < 0.02, found


def test_an_interpolated_size_is_near_an_engine_run() -> None:
    setting = setting_of("v5.17")
    family = parse_family("lognormal:256MiB,1", None, "--ordinary", 4 * GIB)
    parts = mixture(family, None, Fraction(0), None, Fraction(1))
    table = service_table(parts, node_tables(parts, setting, lambda: None), setting)
    slot = 20
    truth = run_once(prepare(family.build(family.sizes[slot])), setting, setting.scenario, 0, 1)
    assert table.fields[slot, 0, ALL] == pytest.approx(truth[ALL], rel=0.02)


@pytest.mark.parametrize(
    ("text", "quantity", "p", "limit"),
    [("p99.9<2s", "skip", 0.999, 2 * 10**12), ("all p50 < 10ms", "all", 0.5, 10**10)],
)
def test_promises(text, quantity, p, limit) -> None:
    slo = parse_slo(text)
    assert (slo.quantity, slo.p, slo.limit_ps) == (quantity, p, limit)


@pytest.mark.parametrize(
    "text", ["", "p99.9", "p99.9>2s", "p100<2s", "p0<2s", "99.9<2s", "p99.9<2", "p99.9<fast", "p99<0s", "mean p9<1s"]
)
def test_what_is_no_promise_is_refused(text) -> None:
    with pytest.raises(InputError):
        parse_slo(text)


def ladder(exponential):
    """Rungs of ever longer service at 0.2 kills a second of mean service 10 ms, 20 ms, ...: p90 known and rising."""

    def sample_of(rung: int, kills: int) -> Sample | None:
        if rung >= 9:
            return None
        study = textbook_study(exponential / 10 * (rung + 1), 0.01, kept_kills=500, edge_kills=50)
        return Sample(run_chunk(study, 0, -(-kills // 500)))

    return sample_of


def test_the_highest_rung_that_holds_is_found(exponential) -> None:
    """p90 of an exponential of mean 10 ms (k + 1) is 23 ms (k + 1): below 100 ms up to k = 3."""
    slo = parse_slo("reaper p90<100ms")
    best, steps = highest(slo, 12, ladder(exponential), 20_000, 80_000)
    assert best == 3
    verdicts = {step.rung: step.verdict for step in steps}
    assert verdicts[3] is Verdict.HOLDS and verdicts[4] is not Verdict.HOLDS
    assert all((v is Verdict.HOLDS) == (rung <= 3) for rung, v in verdicts.items())


def test_none_may_hold_and_all_may(exponential) -> None:
    sample_of = ladder(exponential)
    assert highest(parse_slo("reaper p90<1ms"), 9, sample_of, 20_000, 20_000)[0] is None
    assert highest(parse_slo("reaper p90<9s"), 9, sample_of, 20_000, 20_000)[0] == 8


def test_what_is_refused_is_undecided(exponential) -> None:
    sample = ladder(exponential)(0, 500)
    assert judge(parse_slo("reaper p99.99<9s"), sample, 0).verdict is Verdict.UNDECIDED


def test_the_same_kills_rank_two_designs_and_not_one_against_itself(exponential) -> None:
    one = Sample(run_chunk(textbook_study(exponential, 0.3, kept_kills=500, edge_kills=50), 0, 40))
    study = textbook_study(exponential, 0.3, kept_kills=500, edge_kills=50)
    slower = replace(study, fields=study.fields * 1.05)
    two = Sample(run_chunk(slower, 0, 40))
    unsafe = ranking({"slow": two, "fast": one}, None, 0.95, {"fast"})
    assert unsafe["order"] == ["slow", "fast"] and unsafe["flawed"] == ["fast"]
    found = ranking({"slow": two, "fast": one, "twin": one}, None, 0.95)
    assert found["rank"] == {"fast": 1, "twin": 1, "slow": 3}
    assert not is_decided(difference(one, one, 0.99, 0.95))


def test_sentences() -> None:
    record = {"over": {"reaper": {"value": 1 / 2400, "low": 1 / 3100, "high": 1 / 1900, "hits": 50}}}
    assert sentence(record, "1 s") == "1 in 2,400 kills [1,900, 3,100] blocks the reaper for more than 1 s"
    fleet = fleet_sentence(record, 500, 4.0)
    assert fleet == "500 hosts with 4 kills a day each: one such kill every 1.2 days [23 hours, 1.55 days]"
    record["over"]["reaper"] = {"value": 0.0, "low": 0.0, "high": 3 / 3000, "hits": 0}
    assert sentence(record, "1 s").startswith("fewer than 1 in 1,000 kills")
    assert one_in(0.5) == "2"


def test_a_record_is_plain_json(exponential) -> None:
    import json

    study = textbook_study(exponential, 0.3, kept_kills=500, edge_kills=50)
    sample = Sample(run_chunk(study, 0, 40))
    from mmbench.sizing.load import Load

    record = answer(study, sample, Load(0.3, 0.3), {"strategy": "textbook"})
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert "refused" in record["latency"]["skip"]["percentiles"]["p99.99"]

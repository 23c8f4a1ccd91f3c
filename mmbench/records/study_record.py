"""A record of a study says what many kills on one reaper come to under one strategy; every number is the model's.

Version 1 had prose as names of causes, percentiles beside means, and holds as text or number: it is read, too.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple, cast

from mmbench.records.files import read_json
from mmbench.records.schema import (
    Bool,
    Either,
    Fields,
    Int,
    ListOf,
    MapOf,
    Maybe,
    Number,
    Parameters,
    Raw,
    Rule,
    Text,
    check,
    fail,
    of_file,
)  # fmt: skip
from mmbench.records.study_types import PromiseRecord, StudyRecord
from mmbench.words import PATIENCE_PS, SHARE

FORMAT, FORMAT_1 = "mmbench-size 2", "mmbench-size 1"
PROMISE, PROMISE_1 = "mmbench-slo 2", "mmbench-slo 1"
HOLDS = ("none", "memory", "time")
SIGNED = Number(minimum=None)
RANGE: dict[str, Rule] = {"value": SIGNED, "low": SIGNED, "high": SIGNED}
COUNTED: dict[str, Rule] = {**RANGE, "hits": Int(), "of": Int()}
REFUSED = Fields({"refused": Text()})
ESTIMATE = Fields({"value": Number(), "low": Number(), "high": Number(), "effective": Int()}, {"hits": Int()})
ANSWERED = Either("refused", REFUSED, ESTIMATE)
NUMBERS = ("exact_ps", "replication", "kill", "wait_ps", "size_bytes", "table_seed", "engine_ps")
TOLD: dict[str, Rule] = {"victim": Text(), "hold": Text(HOLDS), "hold_ps": Int(nullable=True)}
TOLD |= {name: Int() for name in NUMBERS}
LATENCY = Fields(
    {
        "mean_ps": Number(),
        "percentiles": MapOf(ANSWERED),
        "max": Fields({"low": Int(), "high": Int()}, TOLD),
    }
)
LATENCIES = ("first", "skip", "all", "reaper", "behind")
SHARES = Fields({"from_ps": Number(), "kills": Int(), "mean_ps": MapOf(Number(), allowed=tuple(SHARE))})
EFFECT = Fields(
    {
        **{name: SIGNED for name in ("with", "without", "unlocked")},
        **{name: Fields(RANGE) for name in ("added", "suffered", "to_others", "by_mlock")},
    }
)
ADDED = Fields(
    {
        "n_heavy": Int(),
        "n_others": Int(),
        "effects": MapOf(Either("refused", REFUSED, EFFECT)),
        "of_over": MapOf(Fields(COUNTED)),
        **{name: Fields({**COUNTED, "by_ps": Fields(RANGE)}) for name in ("later", "earlier")},
    }
)
MOVED = Fields({"value_ps": Number(), "apart_ps": Number(), "by_ps": Fields(RANGE)})
HELD_BACK = Fields(
    {
        "domains": Int(minimum=1),
        "held": Fields({**COUNTED, "by_ps": Fields(RANGE)}),
        "further": Fields(COUNTED),
        "moved": Either("refused", REFUSED, MOVED),
    }
)
RARE = Fields(
    {"brute_force": Fields({**RANGE, "hits": Int(), "kills": Int()})},
    {
        **{name: Text() for name in ("refused", "method")},
        **{name: Number() for name in ("value", "low", "high", "exact_part", "kills_per_period")},
        **{name: Int() for name in ("hits", "runs", "levels", "kinds")},
        "unseen": ListOf(Int()),
    },
)
OFF = Fields({"median": Number(), "worst": Number(), "runs": Int()})
RANKING = Fields(
    {
        "confidence": Number(),
        "order": ListOf(Text(), n_least=1),
        "rank": MapOf(Int(minimum=1)),
        "flawed": ListOf(Text()),
        "value_ps": MapOf(Number()),
        "differences_ps": ListOf(Fields({"first": Text(), "second": Text(), **RANGE, "decided": Bool()})),
    },
    {"early": ListOf(Text())},
)
MADE_FROM = Fields(
    {"command": Text(), "costs_digest": Text(), "study_digest": Text()},
    {name: Text() for name in ("mmbench_version", "commit", "commit_modified")},
)
ABOUT: dict[str, Rule] = {
    **{name: Text() for name in ("strategy", "law_of_kills", "law_of_victims", "scenario", "costs", "target", "order")},
    "scenario_params": MapOf(Int(minimum=None)),
    "seed": Int(minimum=None),
    "rarity": Number(),
    "reapers": Int(minimum=1),
    "confidence": Number(),
    "kind": Text(("model",)),
    "made_from": MADE_FROM,
    "checker": MapOf(Text()),  # scope -> the checker's verdict on the design
}
STUDY = Fields(
    {
        "format": Text((FORMAT,)),
        **ABOUT,
        "kills": Int(),
        "replications": Int(),
        "load": Fields({name: Number() for name in ("idle", "backlog", "seen")}),
        "latency": MapOf(LATENCY, allowed=LATENCIES),
        "over": Fields({"time_ps": Int(), "skip": ESTIMATE, "reaper": ESTIMATE}),
        "waited": Number(),
        "gave_up": Number(),
        "oom_skip": Fields(
            {"flawed": ESTIMATE, "early": ESTIMATE, "early_mean_ps": Number(), "back_mean_ps": Number()}
        ),
        "collateral": MapOf(ESTIMATE, allowed=("too_early", *PATIENCE_PS)),
        "causes": MapOf(SHARES),
        "tail": Fields({name: ListOf(Number()) for name in ("time_ps", "p", "low", "high")}),
        "interpolation": MapOf(OFF),
        "sentence": Text(),
    },
    {
        "added": ADDED,
        "held_back": HELD_BACK,
        "rare": Fields({"time_ps": Int(), "alone": MapOf(RARE), "behind": RARE}),
        "fleet": Text(),
        "ranking": MapOf(RANKING),
    },
)
TRIED: dict[str, Rule] = {"tried": Text(), "verdict": Text(), "kills": Int()}
PROMISED = Fields(
    {
        "format": Text((PROMISE,)),
        **ABOUT,
        "slo": Text(),
        "quantity": Text(),
        "limit_ps": Int(),
        "solve": Text(("size", "rarity")),
        "answer": Maybe(Text()),
        "at_the_top": Bool(),
        "steps": ListOf(
            Either("value_ps", Fields(TRIED | dict.fromkeys(("value_ps", "low_ps", "high_ps"), SIGNED)), Fields(TRIED))
        ),
    },
    {"interpolation": MapOf(OFF), "in_the_way": Fields({"floor": ANSWERED, "delay_ps": Int(), "causes": SHARES})},
)

# What differed in version 1.
NAMES_1 = {
    "behind": "behind another victim",
    "timer": "reaper's timer",
    "page_lock": "page lock, through mmap_lock",
    "mmap_lock_retry": "mmap_lock",
    "teardown": "its own teardown",
}
SHARES_1 = Fields({"from_ps": Number(), "kills": Int(), **dict.fromkeys(NAMES_1.values(), Number())})
PERCENTILES_1 = dict.fromkeys(("p50", "p90", "p99", "p99.9", "p99.99"), ANSWERED)
LATENCY_1 = Fields({"mean_ps": Number(), "max": Parameters(), **PERCENTILES_1})
HOLDS_1: dict[Any, str] = {None: "none", "until memory comes": "memory"}  # or a number, ps


def whole_study(record: Any) -> StudyRecord:
    """The record, which has its type from here on. Raises InputError naming the first field that is wrong.

    Beyond the schema: all latencies have the percentiles that the study is about, no share has more kills than the
    study, the curve has a point of each sort for each time, and the strategies of a ranking are those that it ranks.
    """
    check(record, STUDY, "")
    if missing := set(LATENCIES) - record["latency"].keys():
        raise fail("latency", list(record["latency"]), f"all of {', '.join(LATENCIES)}; missing: {', '.join(missing)}")
    names = list(record["latency"]["skip"]["percentiles"])
    for name, latency in record["latency"].items():
        found = list(latency["percentiles"])
        if found != names or record["target"] not in names:
            raise fail(f"latency.{name}.percentiles", found, f"{names}, with 'target' among them")
    for name, shares in record["causes"].items():
        if shares["kills"] > record["kills"]:
            raise fail(f"causes.{name}.kills", shares["kills"], f"at most 'kills', {record['kills']}")
    lengths = {name: len(points) for name, points in record["tail"].items()}
    if len(set(lengths.values())) > 1:
        raise fail("tail", lengths, "lists of one length")
    for measure, found in record.get("ranking", {}).items():
        for name in ("rank", "value_ps"):
            if sorted(found[name]) != sorted(found["order"]):
                raise fail(
                    f"ranking.{measure}.{name}", list(found[name]), f"the strategies of 'order', {found['order']}"
                )
    return cast(StudyRecord, record)


def whole_promise(record: Any) -> PromiseRecord:
    """The record of a promise, which has its type from here on. Raises InputError naming the field that is wrong."""
    check(record, PROMISED, "")
    return cast(PromiseRecord, record)


class Kept(NamedTuple):
    """What a file of `size` holds: studies, or promises."""

    studies: list[StudyRecord]
    promises: list[PromiseRecord]


def read_studies(path: str | os.PathLike[str]) -> Kept:
    """The records that `mmbench size --format json` printed; those of version 1 are brought up to date.

    Raises InputError naming the file, the record and the field.
    """
    found = read_json(path)
    with of_file(path):
        if not isinstance(found, list) or not found:
            raise fail("", found, "a list of at least one record, as mmbench size --format json prints it")
        of_promise = isinstance(found[0], dict) and found[0].get("format") in (PROMISE, PROMISE_1)
        allowed = (PROMISE, PROMISE_1) if of_promise else (FORMAT, FORMAT_1)
        for k, record in enumerate(found):
            check(record, Parameters(), f"[{k}]")
            if record.get("format") not in allowed:
                raise fail(f"[{k}].format", record.get("format"), " or ".join(map(repr, allowed)))
        if of_promise:
            return Kept([], [whole_promise(_promise_of_today(record)) for record in found])
        return Kept([whole_study(_study_of_today(record)) for record in found], [])


def _study_of_today(record: Raw) -> Raw:
    if record["format"] == FORMAT:
        return record
    latency: Any = record.get("latency")
    causes: Any = record.get("causes")
    check(latency, MapOf(LATENCY_1), "latency")
    check(causes, MapOf(SHARES_1), "causes")
    return record | {
        "format": FORMAT,
        "checker": record.get("checker", {}),
        "latency": {name: _latency_of_today(old, f"latency.{name}") for name, old in latency.items()},
        "causes": {name: _shares_of_today(old) for name, old in causes.items()},
    }


def _promise_of_today(record: Raw) -> Raw:
    if record["format"] == PROMISE:
        return record
    found = record | {"format": PROMISE, "checker": record.get("checker", {})}
    if "in_the_way" in record:
        check(record["in_the_way"], Fields({"floor": ANSWERED, "delay_ps": Int(), "causes": SHARES_1}), "in_the_way")
        found["in_the_way"] = record["in_the_way"] | {"causes": _shares_of_today(record["in_the_way"]["causes"])}
    return found


def _latency_of_today(old: Raw, name: str) -> Raw:
    largest = dict(old["max"])
    if "hold" in largest:
        hold = largest["hold"]
        is_time = isinstance(hold, int) and not isinstance(hold, bool)
        if not is_time and hold not in list(HOLDS_1):
            raise fail(f"{name}.max.hold", hold, "null, a time in ps, or 'until memory comes'")
        largest |= {"hold": "time" if is_time else HOLDS_1[hold], "hold_ps": hold if is_time else None}
    percentiles = {name: old[name] for name in PERCENTILES_1}
    return {"mean_ps": old["mean_ps"], "percentiles": percentiles, "max": largest}


def _shares_of_today(old: Raw) -> Raw:
    means = {key: old[name] for key, name in NAMES_1.items()}
    return {"from_ps": old["from_ps"], "kills": old["kills"], "mean_ps": means}

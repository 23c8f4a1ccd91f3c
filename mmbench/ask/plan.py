"""A question about many kills, checked: words become laws, settings and an effort before anything is computed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from mmbench.ask.study_words import StudyWords, command_of
from mmbench.errors import InputError, nearest, short
from mmbench.extras import require
from mmbench.records.study_types import Code

if TYPE_CHECKING:
    from mmbench.sizing.estimate import Effort
    from mmbench.sizing.laws.spoken import KillLaw
    from mmbench.sizing.queue.mixture import Part
    from mmbench.sizing.queue.service import Setting
    from mmbench.sizing.study import Study

PS_PER_US = 10**6
US_PER_DAY = 86400 * 10**6
IMPLAUSIBLE_US = 366 * US_PER_DAY  # a machine that kills nobody for longer has no reaper to size
SUFFIX = ".kills.json"
MOST_REAPERS = 1024
MOST_DOMAINS = 1 << 16
ORDERS = ("newest", "oldest")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,6})?)", re.ASCII)


@dataclass(frozen=True)
class Plan:
    """Everything that was asked for, checked."""

    settings: list[Setting]
    kills: KillLaw
    parts: list[Part]
    effort: Effort
    seed: int
    over_ps: int
    over_text: str
    hosts: int | None
    kills_per_day: float
    tail_ps: int | None = None
    command: str = ""
    n_reapers: int = 1
    newest_first: bool = True
    n_domains: int = 0

    @property
    def rarity(self) -> float:
        """Share of kills that are heavy."""
        return float(sum(part.share for part in self.parts if part.heavy))

    @property
    def target(self) -> str:
        """The percentile that the study is about, as records name it."""
        from mmbench.sizing.answers import percentile_name

        return percentile_name(self.effort.target)

    @property
    def percentiles(self) -> tuple[float, ...]:
        """What is printed of every latency, as shares."""
        from mmbench.sizing.answers import printed

        return printed(self.effort.target)


def parse_percentile(text: str, what: str) -> float:
    """p99.9 -> 0.999. Raises InputError."""
    found = _PERCENTILE.fullmatch(text.strip())
    if found is None or not 0 < float(found[1]) < 100:
        raise InputError(f"{what} {text!r} is not a percentile. Allowed: p50, p99.9 and the like, between p0 and p100.")
    return float(Fraction(found[1]) / 100)


def parse_count(text: str, what: str) -> int:
    """2000000, 2M or 1e9. Raises InputError."""
    found = re.fullmatch(r"(\d{1,12})\s*(|k|M|G|e(\d{1,2}))", text.strip(), re.ASCII)
    if found is None:
        raise InputError(f"{what} {text!r} is not a number of kills. Allowed: 2000000, 2M, 1G or 1e9.")
    power = int(found[3]) if found[3] else {"": 0, "k": 3, "M": 6, "G": 9}[found[2]]
    return int(found[1]) * 10**power


def plan_from(words: StudyWords) -> Plan:
    """Check all words. Raises InputError before anything is computed."""
    from mmbench.cost.table import load_table
    from mmbench.scenarios import scenario
    from mmbench.sizing.laws.spoken import parse_time
    from mmbench.sizing.queue.service import Setting, check_setting
    from mmbench.strategies import load

    words_of_kills = recorded(words)
    parts, effort = parts_of(words_of_kills), effort_of(words)
    per_day = float(parse_number(words.kills_per_day))
    if not 1 <= words.reapers <= MOST_REAPERS:
        raise InputError(f"--reapers {words.reapers}: allowed are 1 to {MOST_REAPERS}; the kernel has one.")
    if words.order not in ORDERS:
        raise nearest(words.order, list(ORDERS), "--order")
    check_domains(words)
    if words.hosts is not None and words.hosts < 1:
        raise InputError(f"--hosts {words.hosts}: allowed are 1 and more.")
    costs, where = load_table(words.costs), scenario(words.scenario, words.overrides)
    if not words.strategies:
        raise InputError("--strategy names no design: name at least one, such as v6.18.")
    designs = [load(spec) for spec in words.strategies]
    check_names([design.name for design in designs])
    settings = [Setting(design, where, costs, words.seed) for design in designs]
    for setting in settings:
        check_setting(setting)
    return Plan(
        settings, kill_law(words_of_kills.kills), parts, effort, words.seed, parse_time(words.over, "--over"),
        words.over, words.hosts, per_day, tail_time(words.tail), command_of(words), words.reapers,
        words.order == "newest", words.domains,
    )  # fmt: skip


def check_names(names: list[str]) -> None:
    """Raise InputError for two designs of one name: answers and ranks go by it."""
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"the design {short(name)} is named twice; give each once, and files names that differ.")


def check_domains(words: StudyWords) -> None:
    """Raise InputError for a number of domains that no study has, and beside a list that is not the kernel's."""
    if not 0 <= words.domains <= MOST_DOMAINS:
        raise InputError(
            f"--domains {words.domains}: allowed are 1 to {MOST_DOMAINS:,}, or 0: every kill in one of its own."
        )
    if words.domains and (words.reapers, words.order) != (1, "newest"):
        raise InputError(
            "--domains goes with the kernel's list, one reaper and the newest first: leave out --reapers and --order."
        )


def recorded(words: StudyWords) -> StudyWords:
    """The words with --from spelled out: its gaps, and its sizes as those of ordinary victims. Raises InputError."""
    if words.from_ is None:
        return words
    if not words.from_.endswith(SUFFIX):
        raise InputError(f"--from {words.from_!r}: allowed is a record of kills (mmbench import), named *{SUFFIX}.")
    for name in ("kills", "ordinary"):
        if getattr(words, name) != getattr(StudyWords(), name):
            raise InputError(f"--from {words.from_} gives kills and ordinary victims; leave out --{name}, or --from.")
    return replace(words, kills=words.from_, ordinary=words.from_)


def parts_of(words: StudyWords) -> list[Part]:
    """Ordinary and heavy victims, with a page lock held or without. Raises InputError."""
    from mmbench.sizing.laws.families import parse_family
    from mmbench.sizing.laws.spoken import parse_holds, parse_probability
    from mmbench.sizing.queue.mixture import mixture
    from mmbench.sizing.worlds import check_heavier, compared
    from mmbench.victims import PROFILES, parse_size

    largest = parse_size(words.ram, "--ram")
    rarity = parse_probability(words.rarity, "--rarity")
    named = words.heavy.partition(":")[0] in PROFILES or Path(words.heavy).exists()
    heavy_locked = words.heavy_locked or (None if named else "0.9")
    parts = mixture(
        parse_family(words.ordinary, words.ordinary_locked, "--ordinary", largest),
        parse_family(words.heavy, heavy_locked, "--heavy", largest),
        rarity,
        parse_holds(words.holds),
        parse_probability(words.held, "--held"),
    )
    check_heavier(parts)
    return compared(parts)


def effort_of(words: StudyWords) -> Effort:
    """How much work, and where. Raises InputError, and CannotError for workers that need what is not installed."""
    from mmbench.sizing.compute.pools import BACKENDS
    from mmbench.sizing.estimate import Effort
    from mmbench.sizing.laws.spoken import parse_probability

    confidence = float(parse_probability(words.confidence, "--confidence"))
    if not 0.5 <= confidence < 1:
        raise InputError(f"--confidence {words.confidence}: allowed are 50% to less than 100%.")
    precision = float(parse_probability(words.precision, "--precision")) if words.precision else 0.0
    if not 1 <= words.workers <= 1024:
        raise InputError(f"--workers {words.workers}: allowed are 1 to 1024.")
    if words.backend not in BACKENDS:
        raise nearest(words.backend, list(BACKENDS), "--backend")
    if words.backend == "dask" or words.cluster:
        require("distributed", "--backend dask and --cluster need")
    return Effort(
        parse_count(words.n, "--n"), precision, parse_percentile(words.target, "--target"), confidence, words.workers,
        words.backend, words.cluster, Path(words.ledger) if words.ledger else None,
    )  # fmt: skip


def tail_time(text: str | None) -> int | None:
    """The time of --tail in ps. Raises InputError."""
    from mmbench.sizing.alone import check_time
    from mmbench.sizing.laws.spoken import parse_time

    return None if text is None else check_time(parse_time(text, "--tail"), text)


def parse_number(text: str) -> Fraction:
    """A positive number such as 0.2 or 12. Raises InputError."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text.strip(), re.ASCII) or not Fraction(text.strip()):
        raise InputError(f"--kills-per-day {text!r} is not a number above 0.")
    return Fraction(text.strip())


def kill_law(spec: str) -> KillLaw:
    """The law of kills: written out, or the gaps of a record of kills. Raises InputError."""
    from mmbench.sizing.laws.spoken import MAX_MEAN_PS, parse_kills, recorded_kills
    from mmbench.victims.kernel_log import gaps_us, names_kills, read_kills

    if not names_kills(spec):
        return parse_kills(spec)
    gaps, longest_us = gaps_us(read_kills(spec)), MAX_MEAN_PS // PS_PER_US
    wrong = np.flatnonzero((gaps < 0) | (gaps > IMPLAUSIBLE_US))
    if len(wrong):
        found = float(gaps[wrong[0]]) / US_PER_DAY
        raise InputError(
            f"{spec}: gap {wrong[0] + 1} of {len(gaps)} is {found:,.4g} days: was the clock set, or are these logs of "
            f"two machines? Allowed are 0 to {IMPLAUSIBLE_US / US_PER_DAY:.0f} days; import a part of the log."
        )
    law = recorded_kills(spec, np.minimum(gaps, longest_us) * PS_PER_US)
    n_long = int((gaps > longest_us).sum())
    return replace(law, name=f"{law.name}, {n_long} of them cut to 28 hours") if n_long else law


def made_from(command: str, setting: Setting, study: Study | None = None) -> Code:
    """The command, digests of cost table and study (laws and service table, so also of files read), and the code."""
    from mmbench.records.manifest import build_manifest, code_of
    from mmbench.sizing.compute.ledger import digest_of

    manifest = build_manifest()
    code = Code(command=command, costs_digest=digest_of(setting.costs), study_digest=digest_of(study))
    return cast(Code, code | code_of(manifest))

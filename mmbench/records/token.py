"""Replay tokens: everything that decides a run, packed into one word that a person can copy.

A token names a victim file by its path and content digest, so that a changed file is noticed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mmbench.errors import InputError, short
from mmbench.records.files import parse_json
from mmbench.records.schema import Fields, Int, MapOf, Raw, Text, check

PREFIX = "mm1-"
MAX_BYTES = 100_000
CONTENT = Fields(
    {
        **{"strategy": Text(), "victim": Text(may_be_empty=True), "synthetic": MapOf(Text()), "scenario": Text()},
        **{"overrides": MapOf(Int(minimum=None)), "costs": Text(), "seed": Int(minimum=None), "files": MapOf(Text())},
    }
)


class RunInputs(Protocol):
    """What a token needs to know of a run."""

    @property
    def victim(self) -> str: ...
    @property
    def synthetic(self) -> dict[str, str]: ...
    @property
    def scenario(self) -> str: ...
    @property
    def overrides(self) -> dict[str, int]: ...
    @property
    def costs(self) -> str: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True)
class Replay:
    """A decoded token."""

    strategy: str
    victim: str
    synthetic: dict[str, str]
    scenario: str
    overrides: dict[str, int]
    costs: str
    seed: int


def digest(path: str) -> str:
    """Short digest of a file's content."""
    return hashlib.blake2b(Path(path).read_bytes(), digest_size=8).hexdigest()


def is_file(text: str) -> bool:
    """True when an input is a path rather than a name."""
    return ("/" in text or text.endswith((".py", ".json", ".victim"))) and Path(text).is_file()


def without_number(text: str) -> str:
    """The path of FILE.kills.json:3."""
    return re.sub(r"(\.kills\.json):[0-9]+$", r"\1", text)


def make_token(strategy: str, inputs: RunInputs) -> str:
    """Pack one run into a token."""
    sources = (strategy.partition(":")[0], inputs.victim, inputs.costs, *inputs.scenario.split("+"))
    spec = {
        "strategy": strategy,
        "victim": inputs.victim,
        "synthetic": inputs.synthetic,
        "scenario": inputs.scenario,
        "overrides": inputs.overrides,
        "costs": inputs.costs,
        "seed": inputs.seed,
        "files": {path: digest(path) for path in map(without_number, sources) if is_file(path)},
    }
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"))
    return PREFIX + base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def unpack(token: str) -> Raw:
    """The content of a token. Raises InputError when it is damaged or not one."""
    if not token.startswith(PREFIX):
        raise InputError(f"{short(token[:20])} is not a replay token: those begin with {PREFIX!r}.")
    word = token[len(PREFIX) :]
    try:
        packed = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
        decoder = zlib.decompressobj()
        text = decoder.decompress(packed, MAX_BYTES).decode()
    except (binascii.Error, zlib.error, ValueError) as error:
        raise InputError(f"the replay token is damaged ({short(str(error))}): copy the whole word.") from error
    spec = parse_json(text, "damaged replay token: its content")
    if not isinstance(spec, dict) or set(spec) != set(CONTENT.required):
        raise InputError("the replay token was made by another version of mmbench.")
    try:
        check(spec, CONTENT, "")
    except InputError as error:
        raise InputError(f"the replay token was not made by mmbench: {error}") from None
    return spec


def read_token(token: str) -> Replay:
    """Decode a token. Raises InputError when it is damaged, or when a file it names is gone or has changed."""
    spec = unpack("".join(token.split()))  # a narrow terminal wraps it
    for path, was in spec.pop("files").items():
        if not Path(path).is_file():
            raise InputError(f"the replay token needs the file {short(path)}, which is not there.")
        if digest(path) != was:
            raise InputError(f"the file {short(path)} has changed since the token was made.")
    return Replay(**spec)

"""Every file that people hand to mmbench, as a small whole one, and the command that reads it."""

from __future__ import annotations

import base64
import gzip
import json
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mmbench.checker.scope import NAMED, scope_json
from mmbench.records.files import read_json
from mmbench.records.token import PREFIX, unpack
from tests.fuzz.mutate import damaged_text, json_mutant

ROOT = Path(__file__).parents[2]
LOG = str(ROOT / "tests/victims/kernel_log/logs/uwsgi_5.4_dmesg.log")
FEW_STATES = ("--max-states", "100", "--anyway")
SMALL = ("--size", "8MiB", "--vmas", "2")


@dataclass(frozen=True)
class Format:
    """A file and its reader.

    whole:   the file's value, or its bytes when it is not JSON; asks the verbs themselves where they write it
    command: the words that read the file, given its path
    suffix:  of its name
    wrap:    bytes of a JSON text -> bytes of the file
    """

    whole: Callable[[Ask], Any]
    command: Callable[[Path], list[str]]
    suffix: str = ".json"
    wrap: Callable[[bytes], bytes] = bytes

    def mutant(self, whole: Any, choose: random.Random) -> bytes:
        """The file, damaged."""
        return self.wrap(damaged_text(whole, choose) if isinstance(whole, bytes) else json_mutant(whole, choose))


class Said(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str


Ask = Callable[..., str]  # words -> what is printed
SAVED = "SAVED"  # in words: a file to write; its text is returned


def lab_record(ask: Ask) -> Any:
    """A record of a kernel with every kind of experiment that it has, and few of each."""
    record = json.loads((ROOT / "results/lab/6.12.json").read_text())
    for boot in record["boots"]:
        kinds: dict[tuple[str, str], list[Any]] = {}
        for entry in boot["experiments"]:
            kinds.setdefault((entry["role"], entry["kind"]), []).append(entry)
        boot["experiments"] = [entry for entries in kinds.values() for entry in entries[:14]]
    return record


def design_record(ask: Ask) -> Any:
    """A record of designs inside a kernel: one design's experiments."""
    record = json.loads((ROOT / "results/lab/designs/5.10.json").read_text())
    keep = {"stock", "v4.17"}
    record["programs"] = {name: text for name, text in record["programs"].items() if name in keep}
    for boot in record["boots"]:
        boot["experiments"] = [entry for entry in boot["experiments"] if entry["design"] in keep][:12]
    return record


def samples(ask: Ask) -> bytes:
    """Raw samples of a calibration, without its races."""
    lines = (ROOT / "tests/validation/canned/calibration.jsonl").read_bytes().splitlines(keepends=True)
    return b"".join(line for line in lines if b'"what":"race"' not in line)


def calibrate(path: Path) -> list[str]:
    """Fit again; the table that was fitted first lies beside the samples."""
    table = path.with_name(path.name.removesuffix(".samples.jsonl.gz") + ".json")
    table.write_bytes((ROOT / "results/calibration/linux-6.18.44.costs.json").read_bytes())
    return ["calibrate", "--samples", str(path), "-o", str(path.with_name("again.json"))]


def token_file(text: bytes) -> bytes:
    """The replay token of a JSON text."""
    return (PREFIX + base64.urlsafe_b64encode(zlib.compress(text)).decode().rstrip("=")).encode()


VICTIM = b"""\
mmbench-victim 1
name: small
source: drawn by hand
start pages flags kind resident huge order elsewhere runs
0x55b9584de 32 - file 20 0 0 20 0+16,28+4
0x7f0000000 1024 locked anon 1024 2 0 0 -
0x7f0000800 64 locked anon 40 0 2 0 0+40
0x7f0001000 16 shared shmem 16 0 0 3 -
end 4
"""


def one_run(ask: Ask) -> Any:
    """The record of one run, alone."""
    return json.loads(ask("run", "drop-oom-skip", *SMALL, "--scenario", "stuck-holder", "--format", "json"))[0]


def show_again(path: Path) -> list[str]:
    """Print a study with everything that it says."""
    return ["size", "--read", str(path), "--detail"]


FORMATS = {
    "replay token": Format(
        lambda ask: unpack(one_run(ask)["token"]), lambda p: ["run", "--replay", p.read_text()], ".txt", token_file
    ),
    "lab record": Format(lab_record, lambda p: ["lab", "compare", str(p)]),
    "lab record of designs": Format(design_record, lambda p: ["lab", "compare", str(p)]),
    "counterexample": Format(
        lambda ask: json.loads(ask("check", "v4.14", "--scope", "default", "--save", SAVED)),
        lambda p: ["check", "--replay", str(p)],
    ),
    "scope": Format(
        lambda ask: scope_json(NAMED["unlocked"]),
        lambda p: ["check", "v6.18", "--max-states", "100", "--anyway", "--scope", str(p)],
    ),
    "verdicts": Format(
        lambda ask: json.loads(ask("check", "v6.18", "--scope", "unlocked", "--record", SAVED, *FEW_STATES)),
        lambda p: ["check", "v6.18", "--scope", "unlocked", *FEW_STATES, "--expect", str(p)],
    ),
    "studies": Format(lambda ask: read_json(ROOT / "tests/records/old/size-1.json.gz")[1:], show_again),
    "promises": Format(lambda ask: read_json(ROOT / "tests/records/old/slo-1.json.gz"), show_again),
    "run record": Format(one_run, lambda p: ["trace", str(p)]),
    "samples": Format(
        samples,
        calibrate,
        ".samples.jsonl.gz",
        gzip.compress,
    ),
    "victim": Format(lambda ask: VICTIM, lambda p: ["run", "v6.18", "--victim", str(p)], ".victim"),
    "cost table": Format(
        lambda ask: json.loads((ROOT / "mmbench/cost/tables/default.json").read_text()),
        lambda p: ["run", "v6.18", *SMALL, "--costs", str(p)],
    ),
    "kills": Format(
        lambda ask: json.loads(ask("import", LOG, "-o", SAVED)),
        lambda p: ["run", "v6.18", "--victim", f"{p}:1", "--locked", "0.5"],
        ".kills.json",
    ),
}

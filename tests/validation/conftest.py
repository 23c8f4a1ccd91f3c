"""Canned samples: a small real calibration and validation, measured on a busy 2-CPU VM with Linux 6.18."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

CANNED = Path(__file__).parent / "canned"


def samples(name: str) -> list[dict]:
    return [json.loads(line) for line in (CANNED / name).read_text().splitlines()]


@pytest.fixture(scope="session")
def calibration_samples() -> list[dict]:
    return samples("calibration.jsonl")


@pytest.fixture(scope="session")
def held_out_samples() -> list[dict]:
    return samples("held_out.jsonl")

"""Times that the reaper is busy: exponential and deterministic, 100 ms on average."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench.sizing.textbook import exponential_points

MS = 10**9


@pytest.fixture
def exponential() -> np.ndarray:
    return exponential_points(100 * MS, 512)


@pytest.fixture
def deterministic() -> np.ndarray:
    return np.array([100.0 * MS])

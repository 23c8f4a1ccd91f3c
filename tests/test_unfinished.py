"""What a stranger has begun and not finished: each test fails for one new thing and names the file to go to next."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench.machine.apply import apply_once
from mmbench.machine.ops import Op
from mmbench.machine.status import N_ROW, NO_BRANCH
from mmbench.machine.work import new_meter
from mmbench.model.build import build
from mmbench.model.layout import vma_table
from mmbench.model.world import T_PC, views


@pytest.mark.parametrize("op", Op, ids=lambda op: op.name)
def test_every_op_has_its_effect(op):
    w = build(vma_table({"start": [0], "pages": [2]}), 1)
    rows = np.zeros((2, N_ROW), dtype=np.int64)
    rows[0, 0] = int(op)
    views(w).tasks[0, T_PC] = 0
    status = apply_once(w, 0, rows.reshape(-1), 1, new_meter())
    assert status != NO_BRANCH, f"{op.name} does nothing yet: give it a branch in mmbench/machine/apply.py"

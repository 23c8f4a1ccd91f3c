"""A shipped step that no scope reaches has a reason, and the reason is true."""

from __future__ import annotations

import pytest

from mmbench.checker.coverage import ONE_REAPER, REASONS, unreached_anywhere
from mmbench.checker.page import unreached_part
from mmbench.machine.protocol import MMF_OOM_SKIP, Op
from mmbench.strategies import IDS, load


@pytest.mark.parametrize("spec", IDS)
def test_a_step_that_no_scope_reaches_has_a_true_reason(spec: str) -> None:
    roles = load(spec).roles
    for place in unreached_anywhere(roles):
        assert place in REASONS, f"{spec}: {place} is in no scope: add a scope that reaches it, or a reason to REASONS"
        if REASONS[place] == ONE_REAPER:
            setters = {role for role, steps in roles.items() for s in steps
                       if s.op == Op.SET_FLAG and s.args["flag"] & MMF_OOM_SKIP}  # fmt: skip
            assert setters == {"reaper"}


def test_the_page_names_them() -> None:
    text = "\n".join(unreached_part(["v6.18", "drop-oom-skip"]))
    assert "| reaper | too late | `drop-oom-skip` | only the reaper sets" in text and "v6.18" not in text

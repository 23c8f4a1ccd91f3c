"""Paragraphs of studies: no line ends between a number and its unit, or inside an interval."""

from __future__ import annotations

import pytest

from mmbench.report.text.filled import NBSP, Filled, fill
from mmbench.report.text.tables import as_text

SAID = "raise p99.9 from 2.12 s to 4.37 s: +2.25 s [1.34 s, 3.83 s]. 1 in 810 kills [730, 900] at 0.00061 % of 64 GiB."
WHOLE = ("2.12 s", "4.37 s", "+2.25 s", "[1.34 s, 3.83 s]", "1 in 810 kills", "[730, 900]", "0.00061 %")


@pytest.mark.parametrize("width", range(18, 121))
def test_numbers_stay_whole_at_every_width(width):
    lines = fill(SAID, width)
    assert max(map(len, lines)) <= width and " ".join(lines) == SAID and NBSP not in "".join(lines)
    assert all(any(number in line for line in lines) for number in WHOLE)


def test_a_paragraph_is_filled_to_the_terminal():
    text = as_text(Filled(SAID, head="v6.18: "), 30)
    assert text.rstrip("\n").splitlines() == fill("v6.18: " + SAID, 30)

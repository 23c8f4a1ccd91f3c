"""A move that CHANGELOG names is acknowledged for its own step of the history, in CHANGELOG's words, and no further."""

from __future__ import annotations

import pytest

from mmbench.tracking.change import FAILED, MEANT, WORSE, changes
from mmbench.tracking.headline import NONE_IN_BOTH, NOTHING, headline
from mmbench.tracking.purpose import acknowledged, explained, items
from mmbench.tracking.series import history_of, paired

BLOCKING = "blocking.Blocking.track_blocking_seconds"
FREED = "freed.Freed.track_freed_pages"
RACE = "speed.Engine.time_race"
NAMES = [letter * 8 for letter in "abcd"]
ITEM = f"- One more cost. Old ones\n  stay. Moved since `{NAMES[0]}`, by little: `{BLOCKING}`.\n"


def judged(write, values, changelog, a=0, b=-1):
    """The comparison of two commits of a history with one value of BLOCKING per commit."""
    for name, value in zip(NAMES, values, strict=False):
        folder = write(name, {BLOCKING: ([], [value]), FREED: ([], [1])})
    commits = history_of(folder, [name.ljust(40, "0") for name in NAMES])
    history = [group[0] for group in commits]
    first, second = paired(commits[a], commits[b])
    reasons = explained(history, items(changelog))
    found = acknowledged(changes(first, second), history, reasons, first.commit, second.commit)
    return [change for change in found if change.key.series == BLOCKING]


def test_a_named_move_was_meant_and_says_why(write):
    (change,) = judged(write, [1.0, 2.0], ITEM)
    assert change.verdict == MEANT and change.why == ("One more cost. Old ones stay.",)


@pytest.mark.parametrize(
    ("values", "a", "b", "verdict"),
    [
        ([1.0, 1.0, 2.0], 0, 2, MEANT),  # the first step that moved, whenever it came
        ([1.0, 1.0, 2.0], 1, 2, MEANT),
        ([1.0, 2.0, 3.0], 1, 2, WORSE),  # the next move has no item of its own
        ([1.0, 2.0, 3.0], 0, 2, WORSE),  # one of two steps was not meant
        ([1.0, None, 2.0], 0, 2, MEANT),  # a commit that failed between
        ([2.0, 1.0], 1, 0, MEANT),  # backwards
        ([1.0, 2.0, None], 0, 2, FAILED),  # a failure is never meant
    ],
)
def test_an_item_explains_one_step(write, values, a, b, verdict):
    assert [change.verdict for change in judged(write, values, ITEM, a, b)] == [verdict]


@pytest.mark.parametrize("item", ["", ITEM.replace("a" * 8, "f" * 8), ITEM.replace(BLOCKING, FREED)])
def test_what_no_item_names_is_worse(write, item):
    found = judged(write, [1.0, 2.0], item)
    assert headline(found) == (WORSE, "1 value worse.")


def test_two_moves_in_one_item():
    two = f"- Why.\n  Moved since `{NAMES[0]}`: `{FREED}`. Moved since `{NAMES[1]}`: `{BLOCKING}`.\n"
    assert [(one.commit, set(one.series), one.why) for one in items(two)] == [
        (NAMES[0], {FREED}, "Why."),
        (NAMES[1], {BLOCKING}, "Why."),
    ]


def test_the_line_tells_the_worst_and_counts_the_rest(write):
    found = judged(write, [1.0, 2.0], ITEM)
    assert headline(found) == (MEANT, "1 value moved on purpose, as CHANGELOG says.")
    assert headline(judged(write, [1.0, 1.0], ITEM)) == (NOTHING, "Nothing moved. Also: 1 the same to the last bit.")
    assert headline([]).kind == NONE_IN_BOTH


def test_better_goes_by_the_direction_of_the_series(write):
    write(NAMES[0], {FREED: ([], [1]), BLOCKING: ([], [1.0])}, {RACE: [1.0]})
    folder = write(NAMES[1], {FREED: ([], [2]), BLOCKING: ([], [2.0])}, {RACE: [9.0]})
    commits = history_of(folder, [name.ljust(40, "0") for name in NAMES])
    told = headline(changes(*paired(*commits)))
    assert told == (WORSE, "1 value worse; 1 value better. Also: 1 timing not judged, run once.")

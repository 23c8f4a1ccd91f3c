"""One time axis out of the clocks of a log: seconds since boot where there are some, the time of day across boots.

Stamps since boot are exact and restart at every boot of their machine; the time of day goes on, in whole seconds and
with jumps, and several machines share it. A step is taken from the former unless the latter shows a suspend or a boot
between. Where neither tells how much time passed, a new stretch begins.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple, Protocol

from mmbench.victims.kernel_log.walltime import SECOND_US, Wall, between

AGREE_US = 5 * SECOND_US  # rsyslog writes a crowded log some seconds late
DRIFT = 1000  # and clocks drift by up to a part in so many
MAX_HOSTS = 1024


class Timed(Protocol):
    """What has stamps: a message, or a kill."""

    @property
    def mono_us(self) -> int | None:
        """Microseconds since boot."""

    @property
    def wall(self) -> Wall | None:
        """Time of day."""


def passed(before: Timed, after: Timed) -> int | None:
    """Microseconds from one to the other by a clock that both have; None without one. Of one boot of one machine."""
    if before.mono_us is not None and after.mono_us is not None:
        return after.mono_us - before.mono_us
    return between(before.wall, after.wall) if before.wall is not None and after.wall is not None else None


class _Mark(NamedTuple):
    """A machine's last stamp since boot, and where on the axis it lies."""

    mono_us: int
    wall: Wall | None
    time_us: int


class Timeline:
    """Places messages on the axis.

    stretch: number of the stretch of comparable times
    """

    def __init__(self) -> None:
        self.stretch = 0
        self._marks: OrderedDict[int, _Mark] = OrderedDict()
        self._wall: Wall | None = None
        self._wall_time_us = 0
        self._begun = False

    def place(self, machine: object, mono_us: int | None, wall: Wall | None) -> int | None:
        """Microseconds on the axis of the current stretch, from anywhere; None for a message without a time."""
        if mono_us is None and wall is None:
            return None
        time_us = self._by_mono(id(machine), mono_us, wall)
        if time_us is None:
            time_us = self._by_wall(wall)
        if time_us is None:
            time_us = 0
            if self._begun:
                self.stretch += 1
                self._wall = None
                self._marks.clear()
        self._begun = True
        if mono_us is not None:
            self._marks[id(machine)] = _Mark(mono_us, wall, time_us)
            self._marks.move_to_end(id(machine))
            if len(self._marks) > MAX_HOSTS:
                self._marks.popitem(last=False)
        if wall is not None:
            self._wall, self._wall_time_us = wall, time_us
        return time_us

    def restart(self, machine: object) -> None:
        """The machine booted: its stamps since boot have nothing to do with the ones before."""
        self._marks.pop(id(machine), None)

    def _by_wall(self, wall: Wall | None) -> int | None:
        step_us = between(self._wall, wall) if self._wall is not None and wall is not None else None
        return None if step_us is None else self._wall_time_us + step_us

    def _by_mono(self, key: int, mono_us: int | None, wall: Wall | None) -> int | None:
        """The time by the machine's own clock, unless the time of day knows better: a suspend, or another log."""
        mark = self._marks.get(key)
        if mark is None or mono_us is None:
            return None
        step_us = mono_us - mark.mono_us
        by_wall = between(mark.wall, wall) if mark.wall is not None and wall is not None else None
        if by_wall is not None and (by_wall < -AGREE_US or by_wall - step_us > max(AGREE_US, by_wall // DRIFT)):
            return None  # a log written late is the reverse
        return mark.time_us + step_us

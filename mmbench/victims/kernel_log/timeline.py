"""One time axis out of the clocks of a log: seconds since boot where there are some, the time of day across boots.

Stamps since boot are exact and restart at every boot; the time of day goes on, in whole seconds and with jumps. A step
is taken from the former unless the latter shows a suspend or a boot between. Where neither tells how much time passed,
a new stretch begins.
"""

from __future__ import annotations

from mmbench.victims.kernel_log.prefix import Message
from mmbench.victims.kernel_log.walltime import Wall

SECOND_US = 1_000_000
AGREE_US = 5 * SECOND_US  # rsyslog writes a crowded log some seconds late
DRIFT = 1000  # and clocks drift by up to a part in so many
DISORDER_US = 10 * SECOND_US  # CPUs print out of order, by less than this
YEAR_US = 365 * 86_400 * SECOND_US


class Timeline:
    """Places messages on the axis.

    stretch: number of the stretch of comparable times; n_boots: restarts seen in the log
    """

    def __init__(self) -> None:
        self.stretch = 0
        self.n_boots = 0
        self.boot = ""
        self.years_us = 0
        self.mono_us: int | None = None
        self.wall_us: int | None = None
        self.time_us = 0
        self.begun = False

    def place(self, message: Message) -> int | None:
        """Microseconds on the axis of the current stretch, from anywhere; None for a message without a time."""
        if message.boot and self.boot and message.boot != self.boot:
            self.restart()
        self.boot = message.boot or self.boot
        mono_us, wall_us = message.mono_us, self._year_added(message.wall)
        if mono_us is None and wall_us is None:
            return None
        step_us = self._step(mono_us, wall_us)
        if step_us is None and self.begun:
            self.stretch += 1
            self.wall_us = None
        self.time_us = 0 if step_us is None else self.time_us + step_us
        self.begun = True
        self.mono_us = mono_us
        if wall_us is not None:
            self.wall_us = wall_us
        return self.time_us

    def restart(self) -> None:
        """The machine booted: stamps since boot have nothing to do with the ones before."""
        self.n_boots += 1
        self.mono_us = None

    def is_before(self, message: Message) -> bool:
        """True for a stamp since boot that lies before the last one: another boot."""
        return message.mono_us is not None and self.mono_us is not None and message.mono_us < self.mono_us - DISORDER_US

    def _step(self, mono_us: int | None, wall_us: int | None) -> int | None:
        by_mono = mono_us - self.mono_us if mono_us is not None and self.mono_us is not None else None
        by_wall = wall_us - self.wall_us if wall_us is not None and self.wall_us is not None else None
        if by_mono is not None and by_mono < -DISORDER_US:
            self.restart()
            by_mono = None
        if by_mono is None or by_wall is None:
            return by_wall if by_mono is None else by_mono
        if by_wall < -AGREE_US:
            return by_wall  # another log follows in the same file
        slept = by_wall - by_mono > max(
            AGREE_US, by_wall // DRIFT
        )  # suspended or booted; a log written late is the reverse
        return by_wall if slept else by_mono

    def _year_added(self, wall: Wall | None) -> int | None:
        """The time of day; where no year is written, a jump back by more than half a year is a new year."""
        if wall is None:
            return None
        us = wall.us + (0 if wall.has_year else self.years_us)
        if not wall.has_year and self.wall_us is not None and us < self.wall_us - YEAR_US // 2:
            self.years_us += YEAR_US
            us += YEAR_US
        return us

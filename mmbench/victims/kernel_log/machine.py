"""What is known of one machine while its log is read: boot, kernel, the dump being printed, kills being reaped."""

from __future__ import annotations

from collections import OrderedDict

from mmbench.victims.kernel_log.dump import Dump
from mmbench.victims.kernel_log.kills import Kill, family
from mmbench.victims.kernel_log.prefix import Message
from mmbench.victims.kernel_log.walltime import SECOND_US, Wall, between

MAX_OPEN = 4096
DISORDER_US = 10 * SECOND_US  # CPUs print out of order, by less than this


class Machine:
    """One machine.

    n_boots: what is certain, by a boot line or another boot's word in the journal
    may_have_booted: its stamps since boot went back, which the same log read again does as well
    """

    def __init__(self) -> None:
        self.dump = Dump()
        self.release = ""
        self.boot = ""
        self.n_boots = 0
        self.may_have_booted = False
        self.last_by: dict[str, Kill] = {}
        self.unnamed: list[Kill] = []
        self._open: OrderedDict[tuple[str, int | str], Kill] = OrderedDict()
        self._mono_us: int | None = None
        self._wall: Wall | None = None
        self._is_fresh = True

    def restart(self) -> None:
        """It booted, or another log of it begins: what was before has nothing to do with what follows."""
        self.dump, self.release = Dump(), ""
        self.unnamed.clear()
        self.last_by.clear()
        self._open.clear()
        self._mono_us = None
        self._is_fresh = True

    def booted(self) -> bool:
        """A line says that it started; False when nothing was read since the last such line."""
        is_news = not self._is_fresh
        self.restart()
        self.n_boots += is_news
        return is_news

    def notice(self, message: Message) -> bool:
        """Look at a message's clocks; True for another boot that is certain."""
        is_other = bool(message.boot and self.boot and message.boot != self.boot) and self.booted()
        self.boot = message.boot or self.boot
        if message.mono_us is not None and self._mono_us is not None and message.mono_us < self._mono_us - DISORDER_US:
            by_wall = between(self._wall, message.wall) if self._wall and message.wall else None
            self.restart()
            self.may_have_booted = by_wall is None or by_wall > -DISORDER_US
        self._mono_us = self._mono_us if message.mono_us is None else message.mono_us
        self._wall = message.wall or self._wall
        self._is_fresh = False
        return is_other

    def name_kernel(self, release: str) -> None:
        """Keep the kernel's version, also for the kills of this boot before its first dump."""
        for kill in self.unnamed:
            kill.release = release
        self.unnamed.clear()
        self.release = release

    def open(self, kill: Kill) -> None:
        """A kill happened, so its reap may follow."""
        key = (family(kill.by), kill.name if kill.pid is None else kill.pid)
        self.last_by[kill.by] = self._open[key] = kill
        self._open.move_to_end(key)
        if len(self._open) > MAX_OPEN:
            self._open.popitem(last=False)

    def find(self, by: str, who: int | str | None) -> Kill | None:
        """The open kill of a victim by process or name, or the last one by this killer."""
        return self.last_by.get(by) if who is None else self._open.get((family(by), who))

    def forget(self, kill: Kill) -> None:
        """The kill was none."""
        self.last_by = {by: one for by, one in self.last_by.items() if one is not kill}
        for key in [key for key, one in self._open.items() if one is kill]:
            del self._open[key]

"""Twin of kills in domains: whatever happens next is looked for among all kills and all domains, plain Python."""

from __future__ import annotations

import numpy as np

from mmbench.sizing.queue.reaper_list import NOT_LISTED, REAPER, SKIP
from tests.reference.reaper_list import fields_at


class Machine:
    """The list, what each domain waits for, and who is held back there: (when it came, kill)."""

    def __init__(self, gaps: np.ndarray, victims: list[int], domains: list[int], fields: np.ndarray) -> None:
        self.arrivals = [(sum(gaps[: i + 1].tolist()), i) for i in range(len(gaps))]
        self.n, self.victims, self.domains, self.fields = len(gaps), victims, domains, fields
        self.now, self.free = 0, 0
        self.on_list: list[tuple[int, int]] = []
        self.last: dict[int, tuple[int, float]] = {}  # of a domain: its victim, and when MMF_OOM_SKIP is set
        self.queue: dict[int, list[tuple[int, int]]] = {d: [] for d in domains}
        self.waits, self.held, self.cost = [0] * 2 * self.n, [0] * 2 * self.n, [0] * self.n

    def run(self) -> None:
        """Until nobody is left; of what happens at one time, the reaper comes first, then who is let in."""
        while True:
            following: list[tuple[float, int, int]] = [(self.free, 0, 0)] if self.on_list else []
            following += [(max(self.last[d][1], self.now), 1, d) for d, queue in self.queue.items() if queue]
            following += [(at, 2, i) for at, i in self.arrivals[:1]]
            if not following:
                return
            now, what, who = min(following, key=lambda event: event[:2])
            self.now = int(now)
            (self.take, self.let_in, self.come)[what](who)

    def take(self, _: int) -> None:
        kill, since = self.on_list.pop()
        self.waits[kill] = self.free - since
        row = self.known(kill, since, self.waits[kill])
        self.free += int(row["reaper"])

    def known(self, kill: int, since: int, wait: int) -> dict[str, float]:
        row, d = fields_at(self.fields, self.victims[kill], wait), self.domains[kill % self.n]
        done = since + int(row["skip"])
        if self.last[d][0] == kill:
            self.last[d] = (kill, done)
        if kill < self.n and int(row["collateral"]) > 0:
            self.cost[kill] = 1
            self.queue[d].insert(0, (done, self.n + kill))
        return row

    def let_in(self, d: int) -> None:
        came, kill = self.queue[d].pop(0)
        self.held[kill] = max(self.now - came, 0)
        self.enter(kill)

    def come(self, kill: int) -> None:
        self.arrivals.pop(0)
        d = self.domains[kill]
        if d in self.last and self.last[d][1] > self.now:
            self.queue[d].append((self.now, kill))
        else:
            self.enter(kill)

    def enter(self, kill: int) -> None:
        rows = self.fields[self.victims[kill]]
        self.last[self.domains[kill % self.n]] = (kill, self.now + int(rows[-1, SKIP]))
        if rows[0, REAPER] == NOT_LISTED:
            self.known(kill, self.now, 0)
            return
        self.free = self.free if self.on_list else max(self.free, self.now)
        self.on_list.append((kill, self.now))

"""Twin of mmap_lock: names in a queue."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Rwsem:
    """A fair reader-writer lock: who writes, who reads, who waits (task, wants to write)."""

    writer: int | None = None
    readers: set[int] = field(default_factory=set)
    queue: list[tuple[int, bool]] = field(default_factory=list)

    def trylock(self, task: int) -> bool:
        if self.writer is not None or self.queue:
            return False
        self.readers.add(task)
        return True

    def lock(self, task: int, write: bool) -> bool:
        if (write and self.writer == task) or (not write and task in self.readers):
            return True
        if any(waiting == task for waiting, _ in self.queue):
            return False
        if self.writer is None and not self.queue and (not write or not self.readers):
            if write:
                self.writer = task
            else:
                self.readers.add(task)
            return True
        self.queue.append((task, write))
        return False

    def hand_over(self) -> None:
        if not self.queue or self.writer is not None:
            return
        task, wants_write = self.queue[0]
        if wants_write:
            if not self.readers:
                self.writer = task
                self.queue.pop(0)
            return
        self.readers |= {task for task, write in self.queue if not write}
        self.queue = [(task, write) for task, write in self.queue if write]

    def read_unlock(self, task: int) -> None:
        self.readers.discard(task)
        self.hand_over()

    def write_unlock(self) -> None:
        self.writer = None
        self.hand_over()

    def downgrade(self, task: int) -> None:
        self.writer = None
        self.readers.add(task)
        self.hand_over()

"""Who runs exit_mmap, in plain words: mm_users is a set of names, and whoever takes the last one out does."""

from __future__ import annotations


def last_user(puts: list[str]) -> str:
    """The task that runs exit_mmap when mm_users are dropped in this order."""
    users = set(puts)
    for name in puts:
        users.remove(name)
        if not users:
            return name
    raise ValueError("nobody dropped a user")

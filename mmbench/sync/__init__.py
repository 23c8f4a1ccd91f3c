"""Locks and flags as transitions of the world: each function is atomic and never waits by itself."""

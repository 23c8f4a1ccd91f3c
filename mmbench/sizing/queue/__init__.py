"""The reaper thread and its list: what it meets, whom it takes next, how long each kill waits."""

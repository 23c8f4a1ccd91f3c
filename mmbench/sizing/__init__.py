"""Many kills: what rare heavy victims do to the reaper latency of all others, with intervals."""

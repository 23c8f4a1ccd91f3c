"""The asv suite: `track_*` is the model's answer and deterministic, `time_*` is this machine's speed. Never mixed."""

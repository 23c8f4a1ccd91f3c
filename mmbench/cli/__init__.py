"""The command line: one file per verb, each with `add` (its options) and `run` (what it does)."""

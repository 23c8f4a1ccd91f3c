"""One atomic step: what an op means (`apply`), and how steps become a protocol (`protocol`, `assemble`, `lint`)."""

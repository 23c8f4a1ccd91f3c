"""mmbench: how OOM victims with large mlocked address spaces give their memory back, design by design."""

__version__ = "0.1.0"

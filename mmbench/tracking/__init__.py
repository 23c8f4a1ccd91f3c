"""Across commits: what asv measured, read back; which way is better; what moved; asv itself, driven."""

"""Picoseconds per work item, and where each number comes from."""

"""Counts and intervals, which know nothing of kills: histograms, exact intervals, rare tails."""

"""Measure how close the synthetic table is to the real one. INTERNAL."""

"""Measure the value on real rows of models trained on synthetic ones. INTERNAL."""

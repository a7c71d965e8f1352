"""Utility: what models trained on the synthetic table are worth on real rows. INTERNAL."""

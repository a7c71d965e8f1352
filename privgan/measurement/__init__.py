"""Measure noisy marginals of a private table, against receipts.

Everything made from them is post-processing.
"""

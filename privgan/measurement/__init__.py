"""From a private table, against receipts, to noisy marginals.

Everything made from those is post-processing.
"""

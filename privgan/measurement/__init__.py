"""From a private table, against receipts, to noisy marginals; everything made from those is post-processing."""

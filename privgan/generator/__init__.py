"""Fit the conditional generator: mixture, warm start from noisy marginals, critic by DP-SGD."""

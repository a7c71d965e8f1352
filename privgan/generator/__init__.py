"""Fit the generator: a mixture to noisy marginals; a network, or a critic, by DP-SGD."""

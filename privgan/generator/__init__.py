"""The conditional generator: mixture, warm start from noisy marginals, and critic by DP-SGD."""

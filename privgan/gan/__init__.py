"""The conditional generator, its warm start from noisy marginals, and its refinement by a private critic."""

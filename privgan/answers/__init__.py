"""Answer questions about a released table from its noisy marginals, each with an interval."""

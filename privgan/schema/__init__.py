"""The schema: columns, constraints and target. Public facts only; no look at rows."""

"""Simulate a retail customer table whose true distribution is known exactly.

`simulator` draws customers and writes the demo files; `truth` gives exact probabilities to compare
with; `schema` states the public facts. The model: `parameters` (every number) → `graph` (the
conditional distributions) → `network` (drawing and exact inference). ``README.md`` in this folder
explains it.
"""

from privgan.demo.schema import demo_schema_yaml
from privgan.demo.simulator import simulate_customers, write_demo
from privgan.demo.truth import discrete_columns, true_conditional, true_marginal, true_mean_spend

__all__ = [
    "demo_schema_yaml",
    "discrete_columns",
    "simulate_customers",
    "true_conditional",
    "true_marginal",
    "true_mean_spend",
    "write_demo",
]

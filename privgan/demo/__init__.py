"""Simulate a retailer's customers and orders, whose true distribution is known exactly.

`simulator` draws customers and writes the demo files; `truth` gives exact probabilities to compare
with; `schema` states the public facts. The model: `parameters` (every number) → `graph` (the
conditional distributions) → `network` (drawing and exact inference). `orders` draws the orders of
these customers with lines and products; `orders_truth` gives what is true of them.
``README.md`` in this folder explains it.
"""

from privgan.demo.catalogue import simulate_products
from privgan.demo.orders import Shop, simulate_orders, simulate_shop, write_orders_demo
from privgan.demo.orders_schema import orders_schema_yaml, write_shop
from privgan.demo.schema import demo_schema_yaml
from privgan.demo.simulator import simulate_customers, write_demo
from privgan.demo.truth import discrete_columns, true_conditional, true_marginal, true_mean_spend

__all__ = [
    "Shop",
    "demo_schema_yaml",
    "discrete_columns",
    "orders_schema_yaml",
    "simulate_customers",
    "simulate_orders",
    "simulate_products",
    "simulate_shop",
    "true_conditional",
    "true_marginal",
    "true_mean_spend",
    "write_demo",
    "write_orders_demo",
    "write_shop",
]

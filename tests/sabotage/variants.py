"""All ways of breaking the code, in the order of the table in README.md."""

from tests.sabotage import (
    break_books,
    break_choices,
    break_critic,
    break_doors,
    break_features,
    break_forms,
    break_gan,
    break_histories,
    break_libraries,
    break_looks,
    break_marginals,
    break_network,
    break_related,
    break_releases,
    break_steps,
    break_tables,
    break_tasks,
)
from tests.sabotage.registry import ALL, Variant

__all__ = [
    "ALL",
    "Variant",
    "break_books",
    "break_choices",
    "break_critic",
    "break_doors",
    "break_features",
    "break_forms",
    "break_gan",
    "break_histories",
    "break_libraries",
    "break_looks",
    "break_marginals",
    "break_network",
    "break_related",
    "break_releases",
    "break_steps",
    "break_tables",
    "break_tasks",
]

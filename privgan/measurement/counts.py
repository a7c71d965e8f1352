"""Stage 1's counts: how many rows there are, and how many rows each customer has."""

from __future__ import annotations

import numpy as np

from privgan.errors import InternalError
from privgan.measurement.marginals import onto_simplex
from privgan.measurement.measure import Charger
from privgan.planning.first_stage import ROW_COUNT, ROWS_OF_EACH
from privgan.planning.plan import Plan
from privgan.privacy.contributions import rows_of_each
from privgan.privacy.mechanisms import CountHistogram, TotalCount
from privgan.privacy.randomness import SecretStream
from privgan.table.private import PrivateTable


def measure_row_count(table: PrivateTable, plan: Plan, ledger: Charger, coins: SecretStream) -> int:
    """The noisy row count of the whole table, from the rows that the canaries' coins kept in."""
    step = plan.step(ROW_COUNT)
    if not isinstance(step.mechanism, TotalCount):
        raise InternalError(f"the step {step.name} counts no rows")
    exact = len(table.rows(ledger.charge(step.name, step.event)))
    noisy = step.mechanism.release(exact, coins)
    return max(0, round(noisy / (1.0 - plan.canary_probability / 2.0)))


def measure_rows_of_each(table: PrivateTable, plan: Plan, ledger: Charger, coins: SecretStream) -> tuple[float, ...]:
    """The noisy share of the customers that have 1, 2, … rows [max_rows_per_unit]; one customer moves one count by one."""
    step = plan.step(ROWS_OF_EACH)
    if not isinstance(step.mechanism, CountHistogram):
        raise InternalError(f"the step {step.name} is no histogram")
    customers = table.customers(ledger.charge(step.name, step.event))
    noisy = step.mechanism.release(rows_of_each(customers, plan.unit.max_rows), coins)
    shares = onto_simplex(noisy / max(1.0, float(noisy.sum())))
    return tuple(float(share) for share in np.round(shares / shares.sum(), 9))

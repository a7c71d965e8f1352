"""Which wider marginals are measured without being chosen, and for what share: functions of public facts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from privgan.planning.plan import MarginalSettings
from privgan.table.cells import cells_of
from privgan.table.columns import Column

SHARE_OF_ROUNDS = 0.1
FEWEST_CODES, MOST_CODES = 8, 20
_CODES_BY_SIGNAL = 3.3
_REFERENCE_CUSTOMERS, _REFERENCE_COLUMNS = 40_000, 15


def planned_sizes(columns: Sequence[Column], settings: MarginalSettings) -> tuple[int, ...]:
    """The number of codes that each modelled column is planned to have, before anything is measured."""
    cells = [cells_of(column, settings.max_cells).size for column in columns]
    return tuple(size if size <= settings.largest_identity else settings.max_codes for size in cells)


def small_triples(sizes: tuple[int, ...], settings: MarginalSettings) -> list[tuple[int, int, int]]:
    """The 3-way marginals that are all measured: those with the fewest planned cells, up to a total.

    Small ones cost little time, and their cells stand out of the noise most.

    Args:
        sizes: Planned number of codes of each column.
        settings: The limits on one marginal and on all together.
    """
    triples = list(itertools.combinations(range(len(sizes)), 3))
    cells = {triple: math.prod(sizes[column] for column in triple) for triple in triples}
    found, total = [], 0
    for triple in sorted(triples, key=lambda triple: (cells[triple], triple)):
        total += cells[triple]
        if cells[triple] > settings.largest_triple or total > settings.triple_cells:
            break
        found.append(triple)
    return found


def share_of_triples(epsilon: float, customers: float, columns: int) -> float:
    """Share of the wider marginals' budget for all small 3-way ones; none where pairs alone are hardly seen.

    For 40,000 customers and 15 columns nothing up to ε = 1, two fifths at ε = 3 and 0.6 from ε = 5.3 on; less with more
    columns, whose many triples share it. As measured on four tables (``reports/benchmarks``).
    """
    share = 0.25 * math.log2(strength(epsilon, customers) * _REFERENCE_COLUMNS / columns)
    return round(min(0.6, max(0.0, share)), 3)


def number_of_codes(rows: float, noise: float) -> int:
    """Codes of a merged column: fewer where pairs are hardly seen through their noise, as measured on four tables.

    Args:
        rows: The rows that are measured.
        noise: Standard deviation of a pair's counts when all pairs share the whole budget.
    """
    return round(min(MOST_CODES, max(FEWEST_CODES, _CODES_BY_SIGNAL * (rows / noise) ** 0.25)))


def longer_fit(steps: int, epsilon: float, customers: float) -> int:
    """Final fitting steps for a budget: the finer the noise, the more there is to fit, up to 2.5 times as many."""
    return round(steps * min(2.5, max(1.0, strength(epsilon, customers) / 3)))


def strength(epsilon: float, customers: float) -> float:
    """How well statistics are seen through the noise: ε·√n, 1 for ε = 1 and 40,000 customers."""
    return epsilon * math.sqrt(customers / _REFERENCE_CUSTOMERS)

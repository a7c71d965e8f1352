"""Make whole customers of the audit's related tables, kept in, left out and synthetic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.related.customers import Customers, Family, pooled
from privgan.owner.private_table import Sealed
from privgan.parts.related_views import RelatedFrames
from privgan.schema.schema import Schema

LEAST_CUSTOMERS = 20
UNKNOWN = "the rows of the further tables are unknown"


@dataclass(frozen=True, eq=False, repr=False)
class RelatedFacts(Sealed):
    """All rows of related tables that an audit compares. PRIVATE: two of three are real.

    Attributes:
        kept_in: Rows of the customers that the run saw.
        left_out: Rows of the canaries that it did not see.
        synthetic: The synthetic rows.
    """

    kept_in: RelatedFrames
    left_out: RelatedFrames
    synthetic: RelatedFrames


@dataclass(frozen=True, eq=False, repr=False)
class RelatedTables:
    """Whole customers of the three sides.

    Attributes:
        kept_in: The real customers that the run saw.
        canaries: Which of them are canaries [kept-in customers], bool.
        left_out: The real customers that it did not see.
        synthetic: The synthetic customers.
    """

    kept_in: Customers
    canaries: NDArray[np.bool_]
    left_out: Customers
    synthetic: Customers

    @property
    def real(self) -> Customers:
        """All real customers."""
        return pooled(self.kept_in, self.left_out)


def related_tables(
    schema: Schema, facts: RelatedFacts | None, canary_mask: NDArray[np.bool_]
) -> RelatedTables | str | None:
    """Whole customers of all sides, or the reason why there are none; None of one table.

    Args:
        schema: The public facts.
        facts: The rows; None where they are unknown.
        canary_mask: Which of the root's kept-in rows are canaries' [kept-in rows], bool.
    """
    if not schema.tables:
        return None
    if facts is None:
        return UNKNOWN
    family = Family.of(schema, facts.kept_in)
    sides = (facts.kept_in, facts.left_out, facts.synthetic)
    kept_in, left_out, synthetic = (Customers.of(family, side) for side in sides)
    if min(len(kept_in), len(synthetic)) < LEAST_CUSTOMERS:
        return f"needs {LEAST_CUSTOMERS} kept-in and {LEAST_CUSTOMERS} synthetic customers"
    return RelatedTables(kept_in, canary_mask[kept_in.names], left_out, synthetic)

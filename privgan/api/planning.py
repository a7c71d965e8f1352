"""Make a plan: what a fit would cost and how noisy it would be, without opening data."""

from __future__ import annotations

from typing import Unpack

from privgan.api.asking import FitOptions, SchemaLike, asked_request
from privgan.pipeline.run import plan_for, schema_of
from privgan.planning.plan import Plan
from privgan.planning.rare_outcome import check_hopeful


def plan(schema: SchemaLike, **asked: Unpack[FitOptions]) -> Plan:
    """Each step's cost and noise, without opening data.

    Args:
        schema: As for ``Synthesizer``.
        **asked: As for ``Synthesizer``: epsilon, delta, public_rows, effort, dp_sgd_share and more.

    Raises:
        UsageError: when an argument means nothing, or the budget is too small for such a table.
        IncompleteError: when the schema's rare outcome has too few positives at this ε.

    >>> plan(schema, epsilon=3, public_rows=600)
    Plan('shop', ε = 3, δ = 1e-06, ... steps)
    """
    request = asked_request(schema, asked)
    facts = schema_of(request)
    made = plan_for(request, facts)
    check_hopeful(made, facts)
    return made

"""Make plans: what fits would cost and how noisy they would be, without opening data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Unpack

from privgan.api.asking import FitOptions, SchemaLike, asked_request
from privgan.api.inputs import number
from privgan.errors import UsageError
from privgan.files.documents import shown
from privgan.naming import parameter
from privgan.pipeline.run import plan_for, schema_of
from privgan.planning import what_if as comparing
from privgan.planning.plan import Plan
from privgan.planning.rare_outcome import check_hopeful
from privgan.planning.what_if import EPSILONS, WhatIf, checked_epsilons


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


def what_if(
    schema: SchemaLike,
    *,
    epsilons: Sequence[float] = EPSILONS,
    target_share: float | None = None,
    **asked: Unpack[FitOptions],
) -> WhatIf:
    """What several ε buy: expected errors of what is measured, and of a model of the target.

    From σ and the schema's sizes alone; no data is opened.

    Args:
        schema: As for ``Synthesizer``.
        epsilons: The ε to compare.
        target_share: A public guess of the share of rows with the target's value, such as 0.1; None
            for equal shares of all its values.
        **asked: As for ``plan``, without an ε or a risk: public_rows, delta, target and more.

    Raises:
        UsageError: when an argument means nothing, or the row count is not given.

    >>> print(next(what_if(schema, epsilons=[1, 3], public_rows=600).lines()).split()[:3])
    ['ε', 'attack', 'generator']
    """
    risks = {"epsilon", "max_attack_advantage", "max_tpr"} & asked.keys()
    if risks:
        raise UsageError(f"{parameter('epsilons')} compares several ε; leave out {min(risks)}")
    if isinstance(epsilons, str | bytes) or not isinstance(epsilons, Sequence):
        raise UsageError(f"{parameter('epsilons')} is {shown(epsilons)}; give numbers: [1, 3, 10]")
    compared = checked_epsilons([number("epsilons", one) for one in epsilons])
    share = None if target_share is None else number("target_share", target_share)
    request = asked_request(schema, {**asked, "epsilon": compared[0]})
    facts = schema_of(request)
    return comparing.what_if(
        lambda budget: plan_for(replace(request, budget=budget), facts),
        facts,
        epsilons=compared,
        delta=request.budget.delta,
        target_share=share,
    )

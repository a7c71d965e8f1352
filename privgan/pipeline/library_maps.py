"""Compare the privacy map of each planned step with its library's own, before any charge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from privgan.errors import InternalError, UsageError
from privgan.generator import dpsgd
from privgan.ledger.filter import SLACK
from privgan.parts.part import part_of
from privgan.planning.dpsgd_settings import DpSgdSettings
from privgan.planning.plan import Plan, PlanStep, StepKind
from privgan.privacy.library_checks import check_tested
from privgan.privacy.mechanisms import CountHistogram, Selection

_BY_GRADIENTS = frozenset(
    {StepKind.NETWORK, StepKind.NETWORK_AGAIN, StepKind.CRITIC, StepKind.CRITIC_AGAIN}
)
_NOISES = (0.5, 1.3, 20.0, 3_000.0)
_EXAMPLE = DpSgdSettings(
    steps=100,
    sample_rate=0.1,
    expected_batch_size=100,
    noise_multiplier=1.0,
    max_grad_norm=1.0,
    width=1,
    learning_rate=1e-3,
)


def check_libraries(plan: Plan) -> None:
    """Check the libraries' versions, and the privacy map of each step planned so far.

    Every event is covered. A step's mechanism is asked for its own map. DP-SGD has no mechanism in
    OpenDP: Opacus' Rényi bound and the trainer's settings are checked. Where stage 2 waits for
    stage 1, its mechanisms are asked for examples of noise.

    Args:
        plan: The plan; to be checked again when stage 2 is planned.

    Raises:
        LibraryError: A library is not a tested one, or states more than we account for.
        InternalError: A step's event is not its mechanism's, or nothing checks it.
    """
    check_tested()
    _check_costs(plan)
    parts = {part.name: part.plan.trained for part in plan.parts}
    for step in (*plan.domain_steps, *plan.steps):
        name = part_of(step.name, tuple(parts))
        check_maps((step,), parts[name] if name else plan.trained)
    if not plan.steps:
        _check_examples(plan)


def _check_costs(plan: Plan) -> None:
    """Check that no stage costs more than its share.

    The ledger would refuse it only after the charge.
    """
    for name, budget, cost in (
        ("domain", plan.domain_budget, plan.domain_cost),
        ("model", plan.model_budget, plan.cost),
    ):
        if cost is not None and not (
            math.isfinite(cost.epsilon_pld) and math.isfinite(cost.epsilon_rdp)
        ):
            told = f"δ = {plan.budget.delta:g} is too small to account for (stage {name})"
            raise UsageError(f"{told}; 1e-12 is small enough for all uses")
        if budget is not None and cost is not None and cost.epsilon > budget.epsilon * (1 + SLACK):
            raise InternalError(
                f"stage {name} of the plan costs ε = {cost.epsilon:.4g} and is given"
                f" {budget.epsilon:.4g}"
            )


def check_maps(steps: Sequence[PlanStep], trained: DpSgdSettings | None) -> None:
    """Check the privacy map of each step; errors as those of ``check_libraries``."""
    for step in steps:
        if step.mechanism is not None:
            if step.mechanism.event != step.event:
                raise InternalError(f"the event of the step {step.name} is not its mechanism's")
            step.mechanism.check_map()
        elif step.kind in _BY_GRADIENTS and trained is not None:
            dpsgd.check_map(trained, step.event)
        else:
            raise InternalError(f"nothing checks the privacy map of the step {step.name}")


def _check_examples(plan: Plan) -> None:
    """Check each mechanism that stage 2 may use, for noises from small to large."""
    rows = plan.unit.count_sensitivity
    for noise in _NOISES:
        CountHistogram(standard_deviation=noise * rows, sensitivity=rows).check_map()
        Selection(epsilon=2 / noise, sensitivity=float(rows)).check_map()
        if plan.marginal_share != 1:
            example = replace(_EXAMPLE, noise_multiplier=noise)
            dpsgd.check_map(example, example.event)

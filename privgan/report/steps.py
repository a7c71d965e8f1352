"""Describe the plan's accounted steps in words."""

from __future__ import annotations

from collections.abc import Sequence

from privgan.files.json_types import JsonDict
from privgan.planning.accounted_step import AccountedStep
from privgan.planning.plan import StepKind
from privgan.privacy import accountant, events
from privgan.report.data import PlanStep
from privgan.report.document import Run, Text
from privgan.report.text import Words

_BY_GUMBEL = frozenset({StepKind.SELECTION, StepKind.LOWER_BOUND, StepKind.UPPER_BOUND})
_BY_GRADIENTS = frozenset(
    {StepKind.NETWORK, StepKind.NETWORK_AGAIN, StepKind.CRITIC, StepKind.CRITIC_AGAIN}
)


def report_steps(accounting: Sequence[AccountedStep]) -> list[PlanStep]:
    """Steps of the accounting for a report."""
    return [
        PlanStep(
            name=step.name,
            kind=step.kind,
            epsilon=step.epsilon,
            expected_error=step.expected_error,
            noise=step.noise,
            **_mechanism(step),
        )
        for step in accounting
    ]


def report_groups(accounting: Sequence[AccountedStep], delta: float) -> list[PlanStep]:
    """Steps of the accounting grouped by kind, with their joint cost."""
    kinds: dict[str, list[AccountedStep]] = {}
    for step in accounting:
        kinds.setdefault(step.kind, []).append(step)
    return [_group(kind, steps, delta) for kind, steps in kinds.items()]


def _group(kind: str, steps: Sequence[AccountedStep], delta: float) -> PlanStep:
    together = events.Composed([step.cost for step in steps])
    epsilon = accountant.epsilon_by_rdp(together, delta)
    return PlanStep(name=kind, kind=kind, count=len(steps), epsilon=epsilon)


def _mechanism(step: AccountedStep) -> JsonDict:
    if step.kind in _BY_GRADIENTS:
        event = step.event
        return {"mechanism": DP_SGD, "rate": event["of"]["sample_rate"], "repeats": event["count"]}
    if step.kind in _BY_GUMBEL:
        return {"mechanism": "gumbel"}
    return {"mechanism": "laplace" if step.kind == StepKind.ROW_COUNT else "gaussian"}


DP_SGD = "dp-sgd"
_NOISES = {"gaussian": "steps.gaussian", "laplace": "steps.laplace", "gumbel": "steps.gumbel"}


def trained_by_dpsgd(steps: Sequence[PlanStep]) -> str | None:
    """What DP-SGD trained: ``network`` or ``critic``; None where it trained nothing."""
    found = (step.kind.lower().split("'")[0].split()[0] for step in steps)
    return next((name for name in found if name in {"network", "critic"}), None)


def label(step: PlanStep, words: Words) -> str:
    """Name of a step, or kind and number of several."""
    kind = words.term("step", step.kind)
    if step.count > 1:
        return words.text("steps.several", kind=kind, count=step.count)
    return kind if step.name == step.kind else step.name


def noise(step: PlanStep, words: Words) -> Text:
    """Noise of the step."""
    if step.mechanism is None or step.noise is None:
        return words("number.none")
    if step.mechanism == DP_SGD:
        rate = f"{step.rate:g}" if step.rate is not None else words.text("number.none")
        return words(
            "steps.dp_sgd",
            noise=Run(f"{step.noise:.3f}"),
            repeats=Run(str(step.repeats)),
            rate=Run(rate),
        )
    return words(_NOISES[step.mechanism], noise=Run(f"{step.noise:.1f}"))


def error(step: PlanStep, words: Words) -> Text:
    """Expected error of a cell."""
    if step.expected_error is None:
        return words("number.none")
    return words("steps.error_text", share=Run(f"{100 * step.expected_error:.3f}"))

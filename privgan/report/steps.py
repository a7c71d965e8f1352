"""A step of the plan in words."""

from __future__ import annotations

from privgan.report.data import PlanStep
from privgan.report.document import Run, Text
from privgan.report.words import Words

DP_SGD = "dp-sgd"
_NOISES = {"gaussian": "steps.gaussian", "laplace": "steps.laplace", "gumbel": "steps.gumbel"}


def is_critic(step: PlanStep) -> bool:
    """Whether a step is the private critic's, whose noise is DP-SGD's."""
    return step.kind.lower().startswith("critic")


def label(step: PlanStep, words: Words) -> str:
    """The step's name, or of several what they are and how many."""
    kind = words.term("step", step.kind)
    if step.count > 1:
        return words.text("steps.several", kind=kind, count=step.count)
    return kind if step.name == step.kind else step.name


def noise(step: PlanStep, words: Words) -> Text:
    """The step's noise."""
    if step.mechanism is None or step.noise is None:
        return words("number.none")
    if step.mechanism == DP_SGD:
        rate = f"{step.rate:g}" if step.rate is not None else words.text("number.none")
        return words("steps.dp_sgd", noise=Run(f"{step.noise:.3f}"), repeats=Run(str(step.repeats)), rate=Run(rate))
    return words(_NOISES[step.mechanism], noise=Run(f"{step.noise:.1f}"))


def error(step: PlanStep, words: Words) -> Text:
    """The error to expect of a cell."""
    if step.expected_error is None:
        return words("number.none")
    return words("steps.error_text", share=Run(f"{100 * step.expected_error:.3f}"))

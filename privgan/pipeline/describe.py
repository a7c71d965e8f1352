"""A plan in words: for the terminal and for the reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from privgan.planning.plan import Plan, StepKind
from privgan.privacy import accountant, events
from privgan.report.data import PlanStep as ReportStep

_WHAT: Mapping[str, str] = {
    StepKind.ROW_COUNT: "the number of rows",
    StepKind.ROWS_OF_EACH: "how many customers have one row, two rows, …",
    StepKind.CELL_HISTOGRAM: "a fine histogram, to place the bins of one column",
    StepKind.MARGINAL: "the shares of one column's codes",
    StepKind.SELECTION: "which two or three columns the model fits worst",
    StepKind.TARGET_PAIRS: "the joint shares of the target and every other column, more closely than the rest",
    StepKind.PAIRS: "the joint shares of every two columns",
    StepKind.TARGET_TRIPLES: "the joint shares of the target and every two columns with few codes",
    StepKind.TRIPLES: "the joint shares of every three columns with few codes",
    StepKind.CHOSEN_MARGINAL: "the joint shares of the chosen columns",
    StepKind.CRITIC: "the critic's gradients, clipped and noised",
    StepKind.RANGE_HISTOGRAM: "the coarse range of a column",
    StepKind.LOWER_BOUND: "a column's lower bound",
    StepKind.UPPER_BOUND: "a column's upper bound",
    StepKind.CATEGORIES: "which categories enough customers have",
    StepKind.CRITIC_AGAIN: "the same again, in reserve for steps that a crash loses",
}


def report_steps(accounting: Sequence[Mapping[str, Any]]) -> list[ReportStep]:
    """The accounting's steps as a report shows them."""
    return [
        ReportStep(
            name=step["name"],
            what=_WHAT[step["kind"]],
            epsilon=step["epsilon"],
            noise=_noise(step),
            expected_error=""
            if step["expected_error"] is None
            else f"{100 * step['expected_error']:.3f} % of the rows in each cell",
        )
        for step in accounting
    ]


def report_groups(accounting: Sequence[Mapping[str, Any]], delta: float) -> list[ReportStep]:
    """The accounting's steps of each kind together, with what they cost together."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for step in accounting:
        kinds.setdefault(step["kind"], []).append(step)
    return [_group(kind, steps, delta) for kind, steps in kinds.items()]


def _group(kind: str, steps: Sequence[Mapping[str, Any]], delta: float) -> ReportStep:
    name = kind if len(steps) == 1 else f"{kind} ({len(steps)})"
    together = events.Composed([events.from_json(step["event"]) for step in steps])
    return ReportStep(name=name, what=_WHAT[kind], epsilon=accountant.epsilon_by_rdp(together, delta))


def _noise(step: Mapping[str, Any]) -> str:
    event = step["event"]
    if step["kind"] in {StepKind.CRITIC, StepKind.CRITIC_AGAIN}:
        rate, steps = event["of"]["sample_rate"], event["count"]
        return f"noise multiplier {step['noise']:.3f}, {steps} steps at sampling rate {rate:g}"
    if step["kind"] in {StepKind.SELECTION, StepKind.LOWER_BOUND, StepKind.UPPER_BOUND}:
        return f"Gumbel, scale {step['noise']:.1f} rows"
    name = "discrete Laplace" if step["kind"] == StepKind.ROW_COUNT else "discrete Gaussian"
    return f"{name}, standard deviation {step['noise']:.1f} rows"


def plan_lines(plan: Plan, accounting: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, str]]:
    """Name, what it looks at, ε alone, and noise with expected error, for each step of a plan."""
    return [
        (
            step.name,
            step.what,
            f"{step.epsilon:.4f}",
            "; ".join(part for part in (step.noise, step.expected_error) if part),
        )
        for step in report_steps(accounting)
    ]

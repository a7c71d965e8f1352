"""A plan in words, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from privgan.planning.plan import Plan
from privgan.report.accounted import report_steps
from privgan.report.data import PlanStep
from privgan.report.document import plain
from privgan.report.steps import error, noise
from privgan.report.words import Words, words_of


def plan_lines(plan: Plan, accounting: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, str]]:
    """Name, what it looks at, ε alone, and noise with expected error, for each step of a plan."""
    words = words_of("en")
    return [
        (
            step.name,
            words.term("what", step.kind),
            f"{step.epsilon:.4f}",
            _noise_and_error(step, words),
        )
        for step in report_steps(accounting)
    ]


def _noise_and_error(step: PlanStep, words: Words) -> str:
    texts = [plain(noise(step, words))] + ([plain(error(step, words))] if step.expected_error is not None else [])
    return "; ".join(texts)

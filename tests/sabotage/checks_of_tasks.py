"""Check that tasks cost what they measure and tell nothing outside; AssertionError on failure."""

from __future__ import annotations

import json
from dataclasses import replace

from privgan.planning.plan import StepKind
from privgan.planning.planner import make_plan
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.mechanisms import CountHistograms
from privgan.report.data import NoisyShape
from privgan.report.document import plain
from privgan.report.sections import tasks as sections
from privgan.report.text import words_of
from tests.tasks.campaign import SCHEMA


def a_tasks_marginals_are_charged_as_many_as_are_measured() -> None:
    """Every marginal that is measured for a task is among those that its step's event counts."""
    from privgan.measurement import measure  # Names what is measured.

    plan = make_plan(SCHEMA, PrivacyBudget(epsilon=3.0, delta=1e-6), public_rows=20_000)
    assert plan.of_kind(StepKind.TASK_TRIPLES), "an uplift has its triples"
    for kind, cliques in measure.measured_at_once(SCHEMA, plan.marginals, plan.derived).items():
        for step in plan.of_kind(kind):
            assert isinstance(step.mechanism, CountHistograms)
            charged = step.mechanism.number
            assert charged == len(cliques), (
                f"{len(cliques)} marginals are measured, {charged} are charged by {step.name}"
            )
            assert step.event == step.mechanism.event
        assert len(cliques) == len(set(cliques)), "a marginal is measured twice"


def a_shareable_report_tells_of_tasks_by_noisy_figures_alone() -> None:
    """Its words on a task are a function of the schema and of noisy counts."""
    noisy = NoisyShape(
        column="bought", kind="categorical", labels=("no", "yes"), noisy=(60, 40), synthetic=(1, 3)
    )
    facts, words = SCHEMA.to_json(), words_of("en")
    told = [
        json.dumps([plain(item) for item in section.blocks[1].items])  # type: ignore[union-attr]
        for shape in (noisy, replace(noisy, synthetic=(7, 2)))
        for section in sections.named_tasks({}, facts, [shape], words)
    ]
    assert told[0] == told[1], "a figure other than the noisy one is told"
    assert "40 %" in told[0]

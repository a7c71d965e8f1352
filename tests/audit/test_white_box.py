"""White-box attacks find a model that memorises, and no other; no order or coin enters."""

from __future__ import annotations

import math

import numpy as np
import pytest

from privgan.audit.attacks.membership import Canaries
from privgan.audit.attacks.white_box import (
    CRITIC,
    LIKELIHOOD,
    NO_CRITIC,
    NO_MODEL,
    white_box_metrics,
)
from privgan.audit.coding import AuditCoder
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.metric import Status


@pytest.fixture(scope="module")
def canaries(schema, draw_rows):
    members, others = draw_rows(400, 1), draw_rows(400, 2)
    coder = AuditCoder.from_reference(schema, members)
    return Canaries.pool(coder.code(members), coder.code(others))


def _by_name(metrics):
    return {metric.name: metric for metric in metrics}


def test_rows_that_the_model_favours_are_found_and_the_ceiling_stands_beside(canaries):
    generator = np.random.default_rng(0)
    scores = {
        "likelihood": generator.normal(size=800) + 3.0 * canaries.is_member[canaries.owner],
        "critic": np.zeros(800),
    }
    found = _by_name(white_box_metrics(canaries, scores, "", Claim(1.0, 1e-5), 0))
    likelihood, critic = found[LIKELIHOOD.name], found[CRITIC.name]
    assert likelihood.low > likelihood.ceiling == pytest.approx(Claim(1.0, 1e-5).area_under_curve())
    assert likelihood.details["p_value"] < 1e-6
    assert critic.value == 0.5
    assert likelihood.confidence == 0.975  # Bonferroni over the two.


def test_scores_that_know_nothing_cover_one_half(canaries):
    """100 repetitions at 97.5 %: more than 9 misses have a probability below 0.1 %."""
    missed = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        scores = {"likelihood": generator.normal(size=800), "critic": generator.normal(size=800)}
        found = _by_name(white_box_metrics(canaries, scores, "", None, seed))[LIKELIHOOD.name]
        missed += not found.low <= 0.5 <= found.high
    assert missed <= 9


@pytest.mark.parametrize(
    ("scores", "obstacle", "reasons"),
    [
        ({}, "", {NO_MODEL}),
        ({}, "too few", {"too few"}),
        ({"likelihood": np.arange(800.0)}, "too few", {"too few"}),
        ({"likelihood": np.arange(800.0)}, "", {"", NO_CRITIC}),
    ],
)
def test_what_cannot_be_run_says_why(canaries, scores, obstacle, reasons):
    found = white_box_metrics(canaries, scores, obstacle, None, 0)
    assert {metric.name for metric in found} == {LIKELIHOOD.name, CRITIC.name}
    assert {metric.reason for metric in found} == reasons
    assert all(math.isfinite(metric.value) for metric in found if metric.status is Status.OK)

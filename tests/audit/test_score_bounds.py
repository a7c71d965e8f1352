"""Diagnostic bounds: Holm's correction, the metrics, and the plan's names."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.audit.attacks.membership import _NEAREST_WEIGHT, Canaries
from privgan.audit.coding import AuditCoder
from privgan.audit.intervals import holm
from privgan.audit.lower_bounds import metrics as shown
from privgan.audit.lower_bounds.bounds import one_run_search
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.lower_bounds.metrics import holm_bounds
from privgan.audit.report import Verdict, verdict_of
from privgan.metric import Metric, Status
from privgan.planning.plan import AUDIT


@settings(max_examples=100, derandomize=True)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8))
def test_holm_lies_between_none_and_bonferroni_and_keeps_the_order(p_values):
    adjusted = holm(p_values)
    assert all(
        p <= a <= min(1.0, len(p_values) * p) + 1e-12
        for p, a in zip(p_values, adjusted, strict=True)
    )
    order = np.argsort(p_values, kind="stable")
    assert list(np.asarray(adjusted)[order]) == sorted(adjusted)


def _scores(
    strengths: dict[str, float], canaries: int = 400, seed: int = 0
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    generator = np.random.default_rng(seed)
    coins = generator.random(canaries) < 0.5
    return {
        name: generator.normal(size=canaries) + size * coins for name, size in strengths.items()
    }, coins


def test_one_score_gets_the_bound_of_the_search():
    scores, coins = _scores({"only": 1.5})
    expected = one_run_search(scores["only"], coins, 1e-5, 0.05).epsilon
    assert holm_bounds(scores, coins, 1e-5, 0.05)["only"] == pytest.approx(expected, abs=1e-9)


def test_several_scores_cost_the_strongest_most_and_never_more_than_bonferroni():
    scores, coins = _scores({"weak": 0.0, "strong": 2.0, "middle": 1.5})
    found = holm_bounds(scores, coins, 1e-5, 0.05)
    for name, values in scores.items():
        alone, bonferroni = (
            one_run_search(values, coins, 1e-5, level).epsilon for level in (0.05, 0.05 / 3)
        )
        assert bonferroni - 1e-9 <= found[name] <= alone + 1e-9
    assert found["weak"] == 0.0
    assert found["strong"] == pytest.approx(
        one_run_search(scores["strong"], coins, 1e-5, 0.05 / 3).epsilon, abs=1e-9
    )


def test_some_bound_of_six_scores_without_knowledge_is_above_zero_in_at_most_5_percent():
    """With a true rate of 5 %, more than 10 of 100 runs have a probability of 1.2 %.

    Without correction about 12 would be.
    """
    wrong = 0
    for seed in range(100):
        scores, coins = _scores({f"s{index}": 0.0 for index in range(6)}, 100, seed)
        wrong += max(holm_bounds(scores, coins, 0.0, 0.05).values()) > 0.0
    assert wrong <= 10


@pytest.mark.parametrize(
    ("bound", "largest", "claimed", "verdict"),
    [
        (1.2, 5.0, 1.0, Verdict.REFUTED),
        (1.0, 5.0, 1.0, Verdict.NOT_REFUTED),
        (0.0, 5.0, 1.0, Verdict.NOT_REFUTED),
        (0.0, 1.0, 1.0, Verdict.INCONCLUSIVE),
        (0.9, 0.9, 1.0, Verdict.INCONCLUSIVE),
        (3.0, 5.0, None, Verdict.INCONCLUSIVE),
        (None, None, 1.0, Verdict.INCONCLUSIVE),
        (5.0, 5.5, float("inf"), Verdict.INCONCLUSIVE),
    ],
)
def test_the_verdict_has_three_values(bound, largest, claimed, verdict):
    assert verdict_of(bound, largest, claimed) is verdict


@pytest.fixture(scope="module")
def canaries(schema, draw_rows):
    pool, coins = draw_rows(300, 5), np.random.default_rng(5).random(300) < 0.5
    coder = AuditCoder.from_reference(schema, pool)
    return Canaries.pool(coder.code(pool[coins]), coder.code(pool[~coins]))


def _metrics(canaries, claim, strength=2.0, seed=0) -> dict[str, Metric]:
    noise = np.random.default_rng(6).normal(size=(3, len(canaries))) + strength * canaries.is_member
    found = shown.bound_metrics(
        canaries, noise[0], {"density_ratio": noise[1], "nearest": noise[2]}, claim, seed
    )
    return {metric.name: metric for metric in found}


def test_every_bound_is_told_with_what_it_assumes(canaries):
    found = _metrics(canaries, Claim(1.0, 1e-5))
    assert set(found) == {metric.name for metric in shown.no_bounds("why")}
    for name in (shown.FDP, shown.GDP):
        assert "model-assumed" in found[name].method
        assert found[name].details["model_assumed"] is True
    for name in set(found) - {shown.BOUND, shown.LARGEST, shown.DETECTABLE}:
        assert "shown only" in found[name].method
        assert found[name].ceiling == 1.0
    assert found[shown.FDP].value >= found[shown.BOUND].value > 1.0
    assert (
        found[shown.DETECTABLE].value
        < found[shown.DETECTABLE].details["refutes_the_claim_from"]
        < found[shown.LARGEST].value
    )
    json.dumps([metric.to_json() for metric in found.values()], allow_nan=False)


def test_without_a_delta_gaussian_bounds_are_not_run(canaries):
    for claim in (None, Claim(1.0, 0.0)):
        found = _metrics(canaries, claim)
        assert {name for name, metric in found.items() if metric.status is Status.NOT_RUN} == {
            shown.FDP,
            shown.GDP,
        }
        assert "δ above 0" in found[shown.FDP].reason
    assert "refutes_the_claim_from" not in _metrics(canaries, None)[shown.DETECTABLE].details
    assert _metrics(canaries, Claim(float("inf"), 1e-5))[shown.BOUND].ceiling is None


def test_scores_without_knowledge_give_zero_everywhere(canaries):
    found = _metrics(canaries, Claim(1.0, 1e-5), strength=0.0)
    assert {
        metric.value
        for name, metric in found.items()
        if name not in {shown.LARGEST, shown.DETECTABLE}
    } == {0.0}


def test_the_plan_names_the_score_and_the_bound_that_decide(canaries):
    assert dict(AUDIT) == _metrics(canaries, Claim(1.0, 1e-5))[shown.BOUND].details["decides"]
    assert f"{_NEAREST_WEIGHT:g} · rank of the nearness" in AUDIT["score"]
    assert f"{1 - shown.SIGNIFICANCE:.0%}".replace("%", " %") in AUDIT["bound"]

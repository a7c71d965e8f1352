"""Diagnostic attacks find copies and nothing in independent rows; rates and curves by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm

from privgan.audit.attacks.diagnostics import (
    calibrated_scores,
    monte_carlo_scores,
    record_metrics,
    shown_metrics,
    shown_not_run,
)
from privgan.audit.attacks.membership import Canaries, Scores, nearest_scores
from privgan.audit.attacks.roc import (
    GRID,
    Rates,
    counted,
    rates_at,
    rates_of_most_exposed,
    roc_points,
)
from privgan.audit.coding import AuditCoder
from privgan.audit.intervals import area_p_value, area_under_curve
from privgan.audit.lower_bounds.ceilings import Claim


def _all_scores(coder, canaries, made):
    nearest = nearest_scores(coder, canaries, made, 0)
    return (
        nearest,
        calibrated_scores(coder, canaries, nearest, 0),
        monte_carlo_scores(coder, canaries, made, nearest, 0),
    )


@pytest.fixture(scope="module")
def shown(schema, draw_rows):
    """Diagnostic metrics of a table that copies every training row."""
    members, others = draw_rows(700, 1), draw_rows(700, 2)
    coder = AuditCoder.from_reference(schema, members)
    canaries, made = Canaries.pool(coder.code(members), coder.code(others)), coder.code(members)
    nearest = nearest_scores(coder, canaries, made, 0)
    # The density ratio has tests of its own and takes seconds: the nearness stands in for it.
    found = shown_metrics(
        coder, canaries, made, Scores(ratio=nearest, nearest=nearest), Claim(1.0, 1e-5), 0
    )
    return {metric.name.removeprefix("attack.membership."): metric for metric in found}


def test_memorised_rows_are_found_by_the_further_attacks(shown):
    calibrated = shown["calibrated_auc"]
    assert calibrated.low > calibrated.ceiling > calibrated.baseline
    assert calibrated.details["advantage"]["low"] > Claim(1.0, 1e-5).advantage()
    assert calibrated.details["tpr_at_fpr_0.01"]["low"] > Claim(1.0, 1e-5).true_positive_rate(0.01)
    assert "tpr_at_fpr_0.001" not in calibrated.details
    assert calibrated.details["roc"]["fpr"] == list(GRID)
    assert np.diff(calibrated.details["roc"]["tpr"]).min() >= 0
    assert shown["tpr_at_fpr_0.001"].reason == "needs at least 1000 left-out canaries"


def test_the_largest_and_the_mean_risk_have_intervals_and_ceilings(shown):
    """The most exposed group is chosen on one half and judged on the other."""
    largest, mean = shown["record_max"], shown["record_mean"]
    assert largest.low > largest.ceiling == pytest.approx(np.e / (1 + np.e), abs=0.02)
    assert mean.low > mean.ceiling == pytest.approx((1 + Claim(1.0, 1e-5).advantage()) / 2)
    assert largest.baseline == mean.baseline == 0.5


def test_risk_of_scores_that_know_nothing_covers_one_half():
    """Sixty repetitions; simultaneous limits miss one half in at most 5 %.

    More than 9 have a probability below 0.1 %.
    """
    missed, values = 0, []
    for seed in range(60):
        generator = np.random.default_rng(seed)
        coins, first = generator.random(800) < 0.5, generator.random(800) < 0.5
        canaries = Canaries(None, np.arange(800), coins, np.arange(800))  # type: ignore[arg-type]
        largest, _ = record_metrics(canaries, generator.normal(size=800), first, None)
        missed += not largest.low <= 0.5 <= largest.high
        values.append(largest.value)
    assert missed <= binom.isf(0.001, 60, 0.05)
    assert np.mean(values) == pytest.approx(0.5, abs=0.06)


def test_no_score_sees_a_coin(schema, draw_rows):
    """The same canaries with other coins get the same scores, in whatever order the tables came."""
    rows = pd.concat([draw_rows(150, 1), draw_rows(20, 1)], ignore_index=True)
    coder = AuditCoder.from_reference(schema, rows)
    found = []
    for seed in (1, 2):
        coins = np.random.default_rng(seed).random(len(rows)) < 0.5
        canaries = Canaries.pool(coder.code(rows[coins]), coder.code(rows[~coins]))
        found.append(np.vstack(_all_scores(coder, canaries, coder.code(draw_rows(300, 9)))))
    assert np.array_equal(*found)


def test_curve_by_hand():
    coins = np.array([1, 1, 0, 1, 0, 0, 1, 0], bool)
    scores = np.array([8.0, 7, 6, 5, 5, 3, 2, 1])
    found = dict(zip(*roc_points(coins, scores).values(), strict=True))
    # Two of four members before any false alarm; a tie of one each at 5.
    assert (found[0.001], found[0.2]) == (pytest.approx(0.5), pytest.approx(0.5))
    assert found[0.5] == pytest.approx(0.75)
    assert found[0.4] == pytest.approx(0.65)
    assert found[0.9] == 1.0


def test_a_threshold_never_looks_at_the_labels_mix():
    """The threshold is a quantile of the non-members' scores; members may be any number."""
    scores = np.arange(200.0)
    coins = np.zeros(200, bool)
    coins[100:] = True
    few = np.append(np.arange(100), [150, 199])
    assert (
        rates_at(coins, scores, 0.05).alarms == rates_at(coins[few], scores[few], 0.05).alarms == 5
    )
    assert rates_at(coins, scores, 0.05).true_positive_rate == 1.0


def test_rates_by_hand():
    rates = Rates(30, 40, 10, 60)
    assert (rates.true_positive_rate, rates.false_positive_rate) == (0.75, 1 / 6)
    assert rates.posterior() == pytest.approx(0.75 / (0.75 + 1 / 6))
    low, high = rates.posterior_interval()
    assert low < rates.posterior() < high
    assert Rates(0, 5, 0, 5).posterior() == 0.5


def test_the_most_exposed_group_is_found():
    generator = np.random.default_rng(0)
    coins, first = generator.random(4000) < 0.5, generator.random(4000) < 0.5
    scores = generator.random(4000)
    coins[scores > 0.95] = True
    found = rates_of_most_exposed(coins, scores, first)
    assert found.posterior() > 0.95
    assert counted(coins, scores > 0.95).alarms == 0


def test_p_value_of_an_area_is_mann_and_whitneys():
    generator = np.random.default_rng(3)
    coins, scores = generator.random(300) < 0.4, generator.integers(0, 20, 300).astype(float)
    members, others, ties = int(coins.sum()), int((~coins).sum()), np.bincount(scores.astype(int))
    spread = (301 - (ties**3 - ties).sum() / (300 * 299)) / (12 * members * others)
    assert area_p_value(coins, scores) == pytest.approx(
        norm.sf((area_under_curve(coins, scores) - 0.5) / spread**0.5)
    )
    assert area_p_value(coins, np.zeros(300)) == 1.0


def test_what_is_not_run_says_why():
    assert {metric.reason for metric in shown_not_run("no canaries")} == {"no canaries"}
    assert len(shown_not_run("no canaries")) == 6

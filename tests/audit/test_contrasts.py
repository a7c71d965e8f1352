"""Corrections and intervals against published examples; searches are corrected for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from privgan.audit.attacks.contrasts import Contrast, excess_metric, targets
from privgan.audit.coding import CodedTable
from privgan.audit.intervals import holm, newcombe_interval, wilson_interval


def _contrast(label: str, hits: int, control: int, trials: int = 100) -> Contrast:
    return Contrast(
        label=label, hits=hits, trials=trials, control_hits=control, control_trials=trials
    )


def test_newcombes_own_examples():
    """Newcombe 1998, table II, method 10: 56/70 against 48/80, and 10/10 against 0/20."""
    assert newcombe_interval((56, 70), (48, 80)) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert newcombe_interval((10, 10), (0, 20)) == pytest.approx((0.6791, 1.0), abs=1e-4)
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_holm_as_in_r():
    """``p.adjust(c(.01, .04, .03, .005), "holm")``."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_p_values_are_fishers():
    contrast = Contrast(label="c", hits=30, trials=100, control_hits=12, control_trials=80)
    assert contrast.p_value() == pytest.approx(
        fisher_exact([[30, 70], [12, 68]], alternative="greater")[1]
    )


def test_a_maximum_over_what_was_searched_is_corrected_and_has_an_interval():
    """mostlyai-qa keeps the worst subset of columns without correction or interval."""
    nulls = [_contrast(f"c{i}", 50 + i % 5, 50) for i in range(19)]
    metric = excess_metric(
        "attack.linkability.excess", [*nulls, _contrast("worst", 62, 48)], method="m"
    )
    assert metric.details["worst"] == "worst"
    assert _contrast("worst", 62, 48).p_value() < 0.05 < metric.details["p_value"]
    assert metric.details["status"] == "no better than the control"
    alone = excess_metric("attack.linkability.excess", [_contrast("worst", 62, 48)], method="m")
    assert alone.details["status"] == "better than the control"
    assert metric.low < alone.low < metric.value == alone.value < alone.high < metric.high
    assert len(metric.details["searched"]) == 20


def test_the_best_of_many_nulls_is_significant_at_the_nominal_rate():
    """Ten nulls each in 300 repetitions, the smallest corrected p-value below 5 %.

    More than 8 % has probability 0.7 %.
    """
    draws = np.random.default_rng(5).binomial(400, 0.3, (300, 10, 2))
    worst = [
        min(holm([_contrast("c", int(a), int(b), 400).p_value() for a, b in run])) for run in draws
    ]
    assert np.mean(np.array(worst) < 0.05) <= 0.08


def test_a_customer_is_attacked_once():
    table = CodedTable(
        np.zeros((60, 1), dtype=np.int64), np.zeros((60, 1)), np.repeat(np.arange(20), 3)
    )
    chosen = targets(table, 15, np.random.default_rng(0))
    assert len(chosen) == 15
    assert len(set(table.customers[chosen])) == 15

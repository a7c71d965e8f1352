"""Replicates of a table in one pass, and equivalent random samples."""

from __future__ import annotations

import numpy as np
import pytest

from privgan.audit.coding import AuditCoder
from privgan.audit.fidelity.marginals import (
    k_marginal_metric,
    mean_tvd,
    sample_distances,
    tvd_metrics,
)
from privgan.audit.fidelity.queries import nested_samples
from privgan.audit.intervals import jackknife


@pytest.fixture(scope="module")
def coded(schema, draw_rows):
    real = draw_rows(4000, 1)
    coder = AuditCoder.from_reference(schema, real)
    return coder, coder.code(real), coder.code(draw_rows(1000, 2))


def test_parts_are_the_table_without_a_tenth():
    parts, cells = jackknife(103, np.random.default_rng(0)), np.arange(103) % 4
    weights = np.random.default_rng(1).random(103)
    found = parts.sums(cells, 4, weights)
    assert found[0] == pytest.approx(np.bincount(cells, weights=weights))
    for block in range(10):
        left = parts.block != block
        assert found[1 + block] == pytest.approx(
            np.bincount(cells[left], weights=weights[left], minlength=4)
        )


def test_nested_samples_halve_and_hold_each_other():
    samples = nested_samples(1000, 0)
    parts = samples.replicates.totals()
    assert list(parts) == [1000, 500, 250, 125, 62, 31]
    assert samples.shares * 1000 == pytest.approx(parts)
    assert list(nested_samples(30, 0).shares) == [1.0]


@pytest.mark.parametrize("percent", [50, 20, 5, 1.5])
def test_a_random_sample_is_as_good_as_itself(coded, percent):
    """A sample of q % has the equivalent size q, within a third."""
    coder, real, _ = coded
    sample = real.take(
        np.random.default_rng(9).permutation(len(real))[: int(len(real) * percent / 100)]
    )
    found = tvd_metrics(coder, real, None, sample, 0)[1].details["sample_equivalent"]
    assert found["percent"] == pytest.approx(percent, rel=1 / 3)
    assert not found["at_most"]


def test_worse_than_the_smallest_sample_and_perfect(coded):
    coder, real, other = coded
    far = other.take(np.zeros(len(other), dtype=int))
    found = tvd_metrics(coder, real, None, far, 0)[0].details["sample_equivalent"]
    assert found["at_most"]
    assert found["percent"] == pytest.approx(100 * nested_samples(len(real), 0).shares[-1])
    assert (
        tvd_metrics(coder, real, None, real, 0)[0].details["sample_equivalent"]["percent"] == 100.0
    )


def test_distances_of_samples_are_those_of_the_tables(coded):
    coder, real, _ = coded
    samples, cliques = nested_samples(len(real), 0), [(0, 1), (2, 3)]
    found = sample_distances(coder.sizes, real, cliques, samples)
    member = samples.replicates.members.astype(bool)
    for part in (1, 3):
        rows = member[part][samples.replicates.block]
        assert found[part] == pytest.approx(
            mean_tvd(coder.sizes, real, real.take(rows), cliques), abs=1e-12
        )


def test_k_marginal_is_nists(coded):
    coder, real, other = coded
    metric = k_marginal_metric(coder, real, other, other, 0)
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]
    assert metric.value == pytest.approx((2 - 2 * mean_tvd(coder.sizes, real, other, pairs)) * 500)
    assert metric.baseline == metric.value
    assert metric.low <= metric.value <= metric.high
    assert [entry["score"] for entry in metric.details["columns"]] == sorted(
        e["score"] for e in metric.details["columns"]
    )

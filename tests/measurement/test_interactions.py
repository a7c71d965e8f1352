"""Scores of sets of columns: signed sums by hand, and how far one row moves them."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.generator.mixture import Mixture
from privgan.measurement.interactions import (
    MOST_SETS,
    Interactions,
    _mean_products,
    _signed_sums,
    coarse_sets,
    sign_patterns,
)
from privgan.owner.private_table import CodedRows


def _even(sizes: list[int]) -> list[np.ndarray]:
    return [np.full(size, 1 / size) for size in sizes]


@settings(max_examples=60)
@given(
    st.lists(st.integers(2, 12), min_size=4, max_size=7),
    st.integers(0, 10_000),
    st.integers(1, 200),
    st.floats(1, 300),
)
def test_one_row_moves_every_score_by_at_most_one(
    sizes: list[int], seed: int, rows: int, planned: float
) -> None:
    """For any sizes, shares, model and row estimate; adding and removing alike."""
    rng = np.random.default_rng(seed)
    shares = [rng.dirichlet(np.ones(size)) for size in sizes]
    probabilities = [rng.dirichlet(np.ones(size), 5) for size in sizes]
    sets = coarse_sets(sizes, len(sizes) - 1, widest=6)
    codes = np.stack([rng.integers(0, size, rows) for size in sizes], axis=1)

    def scores(table: np.ndarray) -> np.ndarray:
        found = Interactions(sets, shares)
        return found.scores(CodedRows([table]), found.expected(probabilities), planned)

    whole = scores(codes)
    assert np.abs(scores(codes[1:]) - whole).max() <= 1 + 1e-6
    assert np.abs(scores(np.vstack([codes, codes[:1]])) - whole).max() <= 1 + 1e-6


@given(st.integers(0, 10_000), st.integers(1, 300), st.integers(4, 6))
def test_signed_sums_are_sums_of_products_of_signs(seed: int, rows: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    negative = rng.random((8, rows)) < 0.4
    packed = np.zeros((8, -(-rows // 64) * 8), np.uint8)
    packed[:, : -(-rows // 8)] = np.packbits(negative, axis=1)
    products = rng.integers(0, 8, (20, width))
    signs = 1 - 2 * negative.astype(int)
    np.testing.assert_array_equal(
        _signed_sums(packed.view(np.uint64), rows, products), signs[products].prod(1).sum(1)
    )
    means = rng.uniform(-1, 1, (8, 11)).astype(np.float32)
    np.testing.assert_allclose(
        _mean_products(means, products), means[products].prod(1).mean(1), atol=1e-6
    )


def test_a_score_is_the_largest_errors_excess_over_chance() -> None:
    """Parity of the halves of three of four columns in the last: all rows of one sign."""
    rng, sizes = np.random.default_rng(0), [10, 2, 20, 4, 2]
    codes = np.stack([rng.integers(0, size, 2_000) for size in sizes], axis=1)
    codes[:, 4] = (codes[:, 0] >= 5) ^ codes[:, 1] ^ (codes[:, 2] >= 10)
    rows = CodedRows([codes])
    model = Mixture([np.ones((1, size)) for size in sizes])
    found = Interactions(coarse_sets(sizes, 4, widest=6), _even(sizes))
    scores = found.scores(rows, found.expected(model.probabilities), 2_000.0)
    products = sum(len(part) for _, part in found._products)
    assert found.sets[int(np.argmax(scores))] == (0, 1, 2, 4)
    assert scores.max() == pytest.approx(2_000 - math.sqrt(4_000 * math.log(products)))
    assert (np.sort(scores)[:-1] == 0).all(), "of chance alone nothing is left"
    fitted = Mixture([np.eye(size)[codes[:, place]] for place, size in enumerate(sizes)])
    assert not found.scores(rows, found.expected(fitted.probabilities), 2_000.0).any()


@pytest.mark.parametrize("size", range(2, 25))
def test_patterns_are_signs_that_tell_codes_apart(size: int) -> None:
    signs = sign_patterns(np.full(size, 1 / size))
    assert signs.shape[1] == size
    assert set(np.unique(signs)) == {-1, 1}
    assert all(len(set(row.tolist())) == 2 for row in signs)
    assert len({tuple(row) for row in signs}) == len(signs)


def test_sets_are_a_fixed_function_of_public_sizes() -> None:
    sizes = [4, 1, 2, 9, 20, 3, 5]
    found = coarse_sets(sizes, 3, widest=6)
    used = [place for place in range(7) if place != 1]
    expected = [clique for width in (4, 5, 6) for clique in itertools.combinations(used, width)]
    assert sorted(found) == sorted(expected)
    assert all(3 in clique for clique in found[:10])
    for widest in range(1, 6):
        kept = coarse_sets(sizes, 3, widest=widest)
        assert kept == [clique for clique in found if len(clique) <= widest]
    assert coarse_sets([2] * 3, None, widest=6) == []


@pytest.mark.parametrize("columns", [22, 60, 500])
def test_of_many_columns_a_bounded_number_of_sets_is_drawn_alike(columns: int) -> None:
    found = coarse_sets([3] * columns, 5, widest=6)
    assert found == coarse_sets([3] * columns, 5, widest=6)
    assert len(set(found)) == len(found) <= 6 * MOST_SETS
    assert all(list(clique) == sorted(set(clique)) for clique in found)
    assert sum(5 in clique for clique in found) >= MOST_SETS

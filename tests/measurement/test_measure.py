"""Marginals: exact counts, consistent estimates, and scores of bounded sensitivity."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.domain.cells import cells_of
from privgan.domain.encoding import Encoder, identity_code
from privgan.measurement import measure
from privgan.measurement.candidates import candidate_cliques, workload_weights
from privgan.measurement.marginals import Marginal, Measurements, exact_counts, onto_simplex
from privgan.owner.private_table import CodedRows
from privgan.planning.model_settings import MarginalSettings
from privgan.schema.columns import Discrete, Kind

SIZES = (3, 4, 2)
SETTINGS = MarginalSettings(
    max_cells=64,
    max_codes=8,
    largest_identity=16,
    largest_marginal=100,
    max_candidates=100,
    widest=3,
    choices_per_fit=1,
    largest_triple=100,
    triple_cells=1_000,
)


def _encoder() -> Encoder:
    columns = [
        Discrete(name=f"c{i}", kind=Kind.CATEGORICAL, categories=tuple(map(str, range(size))))
        for i, size in enumerate(SIZES)
    ]
    return Encoder(tuple(identity_code(cells_of(column)) for column in columns))


def _codes(seed: int, rows: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(size, size=rows) for size in SIZES], axis=1)


def _measurements(codes: np.ndarray, sigma: float, seed: int = 0) -> Measurements:
    rng = np.random.default_rng(seed)
    cliques = [(0,), (1,), (2,), (0, 1), (0, 1, 2)]
    noisy = [
        Marginal(
            clique=clique,
            counts=exact_counts(codes, clique, SIZES) + rng.normal(0, sigma, _cells(clique)),
            standard_deviation=sigma,
        )
        for clique in cliques
    ]
    return Measurements(SIZES, noisy)


def _cells(clique: tuple[int, ...]) -> int:
    return int(np.prod([SIZES[column] for column in clique]))


def test_exact_counts_are_a_cross_table() -> None:
    codes = _codes(0, 500)
    frame = pd.DataFrame(codes)
    expected = pd.crosstab(frame[0], [frame[1], frame[2]], dropna=False).to_numpy().ravel()
    assert exact_counts(codes, (0, 1, 2), SIZES).tolist() == expected.tolist()


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30))
def test_the_simplex_projection_is_the_nearest_point(values: list[float]) -> None:
    vector = np.array(values)
    found = onto_simplex(vector)
    assert (found >= 0).all()
    assert abs(found.sum() - 1) < 1e-9
    rng = np.random.default_rng(0)
    others = rng.dirichlet(np.ones(len(vector)), 50)
    assert (np.linalg.norm(others - vector, axis=1) >= np.linalg.norm(found - vector) - 1e-9).all()


def test_estimates_without_noise_are_the_truth() -> None:
    codes = _codes(1, 400)
    found = _measurements(codes, 1e-9)
    assert abs(found.rows - 400) < 1e-6
    for target in found.targets():
        np.testing.assert_allclose(
            target.shares, exact_counts(codes, target.clique, SIZES) / 400, atol=1e-9
        )


@given(st.integers(0, 1_000), st.floats(0.5, 50))
def test_wider_targets_agree_with_the_one_way_estimates(seed: int, sigma: float) -> None:
    found = _measurements(_codes(seed, 300), sigma, seed)
    for target in found.targets():
        table = target.shares.reshape([SIZES[column] for column in target.clique])
        for axis, column in enumerate(target.clique):
            others = tuple(other for other in range(len(target.clique)) if other != axis)
            np.testing.assert_allclose(table.sum(axis=others), found.one_way(column), atol=1e-9)


@settings(max_examples=60)
@given(
    st.integers(0, 10_000),
    st.integers(1, 40),
    st.tuples(*(st.integers(0, size - 1) for size in SIZES)),
    st.floats(0.1, 90),
)
def test_one_row_moves_every_score_by_at_most_one(
    seed: int, rows: int, extra: tuple[int, ...], noise: float
) -> None:
    """The sensitivity that the exponential mechanism's noise rests on.

    Add or remove one row, one row a customer.
    """
    codes = _codes(seed, rows)
    rng = np.random.default_rng(seed)
    candidates = candidate_cliques(SIZES, SETTINGS)
    modelled = {clique: rng.dirichlet(np.ones(_cells(clique))) for clique in candidates}

    def scores(table: np.ndarray) -> np.ndarray:
        counter = measure._Counter(_encoder())
        rows = CodedRows([table])
        return measure._scores(candidates, counter, rows, modelled.__getitem__, 50.0, noise)

    moved = np.abs(scores(np.vstack([codes, extra])) - scores(codes))
    assert moved.max() <= 1 + 1e-9
    if noise < 1:  # Errors below the noise do not count, however a row moves them.
        assert moved.max() > 0.2


def test_a_marginal_wrong_in_few_cells_is_worth_more_than_one_slightly_wrong() -> None:
    """Column 2 follows from columns 0 and 1, which the modelled pairs do not show.

    All noise of the triple exceeds all rows.
    """
    rng = np.random.default_rng(0)
    columns = rng.integers(4, size=(4_000, 2)), rng.integers(8, size=(4_000, 1))
    codes = np.hstack([columns[0], (columns[0].sum(1, keepdims=True) * 3) % 8, columns[1]])
    sizes, noise = (4, 4, 8, 8), 60.0
    even = {
        clique: np.full(len(exact_counts(codes, clique, sizes)), 1.0)
        for clique in [(0, 1, 2), (0, 1, 3), (1, 3), (0, 3)]
    }
    shares = {clique: cells / cells.sum() for clique, cells in even.items()}
    counter = measure._Counter(_encoder())
    counter._sizes = sizes
    scores = measure._scores(
        list(shares), counter, CodedRows([codes]), shares.__getitem__, 4_000.0, noise
    )
    assert noise * len(shares[0, 1, 2]) > len(codes)
    assert np.argmax(scores) == 0
    assert scores[0] > 10 * scores[1:].max()


def test_weights_are_at_most_one_so_that_they_do_not_raise_the_sensitivity() -> None:
    weights = workload_weights(candidate_cliques((3, 4, 2, 5, 2), SETTINGS))
    assert weights.max() == 1
    assert weights.min() > 0


def test_candidates_are_a_public_function_of_the_sizes() -> None:
    sizes = (3,) * 30
    few = MarginalSettings(
        max_cells=64,
        max_codes=8,
        largest_identity=16,
        largest_marginal=27,
        max_candidates=500,
        widest=3,
        choices_per_fit=1,
        largest_triple=100,
        triple_cells=1_000,
    )
    first, second = candidate_cliques(sizes, few), candidate_cliques(sizes, few)
    assert first == second
    assert len(first) == 500
    assert sum(len(clique) == 2 for clique in first) == 435


@pytest.mark.slow
@given(st.lists(st.integers(1, 300), min_size=1, max_size=3), st.integers(0, 2**32 - 1))
def test_counts_are_the_same_in_the_smallest_integers(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(size, size=200) for size in sizes], axis=1)
    clique = tuple(range(len(sizes)))
    cells = np.ravel_multi_index(tuple(codes.T), sizes)
    small = np.asfortranarray(codes.astype(np.min_scalar_type(max(sizes))))
    for given_codes in (codes, small):
        counts = exact_counts(given_codes, clique, sizes)
        np.testing.assert_array_equal(counts, np.bincount(cells, minlength=int(np.prod(sizes))))


def test_codes_are_small_and_lie_column_by_column() -> None:
    frame = pd.DataFrame({f"c{i}": ["0", "1"] for i in range(len(SIZES))})
    codes = _encoder().encode(frame)
    assert codes.dtype == np.uint8
    assert codes.flags.f_contiguous
    assert codes.tolist() == [[0] * len(SIZES), [1] * len(SIZES)]


def test_estimates_do_not_depend_on_when_marginals_came() -> None:
    whole = _measurements(_codes(0, 500), 3.0)
    begun = Measurements(SIZES, whole.marginals[:3])
    grown = begun.with_marginals(whole.marginals[3:4]).with_marginals(whole.marginals[4:])
    assert grown.rows == whole.rows
    for one, other in zip(grown.frequencies(), whole.frequencies(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(begun.marginals) == 3
    np.testing.assert_array_equal(begun.one_way(0), Measurements(SIZES, begun.marginals).one_way(0))


def test_weights_are_the_overlap_with_the_widest_candidates() -> None:
    candidates = [(0, 1), (0, 2), (1, 3), (0, 1, 2), (0, 1, 3)]
    overlap = [sum(len({*clique} & {*wide}) for wide in candidates[3:]) for clique in candidates]
    np.testing.assert_allclose(workload_weights(candidates), np.array(overlap) / max(overlap))


def test_pairs_are_all_candidates_and_triples_as_far_as_there_is_room() -> None:
    few = replace(SETTINGS, max_candidates=8)
    assert len(candidate_cliques((2,) * 5, few)) == 10
    assert [len(clique) for clique in candidate_cliques((2,) * 4, few)] == [2] * 6 + [3] * 2

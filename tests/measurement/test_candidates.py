"""Candidates of the rounds: all pairs where there is room, else what noisy pairs point at."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from privgan.measurement.candidates import (
    candidate_cliques,
    candidates_of,
    dependences,
    linked_triples,
)
from privgan.measurement.marginals import (
    Clique,
    Marginal,
    Measurements,
    exact_counts,
    onto_margins,
)
from privgan.planning.model_settings import MarginalSettings

LIMITS = MarginalSettings(
    max_cells=192,
    max_codes=20,
    largest_identity=48,
    largest_marginal=12_000,
    max_candidates=1_500,
    widest=6,
    choices_per_fit=3,
    largest_triple=2_000,
    triple_cells=150_000,
)
NOISE = 20.0


def _measured(columns: int, *, size: int = 3, rows: int = 5_000) -> Measurements:
    """Columns by chance but the last, which follows from the two in the middle."""
    rng = np.random.default_rng(columns)
    codes = rng.integers(0, size, (rows, columns))
    middle = columns // 2
    followed = rng.random(rows) < 0.8
    sums = (codes[:, middle] * codes[:, middle + 1]) % size
    codes[:, -1] = np.where(followed, sums, codes[:, -1])
    sizes = (size,) * columns
    cliques: list[Clique] = [(column,) for column in range(columns)]
    cliques += itertools.combinations(range(columns), 2)
    noisy = [
        Marginal(
            clique=clique,
            counts=exact_counts(codes, clique, sizes) + rng.normal(0, NOISE, size ** len(clique)),
            standard_deviation=NOISE,
        )
        for clique in cliques
    ]
    return Measurements(sizes, noisy)


@pytest.mark.parametrize("columns", [3, 8, 20])
def test_where_all_pairs_have_room_candidates_are_a_function_of_the_sizes(columns: int) -> None:
    known = _measured(columns)
    assert candidates_of(known, LIMITS) == candidate_cliques(known.sizes, LIMITS)


@pytest.mark.parametrize("columns", [20, 30])
def test_of_many_columns_dependent_pairs_and_their_triples_are_candidates(columns: int) -> None:
    known, limits = _measured(columns), replace(LIMITS, max_candidates=60)
    found = candidates_of(known, limits)
    middle, last = columns // 2, columns - 1
    assert (middle, middle + 1, last) in found
    assert {(middle, last), (middle + 1, last)} <= set(found)
    assert len(set(found)) == len(found) <= 60
    assert sum(len(clique) == 2 for clique in found) == 20
    assert found == candidates_of(known, limits), "the same noisy figures give the same candidates"


def test_the_most_dependent_pairs_come_first() -> None:
    known = _measured(12)
    found = dependences(known, replace(LIMITS, max_candidates=5))
    assert set(list(found)[:2]) == {(6, 11), (7, 11)}
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert len(found) == 5


def test_a_pair_without_dependence_has_none_beyond_its_noise() -> None:
    known = _measured(12)
    found = dependences(known, LIMITS)
    by_chance = [value for pair, value in found.items() if 11 not in pair]
    assert abs(float(np.mean(by_chance))) < 0.01


def test_triples_are_linked_by_two_pairs_and_come_by_the_sum_of_their_pairs() -> None:
    pairs = {(0, 1): 3.0, (1, 2): 2.0, (0, 4): 0.5, (3, 5): 9.0}
    assert linked_triples(pairs) == [(0, 1, 2), (0, 1, 4)]
    assert linked_triples({**pairs, (0, 2): 0.1, (2, 4): 4.0})[0] == (1, 2, 4)


def test_no_candidate_has_more_cells_than_the_limit() -> None:
    known = _measured(20, size=5)
    limits = replace(LIMITS, max_candidates=60, largest_marginal=100)
    assert all(5 ** len(clique) <= 100 for clique in candidates_of(known, limits))
    assert all(len(clique) == 2 for clique in candidates_of(known, limits))


def test_pairs_alone_are_candidates_where_nothing_wider_is_measured() -> None:
    known = _measured(20)
    narrow = replace(LIMITS, widest=2, max_candidates=60)
    assert len(candidates_of(known, narrow)) == math.comb(20, 2)


def test_targets_are_estimated_anew_with_more_marginals() -> None:
    known = _measured(5)
    before = known.targets()
    more = Marginal(clique=(0, 1, 2), counts=np.full(27, 5_000 / 27), standard_deviation=1.0)
    wider = known.with_marginals([more])
    assert len(wider.targets()) == len(before) + 1
    assert [target.clique for target in known.targets()] == [target.clique for target in before]
    assert not np.array_equal(wider.targets()[5].shares, before[5].shares)


def test_many_tables_go_onto_their_margins_as_one_alone_does() -> None:
    rng = np.random.default_rng(0)
    tables = rng.normal(0.05, 0.02, (7, 24))
    margins = [rng.dirichlet(np.ones(size), 7) for size in (2, 3, 4)]
    found = onto_margins(tables, margins)
    for place, table in enumerate(found):
        alone = onto_margins(
            tables[place : place + 1], [part[place : place + 1] for part in margins]
        )
        np.testing.assert_array_equal(alone[0], table)
        for axis, margin in enumerate(margins):
            others = tuple(other for other in range(3) if other != axis)
            np.testing.assert_allclose(table.reshape(2, 3, 4).sum(axis=others), margin[place])

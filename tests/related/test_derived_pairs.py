"""Pairs of what is known before a row is drawn follow from the parents and the measured pairs."""

from __future__ import annotations

import numpy as np

from privgan.pipeline.derived_pairs import _Context

# A parent's column of two codes, the number of its children, another row's column, the own column.
_SIZES = (2, 4, 4, 3)


def _context(parents: int = 40_000, seed: int = 0) -> tuple[_Context, np.ndarray, np.ndarray]:
    """Parents, their rows' own codes, and the parent of each row."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, parents)
    number = np.where(kind == 1, rng.integers(1, 4, parents), rng.integers(0, 3, parents))
    owner = np.repeat(np.arange(parents), number)
    own = np.where(rng.random(len(owner)) < 0.3 + 0.4 * kind[owner], 0, 1 + owner % 2)
    context = _Context(
        sizes=_SIZES,
        codes=np.stack([kind, number], axis=1),
        weights=number.astype(float),
        first=1.0 / np.maximum(number, 1),
        another={2: 3},
    )
    return context, own, owner


def _before(own: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Code of the row before of the same parent; 3 where there is none."""
    before = np.concatenate([[3], own[:-1]])
    before[np.concatenate([[True], owner[1:] != owner[:-1]])] = 3
    return before


def _table(one: np.ndarray, two: np.ndarray, sizes: tuple[int, int]) -> np.ndarray:
    found = np.zeros(sizes)
    np.add.at(found, (one, two), 1)
    return found / found.sum()


def test_parents_count_as_often_as_they_have_children() -> None:
    context, _, owner = _context()
    [(clique, table)] = list(context.of_parents())
    kind, number = context.codes.T
    assert clique == (0, 1)
    expected = _table(kind[owner], number[owner], (2, 4)).ravel()
    np.testing.assert_allclose(table / table.sum(), expected, atol=1e-12)


def test_another_row_goes_with_a_parent_as_any_row_of_it_does() -> None:
    context, own, owner = _context()
    kind = context.codes[:, 0]
    shares = {(0, 3): _table(kind[owner], own, (2, 3)).ravel()}
    [(clique, table)] = list(context.with_another(shares))
    assert clique == (0, 2)
    expected = _table(kind[owner], _before(own, owner), (2, 4))
    np.testing.assert_allclose(table / table.sum(), expected, atol=0.01)
    # Each parent with children has one row that stands first.
    firsts = np.bincount(kind[context.codes[:, 1] > 0], minlength=2)
    np.testing.assert_allclose(table[:, 3], firsts)


def test_what_was_not_measured_tells_nothing() -> None:
    context, _, _ = _context()
    assert list(context.with_another({})) == []
    assert list(context.of_another({})) == []


def test_columns_of_another_row_go_together_as_own_ones_do() -> None:
    context, own, owner = _context()
    two = _Context(
        sizes=(2, 4, 4, 4, 3, 3),
        codes=context.codes,
        weights=context.weights,
        first=context.first,
        another={2: 4, 3: 5},
    )
    other = (own + owner) % 3
    shares = {(4, 5): _table(own, other, (3, 3)).ravel()}
    [(clique, table)] = list(two.of_another(shares))
    assert clique == (2, 3)
    expected = _table(_before(own, owner), _before(other, owner), (4, 4))
    np.testing.assert_allclose(table / table.sum(), expected, atol=0.01)

"""Codes that follow an outcome: which are cut, which never are, and what stays of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from privgan.domain.cells import cells_of
from privgan.domain.encoding import ColumnCode, merged_code
from privgan.domain.outcome_codes import split_code
from privgan.schema.columns import Kind, Numeric

COLUMN = Numeric(
    name="balance",
    kind=Kind.INTEGER,
    missing=True,
    lower=0,
    upper=999,
    special_values=(-1.0,),
)
CELLS = cells_of(COLUMN, 200)


def _code(seed: int = 0) -> ColumnCode:
    """Twenty codes of values that get rarer upwards; one is special, and some are missing."""
    shares = np.random.default_rng(seed).gamma(2.0, 1.0, CELLS.size)
    shares *= np.linspace(2, 0.1, CELLS.size)
    return merged_code(CELLS, shares / shares.sum(), max_codes=20)


def _positives(code: ColumnCode, **of: float) -> np.ndarray:
    """Counts of positives by code: 2 each, but for those that are named by ``c`` and a number."""
    counts = np.full(code.size, 2.0)
    for name, count in of.items():
        counts[int(name.removeprefix("c"))] = count
    return counts


def test_a_code_in_which_most_positives_lie_is_cut_and_no_other() -> None:
    code = _code()
    made = split_code(code, _positives(code, c19=100.0), 3.0, 140.0)
    before = [np.unique(made.code_of[code.code_of == number]) for number in range(code.size)]
    pieces = [len(found) for found in before]
    assert 4 <= pieces.pop(19) <= 6
    assert set(pieces) == {1}
    masses = np.bincount(made.code_of[code.code_of == 19] - 19, code.within[code.code_of == 19])
    assert masses.max() < 0.4, "the pieces are about equally frequent"


def test_noise_alone_and_even_positives_cut_nothing() -> None:
    code = _code()
    assert split_code(code, np.full(code.size, 7.0), 1.0, 140.0) is code
    assert split_code(code, _positives(code, c19=28.0), 10.0, 140.0) is code


@pytest.mark.parametrize("place", ["special", "missing"])
def test_special_and_missing_values_stay_whole(place: str) -> None:
    code = _code()
    number = 0 if place == "special" else code.size - 1
    assert split_code(code, _positives(code, **{f"c{number}": 500.0}), 1.0, 500.0) is code


@given(
    seed=some.integers(0, 20),
    counts=some.lists(some.floats(-50, 500), min_size=22, max_size=22),
    noise=some.floats(0.1, 50),
)
def test_cut_codes_are_whole_parts_of_the_codes_in_their_order(
    seed: int, counts: list[float], noise: float
) -> None:
    code = _code(seed)
    positives = np.array(counts[: code.size])
    made = split_code(code, positives, noise, max(1.0, float(positives.sum())))
    assert set(made.code_of) == set(range(made.size))
    assert (np.diff(made.code_of) >= 0).all()
    for number in range(made.size):
        assert len(set(code.code_of[made.code_of == number])) == 1
    assert np.allclose(np.bincount(made.code_of, made.within), 1)
    surely = positives - 2 * noise
    cut = {int(code.code_of[made.code_of == number][0]) for number in range(made.size)}
    parts = np.bincount([code.code_of[made.code_of == n][0] for n in range(made.size)])
    assert cut == set(range(code.size))
    assert all(surely[number] > 0 for number in np.flatnonzero(parts > 1))

"""Score sets of 4 to 6 columns by their interactions: dependence that no narrower marginal tells.

An interaction is a signed sum of rows: each column gives its code a sign, a row counts with the
product of its signs. It is a lower bound of the L1 error of any marginal of the set whose groups
do not mix signs, so it compares with the scores of narrower marginals.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from privgan.measurement.coarse import FEW, runs_of
from privgan.measurement.marginals import Clique
from privgan.owner.private_table import CodedRows

WIDTHS = (4, 5, 6)
# Sets of each width, with the target and without: more of them would drown the rest in noise.
MOST_SETS = 1_500
# Sign patterns a column gives to sets of each width: of few codes, and of more.
_PATTERNS = {4: (3, 2), 5: (2, 1), 6: (2, 1)}
# Words or entries handled together: few enough to stay in a core's cache.
_AT_ONCE = 2**15


def coarse_sets(
    sizes: Sequence[int], target: int | None, *, widest: int, most: int = MOST_SETS
) -> list[Clique]:
    """Candidate sets of columns, those with the target first: all, or a fixed public subset.

    Args:
        sizes: Number of codes of each column.
        target: The column to predict, or None.
        widest: The most columns of a set.
        most: The most sets of each width, with and without the target.
    """
    others = [place for place, size in enumerate(sizes) if size > 1 and place != target]
    found: list[Clique] = []
    held = target is not None and sizes[target] > 1
    for width in WIDTHS[: max(0, widest - WIDTHS[0] + 1)]:
        if held:
            assert target is not None
            kept = _subsets(others, width - 1, most)
            found += [tuple(sorted((target, *places))) for places in kept]
        found += _subsets(others, width, most)
    return found


def _subsets(places: Sequence[int], width: int, most: int) -> list[Clique]:
    """All subsets in order, or so many of them, drawn alike for the same numbers."""
    if math.comb(len(places), width) <= most:
        return list(itertools.combinations(places, width))
    rng = np.random.default_rng(0)
    drawn = dict.fromkeys(
        tuple(sorted(rng.choice(len(places), width, replace=False))) for _ in range(most)
    )
    return [tuple(places[place] for place in chosen) for chosen in drawn]


def sign_patterns(shares: np.ndarray) -> np.ndarray:
    """Signs of a column's codes [patterns, codes], the most telling first.

    Halves by noisy share come first. Few codes add odd against even places, and single codes or
    pairs of places; many add the middle against both ends.

    Args:
        shares: Noisy share of each code [codes], at least two.
    """
    places: np.ndarray = np.arange(len(shares))
    halves = runs_of(shares, 2)
    if len(shares) == 2:
        found: list[np.ndarray] = [places]
    elif len(shares) == 3:
        found = [places != 0, places != 2, places != 1]
    elif len(shares) <= FEW:
        found = [halves, places % 2, (halves + places) % 2 if len(shares) == 4 else places // 2 % 2]
    else:
        found = [halves, np.isin(runs_of(shares, 4), (1, 2))]
    signs: np.ndarray = 1 - 2 * np.array(found, dtype=np.int8)
    return signs


class Interactions:
    """Interactions of sets of columns, in exact rows and in a model.

    Exact sums are computed once. They never leave the measurement without noise.

    Args:
        sets: The sets, each of 4 to 6 columns.
        shares: Noisy shares of the codes of every column: they fix the signs.

    Attributes:
        sets: The sets.
    """

    def __init__(self, sets: Sequence[Clique], shares: Sequence[np.ndarray]) -> None:
        self.sets = tuple(sets)
        used = {column for clique in sets for column in clique}
        self._signs = {column: sign_patterns(shares[column]) for column in sorted(used)}
        numbers = [len(signs) for signs in self._signs.values()]
        starts = (
            int(end) - number for end, number in zip(np.cumsum(numbers), numbers, strict=True)
        )
        self._first = dict(zip(self._signs, starts, strict=True))
        self._products = _by_width(self._listed())
        self._sums: list[np.ndarray] | None = None

    def _listed(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Each set's number with each choice of one sign pattern a column."""
        for number, clique in enumerate(self.sets):
            patterns = [self._patterns(column, len(clique)) for column in clique]
            yield from ((number, chosen) for chosen in itertools.product(*patterns))

    def _patterns(self, column: int, width: int) -> range:
        """The numbers of the sign patterns that a column gives to sets of a width."""
        few, many = _PATTERNS[width]
        patterns, codes = self._signs[column].shape
        first = self._first[column]
        return range(first, first + min(patterns, few if codes <= FEW else many))

    def expected(self, probabilities: Sequence[np.ndarray]) -> list[np.ndarray]:
        """A model's mean of each signed product of a row, by width [products].

        Args:
            probabilities: The model's: for each column each code's share in each entry
                [entries, codes].
        """
        if not self.sets:
            return []
        means = np.concatenate(
            [(probabilities[column] @ signs.T).T for column, signs in self._signs.items()]
        ).astype(np.float32)
        return [_mean_products(means, part) for _, part in self._products]

    def scores(self, codes: CodedRows, expected: Sequence[np.ndarray], rows: float) -> np.ndarray:
        """Score of each set [sets]: its largest error of an interaction, beyond that of chance.

        Sensitivity: one unit moves a signed sum by at most its number of rows, hence also the
        largest of several. All else is public: model, row estimate, and what chance alone gives
        the largest of so many sums.

        Args:
            codes: Private codes.
            expected: What the model tells of them (``expected``).
            rows: Estimated row count.
        """
        if not self.sets:
            return np.zeros(0)
        if self._sums is None:
            ends = np.cumsum([len(part) for _, part in self._products])
            self._sums = np.split(codes.summed(self._sums_of), ends[:-1])
        largest = np.zeros(len(self.sets))
        for (owners, _), sums, means in zip(self._products, self._sums, expected, strict=True):
            np.maximum.at(largest, owners, np.abs(sums - rows * means))
        chance = math.sqrt(2 * rows * math.log(sum(len(part) for _, part in self._products)))
        return np.maximum(largest - chance, 0.0)

    def _sums_of(self, codes: np.ndarray) -> np.ndarray:
        """Signed sums [all products] of codes [rows, columns]."""
        bits = self._bits(codes)
        return np.concatenate([_signed_sums(bits, len(codes), part) for _, part in self._products])

    def _bits(self, codes: np.ndarray) -> np.ndarray:
        """Negative signs of all rows as packed bits [patterns, words]."""
        words = -(-len(codes) // 64)
        bits = np.zeros((sum(map(len, self._signs.values())), words * 8), dtype=np.uint8)
        for column, signs in self._signs.items():
            for place, pattern in enumerate(signs, start=self._first[column]):
                packed = np.packbits((pattern < 0)[codes[:, column]])
                bits[place, : len(packed)] = packed
        return bits.view(np.uint64)


_ONES = np.array([number.bit_count() for number in range(2**16)], dtype=np.uint8)


def _by_width(
    listed: Iterator[tuple[int, tuple[int, ...]]],
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Owners [products] and sign patterns [products, width], for each width."""
    by_width: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
    for number, chosen in listed:
        by_width.setdefault(len(chosen), []).append((number, chosen))
    return [
        (np.array([number for number, _ in part]), np.array([chosen for _, chosen in part]))
        for part in by_width.values()
    ]


def _signed_sums(bits: np.ndarray, rows: int, products: np.ndarray) -> np.ndarray:
    """Signed sum of all rows [products]: rows less twice those with a negative product."""
    found = np.empty(len(products), dtype=np.int64)
    step = max(1, _AT_ONCE // max(1, bits.shape[1]))
    for start in range(0, len(products), step):
        part = products[start : start + step]
        together = bits[part[:, 0]]
        for place in range(1, part.shape[1]):
            together ^= bits[part[:, place]]
        ones = _ONES.take(together.view(np.uint16))
        found[start : start + step] = ones.sum(1, dtype=np.uint32)
    return rows - 2 * found


def _mean_products(means: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Mean over entries of products [products] of mean signs [patterns, entries]."""
    found = np.empty(len(products))
    step = max(1, _AT_ONCE // means.shape[1])
    for start in range(0, len(products), step):
        part = products[start : start + step]
        together = means[part[:, 0]]
        for place in range(1, part.shape[1]):
            together *= means[part[:, place]]
        found[start : start + step] = together.mean(1)
    return found

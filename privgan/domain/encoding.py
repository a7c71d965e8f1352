"""Encode rows as small integer codes and decode them.

Fine cells are merged into codes by noisy counts, never by rows. This is the differentially private
form of CTGAN's mode-specific normalisation. A numeric value is a bin (the code) plus its place
inside the bin (the noisy shape over the bin's fine cells).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from privgan.domain.cells import Cells
from privgan.domain.stratified import choose_within
from privgan.files.json_types import JsonDict, JsonMapping

_ON_QUANTILE = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class ColumnCode:
    """Map from one column's values to codes.

    Attributes:
        cells: The public fine cells.
        code_of: The code of each fine cell [cells], int64.
        within: Probability of each fine cell given its code [cells]; from noisy counts, or even by
            length.
    """

    cells: Cells
    code_of: np.ndarray
    within: np.ndarray

    @property
    def name(self) -> str:
        """Name of the column."""
        return self.cells.column.name

    @property
    def size(self) -> int:
        """Number of codes."""
        return int(self.code_of.max()) + 1

    def encode(self, values: pd.Series) -> np.ndarray:
        """Code of each typed value [rows]."""
        return self.code_of[self.cells.encode(values)]

    def decode(self, codes: np.ndarray, rng: np.random.Generator) -> pd.Series:
        """Typed values [rows] from codes [rows], by public randomness."""
        return self.cells.decode(self._fine_cells(codes, rng), rng.random(len(codes)))

    def _fine_cells(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a fine cell for each code [rows], by the shares of the cells within their codes."""
        possible = np.flatnonzero(self.within > 0)
        cells = possible[np.argsort(self.code_of[possible], kind="stable")]
        owner = self.code_of[cells]
        chosen: np.ndarray = cells[choose_within(owner, self.within[cells], codes, rng)]
        return chosen

    def to_json(self) -> JsonDict:
        """Measured part as JSON values; the cells follow from the schema."""
        return {
            "code_of": self.code_of.tolist(),
            "within": [round(float(share), 9) for share in self.within],
        }


@dataclass(frozen=True, eq=False)
class Encoder:
    """Map from a table to a matrix of codes.

    Attributes:
        columns: One entry per modelled column, in the schema's order.
    """

    columns: tuple[ColumnCode, ...]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each column."""
        return tuple(column.size for column in self.columns)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    def encode(self, frame: pd.DataFrame) -> np.ndarray:
        """Codes [rows, columns] of typed rows; a pure function of each row.

        They have the smallest integer type, in column-major order: they are read by column.
        """
        codes = np.empty(
            (len(frame), len(self.columns)),
            np.min_scalar_type(max(self.sizes, default=0)),
            order="F",
        )
        for place, column in enumerate(self.columns):
            codes[:, place] = column.encode(frame[column.name])
        return codes

    def decode(self, codes: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
        """Typed rows from codes [rows, columns]."""
        return pd.DataFrame(
            {column.name: column.decode(codes[:, i], rng) for i, column in enumerate(self.columns)}
        )


def identity_code(cells: Cells) -> ColumnCode:
    """Encode every fine cell as a code of its own."""
    return ColumnCode(cells=cells, code_of=np.arange(cells.size), within=np.ones(cells.size))


def merged_code(cells: Cells, shares: np.ndarray, *, max_codes: int) -> ColumnCode:
    """Merge fine cells into about ``max_codes`` codes by their noisy shares.

    Post-processing, free of charge.

    Args:
        cells: The column's fine cells.
        shares: Non-negative estimated share of each fine cell [cells]; they sum to 1.
        max_codes: Wanted number of codes, special values and missing not counted.
    """
    single = np.zeros(cells.size, dtype=bool)
    single[len(cells.texts) : cells.first_interval] = True
    if cells.missing_code is not None:
        single[cells.missing_code] = True
    mergeable = np.flatnonzero(~single)
    if cells.adjacent:
        total = max(shares[: cells.first_interval + len(cells.starts)].sum(), 1e-12)
        ends = np.cumsum(shares[mergeable]) + _special_below(cells, shares)[: len(mergeable)]
        groups = _adjacent(shares[mergeable] / total, ends / total, max_codes)
    else:
        groups = _rarest(shares[mergeable], max_codes)
    code_of = np.empty(cells.size, dtype=np.int64)
    specials = np.flatnonzero(single[: cells.first_interval])
    code_of[specials] = np.arange(len(specials))
    code_of[mergeable] = groups + len(specials)
    if cells.missing_code is not None:
        code_of[cells.missing_code] = code_of[mergeable].max() + 1
    return ColumnCode(cells=cells, code_of=code_of, within=within_shares(cells, code_of, shares))


def _special_below(cells: Cells, shares: np.ndarray) -> np.ndarray:
    """Share of the special values below each interval [intervals].

    Zeros [cells] for categories, which have none.
    """
    if cells.texts:
        return np.zeros(cells.size)
    special, mass = np.asarray(cells.special), shares[: cells.first_interval]
    below: np.ndarray = (
        (special < (cells.origin + cells.starts * cells.step)[:, None]) * mass
    ).sum(1)
    return below


def _adjacent(shares: np.ndarray, ends: np.ndarray, max_codes: int) -> np.ndarray:
    """Group neighbouring cells at the quantiles.

    A cell that holds a quantile starts a code; a cell as heavy as a code is one alone. Quantiles
    are those of the whole column, special values included: 20 codes are its twentieths.

    Args:
        shares: Share of each cell [cells] among the column's values.
        ends: Share of all values up to the end of each cell [cells].
        max_codes: The number of quantiles, the last one counted.
    """
    starts = np.diff(np.floor(ends * max_codes - _ON_QUANTILE), prepend=0.0) > 0
    starts[1:] |= shares[:-1] * max_codes >= 1
    starts[0] = False
    return np.cumsum(starts)


def _rarest(shares: np.ndarray, max_codes: int) -> np.ndarray:
    """Keep the heaviest categories as codes of their own; put all others into one last code."""
    if len(shares) <= max_codes:
        return np.arange(len(shares))
    kept = np.sort(np.argsort(-shares, kind="stable")[: max_codes - 1])
    groups = np.full(len(shares), max_codes - 1, dtype=np.int64)
    groups[kept] = np.arange(len(kept))
    return groups


def within_shares(cells: Cells, code_of: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Probability of each fine cell given its code [cells].

    Proportional to length where a code has no mass.
    """
    lengths = np.ones(cells.size)
    lengths[cells.first_interval : cells.first_interval + len(cells.lengths)] = cells.lengths
    mass = np.bincount(code_of, weights=shares)[code_of]
    even = lengths / np.bincount(code_of, weights=lengths)[code_of]
    return np.where(mass > 0, shares / np.where(mass > 0, mass, 1.0), even)


def encoder_from_json(cells: Mapping[str, Cells], data: JsonMapping) -> Encoder:
    """Read an encoder that ``ColumnCode.to_json`` wrote, in the schema's order of columns."""
    codes = [
        ColumnCode(
            cells=part,
            code_of=np.asarray(data[name]["code_of"], np.int64),
            within=np.asarray(data[name]["within"], float),
        )
        for name, part in cells.items()
    ]
    return Encoder(tuple(codes))

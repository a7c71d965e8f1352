"""Hold a fitted autoregressive network frozen, as the chain of its columns' distributions.

It is read without autograd: codes are drawn and judged column by column. Every known code adds its
weights once. A hidden unit is complete with the last column that it reads.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from privgan.generator.autoregressive import Autoregressive, MaskedLinear
from privgan.generator.network_form import MOST_WEIGHT, last_read, weight_counts

_PANEL = 4  # Columns whose sums over all earlier columns are made at once.
_CACHED = 1 << 20  # Numbers of the state that are held at once: some MB.
_LEAST_ROWS, _MOST_ROWS = 256, 8_192


@dataclass(frozen=True, eq=False)
class FrozenNetwork:
    """p(row) = Π p(column | columns before it): a distribution over codes.

    Attributes:
        sizes: Number of codes of each column.
        first: Weights from codes to hidden units that count, unit by unit.
        first_bias: Their biases [width].
        second: Weights from hidden units to codes that count, code by code.
        second_bias: Their biases [all codes].
        direct: Weights from codes to codes that count, code by code.
    """

    sizes: tuple[int, ...]
    first: np.ndarray
    first_bias: np.ndarray
    second: np.ndarray
    second_bias: np.ndarray
    direct: np.ndarray

    def __post_init__(self) -> None:
        """Check lengths and numbers.

        Raises:
            ValueError: A layer has not the weights that the sizes give it, or one that is not
                finite or beyond ``MOST_WEIGHT``.
        """
        wanted = weight_counts(self.sizes, self.width) | {"second_bias": sum(self.sizes)}
        for name, length in wanted.items():
            if getattr(self, name).shape != (length,):
                raise ValueError(name)
        for name, part in self.tensors().items():
            if not (np.abs(part) <= MOST_WEIGHT).all():
                raise ValueError(name)

    @classmethod
    def of(cls, network: Autoregressive) -> FrozenNetwork:
        """Freeze a network as it is now.

        Raises:
            ValueError: Its scales are not folded in, or a number is beyond all.
        """
        if any((scale != 1).any() for scale in network.buffers()):
            raise ValueError("its scales are not folded in; fold it first")
        units, (first, out) = network.width, (network.first, network.out)
        return cls(
            sizes=network.sizes,
            first=_counting(first, slice(None)),
            first_bias=first.bias.detach().cpu().numpy().copy(),
            second=_counting(out, slice(0, units)),
            second_bias=out.bias.detach().cpu().numpy().copy(),
            direct=_counting(out, slice(units, None)),
        )

    @property
    def width(self) -> int:
        """Units of the hidden layer."""
        return len(self.first_bias)

    @property
    def distribution(self) -> FrozenNetwork:
        """The network is a distribution over codes itself."""
        return self

    @cached_property
    def rows_at_once(self) -> int:
        """Rows of a block whose state stays in the processor's cache."""
        return int(np.clip(_CACHED // (sum(self.sizes) + self.width), _LEAST_ROWS, _MOST_ROWS))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The columns, in order."""
        return tuple(_steps(self))

    def log_likelihood(
        self, codes: np.ndarray, columns: Collection[int] | None = None
    ) -> np.ndarray:
        """Log-probability [rows], in nats, of codes [rows, columns]; exact.

        Args:
            codes: The rows.
            columns: Those that count, each given the ones before it; None for all.
        """
        counted = range(len(self.sizes)) if columns is None else columns
        parts = [
            self._log_likelihood(codes[start : start + self.rows_at_once], counted)
            for start in range(0, len(codes), self.rows_at_once)
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def _log_likelihood(self, codes: np.ndarray, counted: Collection[int]) -> np.ndarray:
        walk, found = Walk(self, len(codes)), np.zeros(len(codes))
        for column, chosen in enumerate(codes.T.astype(np.int64)):
            logits = walk.logits(column)
            if column in counted:
                found += logits[chosen, walk.rows]
                found -= np.log(np.exp(logits, out=logits).sum(0))
            walk.put(column, chosen)
        return found

    def given_others(self, codes: np.ndarray, column: int) -> np.ndarray:
        """Probability of each code of a column given a row's other columns [rows, codes].

        Args:
            codes: The rows [rows, columns]; what the column itself holds does not matter.
            column: The column.
        """
        size = self.sizes[column]
        tried = np.repeat(codes, size, axis=0)
        tried[:, column] = np.tile(np.arange(size), len(codes))
        logs = self.log_likelihood(tried).reshape(len(codes), size)
        likely = np.exp(logs - logs.max(1, keepdims=True, initial=-np.inf))
        shares: np.ndarray = likely / likely.sum(1, keepdims=True)
        return shares

    def tensors(self) -> dict[str, np.ndarray]:
        """All numbers by their names in a file."""
        return {
            "first.weight": self.first,
            "first.bias": self.first_bias,
            "second.weight": self.second,
            "second.bias": self.second_bias,
            "direct.weight": self.direct,
        }

    @classmethod
    def from_tensors(cls, sizes: Sequence[int], tensors: Mapping[str, np.ndarray]) -> FrozenNetwork:
        """The network of a file.

        Raises:
            ValueError: A tensor is of another name, type or length than the sizes give it.
        """
        names = {name: name.replace(".weight", "").replace(".", "_") for name in tensors}
        if any(part.dtype != np.float32 or part.ndim != 1 for part in tensors.values()):
            raise ValueError("weights")
        try:
            return cls(tuple(sizes), **{names[name]: part for name, part in tensors.items()})
        except TypeError as error:
            raise ValueError("weights") from error


def _counting(layer: MaskedLinear, inputs: slice) -> np.ndarray:
    """The weights of some inputs that the mask leaves, row by row."""
    weight, mask = layer.weight.detach()[:, inputs], layer.mask[:, inputs]
    found: np.ndarray = weight[mask > 0].cpu().numpy()
    return found


@dataclass(frozen=True, eq=False)
class Step:
    """One column of the chain: what its logits, and the units complete with it, add up.

    The state holds for each column its codes, one-hot, and then the units complete with it.

    Attributes:
        size: Number of the column's codes.
        begin: Number of the state's features before the column.
        end: Number of the features with it.
        far: For a panel's first column the weights of all the panel's codes and units [codes and
            units, features before the panel], and their biases [codes and units, 1]; else None.
        place: First of the column's own codes and units in its panel.
        near_begin: Number of features before its panel.
        near: Weights of features of the panel before the column [codes and units, features].
        own: What each code of the column adds to the units complete with it [units, codes].
    """

    size: int
    begin: int
    end: int
    far: tuple[np.ndarray, np.ndarray] | None
    place: int
    near_begin: int
    near: np.ndarray
    own: np.ndarray


class Walk:
    """The chain over some rows: each column's shares, then its codes, in order.

    Args:
        network: The network.
        rows: How many.

    Attributes:
        rows: The rows' numbers [rows].
    """

    def __init__(self, network: FrozenNetwork, rows: int) -> None:
        self._steps, self.rows = network.steps, np.arange(rows)
        self._state = np.zeros((network.steps[-1].end, rows), dtype=np.float32)
        self._panel = self._units = np.empty((0, rows), dtype=np.float32)

    def shares(self, column: int) -> np.ndarray:
        """Shares of the column's codes [codes, rows], float32; the largest is 1."""
        logits = self.logits(column)
        return np.exp(logits, out=logits)

    def logits(self, column: int) -> np.ndarray:
        """Logits of the column's codes [codes, rows], float32; the largest is 0."""
        step = self._steps[column]
        if step.far is not None:
            weights, biases = step.far
            self._panel = weights @ self._state[: step.near_begin] + biases
        sums = self._panel[step.place : step.place + step.end - step.begin]
        if step.begin > step.near_begin:
            sums += step.near @ self._state[step.near_begin : step.begin]
        self._units = sums[step.size :]
        logits = sums[: step.size]
        logits -= logits.max(0)
        return logits

    def put(self, column: int, codes: np.ndarray) -> None:
        """Fix the column's codes [rows]."""
        step = self._steps[column]
        self._state[step.begin + codes, self.rows] = 1.0
        if len(step.own):
            hidden = self._state[step.begin + step.size : step.end]
            np.tanh(self._units + step.own[:, codes], out=hidden)


def _steps(network: FrozenNetwork) -> list[Step]:
    rows, biases, owns, begins = _weights_by_column(network)
    found = []
    for column, size in enumerate(network.sizes):
        first = column - column % _PANEL
        panel = range(first, min(first + _PANEL, len(rows)))
        far_end = begins[first]
        far = [rows[at][:, :far_end] for at in panel], [biases[at] for at in panel]
        found.append(
            Step(
                size=size,
                begin=begins[column],
                end=begins[column + 1],
                far=(np.concatenate(far[0]), np.concatenate(far[1])[:, None])
                if column == first
                else None,
                place=begins[column] - far_end,
                near_begin=far_end,
                near=np.ascontiguousarray(rows[column][:, far_end:]),
                own=owns[column],
            )
        )
    return found


def _weights_by_column(
    network: FrozenNetwork,
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray], list[int]]:
    """Weights, biases and own weights of each column, and each column's first feature."""
    sizes, reads = network.sizes, last_read(network.width, len(network.sizes))
    ends = np.cumsum(sizes)
    units = np.bincount(reads, minlength=len(sizes))
    begins = [0, *np.cumsum(np.asarray(sizes) + units).tolist()]
    codes_at = np.arange(sum(sizes)) + np.repeat(np.cumsum(units) - units, sizes)
    unit_at = np.empty(network.width, dtype=np.int64)
    for column, size in enumerate(sizes):
        unit_at[reads == column] = begins[column] + size + np.arange(units[column])
    first = np.split(network.first, np.cumsum(ends[reads])[:-1])
    direct, second = _Reader(network.direct), _Reader(network.second)
    rows, biases, owns = [], [], []
    for column, size in enumerate(sizes):
        start, known = ends[column] - size, np.flatnonzero(reads < column)
        complete = np.flatnonzero(reads == column)
        made = np.zeros((size + len(complete), begins[column]), dtype=np.float32)
        made[:size, codes_at[:start]] = direct.next(size, start)
        made[:size, unit_at[known]] = second.next(size, len(known))
        reading = np.array([first[unit] for unit in complete], dtype=np.float32)
        reading = reading.reshape(len(complete), ends[column])
        made[size:, codes_at[:start]] = reading[:, :start]
        rows.append(made)
        owns.append(np.ascontiguousarray(reading[:, start:]))
        biases.append(
            np.concatenate(
                [network.second_bias[start : start + size], network.first_bias[complete]]
            )
        )
    return rows, biases, owns, begins


class _Reader:
    """Takes matrices one after another from a vector."""

    def __init__(self, numbers: np.ndarray) -> None:
        self._numbers, self._at = numbers, 0

    def next(self, rows: int, columns: int) -> np.ndarray:
        """The next matrix [rows, columns]."""
        start, self._at = self._at, self._at + rows * columns
        return self._numbers[start : self._at].reshape(rows, columns)

"""Give a rare outcome its own entries of the codebook, fitted to its tilted distribution.

An even mixture of 1,000 entries fits few rows badly: its price for dependence takes most of what
they tell. So the outcome is drawn first. Its rows come from as many entries as its share needs, and
all other entries have none. Free of charge: noisy counts alone are read.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from torch import Tensor

from privgan.domain.encoding import Encoder
from privgan.generator.mixture import GeneratorModel
from privgan.generator.rare_tilt import Counts, curves_of, scores
from privgan.measurement.marginals import Measurements

_ROWS, _FITTED, _DRAWN = 20_000, 6_000, 6_000
_FEWEST = 3
_STEPS, _PRIOR, _LEAST = 40, 2.0, 1e-7
_NONE = -1


def told_outcome(
    model: GeneratorModel,
    measurements: Measurements,
    encoder: Encoder,
    place: int,
    positive: int,
) -> None:
    """Make the model tell a rare outcome as its noisy counts do.

    Args:
        model: The fitted generator, changed in place.
        measurements: The noisy marginals, with all pairs of the outcome.
        encoder: Rows to codes.
        place: The outcome's place among the columns.
        positive: The code of its positive value.
    """
    share = float(measurements.one_way(place)[positive])
    others = [column for column in range(len(model.sizes)) if column != place]
    rng = np.random.default_rng([model.settings.entries, 3])
    rows = model.mixture().sample(_ROWS, rng)[:, others].astype(np.int64)
    columns = _counts(measurements, encoder, rows, (place, positive), others)
    curves = curves_of(rows[:_FITTED], columns, max(1.0, measurements.rows * share))
    tilt = scores(curves, rows)
    weights = np.exp(tilt - tilt.max())
    drawn = rows[_spread(weights / weights.sum(), _DRAWN, rng)]
    number = min(max(_FEWEST, math.ceil(model.settings.entries * share)), model.settings.entries)
    sizes = [model.sizes[column] for column in others]
    _Entries(model, place, positive).put(
        _clusters(drawn, sizes, number, rng), others, share * model.settings.entries / number
    )


def _counts(
    measurements: Measurements,
    encoder: Encoder,
    rows: np.ndarray,
    outcome: tuple[int, int],
    others: list[int],
) -> list[Counts]:
    """What is known of the positives in each other column."""
    place, positive = outcome
    targets = {target.clique: target for target in measurements.targets() if not target.groups}
    found = []
    for own, column in enumerate(others):
        pair = (min(place, column), max(place, column))
        target, size = targets[pair], measurements.sizes[column]
        table = target.shares.reshape([measurements.sizes[part] for part in pair])
        of_positives = np.take(table, positive, axis=pair.index(place))
        # Of two classes, each has half of the noise in the column's own counts, and as much as the
        # pair's in what the column's counts do not tell.
        cell = measurements.rows / math.sqrt(target.precision)
        half = measurements.one_way_noise(column) / 2
        shares = np.bincount(rows[:, own], minlength=size) + 0.5
        found.append(
            Counts(
                positives=measurements.rows * of_positives,
                shares=shares / shares.sum(),
                noise=math.sqrt(cell**2 / 2 + half**2),
                ordered=encoder.columns[column].cells.adjacent,
            )
        )
    return found


def _spread(shares: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Places [number] drawn by shares, by systematic sampling."""
    points = (np.arange(number) + rng.random()) / number
    return np.minimum(np.searchsorted(np.cumsum(shares), points), len(shares) - 1)


def _clusters(
    rows: np.ndarray, sizes: list[int], number: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """An even mixture of product distributions of rows: by column shares [clusters, codes].

    Expectation and maximisation (Dempster, Laird and Rubin 1977). Weights keep all clusters even.

    Args:
        rows: Codes [rows, columns].
        sizes: Number of codes of each column.
        number: The number of clusters.
        rng: Public randomness.
    """
    ends = np.cumsum([0, *sizes])
    marks = np.zeros((len(rows), ends[-1]), np.float32)
    np.put_along_axis(marks, rows + ends[:-1], 1.0, axis=1)
    whole = marks.mean(0)
    of_rows = rng.dirichlet(np.full(number, 0.3), len(rows)).astype(np.float32)
    even = np.zeros(number, np.float32)
    for _ in range(_STEPS):
        masses = of_rows.sum(0)[:, None]
        shares = (of_rows.T @ marks + _PRIOR * whole) / (masses + _PRIOR)
        logs = marks @ np.log(shares + _LEAST).T + even
        of_rows = np.exp(logs - logs.max(1, keepdims=True))
        of_rows /= of_rows.sum(1, keepdims=True)
        even -= 0.5 * np.log(of_rows.mean(0) * number + _LEAST)
    return [shares[:, first:last] for first, last in itertools.pairwise(ends)]


class _Entries:
    """The entries of a model, those of a rare outcome apart.

    Args:
        model: The fitted generator, changed in place.
        place: The outcome's place among the columns.
        positive: The code of its positive value.
    """

    def __init__(self, model: GeneratorModel, place: int, positive: int) -> None:
        self._model, self._place, self._positive = model, place, positive

    @torch.no_grad()
    def put(self, shares: list[np.ndarray], others: list[int], within: float) -> None:
        """Give the outcome the entries in which it was likeliest, and no other.

        Args:
            shares: By column the shares of its codes in each of these entries [entries, codes].
            others: The places of these columns.
            within: The probability of the outcome in each of these entries.
        """
        model, place = self._model, self._place
        found = [np.array(part) for part in model.mixture().probabilities]
        chosen = np.argsort(-found[place][:, self._positive], kind="stable")[: len(shares[0])]
        for column, part in zip(others, shares, strict=True):
            found[column][chosen] = part
        of_outcome = found[place]
        of_outcome[:, self._positive] = 0.0
        rest = of_outcome.sum(1, keepdims=True)
        of_outcome /= np.where(rest > 0, rest, 1.0)
        # An entry of positives alone had nothing else: it gets what the others have.
        of_outcome[rest[:, 0] <= _LEAST] = of_outcome.mean(0) / of_outcome.mean(0).sum()
        of_outcome[chosen] *= 1.0 - within
        of_outcome[chosen, self._positive] = within
        self._set(found, chosen)

    def _set(self, shares: list[np.ndarray], chosen: np.ndarray) -> None:
        """Let the offsets give these shares; conditions that rule some of them out are lifted."""
        model, codes = self._model, self._model.codes_of_conditions.copy()
        codes[chosen] = _NONE
        codes[codes[:, 0] == self._place] = _NONE
        model.restore_codebook(model.latents, codes)
        before = model.network.before_offsets(model.latents, model.conditions)
        wanted = torch.from_numpy(np.log(np.concatenate(shares, axis=1) + 1e-12)).to(before)
        kept = _kept(codes, len(model.sizes), model.sizes, self._place)
        offsets = torch.where(kept.to(before.device), model.network.offsets, wanted - before)
        model.network.offsets.copy_(offsets)


def _kept(codes: np.ndarray, columns: int, sizes: tuple[int, ...], place: int) -> Tensor:
    """The offsets that stay as they are [entries, all codes]: of columns under a condition."""
    fixed = codes[:, :1] == np.arange(columns)
    fixed[:, place] = False
    return torch.from_numpy(np.repeat(fixed, sizes, axis=1))

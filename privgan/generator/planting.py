"""Plant interactions of many columns in the codebook, which gradients alone do not find.

Near independence the gradient of an interaction of k columns vanishes to the order k − 1. So some
entries are moved to one half of each column's codes, such that their mean is what noisy marginals
tell. Fitting then refines them. Noisy figures alone are read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from privgan.generator.mixture import GeneratorModel
from privgan.measurement.coarse import Coarse, indicator, outer
from privgan.measurement.marginals import Measurements, Target

# Interactions that explain less of the rows stay as they are.
_LEAST_SHARE = 0.02
# Log odds of a moved entry's own half: of all columns together, few rows cross.
_PUSH = 8.0
_TINY = 1e-12
_SWEEPS, _ROUNDS = 20, 4


def plant(model: GeneratorModel, measurements: Measurements) -> None:
    """Move entries towards each coarse marginal that the model does not show yet.

    Args:
        model: The generator; its offsets are changed in place.
        measurements: Noisy marginals, coarse ones among them.
    """
    for target in measurements.targets():
        if target.groups is not None:
            _plant(model, target)


def _plant(model: GeneratorModel, target: Target) -> None:
    assert target.groups is not None
    whole, probabilities = Coarse(target.clique, target.groups), model.mixture().probabilities
    residual = (target.shares - whole.modelled(probabilities)).reshape(whole.sizes)
    halves = leading_halves(residual)
    split = Coarse(
        target.clique,
        tuple(
            tuple(int(half[group]) for group in groups)
            for half, groups in zip(halves, target.groups, strict=True)
        ),
    )
    now, wanted = split.modelled(probabilities), _in_halves(target.shares, whole.sizes, halves)
    if np.abs(wanted - now).sum() / 2 < _LEAST_SHARE:
        return
    given = outer(
        [
            probabilities[column] @ indicator(groups)
            for column, groups in zip(split.clique, split.groups, strict=True)
        ]
    )
    moved, rates = moving(given, wanted)
    cells = assigned(rates, model.rng)
    sides = np.unravel_index(cells, split.sizes)
    for column, groups, side in zip(split.clique, split.groups, sides, strict=True):
        away = np.asarray(groups)[None, :] != side[:, None]
        crossing = (probabilities[column][moved] * away).sum(1)
        shift = np.maximum(0.0, _PUSH + _log_odds(crossing))[:, None] * away
        start = sum(model.sizes[:column])
        with torch.no_grad():
            model.network.offsets[torch.from_numpy(moved), start : start + model.sizes[column]] -= (
                torch.from_numpy(shift.astype(np.float32)).to(model.device)
            )


def _log_odds(shares: np.ndarray) -> np.ndarray:
    known = np.clip(shares, _TINY, 1 - _TINY)
    found: np.ndarray = np.log(known / (1 - known))
    return found


def leading_halves(residual: np.ndarray) -> list[np.ndarray]:
    """Which half each group of each column is in, 0 or 1: a large signed sum of a residual.

    Signs begin at the leading singular vectors and are improved column by column.

    Args:
        residual: A table of shares, one axis a column.
    """
    signs = []
    for axis, size in enumerate(residual.shape):
        unfolded = np.moveaxis(residual, axis, 0).reshape(size, -1)
        signs.append(_signs(np.linalg.svd(unfolded, full_matrices=False)[0][:, 0]))
    for _ in range(_ROUNDS):
        for axis in range(len(signs)):
            signs[axis] = _signs(_contracted(residual, signs, axis))
    return [np.unique(part, return_inverse=True)[1] for part in signs]


def _signs(values: np.ndarray) -> np.ndarray:
    return np.where(values < 0, -1.0, 1.0)


def _contracted(table: np.ndarray, signs: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Signed sums along one axis [size], with the signs of all others."""
    table = np.moveaxis(table, axis, 0)
    for other in reversed([part for place, part in enumerate(signs) if place != axis]):
        table = table @ other
    return table


def _in_halves(
    shares: np.ndarray, sizes: Sequence[int], halves: Sequence[np.ndarray]
) -> np.ndarray:
    """Shares of the halves [cells]: not negative, summing to 1."""
    table = shares.reshape(sizes)
    for axis, half in enumerate(halves):
        table = np.moveaxis(np.tensordot(indicator(half).T, table, (1, axis)), 0, axis)
    kept: np.ndarray = np.maximum(table.ravel(), 0.0)
    return kept / kept.sum()


def moving(given: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which entries are moved [moved], and how likely to which cell [moved, cells].

    As few entries move as can make up for what is missing. Their mean is then what all need.

    Args:
        given: Each entry's share of each cell [entries, cells].
        wanted: The share of each cell [cells].
    """
    now = given.mean(0)
    missing = (wanted - now) / np.maximum(now, 1e-9)
    share = min(1.0, max(1 / len(given), float(-missing.min())))
    number = max(1, round(share * len(given)))
    moved = np.arange(number) * len(given) // number
    rates = given[moved]
    goal = np.maximum(now + (wanted - now) * len(given) / number, 0.0)
    for _ in range(_SWEEPS):
        rates = rates * (goal / np.maximum(rates.mean(0), 1e-12))
        rates = rates / np.maximum(rates.sum(1, keepdims=True), 1e-12)
    return moved, rates


def assigned(rates: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One cell for each entry [entries], by its rates [entries, cells].

    Entries draw one after another. What earlier draws left short is drawn the more.
    """
    short, cells = np.zeros(rates.shape[1]), np.empty(len(rates), dtype=np.int64)
    for entry in rng.permutation(len(rates)):
        weights = np.cumsum(rates[entry] * np.exp(np.clip(short, -20, 20)))
        cells[entry] = min(
            len(weights) - 1, int(np.searchsorted(weights, rng.random() * weights[-1], "right"))
        )
        short += rates[entry]
        short[cells[entry]] -= 1.0
    return cells

"""A frozen network against the network that it was frozen from, and against sums over all rows."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from privgan.generator.autoregressive import Autoregressive, one_hot
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.network_form import MOST_WEIGHT, weight_counts
from tests.constrained import random_network

SHAPES = [
    ((3, 4, 2, 5, 6, 2), 7),
    ((4,), 3),
    ((2, 3), 1),
    ((1, 2, 1), 5),
    ((3,) * 9, 64),
    ((2, 2, 2, 2), 2),
    ((5, 30, 2), 6),
]


def codes_of(sizes: tuple[int, ...], rows: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(size, size=rows) for size in sizes], axis=1)


@pytest.mark.parametrize(("sizes", "width"), SHAPES)
def test_the_log_likelihood_is_the_networks_own(sizes: tuple[int, ...], width: int) -> None:
    network = random_network(sizes, seed=1, width=width)
    codes = codes_of(sizes, 700)
    with torch.no_grad():
        wanted = network(one_hot(torch.from_numpy(codes), sizes)).numpy()
    frozen = FrozenNetwork.of(network)
    np.testing.assert_allclose(frozen.log_likelihood(codes), wanted, atol=1e-4)
    assert frozen.sizes == sizes
    assert frozen.log_likelihood(codes[:0]).shape == (0,)


def test_blocks_make_no_difference() -> None:
    frozen = FrozenNetwork.of(random_network((5, 4, 3), width=6))
    codes = codes_of(frozen.sizes, 2 * frozen.rows_at_once + 5)
    alone = np.concatenate([frozen.log_likelihood(part) for part in np.array_split(codes, 11)])
    np.testing.assert_allclose(frozen.log_likelihood(codes), alone, atol=1e-5)


def test_probabilities_sum_to_one_and_give_the_full_conditional() -> None:
    sizes = (3, 2, 4, 3)
    frozen = FrozenNetwork.of(random_network(sizes, seed=2))
    every = np.array(list(product(*map(range, sizes))))
    shares = np.exp(frozen.log_likelihood(every)).reshape(sizes)
    assert shares.sum() == pytest.approx(1.0, abs=1e-5)
    for column in range(len(sizes)):
        given = shares / shares.sum(column, keepdims=True)
        wanted = np.moveaxis(given, column, -1).reshape(-1, sizes[column])
        rows = np.moveaxis(every.reshape(*sizes, len(sizes)), column, -2)
        found = frozen.given_others(rows.reshape(-1, sizes[column], len(sizes))[:, 0], column)
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_what_counts_is_what_the_masks_leave() -> None:
    """For some 200 shapes."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        sizes = tuple(rng.integers(1, 7, rng.integers(1, 9)).tolist())
        width = int(rng.integers(1, 30))
        network = Autoregressive(sizes, width=width)
        first, out = network.first.mask, network.out.mask
        parts = {"first": first, "second": out[:, :width], "direct": out[:, width:]}
        masks = {name: int(part.sum()) for name, part in parts.items()}
        assert weight_counts(sizes, width) == masks


def test_a_file_holds_no_weight_that_does_not_count() -> None:
    """Two networks that differ in masked weights alone are the same numbers."""
    network = random_network((3, 4, 2), width=5)
    before = FrozenNetwork.of(network).tensors()
    with torch.no_grad():
        for layer in (network.first, network.out):
            layer.weight += 1_000 * (1 - layer.mask)
    after = FrozenNetwork.of(network).tensors()
    assert all((before[name] == after[name]).all() for name in before)


def test_a_frozen_network_does_not_follow_its_training() -> None:
    network = random_network((3, 4, 2), width=5)
    frozen, codes = FrozenNetwork.of(network), codes_of((3, 4, 2), 20)
    before = frozen.log_likelihood(codes)
    with torch.no_grad():
        for part in network.parameters():
            part.fill_(9.0)
    assert (FrozenNetwork.of(network).first_bias == 9.0).all()
    assert (frozen.first_bias != 9.0).all()
    np.testing.assert_array_equal(frozen.log_likelihood(codes), before)


@pytest.mark.parametrize(("columns", "codes", "most"), [(22, 20, 1_000_000), (200, 12, 14_000_000)])
def test_files_are_small(columns: int, codes: int, most: int) -> None:
    """Some 0.6 MB of 22 columns with 20 codes; 12 MB of 200 columns with 12."""
    numbers = sum(weight_counts((codes,) * columns, 64).values()) + 64 + columns * codes
    assert 4 * numbers < most


@pytest.mark.parametrize("value", [np.nan, np.inf, -2 * MOST_WEIGHT])
def test_numbers_that_no_fit_leaves_are_refused(value: float) -> None:
    network = random_network((3, 4, 2), width=5)
    with torch.no_grad():
        network.out.bias[1] = value
    with pytest.raises(ValueError, match=r"second\.bias"):
        FrozenNetwork.of(network)


def test_scales_are_folded_in_before() -> None:
    sizes = (3, 4, 2)
    network, codes = random_network(sizes, width=5), codes_of(sizes, 300)
    before = FrozenNetwork.of(network).log_likelihood(codes)
    network.precondition(one_hot(torch.from_numpy(codes), sizes))
    with pytest.raises(ValueError, match="fold"):
        FrozenNetwork.of(network)
    network.fold()
    np.testing.assert_allclose(FrozenNetwork.of(network).log_likelihood(codes), before, atol=1e-4)

"""Codes drawn column by column follow the network exactly, guided or not."""

from __future__ import annotations

import time
from itertools import product

import numpy as np
import pytest
from scipy import stats

from privgan.generator.ancestral import Allowed, draw_block
from privgan.generator.frozen_network import FrozenNetwork
from tests.constrained import random_network

SIZES = (3, 2, 4, 3)
EVERY = np.array(list(product(*map(range, SIZES))))


@pytest.fixture(scope="module")
def network() -> FrozenNetwork:
    return FrozenNetwork.of(random_network(SIZES, seed=4, strength=0.8))


def exact(network: FrozenNetwork) -> np.ndarray:
    """The probability of every row [rows of EVERY]."""
    return np.exp(network.log_likelihood(EVERY))


def counted(codes: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    places = np.ravel_multi_index(tuple(codes.T.astype(int)), SIZES)
    return np.bincount(places, weights, minlength=len(EVERY))


def test_the_rows_distribution_is_the_networks(network: FrozenNetwork) -> None:
    """By chi-square; a fresh seed fails with probability below 1e-4: even draws vary less."""
    rng = np.random.default_rng(1)
    codes = np.concatenate([draw_block(network, 2_000, rng).codes for _ in range(30)])
    found = stats.chisquare(counted(codes), exact(network) / exact(network).sum() * len(codes))
    assert found.pvalue > 1e-4


@pytest.mark.slow
def test_each_row_alone_follows_the_network(network: FrozenNetwork) -> None:
    """Numbers that are even over rows leave each its law: one row of each of 20,000 blocks.

    By chi-square; a fresh seed fails with probability 1e-4.
    """
    rng = np.random.default_rng(2)
    codes = np.concatenate([draw_block(network, 8, rng).codes[5:6] for _ in range(20_000)])
    found = stats.chisquare(counted(codes), exact(network) / exact(network).sum() * len(codes))
    assert found.pvalue > 1e-4


def test_shares_lie_nearer_to_the_networks_than_independent_draws_do(
    network: FrozenNetwork,
) -> None:
    rng, rows = np.random.default_rng(3), 2_000
    first = exact(network).reshape(SIZES).sum((1, 2, 3))
    for _ in range(20):
        codes = draw_block(network, rows, rng).codes[:, 0]
        assert np.abs(np.bincount(codes, minlength=3) - rows * first).max() < 4
    misses = []
    for draw in (
        lambda: draw_block(network, rows, rng).codes,
        lambda: EVERY[rng.choice(len(EVERY), rows, p=exact(network) / exact(network).sum())],
    ):
        tables = [counted(draw()) / rows - exact(network) for _ in range(100)]
        misses.append(np.abs(tables).sum(1).mean())
    assert misses[0] < 0.9 * misses[1]


@pytest.mark.parametrize("tilted", [False, True])
def test_weights_make_up_for_what_is_allowed(network: FrozenNetwork, tilted: bool) -> None:
    """The mean weight is the conditions' probability, and weighted shares are the conditional ones.

    Within 5 standard errors: a fresh seed fails with probability below 1e-4 (73 statements).
    """
    allowed = {1: np.array([0.0, 1.0]), 3: np.array([0.3, 0.0, 1.0])}
    tilts = {0: np.array([0.5, 2.0, 1.0]), 2: np.array([3.0, 1.0, 0.2, 1.0])} if tilted else {}
    rng = np.random.default_rng(5)
    blocks = [draw_block(network, 2_000, rng, [Allowed(allowed)], tilts) for _ in range(30)]
    codes = np.concatenate([block.codes for block in blocks])
    weights = np.exp(np.concatenate([block.logs for block in blocks]))
    assert (codes[:, 1] == 1).all()
    assert (codes[:, 3] != 1).all()
    joint = exact(network) * allowed[1][EVERY[:, 1]] * allowed[3][EVERY[:, 3]]
    spread = counted(codes, weights**2) / len(codes) - (counted(codes, weights) / len(codes)) ** 2
    errors = np.sqrt(np.maximum(spread, 0) / len(codes))
    assert (np.abs(counted(codes, weights) / len(codes) - joint) < 5 * errors + 1e-5).all()
    assert weights.mean() == pytest.approx(joint.sum(), abs=5 * weights.std() / len(codes) ** 0.5)


def test_what_nothing_allows_has_no_weight(network: FrozenNetwork) -> None:
    block = draw_block(network, 50, np.random.default_rng(0), [Allowed({2: np.zeros(4)})])
    assert np.isneginf(block.logs).all()


def test_the_seed_moves_the_rows(network: FrozenNetwork) -> None:
    one, two, other = (
        draw_block(network, 100, np.random.default_rng(seed)).codes for seed in (1, 1, 2)
    )
    assert (one == two).all()
    assert (one != other).any()


@pytest.mark.slow
def test_100_000_rows_a_second_of_one_core_are_drawn() -> None:
    network = FrozenNetwork.of(random_network((12,) * 22, width=64, strength=0.1))
    rng, rates = np.random.default_rng(0), []
    for _ in range(3):
        begun, rows = time.process_time(), 0
        while rows < 60_000:
            rows += len(draw_block(network, network.rows_at_once, rng).codes)
        rates.append(rows / (time.process_time() - begun))
    assert max(rates) > 100_000

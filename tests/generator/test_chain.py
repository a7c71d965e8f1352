"""A network of some columns given others: its likelihood, its draws, and the chain's order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from privgan.generator.autoregressive import Autoregressive
from privgan.generator.chain import Chain
from privgan.generator.conditional import ConditionalNetwork
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.network_fit import drawn

SIZES = (3, 2, 4, 2)
# The table's last column comes first; its first and last are given.
CHAIN = Chain((3, 2, 0, 1), frozenset({0, 2}))
ALL = np.array(list(itertools.product(*map(range, SIZES))), dtype=np.int64)


def _network(seed: int = 1) -> Autoregressive:
    found = Autoregressive(SIZES, width=9, seed=seed, chain=CHAIN)
    with torch.no_grad():
        random = torch.Generator().manual_seed(seed)
        for layer in (found.first, found.out):
            layer.weight.copy_(0.8 * torch.randn(layer.weight.shape, generator=random))
    return found


def test_a_chain_orders_codes_and_back() -> None:
    assert CHAIN.sizes(SIZES) == (2, 4, 3, 2)
    assert CHAIN.drawn == (1, 3)
    assert (CHAIN.back(CHAIN.of(ALL)) == ALL).all()
    assert CHAIN.of(ALL)[:, 0].tolist() == ALL[:, 3].tolist()


def test_the_likelihood_is_that_of_the_drawn_columns_given_the_others() -> None:
    network = _network()
    shares = network(network.inputs(ALL)).exp().detach()
    for given in itertools.product(range(SIZES[3]), range(SIZES[0])):
        here = (ALL[:, 3] == given[0]) & (ALL[:, 0] == given[1])
        assert float(shares[torch.from_numpy(here)].sum()) == pytest.approx(1, rel=1e-5)


def test_gradients_are_those_of_the_likelihood() -> None:
    network = _network().double()
    rows = network.inputs(ALL[::5]).double()
    logits, place = network.logits(rows), np.cumsum([0, *network.sizes])
    by_hand = sum(
        (
            torch.log_softmax(logits[:, place[at] : place[at + 1]], 1)
            * rows[:, place[at] : place[at + 1]]
        ).sum()
        for at in CHAIN.drawn
    )
    wanted = torch.autograd.grad(by_hand, list(network.parameters()))
    found = torch.autograd.grad(network(rows).sum(), list(network.parameters()))
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-10)


def test_scales_leave_the_likelihood_as_it_is() -> None:
    network = _network()
    before = network(network.inputs(ALL)).detach()
    network.precondition(network.inputs(ALL))
    assert torch.allclose(network(network.inputs(ALL)), before, atol=1e-4)
    network.fold()
    assert torch.allclose(network(network.inputs(ALL)), before, atol=1e-4)


def test_the_frozen_network_has_the_same_likelihood() -> None:
    network = _network()
    network.fold()
    found = FrozenNetwork.of(network).log_likelihood(CHAIN.of(ALL), CHAIN.drawn)
    assert found == pytest.approx(network(network.inputs(ALL)).detach().numpy(), abs=1e-4)


def test_drawn_rows_keep_what_is_given() -> None:
    network, rng = _network(), np.random.default_rng(0)
    network.fold()
    contexts = ALL[rng.integers(len(ALL), size=500)]
    found = drawn(network, contexts, rng)
    assert (found[:, [0, 3]] == contexts[:, [0, 3]]).all()


def test_columns_are_drawn_by_their_shares_given_the_ones_before() -> None:
    # Chi-square on 40,000 draws with a fixed seed; fails by chance once in a thousand seeds.
    network, rng = _network(), np.random.default_rng(3)
    network.fold()
    frozen = FrozenNetwork.of(network)
    model, many = ConditionalNetwork(frozen, CHAIN), np.ones(40_000, dtype=np.int64)
    known = model.known([(0, 2 * many), (3, many)])
    second, first = model.sampled(known, [1, 2], rng)
    here = ALL[(ALL[:, 0] == 2) & (ALL[:, 3] == 1)]
    shares = np.exp(frozen.log_likelihood(CHAIN.of(here), CHAIN.drawn))
    counts = np.bincount(first * SIZES[1] + second, minlength=8)
    cells = here[:, 2] * SIZES[1] + here[:, 1]
    assert chisquare(counts[cells], len(many) * shares / shares.sum()).pvalue > 0.001


def test_only_allowed_codes_are_drawn() -> None:
    network, rng = _network(), np.random.default_rng(0)
    network.fold()
    model, many = ConditionalNetwork(FrozenNetwork.of(network), CHAIN), np.zeros(3_000, np.int64)
    known = model.known([(3, many)])
    allowed = np.array([False, True, False, True])
    (found,) = model.sampled(known, [2], rng, allowed)
    assert set(found.tolist()) == {1, 3}

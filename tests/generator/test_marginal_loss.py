"""The error of a mixture's marginals.

Against loops over cliques, gradients included, however much of it is looked at.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from privgan.generator.losses import MarginalLoss, _PairError
from privgan.generator.mixture import Mixture
from privgan.measurement.marginals import Clique, Target

SIZES = (3, 4, 2)
CPU = torch.device("cpu")
RNG = np.random.default_rng(0)


def _targets(
    rng: np.random.Generator, cliques: list[Clique], sizes: tuple[int, ...] = SIZES
) -> list[Target]:
    cells = [int(np.prod([sizes[column] for column in clique])) for clique in cliques]
    return [
        Target(
            clique=clique, shares=rng.dirichlet(np.ones(count)), precision=float(rng.uniform(1, 9))
        )
        for clique, count in zip(cliques, cells, strict=True)
    ]


def _parts(
    rng: np.random.Generator, sizes: tuple[int, ...] = SIZES, entries: int = 6
) -> list[Tensor]:
    return [
        torch.tensor(rng.dirichlet(np.ones(size), entries), dtype=torch.float32) for size in sizes
    ]


def _marginal(parts: list[Tensor], clique: Clique) -> Tensor:
    """The mean over the entries of outer products."""
    letters = "abc"[: len(clique)]
    terms = ",".join(f"e{letter}" for letter in letters)
    return torch.einsum(
        f"{terms}->{letters}", *(parts[column] for column in clique)
    ).flatten() / len(parts[0])


def _by_hand(targets: list[Target], parts: list[Tensor]) -> Tensor:
    mean = np.mean([target.precision for target in targets if len(target.clique) < 3])
    errors = [
        (_marginal(parts, target.clique) - torch.tensor(target.shares)).square().sum()
        for target in targets
    ]
    return torch.stack(
        [target.precision / mean * error for target, error in zip(targets, errors, strict=True)]
    ).sum()


@given(st.integers(0, 999), st.integers(1, 8))
def test_a_mixtures_marginal_is_the_mean_of_outer_products(seed: int, entries: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    parts = [torch.rand(entries, size, generator=generator).softmax(1) for size in SIZES]
    mixture = Mixture([part.numpy().astype(float) for part in parts])
    for clique in [(0,), (1, 2), (0, 1, 2)]:
        expected = torch.zeros([SIZES[c] for c in clique])
        for entry in range(entries):
            product = parts[clique[0]][entry]
            for column in clique[1:]:
                product = product[..., None] * parts[column][entry]
            expected += product / entries
        torch.testing.assert_close(_marginal(parts, clique), expected.flatten())
        np.testing.assert_allclose(mixture.marginal(clique), expected.flatten().numpy(), atol=1e-6)


@settings(max_examples=20)
@given(st.integers(0, 999))
def test_the_marginal_loss_is_the_sum_over_its_targets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    targets = _targets(rng, [(0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)])
    parts = [part.requires_grad_() for part in _parts(rng)]
    expected = _by_hand(targets, parts)
    found = MarginalLoss(targets, CPU)(torch.cat(parts, 1), rng)
    assert float(found.detach()) == pytest.approx(float(expected.detach()), rel=1e-4)
    for slope, wanted in zip(
        torch.autograd.grad(found, parts), torch.autograd.grad(expected.float(), parts), strict=True
    ):
        torch.testing.assert_close(slope, wanted, rtol=1e-3, atol=1e-6)


GROUPS = ((0, 0, 1), (0, 1, 0, 1), (0, 1), (0, 1, 2, 0, 1), (0, 1))


def _coarse_targets(rng: np.random.Generator, cliques: list[Clique]) -> list[Target]:
    groups = [tuple(GROUPS[column] for column in clique) for clique in cliques]
    return [
        Target(
            clique=clique,
            shares=rng.dirichlet(np.ones(int(np.prod([max(part) + 1 for part in of])))),
            precision=float(rng.uniform(1, 9)),
            groups=of,
        )
        for clique, of in zip(cliques, groups, strict=True)
    ]


@settings(max_examples=20)
@given(st.integers(0, 999))
def test_the_error_of_coarse_marginals_is_that_of_summed_cells(seed: int) -> None:
    rng, sizes = np.random.default_rng(seed), (3, 4, 2, 5, 2)
    narrow = _targets(rng, [(column,) for column in range(5)], sizes)
    coarse = _coarse_targets(rng, [(0, 1, 2, 3), (0, 1, 2, 3, 4), (1, 2, 3, 4)])
    parts = [part.requires_grad_() for part in _parts(rng, sizes)]
    grouped = [
        part @ torch.tensor(np.eye(max(of) + 1)[list(of)], dtype=torch.float32)
        for part, of in zip(parts, GROUPS, strict=True)
    ]
    mean = np.mean([target.precision for target in narrow])
    expected = _by_hand(narrow, parts)
    for target in coarse:
        letters = "abcde"[: len(target.clique)]
        terms = ",".join(f"z{letter}" for letter in letters)
        shares = torch.einsum(
            f"{terms}->{letters}", *(grouped[column] for column in target.clique)
        ).flatten() / len(parts[0])
        gap = shares - torch.tensor(target.shares)
        expected = expected + target.precision / mean * gap.square().sum()
    found = MarginalLoss([*narrow, *coarse], CPU)(torch.cat(parts, 1), rng)
    assert float(found.detach()) == pytest.approx(float(expected.detach()), rel=1e-4)
    for slope, wanted in zip(
        torch.autograd.grad(found, parts), torch.autograd.grad(expected.float(), parts), strict=True
    ):
        torch.testing.assert_close(slope, wanted, rtol=1e-3, atol=1e-6)


def test_drawn_coarse_targets_stand_for_all_of_them() -> None:
    rng, sizes = np.random.default_rng(5), (3, 4, 2, 5, 2)
    cliques = list(itertools.combinations(range(5), 4))
    targets = [
        *_targets(rng, [(column,) for column in range(5)], sizes),
        *_coarse_targets(rng, cliques),
    ]
    parts = torch.cat(_parts(rng, sizes), 1)
    whole = float(MarginalLoss(targets, CPU, coarse_per_step=5)(parts, RNG))
    part = MarginalLoss(targets, CPU, coarse_per_step=2)
    draws = [float(part(parts, np.random.default_rng(seed))) for seed in range(400)]
    assert len(set(draws)) == 10
    assert np.mean(draws) == pytest.approx(whole, rel=0.03)


@pytest.mark.parametrize("order", list(itertools.permutations(SIZES)))
def test_a_triple_is_the_same_whatever_the_order_of_its_columns(order: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    targets = _targets(rng, [(0,), (1,), (2,), (0, 1, 2)], order)
    parts = _parts(rng, order)
    assert float(MarginalLoss(targets, CPU)(torch.cat(parts, 1), rng)) == pytest.approx(
        float(_by_hand(targets, parts)), rel=1e-4
    )


@pytest.mark.parametrize("drawn", [None, torch.tensor([0, 1, 2, 5]), torch.tensor([6])])
def test_the_gradient_of_pairs_is_that_of_finite_differences(drawn: Tensor | None) -> None:
    generator = torch.Generator().manual_seed(0)
    shares, wanted, weights = (
        torch.rand(rows, 7, generator=generator).double() for rows in (5, 7, 7)
    )
    wanted, weights = wanted + wanted.T, weights + weights.T
    assert torch.autograd.gradcheck(
        lambda part: _PairError.apply(part, drawn, wanted, weights), shares.requires_grad_()
    )


class _Chosen:
    """In place of a generator: gives the columns that it is told."""

    def __init__(self, columns: tuple[int, ...]) -> None:
        self.columns = columns

    def choice(self, count: int, size: int, replace: bool) -> np.ndarray:
        assert (size, replace) == (len(self.columns), False)
        return np.array(self.columns)


def test_a_part_of_the_pairs_stands_for_all_of_them() -> None:
    """The mean over every draw that there is."""
    rng, sizes = np.random.default_rng(3), (3, 4, 2, 5)
    targets = _targets(rng, [(0,), (1,), (2,), (3,), *itertools.combinations(range(4), 2)], sizes)
    parts = torch.cat(_parts(rng, sizes), 1)
    whole = float(MarginalLoss(targets, CPU)(parts, RNG))
    part = MarginalLoss(targets, CPU, codes_per_step=6)
    draws = [
        float(part(parts, _Chosen(columns))) for columns in itertools.combinations(range(4), 2)
    ]  # type: ignore[arg-type]
    assert len(set(draws)) == 6
    assert np.mean(draws) == pytest.approx(whole, rel=1e-4)

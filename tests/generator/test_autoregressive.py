"""The conditional network: a distribution over rows, each column from those before it."""

from __future__ import annotations

import itertools

import pytest
import torch

from privgan.generator.autoregressive import Autoregressive, one_hot

SIZES = (3, 2, 4)


def network(seed: int = 0, sizes: tuple[int, ...] = SIZES, width: int = 5) -> Autoregressive:
    made, random = Autoregressive(sizes, width=width), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in made.parameters():
            part.copy_(torch.randn(part.shape, generator=random))
    return made


def all_rows(sizes: tuple[int, ...]) -> torch.Tensor:
    return torch.tensor(list(itertools.product(*(range(size) for size in sizes))))


@pytest.mark.parametrize("sizes", [SIZES, (2,), (4, 4), (2, 2, 2, 2, 3)])
def test_probabilities_of_all_rows_sum_to_one(sizes: tuple[int, ...]) -> None:
    logs = network(sizes=sizes)(one_hot(all_rows(sizes), sizes))
    assert float(logs.detach().exp().sum()) == pytest.approx(1, abs=1e-5)


def test_a_column_depends_on_the_columns_before_it_alone() -> None:
    made, rows = network(), one_hot(all_rows(SIZES), SIZES)
    parts = made.logits(rows).split(SIZES, 1)
    for column, part in enumerate(parts):
        before = sum(SIZES[:column])
        for first, second in itertools.combinations(range(len(rows)), 2):
            if torch.equal(rows[first, :before], rows[second, :before]):
                torch.testing.assert_close(part[first], part[second])
            elif column:
                assert not torch.equal(part[first], part[second])


def test_masked_weights_do_not_count() -> None:
    made, rows = network(), one_hot(all_rows(SIZES), SIZES)
    before = made(rows)
    with torch.no_grad():
        for layer in (made.first, made.out):
            layer.weight.add_(100 * (1 - layer.mask))
    torch.testing.assert_close(made(rows), before)
    made.fold()
    torch.testing.assert_close(made(rows), before)
    assert not (made.out.weight * (1 - made.out.mask)).any()


def test_the_gradient_is_autograds() -> None:
    made, rows = network().double(), one_hot(all_rows(SIZES), SIZES).double()
    found = torch.autograd.grad(made(rows).sum(), list(made.parameters()))
    logits = made.logits(rows)
    logs = torch.cat([part.log_softmax(1) for part in logits.split(SIZES, 1)], 1)
    wanted = torch.autograd.grad((logs * rows).sum(), list(made.parameters()))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)


def test_scales_change_the_weights_and_not_the_distribution() -> None:
    made, rows = network(), one_hot(all_rows(SIZES), SIZES)
    before, weights = made(rows).detach(), made.out.masked.detach()
    made.precondition(rows)
    torch.testing.assert_close(made(rows), before)
    assert (made.out.masked - weights).abs().max() > 0.1
    made.fold()
    torch.testing.assert_close(made(rows), before)
    torch.testing.assert_close(made.out.masked, weights)

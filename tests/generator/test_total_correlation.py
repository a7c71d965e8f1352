"""Total correlation: exact where it can be enumerated, and on average where it is sampled."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from privgan.generator import sampling
from privgan.generator.one_hot import Layout, shares_of
from privgan.generator.sampling import total_correlation

CPU = torch.device("cpu")


def _counted_out(shares: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """The total correlation from the probability of every possible row."""
    parts = shares.split(sizes, 1)
    likely = torch.stack(
        [
            torch.stack([part[:, code] for part, code in zip(parts, row, strict=True)])
            .prod(0)
            .mean()
            for row in itertools.product(*map(range, sizes))
        ]
    )
    alone = torch.cat([part.mean(0) for part in parts])
    return (likely * likely.log()).sum() - (alone * alone.log()).sum()


@pytest.mark.parametrize("columns", [2, 5])
@pytest.mark.parametrize("entries", [2, 7])
def test_columns_that_all_say_which_entry_it_is(columns: int, entries: int) -> None:
    """Each of d columns is a copy of one with entropy log k.

    The total correlation is (d - 1) log k, whatever is drawn.
    """
    layout = Layout((entries,) * columns, CPU)
    shares = torch.eye(entries).repeat(1, columns)
    told = total_correlation(shares, layout, 10 * entries, np.random.default_rng(0))
    assert float(told) == pytest.approx((columns - 1) * math.log(entries), rel=1e-5)


@given(
    sizes=st.lists(st.integers(2, 5), min_size=1, max_size=6),
    entries=st.integers(1, 9),
    rows=st.integers(2, 50),
    seed=st.integers(0, 2**32),
)
def test_it_is_finite_and_so_is_its_gradient(
    sizes: list[int], entries: int, rows: int, seed: int
) -> None:
    """Also where probabilities are zero."""
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(
        rng.normal(0, 60, (entries, sum(sizes))).astype(np.float32)
    ).requires_grad_()
    layout = Layout(sizes, CPU)
    told = total_correlation(shares_of(logits, layout), layout, rows, rng)
    told.backward()
    assert torch.isfinite(told)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_value_and_gradient_are_right_on_average() -> None:
    """Over 3,000 draws of 60 rows, on a mixture of 4 entries.

    Wrong with probability below 2e-6 (29 bounds of 5.5 standard errors).
    """
    sizes, rng = (2, 3, 2), np.random.default_rng(3)
    layout, start = (
        Layout(sizes, CPU),
        torch.from_numpy(rng.normal(0, 1.5, (4, 7)).astype(np.float32)),
    )
    exact = start.clone().requires_grad_()
    wanted = _counted_out(shares_of(exact, layout), sizes)
    wanted.backward()
    assert exact.grad is not None
    values, slopes = [], []
    for _ in range(3_000):
        logits = start.clone().requires_grad_()
        told = total_correlation(shares_of(logits, layout), layout, 60, rng)
        told.backward()
        assert logits.grad is not None
        values.append(float(told.detach()))
        slopes.append(logits.grad.numpy())
    # Rows that are spread over the entries are not quite independent, which the baseline's mean
    # feels: by 1 in 60 at most.
    for found, right in (
        (np.array(values), float(wanted.detach())),
        (np.stack(slopes), exact.grad.numpy()),
    ):
        error = found.std(0) / math.sqrt(len(found))
        assert (np.abs(found.mean(0) - right) < 5.5 * error + np.abs(right) / 60).all()


def test_its_gradient_leads_to_columns_that_tell_nothing_of_each_other() -> None:
    """It is 0 where columns are independent, and nowhere less."""
    layout, rng = Layout((3, 3), CPU), np.random.default_rng(0)
    logits = (3 * torch.eye(3)).repeat(1, 2).requires_grad_()
    optimiser = torch.optim.Adam([logits], 0.05)
    before = float(_counted_out(shares_of(logits.detach(), layout), (3, 3)))
    for _ in range(400):
        optimiser.zero_grad()
        total_correlation(shares_of(logits, layout), layout, 200, rng).backward()
        optimiser.step()
    after = float(_counted_out(shares_of(logits.detach(), layout), (3, 3)))
    assert before > 0.1
    assert 0 <= after + 1e-6 < 0.005


def test_rows_of_many_columns_leave_no_number_near_the_smallest() -> None:
    """Such numbers make a product a hundred times as slow; the likelihood is what it was."""
    rng = np.random.default_rng(0)
    by_entry = torch.from_numpy(rng.uniform(-300, 0, (20, 500)).astype(np.float32))
    entry_of, likelihood = sampling._posterior(by_entry)
    assert float(entry_of.min()) > 1e-30
    assert torch.allclose(entry_of, by_entry.softmax(1), atol=1e-6)
    assert torch.allclose(likelihood, by_entry.logsumexp(1) - math.log(500))

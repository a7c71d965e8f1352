"""Columns side by side: against the same thing column by column with automatic gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from privgan.generator.one_hot import Layout, information, shares_of

SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=5)


def _layout(sizes: list[int]) -> Layout:
    return Layout(sizes, torch.device("cpu"))


def _logits(sizes: list[int], seed: int, rows: int = 7) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (3 * torch.randn(rows, sum(sizes), generator=generator)).double().requires_grad_()


@given(SIZES, st.integers(0, 999))
def test_each_column_is_a_softmax_of_its_own(sizes: list[int], seed: int) -> None:
    logits = _logits(sizes, seed)
    expected = torch.cat([part.softmax(1) for part in logits.split(sizes, 1)], 1)
    torch.testing.assert_close(shares_of(logits, _layout(sizes)), expected)


def test_logits_of_any_size_give_shares() -> None:
    """Columns of a row may differ widely, and a forbidden code may be far below the others."""
    logits = torch.tensor([[-500.0, -501.0, 400.0, 399.0, -1e4]])
    shares = shares_of(logits, _layout([2, 3]))
    first, second = torch.tensor([0.0, -1.0]).softmax(0), torch.tensor([0.0, -1.0, -1e4]).softmax(0)
    torch.testing.assert_close(shares[0], torch.cat([first, second]))


@settings(max_examples=20)
@given(SIZES, st.integers(0, 999))
def test_gradients_are_those_of_finite_differences(sizes: list[int], seed: int) -> None:
    layout = _layout(sizes)
    assert torch.autograd.gradcheck(lambda logits: shares_of(logits, layout), _logits(sizes, seed))
    assert torch.autograd.gradcheck(
        lambda logits: information(shares_of(logits, layout), layout), _logits(sizes, seed)
    )


def test_information_is_what_a_row_tells_of_the_columns() -> None:
    """Nothing where all rows agree.

    The entropy of the codes where each row has one (Cover and Thomas, chapter 2).
    """
    same = torch.tensor([[0.2, 0.3, 0.5]]).repeat(4, 1)
    assert information(same, _layout([3])).tolist() == pytest.approx([0], abs=1e-6)
    certain = (40 * torch.eye(3)).softmax(1)
    found = information(torch.cat([certain, certain], 1), _layout([3, 3]))
    assert found.tolist() == pytest.approx([np.log(3)] * 2, rel=1e-5)

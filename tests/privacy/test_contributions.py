"""Contributions are bounded by an even random pick, customer by customer."""

import tracemalloc

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from privgan.owner.private_table import bounded, numbered, rows_of_each
from privgan.privacy.randomness import SecretStream


@settings(max_examples=50)
@given(st.lists(st.integers(0, 12), max_size=60), st.integers(1, 5))
def test_each_customer_keeps_as_many_rows_as_allowed(customers: list[int], max_rows: int) -> None:
    numbers = np.array(customers, dtype=np.int64)
    kept = bounded(numbers, max_rows, SecretStream())
    for customer in set(customers):
        rows = numbers == customer
        assert (kept & rows).sum() == min(max_rows, rows.sum())


def test_every_row_of_a_customer_is_as_likely() -> None:
    """Fails by chance with a probability below 1e-7."""
    picks = np.array(
        [
            bounded(np.array([0, 1, 0, 0, 0, 1]), 2, SecretStream())[[0, 2, 3, 4]]
            for _ in range(2_000)
        ]
    )
    assert stats.chisquare(picks.sum(axis=0)).pvalue > 1e-8
    together = picks[:, 0] & picks[:, 1]
    assert stats.binomtest(int(together.sum()), len(picks), 1 / 6).pvalue > 1e-8


@settings(max_examples=50)
@given(st.lists(st.integers(0, 8), max_size=40), st.integers(1, 4), st.integers(1, 6))
def test_one_customer_more_moves_one_count_by_one(
    customers: list[int], max_rows: int, new: int
) -> None:
    numbers = np.array(customers, dtype=np.int64)
    more = np.append(numbers, np.full(min(new, max_rows), 99))
    counts = [
        rows_of_each(part[bounded(part, max_rows, SecretStream())], max_rows)
        for part in (numbers, more)
    ]
    assert np.abs(counts[1] - counts[0]).sum() == 1


def test_customers_are_numbered_by_the_text_of_their_names() -> None:
    assert numbered(["b", "a", "b", 7, "7"]).tolist() == [2, 1, 2, 0, 0]


def test_names_that_differ_are_different_customers() -> None:
    """Two customers in one would move counts by the rows of both."""
    assert numbered(["a", "a\0", "b", "a", " a"]).tolist() == [1, 2, 3, 1, 0]


def test_one_long_name_costs_its_own_length_only() -> None:
    tracemalloc.start()
    numbered(["x" * 1_000_000, *map(str, range(1_000))])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000

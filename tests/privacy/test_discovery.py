"""Category discovery: its own δ covers all values that one unit alone holds.

Tests on real coins fail by chance below 1e-6.
"""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

from privgan.privacy import accountant
from privgan.privacy.events import Discovery, DiscreteGaussian
from privgan.privacy.mechanisms import CategoryDiscovery
from privgan.privacy.randomness import SecretStream

CUSTOMERS = 4_000


def _splits(rows: int, most: int | None = None) -> Iterator[tuple[int, ...]]:
    """All ways of sharing at most so many rows among values, largest first."""
    yield ()
    for first in range(1, min(rows, most or rows) + 1):
        for rest in _splits(rows - first, first):
            yield (first, *rest)


def _tail(sigma: float, x: int) -> float:
    """P(discrete Gaussian ≥ x), by the definition."""
    reach = range(-int(40 * sigma) - 50, int(40 * sigma) + 51)
    weights = {z: math.exp(-(z**2) / (2 * sigma**2)) for z in reach}
    return math.fsum(weight for z, weight in weights.items() if z >= x) / math.fsum(
        weights.values()
    )


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("sigma", [0.4, 3.0, 11.0])
@pytest.mark.parametrize("delta", [1e-9, 1e-6, 0.05, 0.2, 0.7])
def test_the_threshold_is_the_least_that_holds_for_every_split_of_a_units_rows(
    rows: int, sigma: float, delta: float
) -> None:
    mechanism = CategoryDiscovery(standard_deviation=sigma, max_rows=rows, delta=delta)
    tails = {x: _tail(sigma, x) for x in range(mechanism.threshold - rows - 1, mechanism.threshold)}

    def worst(threshold: int) -> float:
        return max(
            math.fsum(tails[threshold - count] for count in split) for split in _splits(rows)
        )

    assert mechanism.own_probability(mechanism.threshold) == pytest.approx(
        worst(mechanism.threshold), rel=1e-9
    )
    assert worst(mechanism.threshold) <= delta
    if mechanism.threshold > rows + 1:
        assert worst(mechanism.threshold - 1) > delta


@pytest.mark.parametrize("delta", [0.05, 0.2])
@pytest.mark.parametrize("split", [(1,), (3,), (2, 1), (1, 1, 1)])
def test_what_one_customer_alone_holds_appears_with_probability_at_most_delta(
    split: tuple[int, ...], delta: float
) -> None:
    """Each customer holds values of its own.

    The noise on each is independent, so one release is one trial a customer.
    """
    mechanism = CategoryDiscovery(
        standard_deviation=4.0 * sum(split), max_rows=sum(split), delta=delta
    )
    counts = {
        f"{customer}:{i}": count for customer in range(CUSTOMERS) for i, count in enumerate(split)
    }
    exposed = len({value.split(":")[0] for value in mechanism.release(counts, SecretStream())})
    assert exposed <= stats.binom.isf(1e-7, CUSTOMERS, delta)
    if split == (1,):
        assert (
            stats.binomtest(
                exposed, CUSTOMERS, mechanism.own_probability(mechanism.threshold)
            ).pvalue
            > 1e-7
        )


def test_a_threshold_made_for_one_row_a_unit_would_not_do_for_three() -> None:
    """What the test above can see."""
    mechanism = CategoryDiscovery(standard_deviation=4.0, max_rows=1, delta=0.05)
    counts = {f"{customer}": 3 for customer in range(CUSTOMERS)}
    assert len(mechanism.release(counts, SecretStream())) > stats.binom.isf(1e-7, CUSTOMERS, 0.05)


def test_frequent_values_are_found_and_come_out_sorted() -> None:
    mechanism = CategoryDiscovery(standard_deviation=5.0, max_rows=2, delta=1e-8)
    counts = {"b": 400, "a": 900, "rare": 1, "c": 300}
    assert mechanism.release(counts, SecretStream()) == ("a", "b", "c")
    assert mechanism.release({}, SecretStream()) == ()


def test_the_event_is_charged_with_its_delta() -> None:
    mechanism = CategoryDiscovery(standard_deviation=9.0, max_rows=3, delta=1e-7)
    assert mechanism.event == Discovery(9.0, 3, 1e-7)
    with_own = accountant.spent([mechanism.event], 1e-6)
    assert with_own.discovery_delta == 1e-7
    assert with_own.epsilon > accountant.spent([DiscreteGaussian(9.0, 3)], 1e-6).epsilon


@pytest.mark.parametrize("delta", [0.0, 1.0, -1e-9, math.nan])
def test_a_delta_that_means_nothing_is_refused(delta: float) -> None:
    with pytest.raises(ValueError, match="delta of a discovery"):
        CategoryDiscovery(standard_deviation=1.0, max_rows=1, delta=delta)


def test_noise_falls_on_every_occurring_value() -> None:
    """The counts at the threshold pass half the time, each by its own coin."""
    mechanism = CategoryDiscovery(standard_deviation=6.0, max_rows=1, delta=1e-6)
    found = len(
        mechanism.release({str(i): mechanism.threshold for i in range(CUSTOMERS)}, SecretStream())
    )
    passes = 0.5 + 0.5 * _tail(6.0, 0) - 0.5 * _tail(6.0, 1)
    assert stats.binomtest(found, CUSTOMERS, passes).pvalue > 1e-7
    assert np.isclose(passes, _tail(6.0, 0))

"""Expect future purchases by the BG/NBD model, with the library lifetimes.

The model is of Fader, Hardie and Lee 2005, "Counting your customers" the easy way. It is for the
audit alone: the same model looks at real and at synthetic customers, and both answers are compared.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.histories.histories import Histories

# Of the logarithms of the parameters: where all customers are alike, a and b have no upper end.
_BOUNDS = ((-5.0, 5.0),) * 4
_TOLERANCE = 1e-9
MISSING = "needs the library lifetimes: pip install 'privgan[customers]'"


def installed() -> bool:
    """Whether the library is there."""
    return importlib.util.find_spec("lifetimes") is not None


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Parameters of the model.

    Attributes:
        r: Shape of the purchase rates.
        alpha: Their scale, in days or numbers.
        a: First shape of the chances to drop out after a purchase.
        b: Second shape of these chances.
    """

    r: float
    alpha: float
    a: float
    b: float

    def forecast(self, summary: NDArray[np.float64], time: float) -> NDArray[np.float64]:
        """Purchases expected of each customer in a time ahead (eq. 10) [customers].

        With Euler's transformation of its hypergeometric function (Abramowitz and Stegun 1964,
        15.3.3), which then neither overflows nor needs the logarithm of a negative number.

        Args:
            summary: As of :func:`purchase_summary` [customers, 3].
            time: Length of the time ahead.
        """
        from scipy.special import hyp2f1

        count, recency, age = summary.T
        a, b, r, until = self.a, self.b, self.r, self.alpha + age
        z, c = time / (until + time), a + b + count - 1.0
        lost = (1.0 - z) ** (a - 1.0) * hyp2f1(a + b - 1.0 - r, a - 1.0, c, z)
        with np.errstate(over="ignore"):
            odds = (until / (self.alpha + recency)) ** (r + count)
        gone = np.where(count > 0, a / (b + np.maximum(count, 1.0) - 1.0) * odds, 0.0)
        return np.asarray(c / (a - 1.0) * (1.0 - lost) / (1.0 + gone))


def purchase_summary(histories: Histories, end: float) -> NDArray[np.float64]:
    """What the model needs of each customer [customers, 3], in whole days or numbers.

    Args:
        histories: The customers.
        end: The end of the time that was watched; a later event extends it for its customer.

    Returns:
        Repeat purchases on other days than the first, time from the first to the last purchase,
        and time from the first purchase to the end.
    """
    first, last = np.floor(histories.first), np.floor(histories.last)
    watched = np.maximum(math.floor(end), last) - first
    return np.column_stack([histories.occasions - 1.0, last - first, watched])


def bg_nbd(summary: NDArray[np.float64]) -> Parameters | None:
    """Parameters of the model by maximum likelihood (eq. 6); None if the fit does not converge.

    Args:
        summary: As of :func:`purchase_summary`.
    """
    with _silence():
        from lifetimes import BetaGeoFitter
        from lifetimes.utils import ConvergenceError

        lines, weights = np.unique(summary, axis=0, return_counts=True)
        model = BetaGeoFitter()
        try:
            model.fit(*lines.T, weights=weights.astype(float), tol=_TOLERANCE, bounds=_BOUNDS)
        except ConvergenceError:
            return None
        except np.linalg.LinAlgError:
            pass  # The parameters stand; only their standard errors do not.
    return Parameters(**{name: float(value) for name, value in model.params_.items()})


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Silence stdout and warnings: the library prints what did not converge.

    One thread: the optimiser's matrices are small.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with (
        threadpool_limits(1),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


def expected_purchases(histories: Histories, end: float, time: float) -> float:
    """Mean number of purchases that the model expects of a customer in a time after the end.

    Args:
        histories: The customers; the model is fitted to them.
        end: The end of the time that was watched.
        time: Length of the time ahead.

    Returns:
        The mean; NaN if there is no repeat purchase, no time, or no fit.
    """
    summary = purchase_summary(histories, end)
    if not summary[:, 0].any() or time <= 0:
        return math.nan
    found = bg_nbd(summary)
    return math.nan if found is None else float(found.forecast(summary, time).mean())

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
from functools import partial

import numpy as np
from numpy.typing import NDArray

from privgan.audit.histories.histories import Histories

# Of the logarithms of the parameters: without drop-outs they have no upper end.
_BOUNDS = ((-7.0, 7.0),) * 4
_TOLERANCE = 1e-11
MISSING = "needs the library lifetimes: pip install 'privgan[customers]'"


def installed() -> bool:
    """Whether the library is there."""
    return importlib.util.find_spec("lifetimes") is not None


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


def bg_nbd(summary: NDArray[np.float64]) -> tuple[dict[str, float], partial[NDArray]] | None:
    """Fit the model by maximum likelihood (eq. 6), and forecast by it (eq. 10).

    Args:
        summary: As of :func:`purchase_summary`.

    Returns:
        Its parameters r, alpha, a and b, and the function from a time to the expected purchases of
        each customer in that time [customers]. None if the fit does not converge.
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
    forecast = model.conditional_expected_number_of_purchases_up_to_time
    return model.params_.to_dict(), partial(_expected, forecast, summary)


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


def _expected(forecast: object, summary: NDArray[np.float64], time: float) -> NDArray[np.float64]:
    assert callable(forecast)
    with np.errstate(all="ignore"):
        return np.asarray(forecast(time, *summary.T), dtype=float)


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
    return math.nan if found is None else float(found[1](time).mean())

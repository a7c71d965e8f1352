"""Learn from noisy counts how a rare outcome depends on the other columns.

Given the outcome, a row's probability is tilted: P(x | positive) ∝ P(x) · exp(Σ s_j(x_j)), with a
curve s_j for each column. Of all distributions with the same 1-way marginals among the positives,
this is the nearest to P(x): the dependence among the columns is that of all rows, of which there
are many. So columns that tell the same are not counted twice, as naive Bayes would.

The curves are the most likely ones, given the noisy counts of positives by code, under a Gaussian
process as prior (Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, sections
3.4 and 5.2). How strong and how smooth a column's curve is, its own evidence decides: the prior is
a mean over candidates, weighted by how well each explains the column's counts. A column of noise
alone gets next to no curve.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

# Candidates of a prior: standard deviation of a curve, and its length in shares of all rows; a
# length of 0 is for codes in any order.
_DEVIATIONS = (0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5, 4.0)
_LENGTHS = (0.0, 0.1, 0.3, 1.0)
# A ratio may be larger than any curve is drawn: it is the ratio that evidence is reckoned of.
_STRONGEST = 1.5
_STEPS = 80
_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class Counts:
    """Noisy counts of positives by code of one column.

    Attributes:
        positives: Noisy count of positives of each code [codes]; may be negative.
        shares: Share of each code among all rows [codes]; above 0, summing to 1.
        noise: Standard deviation of each count, in rows.
        ordered: Whether neighbouring codes are alike.
    """

    positives: np.ndarray
    shares: np.ndarray
    noise: float
    ordered: bool


def curves_of(codes: np.ndarray, columns: Sequence[Counts], total: float) -> list[np.ndarray]:
    """The curve s_j of each column [codes], by the most likely tilt.

    Args:
        codes: Rows drawn from P(x), as codes [rows, columns].
        columns: What is known of each column.
        total: The noisy number of positives, above 0.
    """
    from scipy.optimize import minimize

    roots = [_root(_prior(column, total)) for column in columns]
    fit = _Fit(codes, columns, roots, total)
    found = minimize(
        fit, np.zeros(fit.free), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}
    )
    return fit.curves(found.x)


def scores(curves: Sequence[np.ndarray], codes: np.ndarray) -> np.ndarray:
    """The sum of all curves [rows] at codes [rows, columns]."""
    return np.asarray(sum(curve[codes[:, place]] for place, curve in enumerate(curves)))


def _prior(column: Counts, total: float) -> np.ndarray:
    """Covariance of a column's curve [codes, codes]: a mean of candidates by their evidence.

    Evidence is that of the ratio P(code | positive) / P(code), whose deviation from 1 is taken for
    the curve. Counts have the noise of their mechanism, and that of the draw of the positives.
    """
    expected = total * column.shares
    surplus = column.positives - expected
    own = np.diag(column.noise**2 + expected)
    logs, candidates = [], []
    for shape in _shapes(column):
        for deviation in _DEVIATIONS:
            ratios = deviation**2 * shape
            lower = np.linalg.cholesky(own + expected[:, None] * ratios * expected)
            parts = np.linalg.solve(lower, surplus)
            logs.append(-0.5 * parts @ parts - np.log(np.diag(lower)).sum())
            candidates.append(min(deviation, _STRONGEST) ** 2 * shape)
    weights = np.exp(np.array(logs) - max(logs))
    return np.asarray(np.tensordot(weights / weights.sum(), np.array(candidates), 1))


def _shapes(column: Counts) -> Iterator[np.ndarray]:
    """Correlations of curves [codes, codes] whose mean over all rows is 0."""
    middles = np.cumsum(column.shares) - column.shares / 2
    apart = np.abs(middles[:, None] - middles)
    centred = np.eye(len(middles)) - column.shares
    for length in _LENGTHS if column.ordered else _LENGTHS[:1]:
        shape = np.exp(-apart / length) if length else np.eye(len(middles))
        yield centred @ shape @ centred.T


def _root(covariance: np.ndarray) -> np.ndarray:
    """A matrix [codes, codes] whose product with its transpose is a covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, _TINY)))


class _Fit:
    """Negative logarithm of the posterior, and its gradient, in parts with standard normal prior.

    Args:
        codes: Rows drawn from P(x), as codes [rows, columns].
        columns: What is known of each column.
        roots: The root of each curve's covariance.
        total: The noisy number of positives.
    """

    def __init__(
        self,
        codes: np.ndarray,
        columns: Sequence[Counts],
        roots: Sequence[np.ndarray],
        total: float,
    ) -> None:
        self._codes, self._roots, self._total = codes, roots, total
        self._ends = np.cumsum([len(root) for root in roots])
        self._wanted = [column.positives for column in columns]
        self._precisions = [1 / (column.noise**2 + total * column.shares) for column in columns]

    @property
    def free(self) -> int:
        """The number of parts of all columns."""
        return int(self._ends[-1])

    def curves(self, parts: np.ndarray) -> list[np.ndarray]:
        """The curve of each column."""
        own = np.split(parts, self._ends[:-1])
        return [root @ part for root, part in zip(self._roots, own, strict=True)]

    def __call__(self, parts: np.ndarray) -> tuple[float, np.ndarray]:
        """The function and its gradient [parts]."""
        tilt = scores(self.curves(parts), self._codes)
        weights = np.exp(tilt - tilt.max())
        weights /= weights.sum()
        value, pull, margins = 0.5 * float(parts @ parts), np.zeros(len(tilt)), []
        for place, (wanted, precision) in enumerate(
            zip(self._wanted, self._precisions, strict=True)
        ):
            own = self._codes[:, place]
            margin = np.bincount(own, weights, minlength=len(wanted))
            missed = precision * (self._total * margin - wanted)
            value += 0.5 * float(missed @ (self._total * margin - wanted))
            pull += self._total * missed[own]
            margins.append(margin)
        # Of a softmax: what weighs on a row, less the mean of it.
        flow = weights * (pull - weights @ pull)
        slopes = [
            root.T @ np.bincount(self._codes[:, place], flow, minlength=len(root))
            for place, root in enumerate(self._roots)
        ]
        return value, parts + np.concatenate(slopes)

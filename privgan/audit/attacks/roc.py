"""Compute error rates, ROC curves and record risks of a membership score.

Every threshold is fixed by non-members alone, or on another half of the customers. No threshold
depends on the mix of members and non-members.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.intervals import CONFIDENCE, clopper_pearson, difference_interval
from privgan.files.json_types import JsonDict

GRID = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
GROUPS = 20


@dataclass(frozen=True)
class Rates:
    """Counts of true and false positives, with the numbers of members and non-members.

    Attributes:
        hits: Members guessed to be members.
        members: All members.
        alarms: Non-members guessed to be members.
        others: All non-members.
    """

    hits: int
    members: int
    alarms: int
    others: int

    @property
    def true_positive_rate(self) -> float:
        """Share of members found."""
        return self.hits / self.members

    @property
    def false_positive_rate(self) -> float:
        """Share of non-members called members."""
        return self.alarms / self.others

    @property
    def advantage(self) -> float:
        """True-positive rate minus false-positive rate."""
        return self.true_positive_rate - self.false_positive_rate

    def advantage_interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Interval of the advantage: Clopper-Pearson limits of both rates (Bonferroni)."""
        return difference_interval(
            (self.hits, self.members), (self.alarms, self.others), confidence
        )

    def posterior(self) -> float:
        """Chance that somebody called a member is one, at equal numbers of both."""
        both = self.true_positive_rate + self.false_positive_rate
        return self.true_positive_rate / both if both else 0.5

    def posterior_interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Interval of the posterior, from Clopper-Pearson limits of both rates (Bonferroni)."""
        each = 1.0 - (1.0 - confidence) / 2.0
        low, high = clopper_pearson(self.hits, self.members, each)
        alarm_low, alarm_high = clopper_pearson(self.alarms, self.others, each)
        return low / max(1e-300, low + alarm_high), high / max(1e-300, high + alarm_low)


def counted(is_member: NDArray[np.bool_], guess: NDArray[np.bool_]) -> Rates:
    """Error rates of given guesses."""
    hits, alarms = int((guess & is_member).sum()), int((guess & ~is_member).sum())
    return Rates(hits, int(is_member.sum()), alarms, int((~is_member).sum()))


def rates_at(
    is_member: NDArray[np.bool_], scores: NDArray[np.float64], false_positive_rate: float
) -> Rates:
    """Rates at the lowest threshold with at most a given share of non-members above it."""
    others = np.sort(scores[~is_member])[::-1]
    return counted(is_member, scores > others[int(false_positive_rate * len(others))])


def best_threshold(is_member: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Score with the largest advantage if "in" is said from it upwards."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.diff(scores[order]) != 0, True)
    rates = (
        np.cumsum(is_member[order]) / is_member.sum()
        - np.cumsum(~is_member[order]) / (~is_member).sum()
    )
    return float(scores[order][ends][np.argmax(rates[ends])])


def halves_hold_both(is_member: NDArray[np.bool_], first: NDArray[np.bool_]) -> bool:
    """Whether both halves hold members and non-members."""
    return all(0 < is_member[half].sum() < half.sum() for half in (first, ~first))


def rates_of_half(
    is_member: NDArray[np.bool_], scores: NDArray[np.float64], first: NDArray[np.bool_]
) -> Rates:
    """Rates on the second half of the customers at the best threshold of the first."""
    threshold = best_threshold(is_member[first], scores[first])
    return counted(is_member[~first], scores[~first] >= threshold)


def rates_of_most_exposed(
    is_member: NDArray[np.bool_], scores: NDArray[np.float64], first: NDArray[np.bool_]
) -> Rates:
    """Rates of saying "in" for the most exposed of 20 groups of like scores.

    The group is chosen on the first half of the customers and judged on the second.
    """
    edges = np.unique(np.quantile(scores[first], np.linspace(0, 1, GROUPS + 1)[1:-1]))
    group = np.searchsorted(edges, scores, side="left")
    posteriors = [
        # Add one member and one non-member to each group, so that no empty group is the worst.
        _shrunk(counted(is_member[first], group[first] == one))
        for one in range(len(edges) + 1)
    ]
    return counted(is_member[~first], group[~first] == int(np.argmax(posteriors)))


def _shrunk(rates: Rates) -> float:
    return Rates(rates.hits + 1, rates.members + 1, rates.alarms + 1, rates.others + 1).posterior()


def roc_points(is_member: NDArray[np.bool_], scores: NDArray[np.float64]) -> dict[str, list[float]]:
    """ROC curve on a fixed grid of false-positive rates.

    Between thresholds the curve is a straight line: ties are broken by chance.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.diff(scores[order]) != 0, True)
    hits = np.append(0.0, np.cumsum(is_member[order])[ends] / is_member.sum())
    alarms = np.append(0.0, np.cumsum(~is_member[order])[ends] / (~is_member).sum())
    # At one false-positive rate the curve may rise: its upper end is what the attack reaches.
    last = np.append(np.diff(alarms) > 0, True)
    found = np.interp(GRID, alarms[last], hits[last])
    return {"fpr": list(GRID), "tpr": [round(float(value), 6) for value in found]}


def rates_json(rates: Rates) -> JsonDict:
    """Rates with exact intervals, as JSON values."""
    low, high = clopper_pearson(rates.hits, rates.members)
    alarm_low, alarm_high = clopper_pearson(rates.alarms, rates.others)
    return {
        "value": rates.true_positive_rate,
        "low": low,
        "high": high,
        "false_positive_rate": {
            "value": rates.false_positive_rate,
            "low": alarm_low,
            "high": alarm_high,
        },
    }

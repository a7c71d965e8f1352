"""Run a white-box self-test of DP-SGD.

The attacker sees every noisy gradient and plants gradients of his own. The one-run bound decides,
as in the audit.

Each canary is also a membership game of its own: its coordinate of the noisy gradients depends on
its own coin, batches and noise alone. So exact limits of the error rates bound ε too
(Clopper-Pearson). One training run does not allow this otherwise. These bounds are diagnostics.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.attacks.roc import best_threshold
from privgan.audit.lower_bounds.bounds import (
    OneRunBound,
    clopper_pearson_bound,
    largest_one_run_bound,
    one_run_search,
)
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.lower_bounds.fdp import gdp_bound, gdp_mu
from privgan.audit.report import Verdict, verdict_of
from privgan.files.json_types import JsonDict
from privgan.metric import Metric

FORMAT = "privgan.twin/1"
# Coins are secret and never repeat: an honest trainer is refuted in at most one of a hundred
# self-tests.
SIGNIFICANCE = 0.01
BOUND, LARGEST = "audit.twin.epsilon_lower_bound", "audit.twin.epsilon_lb_max"
RATES, GDP = "audit.twin.epsilon_lb_clopper_pearson", "audit.twin.epsilon_lb_gdp"
_THRESHOLDS = 200
_SEEN = "log likelihood ratio of the noisy gradients in the canary's own coordinate"


class GradientAttack:
    """Attack scores: log likelihood ratio of "in" against "out", summed over the steps.

    Args:
        canaries: The number of canaries.
        sample_rate: Probability of each customer to be in a batch, as planned.
        noise_multiplier: Standard deviation of the noise in clip norms, as planned.

    Attributes:
        scores: One score per canary [canaries] so far.
        steps: Noisy steps seen so far.
    """

    def __init__(self, canaries: int, *, sample_rate: float, noise_multiplier: float) -> None:
        self.scores, self.steps = np.zeros(canaries), 0
        self._rate, self._noise = sample_rate, noise_multiplier

    def see(self, noisy: NDArray[np.float64]) -> None:
        """Take one step's noisy gradient [canaries], in clip norms.

        About 1 for a canary in the batch, 0 for another one.
        """
        self.steps += 1
        slopes = (2.0 * noisy - 1.0) / (2.0 * self._noise**2)
        with np.errstate(divide="ignore"):
            self.scores += np.logaddexp(np.log1p(-self._rate), np.log(self._rate) + slopes)


@dataclass(frozen=True, kw_only=True)
class TwinReport:
    """Figures and verdict of the self-test. INTERNAL.

    Attributes:
        metrics: All figures; the first decides.
        verdict: The verdict on the claimed ε of DP-SGD.
        epsilon: The ε that the accountant claims for DP-SGD, which is what the canaries are in.
        delta: The δ of the claim.
        canaries: All canaries.
        steps: Noisy steps that were seen.
        format: Name and version of the report's format.
    """

    metrics: tuple[Metric, ...]
    verdict: Verdict
    epsilon: float
    delta: float
    canaries: int
    steps: int
    format: str = FORMAT

    def metric(self, name: str) -> Metric:
        """The metric of a given name; KeyError if there is none."""
        return {metric.name: metric for metric in self.metrics}[name]

    def to_json(self) -> JsonDict:
        """The report as JSON values; ``privgan/formats/twin.schema.json`` describes them."""
        return {
            "format": self.format,
            "verdict": str(self.verdict),
            "claim": {"epsilon": self.epsilon, "delta": self.delta},
            "canaries": self.canaries,
            "steps": self.steps,
            "metrics": [metric.to_json() for metric in self.metrics],
        }


def judge_game(
    scores: NDArray[np.float64], inside: NDArray[np.bool_], claim: Claim, steps: int
) -> TwinReport:
    """Verdict on a claim from the scores of independent canaries.

    Args:
        scores: One score per canary [canaries]; higher means more likely in.
        inside: Each canary's fair coin [canaries].
        claim: The accountant's claim for the steps that were seen.
        steps: Number of these steps.
    """
    found = one_run_search(scores, inside, claim.delta, SIGNIFICANCE)
    largest = largest_one_run_bound(len(scores), claim.delta, SIGNIFICANCE)
    return TwinReport(
        metrics=(
            _deciding(found, claim),
            _largest(largest, len(scores)),
            *_from_error_rates(scores, inside, claim),
        ),
        verdict=verdict_of(found.epsilon, largest, claim.epsilon),
        epsilon=claim.epsilon,
        delta=claim.delta,
        canaries=len(scores),
        steps=steps,
    )


def _deciding(found: OneRunBound, claim: Claim) -> Metric:
    return Metric(
        name=BOUND,
        value=found.epsilon,
        low=found.epsilon,
        n=found.canaries,
        method=f"{_SEEN}; one-run bound over a fixed two-sided grid of guess numbers, Bonferroni",
        details={
            "guesses": found.guesses,
            "correct": found.correct,
            "grid": list(found.grid),
            "delta": claim.delta,
        },
        **_judged(claim),
    )


def _judged(claim: Claim) -> JsonDict:
    return {"confidence": 1.0 - SIGNIFICANCE, "baseline": 0.0, "ceiling": claim.epsilon}


def _largest(largest: float, canaries: int) -> Metric:
    return Metric(
        name=LARGEST,
        value=largest,
        confidence=1.0 - SIGNIFICANCE,
        n=canaries,
        method=(
            "the same bound if every guess were right: what this self-test could have seen at most"
        ),
    )


def _from_error_rates(
    scores: NDArray[np.float64], inside: NDArray[np.bool_], claim: Claim
) -> tuple[Metric, ...]:
    """Bound from error rates of one half, at a threshold fixed on every other canary."""
    tried = np.arange(len(scores)) % 2 == 0
    first, rest = (scores[tried], inside[tried]), (scores[~tried], inside[~tried])
    exact = _counts(*rest, _threshold(*first, claim.delta))
    balanced = _counts(*rest, best_threshold(first[1], first[0]))
    bound = clopper_pearson_bound(*exact, claim.delta, SIGNIFICANCE)
    gaussian = gdp_bound(*balanced, claim.delta, SIGNIFICANCE)
    assumed = {"mu": gdp_mu(*balanced, SIGNIFICANCE), "model_assumed": True}
    return (
        Metric(
            name=RATES,
            value=bound,
            low=bound,
            n=len(rest[0]),
            method=(
                f"{_SEEN}; threshold fixed on the other half of the canaries; Clopper-Pearson"
                " limits of both error rates; shown only"
            ),
            details=_told(exact, claim),
            **_judged(claim),
        ),
        Metric(
            name=GDP,
            value=gaussian,
            low=gaussian,
            n=len(rest[0]),
            method=(
                "Gaussian mechanism with such limits of both error rates; model-assumed, shown only"
            ),
            details=_told(balanced, claim) | assumed,
            **_judged(claim),
        ),
    )


def _threshold(scores: NDArray[np.float64], inside: NDArray[np.bool_], delta: float) -> float:
    """Threshold with the highest bound on these canaries; it is used on others."""
    candidates = np.unique(
        np.quantile(scores, np.linspace(0.0, 1.0, _THRESHOLDS), method="inverted_cdf")
    )
    bounds = [
        clopper_pearson_bound(*_counts(scores, inside, each), delta, SIGNIFICANCE)
        for each in candidates
    ]
    return (
        float(candidates[int(np.argmax(bounds))])
        if max(bounds) > 0.0
        else best_threshold(inside, scores)
    )


def _counts(
    scores: NDArray[np.float64], inside: NDArray[np.bool_], threshold: float
) -> tuple[int, int, int, int]:
    """Missed members, false alarms, members and non-members.

    "in" is said from the threshold upwards.
    """
    said = scores >= threshold
    return (
        int((inside & ~said).sum()),
        int((~inside & said).sum()),
        int(inside.sum()),
        int((~inside).sum()),
    )


def _told(counts: tuple[int, int, int, int], claim: Claim) -> JsonDict:
    names = ("false_negatives", "false_positives", "members", "non_members")
    return dict(zip(names, counts, strict=True)) | {"delta": claim.delta}

"""Run white-box membership attacks on the released model and its critic; diagnostics.

Scores are the model's likelihood of a canary and the critic's output for it. They are given row by
row. A coin can enter them only through the fit.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from privgan.audit.attacks.diagnostics import Attack, area_metrics
from privgan.audit.attacks.membership import Canaries
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.randomness import stream
from privgan.metric import Metric, none_run

LIKELIHOOD = Attack(
    "attack.membership.likelihood_auc",
    "log-likelihood of the row's codes under the released model, which is known exactly; of"
    " histories that of all rows of the customer, each event given the one before",
)
CRITIC = Attack(
    "attack.membership.critic_auc",
    "the critic's own score of the row, averaged over the conditions that it may have come with;"
    " of a GAN's critic its log-likelihood",
)
ATTACKS: Mapping[str, Attack] = {"likelihood": LIKELIHOOD, "critic": CRITIC}
NO_MODEL = "needs the fitted model: audit a candidate"
NO_CRITIC = "the run had no critic"


def white_box_metrics(
    canaries: Canaries | None,
    scores: Mapping[str, NDArray[np.float64]],
    obstacle: str,
    claim: Claim | None,
    seed: int,
) -> tuple[Metric, ...]:
    """Area of each possible attack beside its ceiling; the others as NOT_RUN.

    Args:
        canaries: The canaries, or None.
        scores: By attack a score for each of the canaries' rows, in their order [rows]; high for
            what looks like a member.
        obstacle: The reason why no attack can run; empty if one can.
        claim: The claimed guarantee, or None.
        seed: Draws the halves of the advantage.
    """
    if canaries is None or obstacle or not scores:
        return _not_run(tuple(ATTACKS.values()), obstacle or NO_MODEL)
    first = canaries.folds(2, stream(seed, "attack.membership: white-box halves")) == 0
    # Rounded: the last bits of a sum may differ between equal rows and would reveal their order.
    found = {
        ATTACKS[key]: np.round(canaries.mean_by_customer(part), 6) for key, part in scores.items()
    }
    return (
        *area_metrics(canaries, found, first, claim),
        *_not_run(tuple(set(ATTACKS.values()) - set(found)), NO_CRITIC),
    )


def _not_run(attacks: tuple[Attack, ...], reason: str) -> tuple[Metric, ...]:
    return none_run((attack.name for attack in attacks), reason)

"""What an audit says about a claimed ε: one rule for every audit."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What the audit says about the claimed (ε, δ)."""

    REFUTED = "REFUTED"
    NOT_REFUTED = "NOT_REFUTED"
    INCONCLUSIVE = "INCONCLUSIVE"


def verdict_of(bound: float | None, largest: float | None, claimed: float | None) -> Verdict:
    """The verdict of the one bound that decides.

    Args:
        bound: The lower bound on ε; None where there is none.
        largest: What the bound would have been had every guess been right; None where there is none.
        claimed: The claimed ε; None where nothing is claimed.

    Returns:
        REFUTED where the bound exceeds the claim; else NOT_REFUTED where it could have; else INCONCLUSIVE.
    """
    if bound is None or largest is None or claimed is None:
        return Verdict.INCONCLUSIVE
    if bound > claimed:
        return Verdict.REFUTED
    return Verdict.NOT_REFUTED if largest > claimed else Verdict.INCONCLUSIVE

"""The budget that is asked for: as ε, or as the attack risk that is accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from privgan.api.inputs import number
from privgan.errors import UsageError
from privgan.files.documents import shown
from privgan.naming import parameter
from privgan.planning.plan import Plan
from privgan.planning.risk import MaxAdvantage, MaxTruePositiveRate, RiskLimit, budget_for
from privgan.privacy.budget import DEFAULT_DELTA, PrivacyBudget

Rates = str | tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class AskedBudget:
    """What somebody asks for: exactly one of three figures, and δ.

    Attributes:
        epsilon: ε.
        max_attack_advantage: In place of ε: the largest true- minus false-positive rate of any
            membership attack.
        max_tpr: In place of ε: the largest true-positive rate at a false-positive rate, as
            ``"0.05@0.01"`` or a pair.
        delta: δ.
    """

    epsilon: float | None
    max_attack_advantage: float | None
    max_tpr: Rates | None
    delta: float | None

    def budget(self, make_plan: Callable[[PrivacyBudget], Plan]) -> PrivacyBudget:
        """The (ε, δ) that it means; a risk is turned into ε by the plan's own trade-off curve.

        Raises:
            UsageError: when none or several are given, or one means nothing.
        """
        ways = ("epsilon", "max_attack_advantage", "max_tpr")
        given = [way for way in ways if getattr(self, way) is not None]
        if len(given) != 1:
            told = f"{' and '.join(map(parameter, given))} are given" if given else "none is given"
            raise UsageError(f"{told}; give exactly one of {', '.join(map(parameter, ways))}")
        delta = DEFAULT_DELTA if self.delta is None else number("delta", self.delta)
        if self.epsilon is not None:
            return PrivacyBudget(epsilon=number("epsilon", self.epsilon), delta=delta)
        PrivacyBudget(epsilon=1.0, delta=delta)  # Refuses a δ that means nothing.
        return budget_for(self._limit(), make_plan, delta=delta).budget

    def _limit(self) -> RiskLimit:
        if self.max_attack_advantage is not None:
            return MaxAdvantage(number("max_attack_advantage", self.max_attack_advantage))
        rates = self.max_tpr or ""
        try:
            found, alarms = rates.split("@") if isinstance(rates, str) else rates
            return MaxTruePositiveRate(float(found), float(alarms))
        except (TypeError, ValueError):
            told = "it must be a true-positive rate at a false-positive rate, e.g. 0.05@0.01"
            raise UsageError(f"{parameter('max_tpr')} is {shown(rates)}; {told}") from None

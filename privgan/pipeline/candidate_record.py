"""Define a fit's record: the facts of ``candidate.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from privgan.json_object import JsonObject
from privgan.planning.accounted_step import AccountedStep
from privgan.privacy.guarantee import CanaryFacts, Guarantee

FORMAT = "privgan.candidate/1"
UNUSED = "unused"


@dataclass(frozen=True, kw_only=True)
class PlanCost:
    """The cost of all steps of a plan together, its stages added.

    Attributes:
        epsilon_pld: ε by privacy loss distributions.
        epsilon_rdp: ε by Rényi divergences.
    """

    epsilon_pld: float
    epsilon_rdp: float


@dataclass(frozen=True, kw_only=True)
class CandidateRecord:
    """The record of a fit; every figure in it is public, noisy or of the process.

    Attributes:
        dataset: The data set's name.
        run: The run's identity in the ledger.
        rows: Rows of the synthetic table.
        guarantee: What the run claims.
        plan: The plan as JSON values, as the manifest will hold them.
        accounting: Every charged step.
        cost: What they cost together.
        figures: Name to distance of the synthetic table to the noisy marginals.
        versions: Package to version; None where an earlier privgan kept none.
        canaries: What may be told of the canaries.
        table_rows: Rows of each of several synthetic tables; empty of one alone.
        marginals: Noisy marginals that a release of it holds.
        dp_sgd_unused: Whether noisy figures said that DP-SGD failed, and the model is without it.
    """

    dataset: str
    run: str
    rows: int
    guarantee: Guarantee
    plan: Mapping[str, Any]
    accounting: tuple[AccountedStep, ...]
    cost: PlanCost
    figures: Mapping[str, float]
    versions: Mapping[str, str] | None
    canaries: CanaryFacts
    marginals: int = 0
    dp_sgd_unused: bool = False
    table_rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def max_cells(self) -> int:
        """The most intervals that the plan gives to a numeric or temporal column."""
        return _settings_of(self.plan).whole("max_cells")

    @classmethod
    def from_json(cls, value: object) -> CandidateRecord:
        """Read the record of a candidate.

        Raises:
            ValueError: naming the field that is missing or of another kind.
        """
        read = JsonObject(value)
        cost, plan = read.inner("cost"), read.inner("plan").raw
        _settings_of(plan).whole("max_cells")
        return cls(
            dataset=read.text("dataset"),
            run=read.text("run"),
            rows=read.whole("rows"),
            guarantee=Guarantee.from_json(read.inner("guarantee").raw),
            plan=plan,
            accounting=read.each("accounting", AccountedStep.of),
            cost=PlanCost(
                epsilon_pld=cost.number("epsilon_pld"), epsilon_rdp=cost.number("epsilon_rdp")
            ),
            figures=read.number_map("figures"),
            versions=read.text_map("versions") if "versions" in read.raw else None,
            canaries=CanaryFacts.of(read.inner("canaries")),
            marginals=read.whole("marginals") if "marginals" in read.raw else 0,
            dp_sgd_unused=read.raw.get("dp_sgd") == UNUSED,
            table_rows=_table_rows(read),
        )

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        versions = {} if self.versions is None else {"versions": dict(self.versions)}
        return {
            "format": FORMAT,
            "dataset": self.dataset,
            "run": self.run,
            "rows": self.rows,
            "guarantee": self.guarantee.to_json(),
            "plan": dict(self.plan),
            "accounting": [step.to_json() for step in self.accounting],
            "cost": {"epsilon_pld": self.cost.epsilon_pld, "epsilon_rdp": self.cost.epsilon_rdp},
            "figures": dict(self.figures),
            **versions,
            "canaries": self.canaries.to_json(),
            **({"marginals": self.marginals} if self.marginals else {}),
            **({"dp_sgd": UNUSED} if self.dp_sgd_unused else {}),
            **({"tables": dict(self.table_rows)} if self.table_rows else {}),
        }


def _table_rows(read: JsonObject) -> dict[str, int]:
    """Rows of each of several tables; none of one alone."""
    if "tables" not in read.raw:
        return {}
    tables = read.inner("tables")
    return {name: tables.whole(name) for name in tables.raw}


def _settings_of(plan: Mapping[str, Any]) -> JsonObject:
    return JsonObject(plan, "plan").inner("settings").inner("marginals")

"""What is guaranteed, as facts: the claim of one run, and the claim as a release states it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from privgan.json_object import JsonObject
from privgan.privacy.budget import PrivacyBudget


@dataclass(frozen=True, kw_only=True)
class Guarantee:
    """The differential-privacy claim of one run.

    Attributes:
        epsilon: ε; None (infinite) where the run's coins were not secret.
        delta: δ.
        unit: Who is protected, in words.
        max_rows_per_unit: The most rows of one unit.
        neighbouring_relation: What neighbouring tables differ by, in words.
        conditional_facts: Schema facts assumed to be public, as ``column.fact``.
        statement: The claim in one sentence.
    """

    epsilon: float | None
    delta: float
    unit: str
    max_rows_per_unit: int
    neighbouring_relation: str
    conditional_facts: tuple[str, ...]
    statement: str

    @classmethod
    def from_json(cls, value: object) -> Guarantee:
        """Read a claim from a model's or a candidate's file.

        Raises:
            ValueError: naming the field that is missing, of another kind or impossible.
        """
        read = JsonObject(value, "guarantee")
        return cls(
            epsilon=None if read.number_or_none("epsilon") is None else _epsilon(read),
            delta=_delta(read),
            unit=read.text("unit"),
            max_rows_per_unit=_max_rows(read),
            neighbouring_relation=read.text("neighbouring_relation"),
            conditional_facts=read.texts("conditional_facts"),
            statement=read.text("statement"),
        )

    def to_json(self) -> dict[str, Any]:
        """The claim as its files hold it."""
        return {
            "epsilon": self.epsilon,
            "delta": self.delta,
            "unit": self.unit,
            "max_rows_per_unit": self.max_rows_per_unit,
            "neighbouring_relation": self.neighbouring_relation,
            "conditional_facts": list(self.conditional_facts),
            "statement": self.statement,
        }

    @property
    def budget(self) -> PrivacyBudget | None:
        """The claimed (ε, δ); None where ε is infinite."""
        if self.epsilon is None:
            return None
        return PrivacyBudget(epsilon=self.epsilon, delta=self.delta)


def _epsilon(read: JsonObject) -> float:
    epsilon = read.number("epsilon")
    if not epsilon > 0:
        raise ValueError(f"{read.named('epsilon')} is not above 0")
    return epsilon


def _delta(read: JsonObject) -> float:
    delta = read.number("delta")
    if not 0 <= delta < 1:
        raise ValueError(f"{read.named('delta')} is not in [0, 1)")
    return delta


def _max_rows(read: JsonObject) -> int:
    rows = read.whole("max_rows_per_unit")
    if rows < 1:
        raise ValueError(f"{read.named('max_rows_per_unit')} is below 1")
    return rows


@dataclass(frozen=True, kw_only=True)
class CanaryFacts:
    """What may be told of the canaries.

    Attributes:
        probability: Probability with which a customer is one.
        commitment: Salted commitment to the secret list; empty where there is none.
    """

    probability: float
    commitment: str

    @classmethod
    def of(cls, read: JsonObject) -> CanaryFacts:
        """Read them; ValueError names what is missing."""
        return cls(probability=read.number("probability"), commitment=read.text("commitment"))

    def to_json(self) -> dict[str, Any]:
        """The facts as a candidate and a manifest hold them."""
        return {"probability": self.probability, "commitment": self.commitment}


@dataclass(frozen=True, kw_only=True)
class AccountantFigures:
    """What the accountant found for the whole plan.

    Attributes:
        name: The accountant.
        version: Its version.
        epsilon_pld: ε by privacy loss distributions; None where that is not valid for the plan.
        epsilon_rdp: ε by Rényi divergences; None where that is not valid for the plan.
    """

    name: str
    version: str
    epsilon_pld: float | None
    epsilon_rdp: float | None

    @property
    def known(self) -> tuple[float, ...]:
        """The figures that are stated."""
        return tuple(value for value in (self.epsilon_pld, self.epsilon_rdp) if value is not None)

    @classmethod
    def of(cls, read: JsonObject) -> AccountantFigures:
        """Read them; ValueError names what is missing."""
        return cls(
            name=read.text("name"),
            version=read.text("version"),
            epsilon_pld=read.number_or_none("epsilon_pld"),
            epsilon_rdp=read.number_or_none("epsilon_rdp"),
        )

    def to_json(self) -> dict[str, Any]:
        """The figures as a manifest holds them."""
        return {
            "name": self.name,
            "version": self.version,
            "epsilon_pld": self.epsilon_pld,
            "epsilon_rdp": self.epsilon_rdp,
        }


@dataclass(frozen=True, kw_only=True)
class DatasetTotal:
    """What all runs on a data set spent together, this one included.

    Attributes:
        epsilon: Their ε.
        delta: Their δ.
        runs: How many they are.
    """

    epsilon: float
    delta: float
    runs: int

    @classmethod
    def of(cls, read: JsonObject) -> DatasetTotal:
        """Read it; ValueError names what is missing."""
        return cls(
            epsilon=read.number("epsilon"), delta=read.number("delta"), runs=read.whole("runs")
        )

    def to_json(self) -> dict[str, Any]:
        """The total as a manifest holds it."""
        return {"epsilon": self.epsilon, "delta": self.delta, "runs": self.runs}


@dataclass(frozen=True, kw_only=True)
class ReleasedGuarantee:
    """The claim as a manifest and a report state it.

    Attributes:
        epsilon: ε of the run.
        delta: δ of the run.
        unit: Who is protected, in words.
        neighbouring_relation: What neighbouring tables differ by, in words.
        max_rows_per_unit: The most rows of one unit.
        conditional_facts: Schema facts assumed to be public, as ``column.fact``.
        conditional_text: What stands beside every ε; empty where nothing was assumed.
        accountant: What the accountant found.
        not_promised: What the guarantee does not cover, one sentence each.
        dataset_total: What all runs on the data set spent.
    """

    epsilon: float
    delta: float
    unit: str
    neighbouring_relation: str
    max_rows_per_unit: int
    conditional_facts: tuple[str, ...]
    conditional_text: str
    accountant: AccountantFigures
    not_promised: tuple[str, ...]
    dataset_total: DatasetTotal

    @classmethod
    def from_json(cls, value: object) -> ReleasedGuarantee:
        """Read it from a manifest or a report.

        Raises:
            ValueError: naming the field that is missing or of another kind.
        """
        read = JsonObject(value, "guarantee")
        return cls(
            epsilon=_epsilon(read),
            delta=_delta(read),
            unit=read.text("unit"),
            neighbouring_relation=read.text("neighbouring_relation"),
            max_rows_per_unit=_max_rows(read),
            conditional_facts=read.texts("conditional_facts"),
            conditional_text=read.text("conditional_text"),
            accountant=AccountantFigures.of(read.inner("accountant")),
            not_promised=read.texts("not_promised"),
            dataset_total=DatasetTotal.of(read.inner("dataset_total")),
        )

    def to_json(self) -> dict[str, Any]:
        """The claim as a manifest holds it."""
        return {
            "epsilon": self.epsilon,
            "delta": self.delta,
            "unit": self.unit,
            "neighbouring_relation": self.neighbouring_relation,
            "max_rows_per_unit": self.max_rows_per_unit,
            "conditional_facts": list(self.conditional_facts),
            "conditional_text": self.conditional_text,
            "accountant": self.accountant.to_json(),
            "not_promised": list(self.not_promised),
            "dataset_total": self.dataset_total.to_json(),
        }

    @property
    def budget(self) -> PrivacyBudget:
        """The claimed (ε, δ)."""
        return PrivacyBudget(epsilon=self.epsilon, delta=self.delta)

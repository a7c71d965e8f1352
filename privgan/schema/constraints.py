"""Define constraints between columns: public facts that every synthetic row holds.

Order, implication and fixed combinations.
"""

from __future__ import annotations

from dataclasses import dataclass

from privgan.files.json_types import JsonDict

_SHOWN_COMBINATIONS = 3


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """Facts that every constraint has.

    Attributes:
        description: Free text for the data dictionary.
    """

    description: str = ""

    def facts(self) -> JsonDict:
        """Keys of the constraint's kind as JSON values, as in a schema file."""
        raise NotImplementedError

    def to_json(self) -> JsonDict:
        """All facts as JSON values, as in a schema file."""
        return self.facts() | ({"description": self.description} if self.description else {})


@dataclass(frozen=True, kw_only=True)
class AtMost(Constraint):
    """Order: one column is never above another; a row with a missing value meets it.

    Attributes:
        low: The column that is not above the other.
        high: The other column.
        strict: Whether equal values break it too.

    >>> print(AtMost(low="first_order", high="last_order"))
    first_order at most last_order
    """

    low: str
    high: str
    strict: bool = False

    def facts(self) -> JsonDict:
        """``at_most`` or ``below`` with the two columns."""
        return {"below" if self.strict else "at_most": [self.low, self.high]}

    def __str__(self) -> str:
        """As words."""
        return f"{self.low} {'below' if self.strict else 'at most'} {self.high}"


@dataclass(frozen=True, kw_only=True)
class WhenThen(Constraint):
    """Implication: where ``when`` holds, ``then`` holds too. Both use the grammar of ``where``.

    Attributes:
        when: The conditions that ask for the others.
        then: The conditions that are asked for.

    >>> print(WhenThen(when="spend = 0", then="score is missing"))
    when spend = 0, then score is missing
    """

    when: str
    then: str

    def facts(self) -> JsonDict:
        """``when`` and ``then``."""
        return {"when": self.when, "then": self.then}

    def __str__(self) -> str:
        """As words."""
        return f"when {self.when}, then {self.then}"


@dataclass(frozen=True, kw_only=True)
class Combinations(Constraint):
    """Fixed combinations: some columns hold only certain categories together.

    Attributes:
        columns: The columns.
        allowed: The allowed combinations: of each column a category as the schema writes it, or
            None for missing.

    >>> print(Combinations(columns=("city", "country"), allowed=(("Bonn", "DE"), ("Lyon", "FR"))))
    2 allowed combinations of city, country
    """

    columns: tuple[str, ...]
    allowed: tuple[tuple[str | None, ...], ...]

    def facts(self) -> JsonDict:
        """``combinations`` and ``allowed``."""
        return {"combinations": list(self.columns), "allowed": [list(row) for row in self.allowed]}

    def __str__(self) -> str:
        """As words."""
        count = len(self.allowed)
        return (
            f"{count} allowed combination{'s' * (count != 1)} of"
            f" {', '.join(self.columns[:_SHOWN_COMBINATIONS])}"
            + (", …" * (len(self.columns) > _SHOWN_COMBINATIONS))
        )


def place(index: int) -> str:
    """Name of a constraint's place in its schema file, counted from 0."""
    return f"constraints[{index}]"

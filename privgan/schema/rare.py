"""Define a rare outcome: a target of which few rows are positive. Public facts."""

from __future__ import annotations

from dataclasses import dataclass

from privgan.files.json_types import JsonDict


@dataclass(frozen=True, kw_only=True)
class RareOutcome:
    """What is known beforehand of a target that seldom occurs.

    Attributes:
        positive: The value of the target that seldom occurs.
        positives: About how many rows have it, as a public claim; None where nobody can say. Then
            the number is measured first, with noise.

    >>> RareOutcome(positive="yes", positives=160)
    RareOutcome(positive='yes', positives=160)
    """

    positive: str
    positives: int | None = None

    def to_json(self) -> JsonDict:
        """The facts as JSON values; an unknown number is left out."""
        known = {} if self.positives is None else {"positives": self.positives}
        return {"positive": self.positive, **known}

"""Rank the values of a column for each profile, by the model's probability."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from privgan.files.json_types import JsonDict

RECOMMENDED_WARNING = (
    "profiles and histories of real customers bring these people in: the guarantee is of the model,"
    " not of what it is asked for; keep what is made of them inside"
)
_DIGITS = 9


@dataclass(frozen=True, eq=False)
class Recommendations:
    """The likeliest values of a column for each profile or customer. INTERNAL if these are real.

    Attributes:
        column: The column.
        whose: What tells profiles apart: ``row``, or the column that names a customer.
        names: Rows' numbers from 1, or customers' names [profiles].
        owner: Place of the profile of each line [lines].
        rank: Rank of each line among those of its profile, from 1 [lines].
        values: The value of each line [lines].
        probability: Its probability [lines].
        exact: Whether probabilities are the model's own, or estimated by draws.
        notes: What else there is to say.
    """

    column: str
    whose: str
    names: Sequence[Any]
    owner: np.ndarray
    rank: np.ndarray
    values: np.ndarray
    probability: np.ndarray
    exact: bool
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        shares: np.ndarray,
        top: int,
        *,
        column: str,
        categories: Sequence[str],
        whose: str,
        names: Sequence[Any],
        exact: bool,
        notes: tuple[str, ...] = (),
    ) -> Recommendations:
        """The largest shares of each profile; of equal ones the schema's first. Zeros are left out.

        Args:
            shares: Probability of each category [profiles, categories].
            top: How many for each.
            column: As for the class, and so are the others.
            categories: The column's categories.
            whose: See column.
            names: See column.
            exact: See column.
            notes: See column.
        """
        order = np.argsort(-shares, axis=1, kind="stable")[:, :top]
        found = np.take_along_axis(shares, order, axis=1)
        owner, place = np.nonzero(found > 0)
        return cls(
            column=column,
            whose=whose,
            names=names,
            owner=owner,
            rank=place + 1,
            values=np.array(categories, dtype=object)[order[owner, place]],
            probability=np.round(found[owner, place], _DIGITS),
            exact=exact,
            notes=notes,
        )

    @property
    def frame(self) -> pd.DataFrame:
        """A line for each value: whose, rank, value, probability [lines, 4]."""
        names = np.array(list(self.names), dtype=object)[self.owner]
        parts = {self.whose: names, "rank": self.rank, "value": self.values}
        found = pd.DataFrame(parts | {"probability": self.probability})
        return found.infer_objects()

    @property
    def csv_text(self) -> str:
        """The lines as CSV."""
        written = io.StringIO()
        self.frame.to_csv(written, index=False)
        return written.getvalue()

    def to_json(self) -> JsonDict:
        """All lines by profile, with what they are worth."""
        starts = np.searchsorted(self.owner, np.arange(len(self.names) + 1))
        lines = [
            {"rank": int(rank), "value": value, "probability": float(share)}
            for rank, value, share in zip(self.rank, self.values, self.probability, strict=True)
        ]
        profiles = [
            {self.whose: name, "recommended": lines[first:last]}
            for name, first, last in zip(self.names, starts[:-1], starts[1:], strict=True)
        ]
        return {
            "column": self.column,
            "exposure": f"INTERNAL: {RECOMMENDED_WARNING}",
            "exact": self.exact,
            "notes": list(self.notes),
            "profiles": profiles,
        }

    @property
    def json_text(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_json(), indent=1, ensure_ascii=False, default=str) + "\n"

"""Draw questions about a table: counts, shares, means and quantiles of one to three columns."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pandas as pd

from privgan.answers.grammar import parse_question
from privgan.domain.cells import as_numbers
from privgan.errors import UsageError
from privgan.schema.columns import Discrete, Numeric
from privgan.schema.schema import Schema

KINDS = ("count", "share", "mean", "quantile", "difference")
_CHANCES = (0.3, 0.3, 0.15, 0.1, 0.15)
_FORMS, _FORM_CHANCES = ("plain", "not", "or"), (0.7, 0.15, 0.15)
_LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


def drawn_questions(frame: pd.DataFrame, schema: Schema, number: int, seed: int) -> list[str]:
    """Questions, each another.

    Args:
        frame: Typed rows, from which thresholds and categories are taken.
        schema: Their schema.
        number: How many.
        seed: Which ones.
    """
    drawer = _Drawer(frame, schema, np.random.default_rng(seed))
    found: dict[str, None] = {}
    while len(found) < number:
        text = drawer.question()
        # The contrary of what every row has is refused, as a person's question would be.
        with suppress(UsageError):
            parse_question(text, schema)
            found.setdefault(text)
    return list(found)


class _Drawer:
    def __init__(self, frame: pd.DataFrame, schema: Schema, rng: np.random.Generator) -> None:
        self._frame, self._schema, self._rng = frame, schema, rng
        self._columns = list(schema.modelled)
        self._numeric = [column for column in self._columns if isinstance(column, Numeric)]

    def question(self) -> str:
        """One question; in conditions each column stands once."""
        kind = str(self._rng.choice(KINDS, p=_CHANCES))
        width = int(self._rng.choice([0, 1, 2], p=[0.25, 0.55, 0.2]))
        if kind == "count":
            return f"count({self._conditions(max(1, width + 1))})"
        if kind == "share":
            event, *where = self._each(width + 1)
            return f"share({event}{self._where(where)})"
        if kind == "difference":
            event, *where = self._each(width + 1)
            other = self._other(event, where)
            return f"share({event}{self._where(where)}) - share({event}{self._where(other)})"
        names = self._rng.permutation([column.name for column in self._numeric])
        own = str(names[0])
        where = self._each(width, own)
        if kind == "mean":
            return f"mean(`{own}`{self._where(where)})"
        return f"quantile(`{own}`, {self._rng.choice(_LEVELS)}{self._where(where)})"

    def _conditions(self, width: int) -> str:
        return " and ".join(self._each(width))

    @staticmethod
    def _where(conditions: list[str]) -> str:
        return f" where {' and '.join(conditions)}" if conditions else ""

    def _other(self, event: str, before: list[str]) -> list[str]:
        """Other conditions on other columns than the event's."""
        name = event.split("`")[1]
        return self._each(max(1, len(before)), name)

    def _each(self, width: int, *without: str) -> list[str]:
        """Conditions on so many columns."""
        others = [column for column in self._columns if column.name not in without]
        chosen = self._rng.permutation(len(others))[:width]
        return [self._composed(others[place]) for place in chosen]

    def _composed(self, column: Discrete | Numeric) -> str:
        """A condition, its contrary, or one of two."""
        kind = self._rng.choice(_FORMS, p=_FORM_CHANCES)
        if kind == "plain":
            return self._condition(column)
        if kind == "not":
            return f"not ({self._condition(column)})"
        return f"({self._condition(column)} or {self._condition(column)})"

    def _condition(self, column: Discrete | Numeric) -> str:
        values = self._frame[column.name].dropna()
        if isinstance(column, Discrete):
            # Categories as often as rows have them: people ask about what there is.
            return f'`{column.name}` = "{values.iloc[int(self._rng.integers(len(values)))]}"'
        threshold = as_numbers(values, column)[int(self._rng.integers(len(values)))]
        sign = str(self._rng.choice(["<=", ">="]))
        return f"`{column.name}` {sign} {threshold:.{column.decimals}f}"

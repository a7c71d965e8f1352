"""Draft one column of a schema file from stated facts."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from privgan.errors import DocumentError
from privgan.files.documents import shown
from privgan.files.json_types import JsonDict
from privgan.files.limits import LONGEST_PATTERN
from privgan.interchange.column_names import PERSONAL, kind_of_text, names_an_id, role_of
from privgan.interchange.stated import StatedColumn
from privgan.schema.columns import INVENTED_KINDS, Kind, Source
from privgan.schema.identifiers import is_pattern
from privgan.table.column_facts import BOOLEAN_LABELS

OTHER = "other"
_NUMERIC = {Kind.INTEGER, Kind.FLOAT}
_FORMATS = {Kind.DATE: "%Y-%m-%d", Kind.DATETIME: "%Y-%m-%d %H:%M:%S"}
_STEPS = {Kind.DATE: dt.timedelta(days=1), Kind.DATETIME: dt.timedelta(seconds=1)}
_DECIMALS, _MOST_DECIMALS = 2, 12
_MOST_STEPS = 2**53
_LEAST_STEPS = 10_000  # Steps between the bounds that a guess of decimals must leave.
_DECLARED, _CONFIRM, _MEASURED = Source.DECLARED.value, Source.CONFIRM.value, Source.MEASURED.value


@dataclass(frozen=True)
class DraftedColumn:
    """A column as the schema file states it, with its notes."""

    item: JsonDict
    notes: list[str]

    @classmethod
    def of(cls, column: StatedColumn, file: str) -> DraftedColumn:
        """Draft a column; ``file`` names its source in errors."""
        kind, sure, notes = _kind(column)
        item: JsonDict = {"name": column.name, "kind": kind.value}
        source = {"kind": _DECLARED if sure else _CONFIRM}
        drafted = cls(item | {"source": source}, [*column.notes, *notes])
        drafted._facts(column, kind, file)
        drafted._general(column, Kind(drafted.item["kind"]))
        return drafted

    def _general(self, column: StatedColumn, kind: Kind) -> None:
        role = column.role or role_of(column.name, kind)
        self._put(
            "missing",
            True if column.missing is None else column.missing,
            sure=column.missing is not None,
        )
        self._put("role", role.value, sure=column.role is not None or kind in INVENTED_KINDS)
        if column.description:
            self.item["description"] = column.description

    def _put(self, fact: str, value: Any, *, sure: bool = True) -> None:
        self.item[fact] = value
        self.item["source"][fact] = _DECLARED if sure else _CONFIRM

    def _facts(self, column: StatedColumn, kind: Kind, file: str) -> None:
        if kind is Kind.CATEGORICAL or kind is Kind.ORDINAL:
            self._categories(column, kind)
        elif kind is Kind.BOOLEAN:
            self._put("labels", list(column.labels or BOOLEAN_LABELS))
        elif kind in _NUMERIC:
            self._numbers(column, kind, file)
        elif kind in _FORMATS:
            self._moments(column, kind, file)
        elif kind is Kind.IDENTIFIER:
            self._pattern(column)

    def _categories(self, column: StatedColumn, kind: Kind) -> None:
        if column.categories:
            self._put("categories", list(dict.fromkeys(column.categories)), sure=not column.drawn)
            return
        if kind is Kind.ORDINAL:
            self.item["kind"] = Kind.CATEGORICAL.value
            self.notes.append(
                "is ordered, but its categories are not stated: it is taken as categorical"
            )
        self.item["other"] = OTHER
        self.item["source"] |= {"categories": _MEASURED, "other": _DECLARED}
        self.notes.append("its categories are not stated and are left to be measured")

    def _numbers(self, column: StatedColumn, kind: Kind, file: str) -> None:
        decimals = self._decimals(column, kind)
        # With guessed decimals, a step inwards could exclude values.
        step = 0.0 if kind is Kind.FLOAT and column.decimals is None else 10.0**-decimals
        lower, upper = _inclusive(column, step, float, file)
        self._special_values(column, _numbers_of(column.special_values))
        if column.format:
            self._put("format", column.format)
        if self._is_open(lower, upper):
            return
        low = _outward(float(lower), decimals, math.floor)
        high = _outward(float(upper), decimals, math.ceil)
        if low > high:
            raise _backwards(file, column, low, high)
        if low == high:
            self._single(_plain(low), kind)
        elif _is_of_type(low, high, decimals):
            self._open("bounds of its own: the stated ones are those of its type")
        else:
            self._bounds(column, _plain(low), _plain(high))

    def _special_values(self, column: StatedColumn, values: list[Any]) -> None:
        if values:
            self._put("special_values", values, sure=not column.drawn)

    def _is_open(self, lower: Any, upper: Any) -> bool:
        """Whether a bound is missing; both are then left to be measured."""
        if lower is not None and upper is not None:
            return False
        self._open("bounds" if lower is None and upper is None else "one of its bounds")
        return True

    def _bounds(self, column: StatedColumn, lower: Any, upper: Any) -> None:
        self._put("lower", lower, sure=not column.drawn)
        self._put("upper", upper, sure=not column.drawn)

    def _single(self, value: float, kind: Kind) -> None:
        """Turn a column with one possible value into a list of one category."""
        for fact in ("decimals", "special_values", "format"):
            self.item.pop(fact, None)
            self.item["source"].pop(fact, None)
        self.item["kind"] = Kind.ORDINAL.value
        self._put("categories", [str(value)])
        self.notes.append(f"can hold one {kind} only: it is taken as a list of one")

    def _decimals(self, column: StatedColumn, kind: Kind) -> int:
        if kind is Kind.INTEGER:
            return 0
        sure = column.decimals is not None
        decimals = min(
            column.decimals if column.decimals is not None else _guessed_decimals(column),
            _MOST_DECIMALS,
        )
        self._put("decimals", decimals, sure=sure)
        if not sure:
            self.notes.append(f"its decimals are not stated; {decimals} are guessed")
        return decimals

    def _open(self, what: str) -> None:
        self.item["source"] |= {"lower": _MEASURED, "upper": _MEASURED}
        self.notes.append(f"lacks {what}, and is left to be measured")

    def _moments(self, column: StatedColumn, kind: Kind, file: str) -> None:
        self._put("format", column.format or _FORMATS[kind], sure=column.format is not None)
        if column.format is None:
            self.notes.append(
                f"how a text file writes it is not stated; {_FORMATS[kind]} is guessed"
            )
        if column.zone and kind is Kind.DATETIME:
            self._put("zone", column.zone)
        moments = [value for value in column.special_values if isinstance(value, dt.datetime)]
        self._special_values(column, [value.isoformat() for value in moments])
        lower, upper = _inclusive(column, _STEPS[kind], dt.datetime, file)
        if self._is_open(lower, upper):
            return
        if not lower < upper:
            raise _backwards(file, column, lower, upper)
        self._bounds(column, lower.isoformat(), upper.isoformat())

    def _pattern(self, column: StatedColumn) -> None:
        fits = (
            column.pattern is not None
            and len(column.pattern) <= LONGEST_PATTERN
            and is_pattern(column.pattern)
        )
        self._put("pattern", column.pattern if fits else "{}", sure=fits)
        if not fits:
            self.notes.append("how its values are written is not stated; plain numbers are guessed")


def _kind(column: StatedColumn) -> tuple[Kind, bool, list[str]]:
    """The kind, whether it is sure, and notes on the guess."""
    if column.kind in _NUMERIC and names_an_id(column.name) and _bare(column):
        return (
            Kind.IDENTIFIER,
            False,
            [f"is a number named as an id: it is taken as an identifier, not as {column.kind}"],
        )
    if column.kind is not None:
        notes = [] if column.sure else [f"is taken as {column.kind}"]
        return column.kind, column.sure, notes
    if column.categories:
        return Kind.CATEGORICAL, True, []
    kind = kind_of_text(column.name, column.longest)
    if (column.pattern is not None or column.unique) and kind not in PERSONAL:
        return (
            Kind.IDENTIFIER,
            False,
            ["is text with a pattern or without repeats: it is taken as an identifier"],
        )
    return kind, False, [f"is text of which no more is stated: it is taken as {kind}"]


def _bare(column: StatedColumn) -> bool:
    return column.lower is None and column.upper is None and not column.special_values


def _inclusive(column: StatedColumn, step: Any, kind: type, file: str) -> tuple[Any, Any]:
    """The inclusive bounds, checked against the column's kind."""
    stated = (column.lower, column.upper, column.above, column.below)
    if any(value is not None and not isinstance(value, kind) for value in stated):
        raise DocumentError(file, [f"{shown(column.name)}: its bounds do not go with its kind"])
    return _moved(column, step)


def _moved(column: StatedColumn, step: Any) -> tuple[Any, Any]:
    """Move exclusive bounds inwards by one step."""
    above: Any = column.above
    below: Any = column.below
    lower = above + step if column.lower is None and above is not None else column.lower
    upper = below - step if column.upper is None and below is not None else column.upper
    return lower, upper


def _guessed_decimals(column: StatedColumn) -> int:
    stated = (column.lower, column.upper, column.above, column.below, *column.special_values)
    numbers = [
        float(value) for value in stated if value is not None and not isinstance(value, dt.datetime)
    ]
    needed = max((_digits(value) for value in numbers), default=0)
    width = max(numbers) - min(numbers) if len(numbers) > 1 else 0.0
    fine = math.ceil(math.log10(_LEAST_STEPS / width)) if width > 0 else _DECIMALS
    return max(_DECIMALS, needed, min(fine, _MOST_DECIMALS))


def _digits(value: float) -> int:
    return next(
        (digits for digits in range(_MOST_DECIMALS) if round(value, digits) == value),
        _MOST_DECIMALS,
    )


def _numbers_of(values: Iterable[float | dt.datetime]) -> list[float]:
    return [_plain(value) for value in values if not isinstance(value, dt.datetime)]


def _is_of_type(low: float, high: float, decimals: int) -> bool:
    """Whether bounds are so wide that they are those of the stored type."""
    return (high - low) * 10.0**decimals > _MOST_STEPS or max(abs(low), abs(high)) > _MOST_STEPS


def _outward(value: float, decimals: int, rounding: Any) -> float:
    if round(value, decimals) == value or abs(value) * 10.0**decimals > _MOST_STEPS:
        return value
    return float(round(rounding(value * 10.0**decimals) / 10.0**decimals, decimals))


def _plain(value: Any) -> int | float:
    return int(value) if float(value).is_integer() else float(value)


def _backwards(file: str, column: StatedColumn, lower: Any, upper: Any) -> DocumentError:
    return DocumentError(file, [f"{shown(column.name)}: lower {lower} is not below upper {upper}"])

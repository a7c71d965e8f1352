"""Draft a schema from stated facts; facts that are not stated are left to be measured."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import yaml

from privgan.errors import DocumentError, UsageError
from privgan.files.documents import shown
from privgan.files.limits import LONGEST_PATTERN, MOST_COLUMNS
from privgan.interchange.stated import StatedColumn, StatedTable
from privgan.schema.columns import INVENTED_KINDS, Kind, Role, Source
from privgan.schema.identifiers import is_pattern
from privgan.schema.schema import Schema
from privgan.table.mistakes import ROW_UNIT
from privgan.table.schema_file import BOOLEAN_LABELS, FORMAT, parse_schema

_NAMED = {
    Kind.EMAIL: re.compile(r"(^|_)e?-?mail(_?address)?$"),
    Kind.PHONE: re.compile(r"(^|_)(phone|mobile|telephone|cell|fax)(_?(number|no))?$"),
    Kind.NAME: re.compile(r"^(first|last|full|sur|given|family|middle|customer|contact)?_?name$"),
    Kind.ADDRESS: re.compile(r"(^|_)(address|street)(_?(line)?_?[0-9])?$"),
    Kind.TEXT: re.compile(r"(^|_)(comments?|notes?|description|message|body|remarks?|free_?text)$"),
}
_IDENTIFIER = re.compile(r"(^|_)(id|uuid|guid|ssn|iban)$")
_QUASI = re.compile(
    r"(^|_)(age|gender|sex|zip|zip_?code|post_?code|postal_?code|dob|birth_?(date|day|year)|date_of_birth|city|region"
    r"|country|marital_?status|nationality|ethnicity|occupation|education)$"
)
# Names and contact data of persons are no keys, even without repeats.
PERSONAL = frozenset({Kind.NAME, Kind.EMAIL, Kind.PHONE, Kind.ADDRESS})
# A longer text is hardly a category.
LONGEST_CATEGORY = 200


def snake(name: str) -> str:
    """Convert a name to lower case with underscores: ``customerId`` is ``customer_id``."""
    return re.sub(
        r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[:LONGEST_CATEGORY]).lower()
    ).strip("_")


def names_an_id(name: str) -> bool:
    """Whether a column's name is that of an identifier."""
    return bool(_IDENTIFIER.search(snake(name)))


def kind_of_text(name: str, longest: int | None) -> Kind:
    """Guess the kind of a text column from its name.

    Without any hint it is categorical, with categories to be measured.
    """
    if names_an_id(name):
        return Kind.IDENTIFIER
    for kind, looks in _NAMED.items():
        if looks.search(snake(name)):
            return kind
    return Kind.TEXT if longest is not None and longest > LONGEST_CATEGORY else Kind.CATEGORICAL


def role_of(name: str, kind: Kind) -> Role:
    """Guess the role of a column from its name."""
    if kind in INVENTED_KINDS:
        return Role.IDENTIFIER
    return Role.QUASI_IDENTIFIER if _QUASI.search(snake(name)) else Role.OTHER


def key_among(columns: Iterable[StatedColumn]) -> str | None:
    """The key column: never missing, never repeated.

    Of several candidates, the one named as an id.
    """
    names = [
        column.name
        for column in columns
        if column.unique
        and column.missing is False
        and kind_of_text(column.name, column.longest) not in PERSONAL
    ]
    named = [name for name in names if names_an_id(name)]
    found = names if len(names) == 1 else named
    return found[0] if len(found) == 1 else None


OTHER = "other"
_NUMERIC = {Kind.INTEGER, Kind.FLOAT}
_FORMATS = {Kind.DATE: "%Y-%m-%d", Kind.DATETIME: "%Y-%m-%d %H:%M:%S"}
_STEPS = {Kind.DATE: dt.timedelta(days=1), Kind.DATETIME: dt.timedelta(seconds=1)}
_DECIMALS, _MOST_DECIMALS = 2, 12
_MOST_STEPS = 2**53
_LEAST_STEPS = 10_000  # Steps between the bounds that a guess of decimals must leave.
_DECLARED, _CONFIRM, _MEASURED = Source.DECLARED.value, Source.CONFIRM.value, Source.MEASURED.value


@dataclass(frozen=True)
class Imported:
    """A schema made from a foreign one.

    Attributes:
        schema: The schema.
        notes: What was guessed, what is left to be measured and what could not be kept, a sentence
            each.
    """

    schema: Schema
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class UnitChoice:
    """The protected unit, as the caller names it.

    Attributes:
        column: The column that names the person; None where the caller does not say.
        max_rows: The most rows of one; None where the caller does not say.
    """

    column: str | None = None
    max_rows: int | None = None


def imported(table: StatedTable, dataset: str, unit: UnitChoice | None = None) -> Imported:
    """Make the schema of a stated table.

    Args:
        table: What a foreign schema states.
        dataset: The data set's name in the ledger.
        unit: Who is protected; where nobody says, the table's key, else one row, each to be
            confirmed.

    Raises:
        DocumentError: The facts make no schema.
        UsageError: Rows of one person repeat and nobody says how often.
    """
    _check_columns(table)
    facts, notes = _unit(table, unit or UnitChoice())
    columns = [_with_unit(column, facts["unit"]) for column in table.columns]
    made = [_Drafted.of(column, table.source) for column in columns]
    data = {"format": FORMAT, "dataset": dataset, **facts, "columns": [part.item for part in made]}
    text = yaml.dump(data, Dumper=yaml.SafeDumper, sort_keys=False, allow_unicode=True)
    schema = parse_schema(text, name=f"{table.source}, as a schema")
    told = [f"{shown(part.item['name'])}: {note}" for part in made for note in part.notes]
    return Imported(schema, (*table.notes, *notes, *told))


def _check_columns(table: StatedTable) -> None:
    names = [column.name for column in table.columns]
    twice = (
        sorted({name for name in names if names.count(name) > 1})
        if len(names) <= MOST_COLUMNS
        else []
    )
    if not names:
        raise DocumentError(table.source, ["states no column"])
    if len(names) > MOST_COLUMNS:
        raise DocumentError(
            table.source, [f"states {len(names):,} columns, allowed: at most {MOST_COLUMNS:,}"]
        )
    if twice:
        raise DocumentError(table.source, [f"states the column {shown(twice[0])} twice"])


def _with_unit(column: StatedColumn, unit: str) -> StatedColumn:
    """Make the unit's column an identifier, whatever its type."""
    return replace(column, kind=Kind.IDENTIFIER, categories=None) if column.name == unit else column


def _unit(table: StatedTable, choice: UnitChoice) -> tuple[dict[str, Any], list[str]]:
    names = [column.name for column in table.columns]
    if choice.column is not None:
        if choice.column not in names:
            raise UsageError(
                f"--unit is {shown(choice.column)}; {table.source} states no such column"
            )
        return _named(choice.column, _rows(choice, table, choice.column), Source.DECLARED), []
    if choice.max_rows is not None and table.sequence is None:
        raise UsageError(
            "--max-rows-per-unit needs --unit COLUMN, the column that names the person"
        )
    if table.sequence is not None:
        rows = _rows(choice, table, table.sequence)
        return _named(table.sequence, rows, Source.CONFIRM), [
            f"the unit is {shown(table.sequence)}, as the sequence key says"
        ]
    if table.key is not None:
        note = (
            f"the unit is {shown(table.key)}: no two rows share one; name the person's id with"
            " --unit where rows do"
        )
        return _named(table.key, 1, Source.CONFIRM), [note]
    note = (
        "the unit is one row, which nothing here states; where a person may have several rows, use"
        " --unit"
    )
    return {"unit": ROW_UNIT, "unit_source": _CONFIRM}, [note]


def _rows(choice: UnitChoice, table: StatedTable, column: str) -> int:
    if choice.max_rows is None:
        told = (
            f"{table.source}: rows of one {shown(column)} may repeat, and no schema says how often"
        )
        raise UsageError(f"{told}; give --max-rows-per-unit")
    return choice.max_rows


def _named(column: str, rows: int, source: Source) -> dict[str, Any]:
    return {"unit": column, "unit_source": source.value, "max_rows_per_unit": rows}


@dataclass(frozen=True)
class _Drafted:
    """A column as the schema file states it, with its notes."""

    item: dict[str, Any]
    notes: list[str]

    @classmethod
    def of(cls, column: StatedColumn, file: str) -> _Drafted:
        kind, sure, notes = _kind(column)
        item: dict[str, Any] = {"name": column.name, "kind": kind.value}
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
        special = [value for value in column.special_values if not isinstance(value, dt.datetime)]
        if special:
            self._put("special_values", [_plain(value) for value in special], sure=not column.drawn)
        if column.format:
            self._put("format", column.format)
        if lower is None or upper is None:
            self._open("bounds" if lower is None and upper is None else "one of its bounds")
            return
        low, high = (
            _outward(float(lower), decimals, math.floor),
            _outward(float(upper), decimals, math.ceil),
        )
        if low > high:
            raise _backwards(file, column, low, high)
        if low == high:
            self._single(_plain(low), kind)
        elif (high - low) * 10.0**decimals > _MOST_STEPS or max(abs(low), abs(high)) > _MOST_STEPS:
            self._open("bounds of its own: the stated ones are those of its type")
        else:
            self._put("lower", _plain(low), sure=not column.drawn)
            self._put("upper", _plain(high), sure=not column.drawn)

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
        special = [
            value.isoformat() for value in column.special_values if isinstance(value, dt.datetime)
        ]
        if special:
            self._put("special_values", special, sure=not column.drawn)
        lower, upper = _inclusive(column, _STEPS[kind], dt.datetime, file)
        if lower is None or upper is None:
            self._open("bounds" if lower is None and upper is None else "one of its bounds")
            return
        if not lower < upper:
            raise _backwards(file, column, lower, upper)
        self._put("lower", lower.isoformat(), sure=not column.drawn)
        self._put("upper", upper.isoformat(), sure=not column.drawn)

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


def _outward(value: float, decimals: int, rounding: Any) -> float:
    if round(value, decimals) == value or abs(value) * 10.0**decimals > _MOST_STEPS:
        return value
    return float(round(rounding(value * 10.0**decimals) / 10.0**decimals, decimals))


def _plain(value: Any) -> int | float:
    return int(value) if float(value).is_integer() else float(value)


def _backwards(file: str, column: StatedColumn, lower: Any, upper: Any) -> DocumentError:
    return DocumentError(file, [f"{shown(column.name)}: lower {lower} is not below upper {upper}"])

"""Columns of a schema in code: each is checked as its entry in a schema file would be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

from privgan.api.inputs import parsed
from privgan.schema.columns import Column
from privgan.table.schema_file import FORMAT

Moment = dt.date | dt.datetime | str
_SOME_COLUMN = {"name": "a column that is modelled", "kind": "boolean"}


class Facts(TypedDict, total=False):
    """What every column may state.

    Attributes:
        missing: Whether a value may be missing.
        role: ``identifier``, ``quasi-identifier``, ``sensitive`` or ``other``.
        description: Free text for the data dictionary.
        missing_markers: Texts that mean missing in this column alone.
        source: Where its facts come from: ``declared`` (public knowledge), ``assumed_public``, or
            one for each fact.
    """

    missing: bool
    role: str
    description: str
    missing_markers: Sequence[str]
    source: str | Mapping[str, str]


def Categorical(
    name: str,
    categories: Sequence[str] | None = None,
    *,
    other: str | None = None,
    **facts: Unpack[Facts],
) -> Column:
    """A column of categories.

    Args:
        name: Its name in the table.
        categories: All possible values; None to have them measured with noise.
        other: Where they are measured, the public label of all undiscovered ones.
        **facts: As ``Facts``: missing, role, description, missing_markers, source.

    Raises:
        DocumentError: with every mistake.

    >>> Categorical("segment", ["basic", "gold"], role="quasi-identifier").categories
    ('basic', 'gold')
    >>> Categorical("city").other
    'other'
    """
    if categories is None:
        return _column("categorical", name, _measured(facts, "categories"), other=other or "other")
    return _column("categorical", name, facts, categories=list(categories), other=other)


def Ordinal(name: str, categories: Sequence[str], **facts: Unpack[Facts]) -> Column:
    """A column of categories in an order.

    Args:
        name: Its name in the table.
        categories: All possible values, lowest first.
        **facts: As ``Facts``.

    >>> Ordinal("size", ["S", "M", "L"]).kind.value
    'ordinal'
    """
    return _column("ordinal", name, facts, categories=list(categories))


def Boolean(name: str, labels: Sequence[str] | None = None, **facts: Unpack[Facts]) -> Column:
    """A column of two values.

    Args:
        name: Its name in the table.
        labels: How the table writes false and true, in this order; None for its own way.
        **facts: As ``Facts``.

    >>> Boolean("active", ["N", "Y"]).categories
    ('N', 'Y')
    """
    return _column("boolean", name, facts, labels=None if labels is None else list(labels))


def Integer(
    name: str,
    lower: float | None = None,
    upper: float | None = None,
    *,
    special_values: Sequence[float] = (),
    **facts: Unpack[Facts],
) -> Column:
    """A column of whole numbers.

    Args:
        name: Its name in the table.
        lower: Smallest possible value, inclusive; without both bounds they are measured with noise.
        upper: Largest possible value, inclusive.
        special_values: Values with a meaning of their own, which may lie outside.
        **facts: As ``Facts``.

    >>> Integer("age", 18, 99).upper
    99.0
    >>> type(Integer("visits")).__name__
    'OpenNumeric'
    """
    return _numeric(
        "integer", name, (lower, upper), facts, special_values=list(special_values) or None
    )


def Float(
    name: str,
    lower: float | None = None,
    upper: float | None = None,
    *,
    decimals: int = 2,
    special_values: Sequence[float] = (),
    **facts: Unpack[Facts],
) -> Column:
    """A column of numbers with decimals.

    Args:
        name: Its name in the table.
        lower: Smallest possible value, inclusive; without both bounds they are measured with noise.
        upper: Largest possible value, inclusive.
        decimals: Digits after the decimal point.
        special_values: Values with a meaning of their own, which may lie outside.
        **facts: As ``Facts``.

    >>> Float("spend", 0, 5000, special_values=[0], missing=True).special_values
    (0.0,)
    """
    special = list(special_values) or None
    return _numeric("float", name, (lower, upper), facts, decimals=decimals, special_values=special)


def Date(
    name: str,
    lower: Moment | None = None,
    upper: Moment | None = None,
    *,
    format: str | None = None,
    **facts: Unpack[Facts],
) -> Column:
    """A column of days.

    Args:
        name: Its name in the table.
        lower: Earliest possible day, inclusive; without both bounds they are measured with noise.
        upper: Latest possible day, inclusive.
        format: strftime format of the values in a text file; ``%Y-%m-%d`` where none is given.
        **facts: As ``Facts``.

    >>> Date("joined", "2015-01-01", "2025-12-31").upper
    datetime.datetime(2025, 12, 31, 0, 0)
    """
    return _numeric("date", name, (_moment(lower), _moment(upper)), facts, format=format)


def Datetime(
    name: str,
    lower: Moment | None = None,
    upper: Moment | None = None,
    *,
    format: str | None = None,
    zone: str | None = None,
    **facts: Unpack[Facts],
) -> Column:
    """A column of moments.

    Args:
        name: Its name in the table.
        lower: Earliest possible moment, inclusive; without both bounds they are measured with
            noise.
        upper: Latest possible moment, inclusive.
        format: strftime format of the values in a text file; ``%Y-%m-%d %H:%M:%S`` where none is
            given.
        zone: The time zone that the moments are told in.
        **facts: As ``Facts``.

    >>> Datetime("seen", "2024-01-01", "2024-12-31", zone="Europe/Berlin").zone
    'Europe/Berlin'
    """
    return _numeric(
        "datetime", name, (_moment(lower), _moment(upper)), facts, format=format, zone=zone
    )


def Identifier(name: str, pattern: str = "{}", **facts: Unpack[Facts]) -> Column:
    """A column that names people or things: invented afresh in every synthetic row.

    Args:
        name: Its name in the table.
        pattern: Text with one ``{}`` for a serial number.
        **facts: As ``Facts``.

    >>> Identifier("customer_id", "C{:06d}").pattern
    'C{:06d}'
    """
    return _column("identifier", name, {"role": "identifier", **facts}, pattern=pattern)


def PersonalData(name: str, kind: str, **facts: Unpack[Facts]) -> Column:
    """A column of personal data: invented afresh in every synthetic row, never modelled.

    Args:
        name: Its name in the table.
        kind: ``name``, ``email``, ``phone``, ``address`` or ``text``.
        **facts: As ``Facts``.

    >>> PersonalData("mail", "email").invented
    True
    """
    return _column(kind, name, {"role": "identifier", **facts})


def _moment(value: Moment | None) -> str | None:
    return value if value is None or isinstance(value, str) else value.isoformat()


def _numeric(kind: str, name: str, bounds: tuple[Any, Any], facts: Facts, **own: Any) -> Column:
    lower, upper = bounds
    if lower is None and upper is None:
        return _column(kind, name, _measured(facts, "lower", "upper"), **own)
    return _column(kind, name, facts, lower=lower, upper=upper, **own)


def _measured(facts: Facts, *names: str) -> Facts:
    """The facts of a column some of whose facts are left to be measured."""
    given = facts.get("source", {})
    if isinstance(given, str):
        return (
            facts if given == "measured" else {**facts, "source": dict.fromkeys(names, "measured")}
        )
    return {**facts, "source": {**given, **dict.fromkeys(names, "measured")}}


def _column(kind: str, name: str, facts: Facts, **own: Any) -> Column:
    """The column that its entry in a schema file makes; DocumentError with every mistake."""
    told: dict[str, Any] = {**facts}
    if "missing_markers" in facts:
        told["missing_markers"] = list(facts["missing_markers"])
    item = {
        "name": name,
        "kind": kind,
        **{key: value for key, value in own.items() if value is not None},
        **told,
    }
    document = {
        "format": FORMAT,
        "dataset": "one-column",
        "unit": "row",
        "columns": [item, _SOME_COLUMN],
    }
    return parsed(document, f"column {name!r}").columns[0]

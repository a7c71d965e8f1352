"""Propose the privacy unit: columns that name people and repeat. INTERNAL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import pyarrow.compute as pc

from privgan.drafting.distinct import Distinct
from privgan.drafting.identifiers import is_hash, is_uuid, pattern_of
from privgan.drafting.names import names_id, person_rank, words
from privgan.drafting.notes import Note, Topic
from privgan.drafting.reading import Reading, Shape
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Column, Invented, Kind, Role, Source
from privgan.schema.schema import Schema

_ID = re.compile(
    r"(?:^|[_ .-])(?i:id|uuid|guid|key|number|no|nr)$|[a-z](?:Id|ID|Key|No|Nr|Number)$"
)
_PERSON = re.compile(
    r"customer|client|user|person|member|patient|subscriber|employee|student|account|household|kunde",
    re.I,
)
_NUMBERED = frozenset({Kind.INTEGER, Kind.CATEGORICAL, Kind.TEXT, Kind.ORDINAL})
_FEW_VALUES, _ROWS_EACH, _MOST_ROWS = 12, 20, 20
_LIMITS = (1, 2, 5, 10, 20)


@dataclass(frozen=True, kw_only=True)
class RepeatingId:
    """A repeating column that names people or things.

    Attributes:
        name: The column.
        different: How many different ones there are.
        largest: The most rows of one.
    """

    name: str
    different: int
    largest: int

    @property
    def unit(self) -> PrivacyUnit:
        """Unit of this column; its largest number of rows is rounded upwards and at most 20."""
        return PrivacyUnit(
            column=self.name,
            max_rows=next((limit for limit in _LIMITS if limit >= self.largest), _MOST_ROWS),
        )


def repeating_ids(frame: pd.DataFrame, schema: Schema) -> tuple[RepeatingId, ...]:
    """Columns of a table that may be its privacy unit, the likeliest first.

    Names for people come first, then columns with fewer values.

    Args:
        frame: The table as read [rows, columns].
        schema: The public facts.
    """
    found = [
        each
        for column in schema.columns
        if (each := _repeating(frame[column.name], column, schema)) is not None
    ]
    return tuple(sorted(found, key=lambda each: (not _PERSON.search(each.name), each.different)))


def _repeating(values: pd.Series, column: Column, schema: Schema) -> RepeatingId | None:
    named = column.kind in _NUMBERED and bool(_ID.search(column.name))
    if not named and column.kind is not Kind.IDENTIFIER:
        return None
    texts = values.astype(object).map(str, na_action="ignore")
    if texts.isna().any() or texts.isin([*schema.missing_markers, *column.missing_markers]).any():
        return None
    counts = texts.value_counts()
    if not _FEW_VALUES < len(counts) < len(texts) <= _ROWS_EACH * len(counts):
        return None
    return RepeatingId(name=column.name, different=len(counts), largest=int(counts.iloc[0]))


def with_unit(schema: Schema, unit: PrivacyUnit) -> Schema:
    """Schema with a unit that a person declared.

    Its column becomes an identifier that is never missing.
    """
    columns = tuple(
        _identifier(column) if column.name == unit.column else column for column in schema.columns
    )
    return replace(schema, unit=unit, unit_source=Source.DECLARED, columns=columns)


def _identifier(column: Column) -> Column:
    if isinstance(column, Invented) and column.kind is Kind.IDENTIFIER:
        sources = {fact: source for fact, source in column.sources.items() if fact != "repeats"}
        return replace(column, presence=False, empty=False, repeats=False, sources=sources)
    return Invented(
        name=column.name,
        kind=Kind.IDENTIFIER,
        role=Role.IDENTIFIER,
        description=column.description,
        sources=dict.fromkeys(("pattern", "kind", "missing", "role"), Source.DECLARED),
    )


MOST_ROWS = 20
ALIKE = (
    "differ from another only in case, spaces or .0, and count as others; write them alike, or one"
    " person has two units"
)
_UNIT_PROPOSAL_FEW_VALUES = 12
_UNIT_PROPOSAL_ROWS_EACH = 20.0  # Beyond this, an id names products or shops, not people.
_PERSON_SHARE = 0.001
_REPEATED_SHARE, _ABSENT_SHARE = 0.8, 0.05
_PERSONAL = (Kind.EMAIL, Kind.PHONE, Kind.NAME)
_UNIT_PROPOSAL_LIMITS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A column that may be the privacy unit.

    Attributes:
        column: The column as an identifier.
        rank: How likely its name tells whom a table is about, 0 the likeliest; None where it does
            not.
        units: How many different ones there are.
        absent: Rows without one.
        largest: The most rows of one.
        beyond: For each possible limit, the rows that it leaves out.
        alike: How many differ from another only in letters' case, in spaces or in ``.0`` at the
            end.
    """

    column: Invented
    rank: int | None
    units: int
    absent: int
    largest: int
    beyond: dict[int, int]
    alike: int = 0


def candidate(reading: Reading, column: Column) -> Candidate | None:
    """Column as a possible unit; None where it names nothing that repeats."""
    values = reading.present
    if reading.shape not in (Shape.CODE, Shape.TEXT, Shape.NUMBER) or not _names_many(
        reading, column
    ):
        return None
    rank = person_rank(values.name)
    if len(values) < values.rows * (
        _PERSON_SHARE if rank is not None and not _spaced(values) else 1 / _UNIT_PROPOSAL_ROWS_EACH
    ):
        return None
    return Candidate(
        column=Invented(
            name=values.name,
            kind=Kind.IDENTIFIER,
            role=Role.IDENTIFIER,
            missing=column.missing,
            missing_markers=column.missing_markers,
            pattern=pattern_of(values),
        ),
        rank=rank,
        units=len(values),
        absent=values.absent,
        largest=int(values.counts.max()),
        beyond={
            limit: int((values.counts - limit).clip(min=0).sum()) for limit in _UNIT_PROPOSAL_LIMITS
        },
        alike=written_otherwise(values),
    )


def written_otherwise(values: Distinct) -> int:
    """Number of texts that differ from another only in case, spaces or a trailing ``.0``."""
    same = pc.replace_substring_regex(
        pc.utf8_lower(pc.utf8_trim_whitespace(values.texts)), r"^([0-9]+)[.]0+$", r"\1"
    )
    return len(values) - len(same.unique())


def _names_many(reading: Reading, column: Column) -> bool:
    """Whether a column's values repeat and name many things, by its name and its values."""
    values = reading.present
    if not _UNIT_PROPOSAL_FEW_VALUES < len(values) < values.rows:
        return False
    if column.kind in _PERSONAL or (values.is_text and (is_uuid(values) or is_hash(values))):
        return _in_most_rows(values)
    return _is_named_id(reading)


def _is_named_id(reading: Reading) -> bool:
    """Whether a column's name and values are those of an id or of a person."""
    name = reading.present.name
    person = person_rank(name) is not None and len(words(name)) == 1
    if not (names_id(name) or person):
        return False
    if reading.shape is Shape.NUMBER:
        return reading.whole
    return person or not _spaced(reading.present)


def _in_most_rows(values: Distinct) -> bool:
    """Whether most rows share their value with another, and few have none."""
    return (
        len(values) <= _REPEATED_SHARE * values.rows
        and values.absent <= _ABSENT_SHARE * values.rows
    )


def _spaced(values: Distinct) -> bool:
    return bool(pc.any(pc.match_substring(pc.utf8_trim_whitespace(values.texts), " ")).as_py())


def chosen(candidates: Sequence[Candidate]) -> Candidate | None:
    """Likeliest unit: names for people before others; of equal names, the one that repeats most."""
    far = len(candidates) + 1_000
    return min(
        candidates,
        key=lambda each: (far if each.rank is None else each.rank, each.units),
        default=None,
    )


def proposed(candidate: Candidate) -> PrivacyUnit:
    """Unit of a candidate; its number of rows is rounded upwards and at most 20."""
    fitting = next(
        (limit for limit in _UNIT_PROPOSAL_LIMITS if limit >= candidate.largest), MOST_ROWS
    )
    return PrivacyUnit(column=candidate.column.name, max_rows=max(2, min(fitting, MOST_ROWS)))


def notes_of(unit: PrivacyUnit, taken: Candidate, others: Sequence[Candidate]) -> Iterator[Note]:
    """Notes for the person who confirms the unit."""
    name = taken.column.name
    told = (
        f"repeats: up to {_shown(taken.largest)} rows each; proposed as the unit, choose"
        " max_rows_per_unit"
    )
    yield Note(Topic.UNIT, name, told)
    beyond = taken.beyond[unit.max_rows]
    if beyond:
        yield Note(
            Topic.UNIT,
            name,
            f"with max_rows_per_unit {unit.max_rows} a run leaves out {beyond:,} rows",
        )
    if taken.alike:
        yield Note(Topic.UNIT, name, f"{taken.alike:,} {ALIKE}")
    if taken.absent:
        text = (
            f"{taken.absent:,} rows have no unit, which a run refuses; fill them or leave these"
            " rows out"
        )
        yield Note(Topic.UNIT, name, text)
    for other in others:
        text = (
            f"repeats as well, up to {_shown(other.largest)} rows each; name it as the unit if it"
            " is whom to protect"
        )
        yield Note(Topic.UNIT, other.column.name, text)


def _shown(rows: int) -> str:
    """Number of rows as text, rounded upwards."""
    return f"{rounded_rows(rows):,}"


def rounded_rows(rows: int) -> int:
    """A largest number of rows, rounded upwards: the exact one is somebody's."""
    return next((limit for limit in _UNIT_PROPOSAL_LIMITS if limit >= rows), rows)

"""Draft a column of text or codes.

Categories, identifiers, personal data, or text that is given up. A column with few values is never
personal data by its shape alone: months, bands and seasons look like telephone numbers, and three
products are no names of people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from privgan.drafting.distinct import Distinct
from privgan.drafting.identifiers import is_hash, is_uuid, pattern_of
from privgan.drafting.names import (
    names_address,
    names_email,
    names_id,
    names_person,
    names_phone,
    names_serial,
    names_zip,
)
from privgan.drafting.notes import Note, Topic
from privgan.files.documents import UNWRITABLE
from privgan.notation.moment_formats import MONTHS
from privgan.schema.columns import Column, Discrete, Invented, Kind, OpenCategorical, Role

OTHER = "other"
_FEW_VALUES, _TOLD_CATEGORIES = 12, 100
_FEW_ROWS = 10  # What fewer rows hold may be one customer's.
_UNIQUE_SHARE, _LIKELY = 0.9, 0.9
_MANY_SHARE, _MANY_VALUES = 1 / 3, 1_000
_LEAST_REPEATS = 2
_MOST_MONTHS = 200
_SAMPLE = 500
_LONGEST_CATEGORY, _LONGEST_CATEGORIES = 500, 200_000
_WORDS_OF_PROSE = 4
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PHONE = re.compile(
    r"(?:\+|00)[1-9][0-9 ()/.-]{6,20}|\(0?[0-9]{2,4}\) ?[0-9][0-9"
    r" /.-]{5,14}|[0-9]{3}-[0-9]{3}-[0-9]{4}"
)
_DIALLED = re.compile(r"[+(]?[0-9][0-9 ()/.-]{5,20}")
_IP = re.compile(
    r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]+)?|(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}"
)
_MONTH = re.compile(
    r"[0-9]{4}[-/.]?(?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])[-/.][0-9]{4}"
    rf"|(?:{'|'.join(month[:3] for month in MONTHS)})[a-z]*[ -][0-9]{{2,4}}",
    re.IGNORECASE,
)
_NAMED_PEOPLE = (
    "may hold names of people, which would be modelled as they stand; 'kind: name' has them"
    " invented"
)
_FULL_NAME = re.compile(r"\S+,? [\S ]*\S")
_NUMERIC = re.compile(r"[(<>~≈$€£+-]*\s?[0-9][0-9.,]*.*")

Draft = tuple[Column, tuple[Note, ...]]


@dataclass(frozen=True)
class Room:
    """Number of categories that a draft may list.

    Attributes:
        most: The most of one column.
        measured: Whether more of them are left to be measured; else they are listed as far as there
            is room.
    """

    most: int
    measured: bool = True


def nearly_unique(values: Distinct) -> bool:
    """Whether nearly every row has a value of its own."""
    return len(values) > max(_FEW_VALUES, _UNIQUE_SHARE * values.rows)


def given_up(values: Distinct, why: str, role: Role = Role.OTHER) -> Draft:
    """Draft a column of text that is not modelled, and note why."""
    note = Note(Topic.GIVEN_UP, values.name, f"{why}; text that is not modelled")
    return _invented(values, Kind.TEXT, role), (note,)


def drafted_codes(values: Distinct, room: Room) -> Draft:
    """Draft whole numbers that name things.

    An identifier where each row has its own, else categories.
    """
    name = values.name
    if names_phone(name) and len(values) > _FEW_VALUES:
        return _personal(values, Kind.PHONE)
    if nearly_unique(values) and not names_zip(name):
        return _unique(values)
    return _categories(values, room, "codes")


def drafted_text(values: Distinct, room: Room) -> Draft:
    """Draft a column of texts."""
    sample = values.sample(_SAMPLE)
    if _is_unwritable(values, sample):
        return given_up(values, "holds a NUL or half of a character, which no text file can hold")
    if len(values) > _FEW_VALUES and (draft := _drafted_many(values, sample)):
        return draft
    if _share(_MONTH, sample) >= _LIKELY and len(values) <= _MOST_MONTHS:
        return _categories(values, room, "months", public=True)
    if nearly_unique(values) and not names_zip(values.name):
        return _unique(values)
    if _is_prose(values, sample):
        return given_up(values, "holds free text", Role.IDENTIFIER)
    return _categories(values, room, "texts")


def _is_unwritable(values: Distinct, sample: list[str]) -> bool:
    """Whether texts hold a NUL, or half of a character."""
    nul = values.matches("(?s:.*)\\x00(?s:.*)").any()
    return any(UNWRITABLE.search(text) for text in sample) or bool(nul)


def _drafted_many(values: Distinct, sample: list[str]) -> Draft | None:
    """Draft many different texts whose shape tells that they are not modelled; else None."""
    if kind := _personal_kind(values, sample):
        return _personal(values, kind)
    if _share(_IP, sample) >= _LIKELY:
        return _machines(values)
    if all(_is_json(text) for text in sample):
        return given_up(values, "holds JSON; make columns of its parts to have them modelled")
    return None


def _share(looks: re.Pattern[str], sample: list[str]) -> float:
    return float(np.mean([bool(looks.fullmatch(text.strip())) for text in sample]))


def _personal_kind(values: Distinct, sample: list[str]) -> Kind | None:
    """Kind of personal data of many different texts, by their shape and name; else None."""
    name = values.name
    if _share(_EMAIL, sample) >= (_LIKELY / 2 if names_email(name) else _LIKELY):
        return Kind.EMAIL
    if _share(_DIALLED if names_phone(name) else _PHONE, sample) >= _LIKELY:
        return Kind.PHONE
    if names_person(name) and _share(_FULL_NAME, sample) >= _LIKELY:
        return Kind.NAME
    return _kind_by_name(values)


def _kind_by_name(values: Distinct) -> Kind | None:
    """Kind of personal data of texts that seldom repeat, by the column's name; else None."""
    most = max(_FEW_VALUES, _MANY_SHARE * values.rows)
    if len(values) <= min(most, _MANY_VALUES):
        return None
    if names_person(values.name):
        return Kind.NAME
    return Kind.ADDRESS if names_address(values.name) else None


def _personal(values: Distinct, kind: Kind) -> Draft:
    note = Note(Topic.PERSONAL, values.name, f"drafted as {kind.value}")
    return _invented(values, kind, Role.IDENTIFIER), (note,)


def _invented(values: Distinct, kind: Kind, role: Role, pattern: str = "{}") -> Invented:
    return Invented(
        name=values.name,
        kind=kind,
        role=role,
        missing=values.missing,
        presence=values.missing,
        pattern=pattern,
    )


def _machines(values: Distinct) -> Draft:
    text = "addresses of machines, which may lead to a person; text that is not modelled"
    note = Note(Topic.PERSONAL, values.name, text)
    return _invented(values, Kind.TEXT, Role.QUASI_IDENTIFIER), (note,)


def _is_json(text: str) -> bool:
    if text.strip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _unique(values: Distinct) -> Draft:
    """Draft texts that are nearly unique.

    An identifier where no row repeats one, else text.
    """
    name = values.name
    spaced = pc.any(pc.match_substring(values.texts, " ")).as_py()
    repeats = len(values) < values.rows
    coded = is_uuid(values) or is_hash(values) or names_serial(name) or not spaced
    if repeats and coded:
        why = (
            "nearly each row has a value of its own, but some repeat; if it names whom to protect,"
            " make it the unit"
        )
        return given_up(values, why, Role.IDENTIFIER)
    if not coded:
        return given_up(values, "holds free text, nearly each row its own", Role.IDENTIFIER)
    note = Note(Topic.PERSONAL, name, "an identifier: each row has its own; check its pattern")
    return _invented(values, Kind.IDENTIFIER, Role.IDENTIFIER, pattern_of(values)), (note,)


def _is_prose(values: Distinct, sample: list[str]) -> bool:
    """Whether the texts are many and of many words each."""
    words = float(np.mean([len(text.split()) for text in sample]))
    return len(values) > values.rows / 2 and words >= _WORDS_OF_PROSE


def _categories(values: Distinct, room: Room, what: str, *, public: bool = False) -> Draft:
    """Draft categories.

    They are left to be measured where they are too many to confirm, or mostly in one row each.

    Args:
        values: The distinct values.
        room: How many categories may be listed.
        what: The values in words.
        public: Whether the values are public, however rare.
    """
    lengths = pc.utf8_length(values.texts).to_numpy(zero_copy_only=False)
    many = len(values) > room.most or lengths.sum() > _LONGEST_CATEGORIES
    if lengths.max() > _LONGEST_CATEGORY:
        return given_up(values, "holds long texts", Role.IDENTIFIER)
    if many and (values.rows < _LEAST_REPEATS * len(values) or not room.measured):
        why = f"holds {len(values):,} different {what}, most of them in few rows"
        return given_up(values, why, Role.IDENTIFIER)
    rare = not public and _are_rare(values)
    if room.measured and (many or rare):
        notes = (*_named_people(values), _open_note(values, what, rare), *_like_numbers(values))
        return _open(values), notes
    return _listed(values), (*_named_people(values), *_listed_notes(values, what, public))


def _listed(values: Distinct) -> Discrete:
    return Discrete(
        name=values.name,
        kind=Kind.CATEGORICAL,
        missing=values.missing,
        categories=tuple(sorted(values.texts.to_pylist())),
    )


def _are_rare(values: Distinct) -> bool:
    """Whether most of many values stand in one row only."""
    return len(values) > _FEW_VALUES and 2 * int((values.counts == 1).sum()) > len(values)


def _named_people(values: Distinct) -> tuple[Note, ...]:
    return (
        (Note(Topic.CATEGORIES, values.name, _NAMED_PEOPLE),) if names_person(values.name) else ()
    )


def _open_note(values: Distinct, what: str, rare: bool) -> Note:
    once = int((values.counts == 1).sum())
    why = f"{once:,} of them in one row only" if rare else "more than can be confirmed"
    text = (
        f"{len(values):,} different {what}, {why}: the frequent ones are to be measured, the rest"
        f" goes under {OTHER!r}"
    )
    return Note(Topic.CATEGORIES, values.name, text)


def _listed_notes(values: Distinct, what: str, public: bool) -> Iterator[Note]:
    """Notes on categories that are listed in the schema."""
    if len(values) > _TOLD_CATEGORIES:
        text = f"{len(values):,} {what}, each a fact to confirm"
        yield Note(Topic.CATEGORIES, values.name, text)
    if names_id(values.name) or _is_serial(values):
        text = (
            "an id that repeats, taken for categories; make it the unit if it names whom to protect"
        )
        yield Note(Topic.CATEGORIES, values.name, text)
    if not public and int(values.counts.min()) < _FEW_ROWS:
        text = (
            f"some stand in fewer than {_FEW_ROWS} rows; keep only those that anybody may know:"
            " the list leaves with each release"
        )
        yield Note(Topic.CATEGORIES, values.name, text)
    if not public:
        yield from _like_numbers(values)


def _is_serial(values: Distinct) -> bool:
    """Whether many texts of one width have numbers in a common form, as C00012."""
    return len(values) > _FEW_VALUES and re.search(r"^[^{].*:0", pattern_of(values)) is not None


def _open(values: Distinct) -> OpenCategorical:
    return OpenCategorical(
        name=values.name, kind=Kind.CATEGORICAL, missing=values.missing, other=OTHER
    )


def _like_numbers(values: Distinct) -> tuple[Note, ...]:
    """Note where many texts look like numbers that could not be read."""
    sample = values.sample(_SAMPLE)
    plain = values.matches("[0-9]+").all()
    if len(values) <= _FEW_VALUES or plain or _share(_NUMERIC, sample) < _LIKELY / 2:
        return ()
    text = (
        "many look like numbers, but with other signs or in several ways of writing; clean them to"
        " have numbers"
    )
    return (Note(Topic.NUMBERS, values.name, text),)

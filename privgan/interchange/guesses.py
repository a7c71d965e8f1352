"""What a column's name suggests where a foreign schema says only that it is text or a number."""

from __future__ import annotations

import re
from collections.abc import Iterable

from privgan.interchange.stated import StatedColumn
from privgan.table.columns import INVENTED_KINDS, Kind, Role

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
# What a person is called or reached by: such a column is no key, even where no value stands twice.
PERSONAL = frozenset({Kind.NAME, Kind.EMAIL, Kind.PHONE, Kind.ADDRESS})
# Longer texts are hardly one of a list.
LONGEST_CATEGORY = 200


def snake(name: str) -> str:
    """A name in lower case with underscores: ``customerId`` is ``customer_id``."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[:LONGEST_CATEGORY]).lower()).strip("_")


def names_an_id(name: str) -> bool:
    """Whether a name is that of an identifier."""
    return bool(_IDENTIFIER.search(snake(name)))


def kind_of_text(name: str, longest: int | None) -> Kind:
    """The kind that a text column most likely is; categories that are still to be measured where nothing is said."""
    if names_an_id(name):
        return Kind.IDENTIFIER
    for kind, looks in _NAMED.items():
        if looks.search(snake(name)):
            return kind
    return Kind.TEXT if longest is not None and longest > LONGEST_CATEGORY else Kind.CATEGORICAL


def role_of(name: str, kind: Kind) -> Role:
    """The role that a column most likely has."""
    if kind in INVENTED_KINDS:
        return Role.IDENTIFIER
    return Role.QUASI_IDENTIFIER if _QUASI.search(snake(name)) else Role.OTHER


def key_among(columns: Iterable[StatedColumn]) -> str | None:
    """The column that names each row: never missing and never twice; of several, the one named as an id."""
    names = [
        column.name
        for column in columns
        if column.unique and column.missing is False and kind_of_text(column.name, column.longest) not in PERSONAL
    ]
    named = [name for name in names if names_an_id(name)]
    found = names if len(names) == 1 else named
    return found[0] if len(found) == 1 else None

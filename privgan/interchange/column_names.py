"""Guess a column's kind, role and key from its name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from privgan.interchange.stated import StatedColumn
from privgan.schema.columns import INVENTED_KINDS, Kind, Role

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

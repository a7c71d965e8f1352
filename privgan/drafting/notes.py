"""Define the notes of a draft: sentences about columns, without any cell's value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from privgan.files.documents import shown


class Topic(StrEnum):
    """Topic of a note, in the order in which a person reads a draft."""

    RELATIONS = "How the tables hang together"
    UNIT = "Whom to protect"
    PERSONAL = "Identifiers and personal data: invented, not modelled"
    QUASI = "Known to others: quasi-identifiers"
    MISFIT = "Values that do not fit"
    MISSING = "Read as missing"
    SPECIAL = "Values with a meaning of their own"
    CATEGORIES = "Categories"
    NUMBERS = "Numbers"
    MOMENTS = "Moments"
    GIVEN_UP = "Given up"


@dataclass(frozen=True)
class Note:
    """One sentence of a draft.

    Attributes:
        topic: What it is about.
        column: The column that it is about.
        text: The sentence, without the column's name.
    """

    topic: Topic
    column: str
    text: str

    def __str__(self) -> str:
        """Note as a line."""
        return f"{shown(self.column)}: {self.text}"

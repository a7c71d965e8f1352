"""Define the options of a source that are given instead of recognised."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields, replace

from privgan.errors import TableError
from privgan.files.documents import shown
from privgan.files.json_types import JsonDict, JsonMapping
from privgan.naming import parameter

TEXT, SHEET, DATABASE = "text", "sheet", "database"
_MEANT = {
    "sheet": (SHEET, "Excel and OpenDocument files"),
    "table": (DATABASE, "databases"),
    "query": (DATABASE, "databases"),
}


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """Options of a source.

    Attributes:
        sep: Separator of a text file, one character or ``tab``; None to recognise it.
        encoding: Encoding of a text file, by Python's name; None to recognise it.
        sheet: Sheet of a spreadsheet; None where it has one.
        table: Table of a database, ``NAME`` or ``SCHEMA.NAME``; None where it has one, or with a
            query.
        query: SQL that makes the table.
    """

    sep: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    table: str | None = None
    query: str | None = field(default=None, repr=False)

    def fitting(self, name: str, nature: str, *, shared: bool = False) -> SourceOptions:
        """Check and complete these options for a source of one nature.

        Separator and encoding may stand beside any source.

        Args:
            name: The source, for messages.
            nature: text, sheet or database.
            shared: Whether several sources share the options: what this one cannot heed is left
                out, not refused.

        Raises:
            TableError: naming the option that the source cannot heed.
        """
        if self.table is not None and self.query is not None:
            raise TableError(
                f"{name}: {parameter('table')} {shown(self.table)} and {parameter('query')} are"
                " both given; give one"
            )
        deaf = [
            option
            for option, (meant, _) in _MEANT.items()
            if getattr(self, option) is not None and meant != nature
        ]
        if deaf and not shared:
            raise TableError(
                f"{name}: {parameter(deaf[0])} is for {_MEANT[deaf[0]][1]}; leave it out"
            )
        return replace(self, **dict.fromkeys(deaf))

    def recorded(self) -> JsonDict:
        """Options as recorded; of a query, which may hold a secret, only its SHA-256."""
        kept = {
            field.name: getattr(self, field.name) for field in fields(self) if field.name != "query"
        }
        return kept | {"query_sha256": self.query_sha256}

    @property
    def query_sha256(self) -> str | None:
        """SHA-256 of the query's text as UTF-8, in hexadecimal; None without one."""
        return None if self.query is None else hashlib.sha256(self.query.encode()).hexdigest()

    @classmethod
    def again(cls, recorded: JsonMapping, query: str | None) -> SourceOptions:
        """Recorded options, with the query given anew.

        Raises:
            TableError: when the query is not the recorded one.
        """
        options = cls(
            **{key: value for key, value in recorded.items() if key != "query_sha256"}, query=query
        )
        if options.query_sha256 != recorded["query_sha256"]:
            told = (
                "is not the one that the run began with"
                if query is not None
                else "is missing, and the run began with one"
            )
            asked = (
                f"give the same {parameter('query')}"
                if recorded["query_sha256"]
                else "leave it out"
            )
            raise TableError(f"the query {told}; {asked}")
        return options

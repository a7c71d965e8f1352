"""Small schemas for tests: from columns, or from the columns' lines in a schema's file."""

from __future__ import annotations

from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Column
from privgan.schema.schema import Schema
from privgan.table.schema_file import parse_schema

HEAD = "format: privgan.schema/1\ndataset: small\nunit: row\n"


def schema_of(*columns: Column, missing_markers: tuple[str, ...] = ("",)) -> Schema:
    """A schema whose unit is the row."""
    return Schema(
        dataset="small", unit=PrivacyUnit(), columns=columns, missing_markers=missing_markers
    )


def schema_of_lines(*lines: str) -> Schema:
    """A schema of columns such as ``name: age, kind: integer, lower: 0, upper: 99``."""
    return parse_schema(f"{HEAD}columns:\n" + "".join(f"  - {{{line}}}\n" for line in lines))

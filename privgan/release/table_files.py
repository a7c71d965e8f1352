"""Name the files that a release may hold: its own, and those of related tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from privgan.files.field_sources import FieldSource
from privgan.files.json_types import JsonDict
from privgan.schema.schema import Schema

FOLDER = "tables"
PARQUET, CSV = "parquet", "csv"
ALLOWED_FILES: Mapping[str, FieldSource] = MappingProxyType(
    {
        "synthetic.parquet": FieldSource.SYNTHETIC,
        "synthetic.csv": FieldSource.SYNTHETIC,
        "schema.yaml": FieldSource.PUBLIC,
        "model/model.safetensors": FieldSource.MEASURED,
        "model/model.json": FieldSource.MEASURED,
        "report.html": FieldSource.MEASURED,
        "report.md": FieldSource.MEASURED,
        "report.json": FieldSource.MEASURED,
    }
)
# The noisy marginals, which releases before 0.6.0 do not hold.
MARGINALS, MARGINAL_COUNTS = "marginals/marginals.json", "marginals/counts.csv"
OPTIONAL_FILES: Mapping[str, FieldSource] = MappingProxyType(
    {MARGINALS: FieldSource.MEASURED, MARGINAL_COUNTS: FieldSource.MEASURED}
)
_OWN_FILES = {**ALLOWED_FILES, **OPTIONAL_FILES}

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}"
_FILES = {
    re.compile(rf"{FOLDER}/({_NAME})\.{PARQUET}\Z"): "synthetic.parquet",
    re.compile(rf"{FOLDER}/({_NAME})\.{CSV}\Z"): "synthetic.csv",
}
MARGINALS_FOLDER = "marginals"
_FOLDERS = frozenset({"model", MARGINALS_FOLDER, FOLDER})


def table_file(table: str, form: str) -> str:
    """Path of a related table's file in a release.

    >>> table_file("orders", CSV)
    'tables/orders.csv'
    """
    return f"{FOLDER}/{table}.{form}"


def kind_of(name: str) -> str | None:
    """The file of a release of one table that a file is like; None where no release may hold it.

    >>> kind_of("tables/orders.csv"), kind_of("schema.yaml"), kind_of("notes.txt")
    ('synthetic.csv', 'schema.yaml', None)
    """
    if name in _OWN_FILES:
        return name
    return next((kind for form, kind in _FILES.items() if form.match(name)), None)


def part_of(name: str) -> str:
    """The related table that a file is of; empty for the files of any release.

    >>> part_of("tables/orders.csv"), part_of("synthetic.csv")
    ('orders', '')
    """
    found = next((match for form in _FILES if (match := form.match(name))), None)
    return found[1] if found else ""


def allowed_source(name: str) -> FieldSource | None:
    """Where the content of a release's file comes from; None where no release may hold it."""
    kind = kind_of(name)
    return None if kind is None else _OWN_FILES[kind]


def allowed_folder(name: str) -> bool:
    """Whether a release may have a folder of this path.

    >>> allowed_folder("tables"), allowed_folder("notes")
    (True, False)
    """
    return name in _FOLDERS


def stated_tables(schema: Schema, rows: Mapping[str, int]) -> tuple[JsonDict, ...]:
    """Each of several tables as a manifest lists it; none of one alone.

    Args:
        schema: The public facts.
        rows: Number of rows of each synthetic table.
    """
    if not schema.tables:
        return ()
    root: JsonDict = {"name": schema.root, "key": schema.unit.column}
    files = ["synthetic.csv", "synthetic.parquet"]
    found = [root | {"rows": rows[schema.root], "files": files}]
    for table in schema.tables:
        stated = table.relation()
        keys = {key: stated[key] for key in ("name", "key", "parent", "order") if key in stated}
        files = [table_file(table.name, form) for form in (CSV, PARQUET)]
        found.append(keys | {"rows": rows[table.name], "files": files})
    return tuple(found)

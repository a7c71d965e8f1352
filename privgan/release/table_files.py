"""Name the files of related tables in a release: one Parquet and one CSV file a table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from privgan.files.fields import FieldSource

FOLDER = "tables"
PARQUET, CSV = "parquet", "csv"
_FILE = re.compile(rf"{FOLDER}/([A-Za-z0-9_][A-Za-z0-9_-]{{0,63}})\.({PARQUET}|{CSV})\Z")
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


def table_file(table: str, form: str) -> str:
    """Path of a related table's file in a release.

    >>> table_file("orders", CSV)
    'tables/orders.csv'
    """
    return f"{FOLDER}/{table}.{form}"


def table_of(name: str) -> tuple[str, str] | None:
    """Table and form of a release's file; None where it is of no related table.

    >>> table_of("tables/orders.csv"), table_of("synthetic.csv")
    (('orders', 'csv'), None)
    """
    found = _FILE.match(name)
    return (found[1], found[2]) if found else None


def allowed_source(name: str) -> FieldSource | None:
    """Where the content of a release's file comes from; None where no release may hold it."""
    if table_of(name) is not None:
        return FieldSource.SYNTHETIC
    return ALLOWED_FILES.get(name)

"""Read tables from text, spreadsheets, columnar files, JSON, databases and frames as Arrow."""

from privgan.sources.arrow_types import SourceTable
from privgan.sources.columnar import is_table, table_of_mappings
from privgan.sources.options import SourceOptions
from privgan.sources.reading import read_source, source_name
from privgan.sources.servers import is_url

__all__ = [
    "SourceOptions",
    "SourceTable",
    "is_table",
    "is_url",
    "read_source",
    "source_name",
    "table_of_mappings",
]

"""Read tables from text, spreadsheets, columnar files, JSON, databases and frames as Arrow."""

from privgan.sources.arrow_types import SourceTable
from privgan.sources.columnar import is_table, table_of_mappings
from privgan.sources.listing import table_names
from privgan.sources.options import SourceOptions
from privgan.sources.reading import read_source, source_name
from privgan.sources.related import related_sources
from privgan.sources.servers import is_url
from privgan.sources.streams import SourceStream, stream_source

__all__ = [
    "SourceOptions",
    "SourceStream",
    "SourceTable",
    "is_table",
    "is_url",
    "read_source",
    "related_sources",
    "source_name",
    "stream_source",
    "table_names",
    "table_of_mappings",
]

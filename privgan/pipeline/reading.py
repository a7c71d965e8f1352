"""Read the table of a request, and say what was recognised."""

from __future__ import annotations

import pandas as pd

from privgan.pipeline.note import RunRequest
from privgan.progress import Progress
from privgan.sources import SourceTable, read_source


def read_aloud(request: RunRequest, progress: Progress) -> pd.DataFrame:
    """The table as read [rows, columns]; says what was recognised.

    Args:
        request: What the owner asks for.
        progress: Tells the owner.
    """
    read = read_source(request.table, request.source)
    tell_source(read, progress)
    return read.frame()


def tell_source(read: SourceTable, progress: Progress) -> None:
    """Say what was recognised of a table."""
    for line in read.said:
        progress.say(line)

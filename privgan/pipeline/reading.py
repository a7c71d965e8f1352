"""Read the table of a request, and say what was recognised."""

from __future__ import annotations

import pandas as pd

from privgan.pipeline.note import RunRequest
from privgan.progress import Progress
from privgan.sources import read_source


def read_aloud(request: RunRequest, progress: Progress) -> pd.DataFrame:
    """The table as read [rows, columns]; says what was recognised.

    Args:
        request: What the owner asks for.
        progress: Tells the owner.
    """
    read = read_source(request.table, request.source)
    for line in read.said:
        progress.say(line)
    return read.frame()

"""Moments in foreign schemas: ISO 8601, or as the column itself is written."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress

from privgan.interchange.node import Node
from privgan.table.columns import Kind

CLOCK = "%H:%M:%S"
ZONED = "%Y-%m-%dT%H:%M:%S%z"
_TIME_SIGNS = re.compile(r"%-?[HIMSfpzZTXcsR]|%[369]f")
_LONGEST = 64


def kind_of_format(pattern: str) -> Kind:
    """A date where a format holds no time of day, else a datetime."""
    return Kind.DATETIME if _TIME_SIGNS.search(pattern) else Kind.DATE


def moment(node: Node, pattern: str | None = None) -> dt.datetime:
    """The moment of a bound, without a zone.

    Args:
        node: Where it stands.
        pattern: How the column's values are written; ISO 8601 is read too.
    """
    text = node.text()
    with suppress(ValueError):
        return dt.datetime.fromisoformat(text[:_LONGEST]).replace(tzinfo=None)
    if pattern is not None:
        with suppress(ValueError, re.error):  # A sign twice in one format is an error of expressions.
            return dt.datetime.strptime(text[:_LONGEST], pattern).replace(tzinfo=None)
    raise node.wrong(f"found {text[:_LONGEST]!r}, allowed: a date such as 2020-12-31")

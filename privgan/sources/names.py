"""Names of columns: each has one, and its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from privgan.errors import TableError

_MOST_PLACES = 10


def require_names(source: str, names: Sequence[str]) -> None:
    """Refuse columns without a name, or that share one.

    Args:
        source: The source, for messages.
        names: The names [columns].

    Raises:
        TableError: naming what is wrong.
    """
    counts = Counter(name for name in names if name)
    places = [str(place) for place, name in enumerate(names, start=1) if counts[name] > 1]
    if places:
        # Where a file has no header, its first row would be told.
        told = f"one name more than once, in columns {', '.join(places[:_MOST_PLACES])}"
        raise TableError(f"{source}: the header has {told}; each column needs a name of its own")
    if "" in names:
        place = list(names).index("") + 1
        raise TableError(
            f"{source}: column {place} of the header has no name; name it, or drop it where it is a row number"
            " (pandas writes one without index=False)"
        )

"""Names of columns: each has one, and its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from privgan.documents import shown
from privgan.errors import TableError


def require_names(source: str, names: Sequence[str]) -> None:
    """Refuse columns without a name, or that share one.

    Args:
        source: The source, for messages.
        names: The names [columns].

    Raises:
        TableError: naming what is wrong.
    """
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated and repeated != [""]:
        told = ", ".join(shown(name) for name in repeated if name)
        raise TableError(f"{source}: the header names {told} more than once; each column needs a name of its own")
    if "" in names:
        place = list(names).index("") + 1
        raise TableError(
            f"{source}: column {place} of the header has no name; name it, or drop it where it is a row number"
            " (pandas writes one without index=False)"
        )

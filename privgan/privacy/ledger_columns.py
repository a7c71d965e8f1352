"""Two tables with one name: the ledger recognises a data set's table by keyed hashes of its column names."""

from __future__ import annotations

from collections.abc import Sequence

from privgan.errors import UsageError
from privgan.privacy.ledger_store import Entry, Transaction

LEAST_SHARED = 0.5


def hashed(transaction: Transaction, columns: Sequence[str]) -> list[str]:
    """A keyed hash of each column name: without the ledger's key it says nothing about the name."""
    return sorted(transaction.keyed(f"column:{name}") for name in columns)


def refuse_other_table(dataset: str, entries: Sequence[Entry], hashes: Sequence[str]) -> None:
    """Refuse columns of which no table seen under this name before shares at least half.

    Args:
        dataset: The data set's name.
        entries: Its entries, oldest first.
        hashes: The new table's hashed column names; none, and nothing is compared.

    Raises:
        UsageError: saying what to do.
    """
    known = [set(entry.body["columns"]) for entry in entries if entry.kind in {"run", "accept"} and entry.body.get("columns")]
    if not known or not hashes:
        return
    shared = max(len(columns & set(hashes)) / len(columns | set(hashes)) for columns in known)
    if shared < LEAST_SHARED:
        raise UsageError(
            f"{dataset}: this table shares {shared:.0%} of its columns with the tables of that name before; at least "
            f"{LEAST_SHARED:.0%} is expected. If it is about other customers, give it a 'dataset:' name of its own; if it is "
            f"the same data set, let a person say so: privgan ledger accept {dataset} --schema FILE --who NAME --why REASON"
        )

"""Recognise a known table under another name, by keyed hashes of columns and customers.

Of the customers' keyed hashes the smallest are kept (bottom-k). Two sketches estimate the share of
the smaller table's customers in the other one. Sketches are sealed under the ledger's key and have
equal lengths. So the ledger's file reveals nothing, not even the number of customers.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from privgan.errors import UsageError
from privgan.ledger.store import Entry, Transaction
from privgan.naming import call

LEAST_SHARED_COLUMNS = 0.5


def hashed(transaction: Transaction, columns: Sequence[str]) -> list[str]:
    """Hash each column name under the ledger's key; without the key it reveals nothing."""
    return sorted(transaction.keyed(f"column:{name}") for name in columns)


def check_same_table(dataset: str, entries: Sequence[Entry], hashes: Sequence[str]) -> None:
    """Check that some earlier table of this name shares at least half of the columns.

    Args:
        dataset: The data set's name.
        entries: Its entries, oldest first.
        hashes: The new table's hashed column names; none, and nothing is compared.

    Raises:
        UsageError: saying what to do.
    """
    known = [
        set(entry.body["columns"])
        for entry in entries
        if entry.kind in {"run", "accept"} and entry.body.get("columns")
    ]
    if not known or not hashes:
        return
    shared = max(len(columns & set(hashes)) / len(columns | set(hashes)) for columns in known)
    if shared < LEAST_SHARED_COLUMNS:
        raise UsageError(
            f"{dataset}: this table shares {shared:.0%} of its columns with the tables of that name"
            f" before; at least {LEAST_SHARED_COLUMNS:.0%} is expected. If it is about other"
            " customers, give it a 'dataset:' name of its own; if it is the same data set, let a"
            " person say so: "
            + call("PrivacyLedger.accept", dataset, columns="NAMES", who="NAME", why="REASON")
        )


SIZE = 2_048
# A tenth of the smaller table's customers. Ids that coincide by chance stay below it unless the
# tables fill a tenth of all possible ids; serial numbers do, and a person must tell them apart.
LEAST_SHARED = 0.1
# Fewer may coincide in any two tables, and below it the share is not known well.
LEAST_SEEN = 5
_BYTES, _NONCE = 8, 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Sketch:
    """The smallest keyed hashes of a table's customers. INTERNAL.

    Attributes:
        hashes: Sorted, each once, at most SIZE [hashes], uint64.
    """

    hashes: np.ndarray

    @property
    def limit(self) -> int:
        """The hash up to which the sketch holds every customer."""
        whole = len(self.hashes) < SIZE
        return int(np.iinfo(np.uint64).max) if whole else int(self.hashes[-1])

    def is_same(self, other: Sketch) -> bool:
        """Whether both describe the same customers."""
        return bool(np.array_equal(self.hashes, other.hashes))

    def shared(self, other: Sketch) -> tuple[int, float]:
        """Number of shared customers seen, and their estimated share of the smaller table."""
        limit = min(self.limit, other.limit)
        one, two = (part.hashes[part.hashes <= np.uint64(limit)] for part in (self, other))
        both = len(np.intersect1d(one, two, assume_unique=True))
        return both, both / max(1, min(len(one), len(two)))

    def resembles(self, other: Sketch) -> bool:
        """Whether a substantial share of the smaller table's customers is in the other one."""
        seen, share = self.shared(other)
        return seen >= LEAST_SEEN and share >= LEAST_SHARED


class Sketcher:
    """Make, seal and open sketches under one ledger's key.

    Args:
        key: The ledger's key.
    """

    def __init__(self, key: bytes) -> None:
        self._names, self._seals = (
            hmac.new(key, f"customers:{use}".encode(), hashlib.sha256).digest()
            for use in ("names", "seals")
        )

    def sketch(self, names: Sequence[bytes]) -> Sketch:
        """Sketch a table's customers; order and repetitions do not matter."""
        blake, key = hashlib.blake2b, self._names
        digests = b"".join([blake(name, key=key, digest_size=_BYTES).digest() for name in names])
        return Sketch(hashes=np.unique(np.frombuffer(digests, dtype="<u8"))[:SIZE])

    def seal(self, sketch: Sketch) -> str:
        """Encrypt a sketch as a text of fixed length."""
        plain = np.zeros(SIZE + 1, dtype="<u8")
        plain[0], plain[1 : len(sketch.hashes) + 1] = len(sketch.hashes), sketch.hashes
        nonce = os.urandom(_NONCE)
        return base64.b64encode(nonce + self._masked(nonce, plain.tobytes())).decode()

    def open(self, sealed: str) -> Sketch:
        """Open a sealed sketch; the chain's MAC authenticates the text."""
        content = base64.b64decode(sealed)
        plain = np.frombuffer(self._masked(content[:_NONCE], content[_NONCE:]), dtype="<u8")
        return Sketch(hashes=plain[1 : int(plain[0]) + 1])

    def _masked(self, nonce: bytes, content: bytes) -> bytes:
        mask = hashlib.shake_256(self._seals + nonce).digest(len(content))
        return (np.frombuffer(content, np.uint8) ^ np.frombuffer(mask, np.uint8)).tobytes()


def known_sketches(sketcher: Sketcher, entries: Sequence[Entry]) -> list[tuple[str, Sketch]]:
    """Every sketch in the ledger with its data set."""
    sealed = [
        (entry.dataset, entry.body["customers"]) for entry in entries if entry.body.get("customers")
    ]
    return [(dataset, sketcher.open(customers["sealed"])) for dataset, customers in sealed]


def check_new_customers(
    dataset: str, sketch: Sketch, known: Sequence[tuple[str, Sketch]], entries: Sequence[Entry]
) -> None:
    """Check that the customers are new, unless a person accepted both data sets.

    Args:
        dataset: The data set's name.
        sketch: The table's customers.
        known: The sketches of all data sets.
        entries: All entries of the ledger.

    Raises:
        UsageError: saying what to do.
    """
    accepted = {
        frozenset({entry.dataset, str(entry.body["same_customers_as"])})
        for entry in entries
        if entry.kind == "accept" and entry.body.get("same_customers_as")
    }
    for other, theirs in known:
        pair = frozenset({dataset, other})
        if other != dataset and pair not in accepted and sketch.resembles(theirs):
            raise UsageError(
                f"{dataset}: many of this table's customers are also in a table of the data set"
                f" {other}, and each data set has a budget of its own. If it is the same data set,"
                f" write 'dataset: {other}' in the schema. Serial numbers and rows of few different"
                " values look alike in any two tables: if that is all, or both budgets shall count"
                " for the same customers, let a person say so: "
                + call(
                    "PrivacyLedger.accept_customers", dataset, other=other, who="NAME", why="REASON"
                )
            )

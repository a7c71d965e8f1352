"""Guard the owner's rows and bound each customer's contribution by random subsampling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

import numpy as np
import pandas as pd

from privgan.domain.measured import clamp_measured
from privgan.errors import InternalError
from privgan.parts.history_form import HistoryForm
from privgan.parts.history_views import View, history_view
from privgan.parts.part import Part
from privgan.privacy.budget import PrivacyUnit
from privgan.privacy.randomness import SecretStream
from privgan.privacy.receipts import Receipt
from privgan.schema.schema import Schema

Encode = Callable[[pd.DataFrame], np.ndarray]
PART_ROWS = 2**20  # Rows that are encoded together.


class Sealed:
    """Holds real rows: it is never pickled or copied, and its repr shows none."""

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise TypeError(f"{type(self).__name__} holds real rows; it cannot be pickled or copied")

    def __getstate__(self) -> NoReturn:
        """Refuse to give its state to whoever pickles or copies in another way."""
        self.__reduce__()

    def __repr__(self) -> str:
        """The class alone: no row, no count."""
        return f"{type(self).__name__}(…)"


class Samples(Sealed):
    """Codes gathered by customer. PRIVATE: handed out against a receipt only.

    Args:
        codes: Rows as codes [rows, columns].
        customers: Whose each row is [rows].
    """

    def __init__(self, codes: np.ndarray, customers: np.ndarray) -> None:
        order = np.argsort(customers, kind="stable")
        # Row-major: a batch takes whole rows.
        self._codes = np.ascontiguousarray(codes[order])
        _, self._first, self._rows = np.unique(
            customers[order], return_index=True, return_counts=True
        )

    def __len__(self) -> int:
        """Number of customers. PRIVATE."""
        return len(self._first)

    def batch(self, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of some customers.

        Args:
            members: Indices of customers [batch].

        Returns:
            Codes [rows of the batch, columns], int64, and for each of these rows its place in the
            batch [rows of the batch].
        """
        rows = self._rows[members]
        place = np.repeat(np.arange(len(members)), rows)
        offset = np.arange(rows.sum()) - np.repeat(np.cumsum(rows) - rows, rows)
        return self._codes[self._first[members][place] + offset].astype(np.int64), place


class CodedRows(Sealed):
    """Codes of private rows, in parts. PRIVATE: sums over the rows come out, and no row.

    A part may lie in memory or in a mapped file. A sum over all rows is that of the parts' sums, so
    noise is added once, to the whole.

    Args:
        parts: Codes of each part [its rows, columns]; at least one part.
    """

    def __init__(self, parts: Sequence[np.ndarray]) -> None:
        self._codes = tuple(parts)

    def __len__(self) -> int:
        """Number of rows. PRIVATE."""
        return sum(map(len, self._codes))

    def summed(self, statistic: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """A statistic of all rows: the sum of the parts'.

        Args:
            statistic: A sum over the rows of codes [rows, columns].
        """
        first, *others = self._codes
        total = statistic(first)
        for part in others:
            total = total + statistic(part)
        return total


class WholeRows(Sealed):
    """All rows of the kept-in customers, however many one has. PRIVATE: for views alone.

    Args:
        frame: Typed rows [rows, modelled columns].
        customers: Whose each row is [rows].
    """

    def __init__(self, frame: pd.DataFrame, customers: np.ndarray) -> None:
        self._frame, self._customers = frame, customers

    def clamped(self, schema: Schema) -> WholeRows:
        """The same rows mapped one by one into a schema's measured facts."""
        return WholeRows(clamp_measured(self._frame, schema), self._customers)

    def customers_of(self, name: str) -> np.ndarray:
        """Whose each row of a related table is [rows]; without such tables there are none."""
        raise InternalError(f"there is no table {name}")

    def view(self, part: Part, schema: Schema, coins: SecretStream) -> View:
        """The view of a part: each row a function of one customer's rows alone.

        Args:
            part: The part.
            schema: The public facts.
            coins: Put rows that are exchangeable in order; those of a history have one.
        """
        del coins
        return history_view(part.name, HistoryForm(schema), self._frame, self._customers)


class PrivateTable(Sealed):
    """Typed rows of the customers that the release may depend on: all but left-out canaries.

    Args:
        dataset: The data set's name in the ledger.
        unit: Who is protected.
        frame: Typed rows [rows, modelled columns], of each customer at most the unit's number.
        customers: Whose each row is [rows]; None where each row is a customer of its own.
        whole: All rows of these customers, from which views are made; None where there are none.
    """

    def __init__(
        self,
        dataset: str,
        unit: PrivacyUnit,
        frame: pd.DataFrame,
        customers: np.ndarray | None = None,
        whole: WholeRows | None = None,
    ) -> None:
        self.dataset, self.unit = dataset, unit
        self._frame, self._whole = frame, whole
        self._customers = np.arange(len(frame)) if customers is None else customers
        if np.unique(self._customers, return_counts=True)[1].max(initial=0) > unit.max_rows:
            raise InternalError(
                f"a customer has more rows than the unit's {unit.max_rows}: contributions were not"
                " bounded"
            )
        self._codes: tuple[Encode, tuple[np.ndarray, ...]] | None = None

    def rows(self, receipt: Receipt) -> pd.DataFrame:
        """Rows, for one charged look."""
        self._redeem(receipt)
        return self._frame

    def customers(self, receipt: Receipt) -> np.ndarray:
        """Customer number of each row [rows], for one charged look."""
        self._redeem(receipt)
        return self._customers

    def codes(self, receipt: Receipt, encode: Encode) -> CodedRows:
        """Codes of an encoder, for one charged look: sums over them come out."""
        self._redeem(receipt)
        return CodedRows(self._encoded(encode))

    def samples(self, receipt: Receipt, encode: Encode) -> Samples:
        """Codes grouped by customer, for one charged look; each customer is one sample."""
        self._redeem(receipt)
        parts = self._encoded(encode)
        return Samples(parts[0] if len(parts) == 1 else np.concatenate(parts), self._customers)

    def clamped(self, schema: Schema) -> PrivateTable:
        """The same rows mapped one by one into a schema's measured facts, which are public."""
        whole = None if self._whole is None else self._whole.clamped(schema)
        return PrivateTable(
            self.dataset, self.unit, clamp_measured(self._frame, schema), self._customers, whole
        )

    def customers_of(self, receipt: Receipt, table: str) -> np.ndarray:
        """Customer number of each row of a related table [rows], for one charged look."""
        self._redeem(receipt)
        if self._whole is None:
            raise InternalError(f"the table {table} needs the customers' whole rows")
        return self._whole.customers_of(table)

    def view(
        self, part: Part, schema: Schema, unit: PrivacyUnit, coins: SecretStream
    ) -> PrivateTable:
        """A part's view, made from all rows of each customer; no row comes out.

        Args:
            part: The part.
            schema: The public facts, with every measured one filled in.
            unit: How many of the view's rows are kept of each customer.
            coins: Pick these rows, and put exchangeable ones in order.
        """
        if self._whole is None:
            raise InternalError(f"the part {part.name} needs the customers' whole rows")
        found = self._whole.view(part, schema, coins)
        used = bounded(found.customers, unit.max_rows, coins)
        frame = found.frame.loc[used].reset_index(drop=True)
        return PrivateTable(self.dataset, unit, frame, found.customers[used])

    def _encoded(self, encode: Encode) -> tuple[np.ndarray, ...]:
        """Codes of each part, encoded part by part: what that takes does not grow with the rows."""
        if self._codes is None or self._codes[0] != encode:
            starts = range(0, max(1, len(self._frame)), PART_ROWS)
            parts = (self._frame.iloc[start : start + PART_ROWS] for start in starts)
            self._codes = (encode, tuple(map(encode, parts)))
        return self._codes[1]

    def _redeem(self, receipt: Receipt) -> None:
        if receipt.dataset != self.dataset:
            raise InternalError(f"a receipt for {receipt.dataset} was shown for {self.dataset}")
        receipt.redeem()

    def __repr__(self) -> str:
        """Name of the data set; no row, no count."""
        return f"PrivateTable({self.dataset})"


def numbered(names: Iterable[object]) -> np.ndarray:
    """Customer number of each row [rows], int64, from 0 without gaps, by name.

    Names are objects: numpy's own texts drop trailing NUL characters, which would merge customers,
    and pad every text to the longest.
    """
    _, numbers = np.unique(
        np.asarray([str(name) for name in names], dtype=object), return_inverse=True
    )
    return numbers.astype(np.int64)


def bounded(customers: np.ndarray, max_rows: int, coins: SecretStream) -> np.ndarray:
    """Bound each customer's contribution by random subsampling: used rows [rows], bool.

    At most ``max_rows`` of each customer are picked evenly at random. One customer's pick does not
    depend on any other. So one customer more or less changes only its own rows.

    Args:
        customers: Whose each row is [rows].
        max_rows: The most rows of one customer.
        coins: Secret coins.
    """
    order = np.lexsort((coins.words(len(customers)), customers))
    sorted_customers = customers[order]
    first = np.searchsorted(sorted_customers, sorted_customers, side="left")
    kept = np.zeros(len(customers), dtype=bool)
    kept[order] = np.arange(len(customers)) - first < max_rows
    return kept


def rows_of_each(customers: np.ndarray, max_rows: int) -> np.ndarray:
    """Number of customers with 1, 2, … ``max_rows`` rows [max_rows], int64.

    One customer moves one count by one.

    Args:
        customers: Whose each row is [rows].
        max_rows: The most rows of one customer; more count as so many.
    """
    sizes = np.minimum(np.unique(customers, return_counts=True)[1], max_rows)
    return np.bincount(sizes, minlength=max_rows + 1)[1:]

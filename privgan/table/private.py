"""The private table: its rows come out only against a receipt."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NoReturn

import numpy as np
import pandas as pd

from privgan.errors import InternalError
from privgan.privacy.receipts import Receipt
from privgan.privacy.unit import PrivacyUnit

Encode = Callable[[pd.DataFrame], np.ndarray]


class UnpaidLook(StrEnum):
    """The only looks at rows that are not charged; what they compute is INTERNAL."""

    DRAFT_SCHEMA = "drafting a schema"
    VALIDATE = "validating the table against its schema"
    AUDIT = "the audit"


class PrivateTable:
    """Typed rows of the customers that the release may depend on: all but the left-out canaries.

    Args:
        dataset: The data set's name in the ledger.
        unit: Who is protected.
        frame: Typed rows [rows, modelled columns].
    """

    def __init__(self, dataset: str, unit: PrivacyUnit, frame: pd.DataFrame) -> None:
        self.dataset, self.unit = dataset, unit
        self._frame = frame
        self._codes: tuple[Encode, np.ndarray] | None = None

    def rows(self, receipt: Receipt) -> pd.DataFrame:
        """The rows, for one charged look."""
        self._redeem(receipt)
        return self._frame

    def codes(self, receipt: Receipt, encode: Encode) -> np.ndarray:
        """The rows as codes [rows, columns] of an encoder, for one charged look."""
        self._redeem(receipt)
        if self._codes is None or self._codes[0] != encode:
            self._codes = (encode, encode(self._frame))
        return self._codes[1]

    def uncharged_rows(self, look: UnpaidLook) -> pd.DataFrame:
        """The rows, for one of the named unpaid looks."""
        if not isinstance(look, UnpaidLook):
            raise InternalError(f"{look} is no unpaid look")
        return self._frame

    def _redeem(self, receipt: Receipt) -> None:
        if receipt.dataset != self.dataset:
            raise InternalError(f"a receipt for {receipt.dataset} was shown for {self.dataset}")
        receipt.redeem()

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise TypeError("a private table cannot be pickled or copied")

    def __repr__(self) -> str:
        """The data set's name; no row, no count."""
        return f"PrivateTable({self.dataset})"

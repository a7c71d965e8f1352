"""Rows come out of a private table against a receipt only."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from privgan.errors import InternalError
from privgan.owner.private_table import PrivateTable
from privgan.privacy.budget import PrivacyUnit
from privgan.privacy.events import DiscreteGaussian
from privgan.privacy.receipts import mint


def test_a_refused_receipt_touches_no_row() -> None:
    looked: list[int] = []

    def encode(frame: pd.DataFrame) -> np.ndarray:
        looked.append(len(frame))
        return frame.to_numpy()

    table = PrivateTable("small", PrivacyUnit(), pd.DataFrame({"x": [1, 2]}))
    other = mint(dataset="other", step="one", event=DiscreteGaussian(5.0, 1))
    with pytest.raises(InternalError):
        table.codes(other, encode)
    assert looked == []
    receipt = mint(dataset="small", step="one", event=DiscreteGaussian(5.0, 1))
    assert table.codes(receipt, encode).summed(lambda part: part).tolist() == [[1], [2]]
    assert looked == [2]

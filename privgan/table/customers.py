"""Compute the customers' names, so that the ledger recognises them under another table's name.

This is part of validating the table, an unpaid look. The names go to the ledger alone, which keeps
a sealed sketch of them. The outcome, refused or not, is the owner's.
"""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pandas as pd

from privgan.schema.schema import Schema
from privgan.table.readings import canonical_text

# Ids that were read as floats: 12.0 is 12.
_WHOLE = re.compile(r"(?<=[0-9])\.0+\Z")
LEAST_DISTINCT = 0.5
# Names of a whole table: more than two sketches must share to match.
_PARTS = 16


def customer_names(frame: pd.DataFrame, schema: Schema) -> list[bytes]:
    """Distinct names of the customers of a conforming table. PRIVATE.

    With ``unit: row`` a row's own modelled values are its name. Two tables are then compared only
    where they have the same modelled columns. Where most rows repeat, all rows together are the
    name, and only the very same table is recognised.

    Args:
        frame: Typed rows that conform to the schema [rows, modelled columns and unit column].
        schema: The public facts.
    """
    unit = schema.unit.column
    if unit is not None:
        names = frame[unit].drop_duplicates().astype(object)
        texts = (_WHOLE.sub("", canonical_text(name).strip()) for name in names)
        return [b"unit:" + text.encode(errors="surrogatepass") for text in texts]
    columns = sorted(column.name for column in schema.modelled)
    hashes = pd.util.hash_pandas_object(_plain(frame[columns]), index=False).to_numpy(np.uint64)
    rows = np.unique(hashes)
    if len(rows) < LEAST_DISTINCT * len(hashes):
        whole = hashlib.sha256(np.sort(hashes).tobytes()).digest()
        about = f"table:{columns}:".encode() + whole
        return [about + bytes([part]) for part in range(_PARTS)]
    about = f"row:{columns}:".encode()
    return [about + int(row).to_bytes(8, "little") for row in rows]


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Moments to the second, so that a value's hash does not depend on pandas' unit."""
    moments = frame.select_dtypes("datetime").columns
    return frame.astype(dict.fromkeys(moments, "datetime64[s]"))

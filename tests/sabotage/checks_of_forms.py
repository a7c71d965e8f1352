"""Check how a table becomes typed rows: one at a time, with no unseen repeated id."""

from __future__ import annotations

import numpy as np
import pandas as pd

from privgan.errors import TableError
from privgan.table import conform
from privgan.table.schema_file import parse_schema

_SCHEMA = parse_schema("""format: privgan.schema/1
dataset: forms
unit: row
columns:
  - {name: id, kind: identifier, role: identifier}
  - {name: email, kind: email, role: identifier, missing: true, presence: modelled,
     missing_markers: [unknown]}
  - {name: paid, kind: float, lower: 0, upper: 99, decimals: 2, format: "$0.00",
     special_values: [-1], missing: true}
  - {name: until, kind: date, lower: 2020-01-01, upper: 2020-12-31, special_values: [9999-12-31]}
""")


def _table(rows: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": [f"K{serial}" for serial in range(rows)],
            "email": rng.choice(["", "unknown", "a@x.org", "b@x.org"], rows),
            "paid": rng.choice(["$1.50", "$98.00", "-$1.00", ""], rows),
            "until": rng.choice(["2020-02-29", "9999-12-31"], rows),
        }
    )


def each_row_is_typed_alone() -> None:
    """What a row becomes depends on no other row, so that one customer moves one row."""
    table = _table()
    whole = conform.conform(table, _SCHEMA)
    for kept in (table.index[:1], table.index[::7], table.index[5:40]):
        part = conform.conform(table.loc[kept], _SCHEMA)
        assert part.equals(whole.loc[kept]), "a row becomes another one in other company"


def an_id_that_repeats_is_no_row_of_its_own() -> None:
    """Beside ``unit: row`` an id that repeats is refused: each row's ε would be worth less."""
    table = _table()
    table.loc[3, "id"] = table.loc[2, "id"]
    try:
        conform.conform(table, _SCHEMA)
    except TableError:
        return
    raise AssertionError("an id that repeats went unseen")

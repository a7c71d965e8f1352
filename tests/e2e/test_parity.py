"""A dependence that no three columns tell comes through the whole product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from privgan import Synthesizer

ROWS, COLUMNS = 35_000, [f"x{place}" for place in range(6)]
SCHEMA = {
    "format": "privgan.schema/1",
    "dataset": "parity",
    "unit": "row",
    "columns": [
        *({"name": x, "kind": "float", "lower": -1, "upper": 1, "decimals": 4} for x in COLUMNS),
        {"name": "y", "kind": "categorical", "categories": ["even", "odd"]},
    ],
}


def _table(rows: int, seed: int) -> pd.DataFrame:
    """Even columns; y is the parity of the signs of three of them."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(-1, 1, (rows, len(COLUMNS))).round(4)
    odd = (values[:, [0, 2, 5]] > 0).sum(1) % 2
    return pd.DataFrame(values, columns=COLUMNS).assign(y=np.array(["even", "odd"])[odd])


@pytest.mark.slow
def test_parity_of_three_signs_is_learnt_at_epsilon_one(tmp_path: Path) -> None:
    synthesizer = Synthesizer(
        SCHEMA, epsilon=1, public_rows=ROWS, effort="quick", ledger=tmp_path / "ledger.db"
    )
    made = synthesizer.fit(_table(ROWS, 0)).sample(ROWS)
    fitted = HistGradientBoostingClassifier(max_iter=300, random_state=0)
    fitted.fit(made[COLUMNS], made["y"].astype(str))
    real = _table(10_000, 1)
    assert (fitted.predict(real[COLUMNS]) == real["y"]).mean() >= 0.95

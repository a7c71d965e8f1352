"""Score privgan's own models by the likelihood of test rows, read from the model file.

Two figures in nats a row. ``loglik`` is of the codes: comparable only between models with the same
codes. ``loglik_values`` is of the values at the schema's steps, with each code's shape inside:
comparable between all of privgan's models of one table. Neither knows the schema's constraints.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from privgan.domain.encoding import ColumnCode, Encoder
from privgan.generator.network_form import NETWORK_FORMAT
from privgan.synthesizer import FACTS, load_synthesizer

MODEL = Path("candidate") / "model"
ROWS = 20_000
# Noise leaves cells without any share: each code gives so much to its cells by their length.
_SPREAD = 1e-3


def likelihoods_of(folder: Path, test: pd.DataFrame) -> dict[str, float]:
    """Figures of the model that a cell has kept; none where it has none.

    Args:
        folder: The cell's folder.
        test: Typed test rows.
    """
    model = folder / MODEL
    if not model.exists():
        return {}
    synthesizer, rows = load_synthesizer(model), test[:ROWS]
    codes = synthesizer.distribution.log_likelihood(synthesizer.encoder.encode(rows))
    return {
        "loglik": float(np.mean(codes)),
        "loglik_values": float(np.mean(codes + log_within(synthesizer.encoder, rows))),
        "network": float(_is_network(model)),
    }


def log_within(encoder: Encoder, rows: pd.DataFrame) -> np.ndarray:
    """Log-probability [rows] of typed values given their codes."""
    return sum(
        (_column_within(column, rows[column.name]) for column in encoder.columns),
        np.zeros(len(rows)),
    )


def _column_within(column: ColumnCode, values: pd.Series) -> np.ndarray:
    """Log-probability [rows] of one column's values given its codes.

    A value is one step of its fine cell, and each step of a cell is as probable.
    """
    cells = column.cells
    steps = np.ones(cells.size)
    steps[cells.first_interval : cells.first_interval + len(cells.lengths)] = cells.lengths
    even = steps / np.bincount(column.code_of, weights=steps)[column.code_of]
    mass = np.bincount(column.code_of, weights=column.within)[column.code_of]
    shares = (1 - _SPREAD) * column.within / mass + _SPREAD * even
    found: np.ndarray = np.log(shares / steps)[cells.encode(values)]
    return found


def _is_network(model: Path) -> bool:
    facts = json.loads((model / FACTS).read_text(encoding="utf-8"))
    return bool(facts["format"] == NETWORK_FORMAT)

"""Fit smartnoise-synth's DPCTGAN or MST at its own settings, with the declared domain.

Runs in smartnoise's environment.

Its transformers learn categories from the rows they are fitted on; here those rows are made from
the public facts, so that the private table tells them nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from driver import Column, Job, Sampler, main, read_rows
from snsynth import Synthesizer
from snsynth.transform import (
    BinTransformer,
    ChainTransformer,
    LabelTransformer,
    MinMaxTransformer,
    OneHotEncoder,
    TableTransformer,
)


def fit(job: Job) -> Sampler:
    """Fit a synthesizer on the transformed table."""
    np.random.seed(job.seed)  # noqa: NPY002 - the peer draws from numpy's global stream
    torch.manual_seed(job.seed)
    kind = job.options["synthesizer"]
    synthesizer = Synthesizer.create(kind, epsilon=job.epsilon, delta=job.delta, verbose=False)
    synthesizer.fit(
        read_rows(job), transformer=_transformer(job, cube=kind == "mst"), preprocessor_eps=0.0
    )
    if job.options.get("method") == "sample":
        return lambda rows: _independent_rows(synthesizer, rows)
    return synthesizer.sample


def _transformer(job: Job, *, cube: bool) -> TableTransformer:
    """The transformers that the documentation names for each style, fitted on public rows."""
    transformer = TableTransformer(
        [_column_transformer(column, cube=cube) for column in job.columns]
    )
    transformer.fit(_public_rows(job.columns))
    return transformer


def _column_transformer(column: Column, *, cube: bool) -> object:
    if column.discrete:
        labels = LabelTransformer(nullable=column.missing)
        return labels if cube else ChainTransformer([labels, OneHotEncoder()])
    kind = BinTransformer if cube else MinMaxTransformer
    return kind(lower=column.lower, upper=column.upper, nullable=column.missing)


def _public_rows(columns: tuple[Column, ...]) -> pd.DataFrame:
    """Rows that hold every declared category, and both bounds, of every column."""
    values = [_public_values(column) for column in columns]
    rows = max(map(len, values))
    cycled = {
        column.name: (found * rows)[:rows] for column, found in zip(columns, values, strict=True)
    }
    return pd.DataFrame(cycled)


def _public_values(column: Column) -> list[object]:
    values: list[object] = (
        list(column.categories) if column.discrete else [column.lower, column.upper]
    )
    return [*values, None] if column.missing else values


def _independent_rows(synthesizer: Synthesizer, rows: int) -> pd.DataFrame:
    """As MST's ``sample``, with rows drawn independently rather than by mbi's default, rounding."""
    drawn = synthesizer.undo_compress_fn(
        synthesizer.synthesizer.synthetic_data(rows=rows, method="sample")
    )
    codes = drawn.df[list(drawn.df.columns)].itertuples(index=False, name=None)
    return synthesizer._transformer.inverse_transform(codes)


if __name__ == "__main__":
    main(fit, ("smartnoise-synth", "mbi", "opacus", "torch", "numpy", "pandas"))

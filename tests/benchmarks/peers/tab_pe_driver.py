"""Fit Tab-PE, private evolution of tables, at its authors' settings for Adult.

Runs in an environment that its owner has added private-evolution to: no package index has it.
Source: Tran et al. 2026, Differentially Private Synthetic Data via APIs 4: Tabular Data.
"""

from __future__ import annotations

import sys
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pandas as pd
from driver import Column, Job, Sampler, main, read_rows

# What only its images and language models need stands empty: its packages import it all the same.
UNUSED = (
    "azure",
    "azure.identity",
    "cleanfid",
    "cleanfid.clip_features",
    "cleanfid.fid",
    "cleanfid.inception_torchscript",
    "cleanfid.resize",
    "fld",
    "fld.features",
    "fld.features.InceptionFeatureExtractor",
    "fld.metrics",
    "fld.metrics.PrecisionRecall",
)
sys.modules.update({name: MagicMock() for name in UNUSED})

try:
    from pe.api import TabularAPI
    from pe.constant.data import (
        LABEL_ID_COLUMN_NAME,
        TABULAR_DATA_COLUMN_NAME,
        VARIATION_API_FOLD_ID_COLUMN_NAME,
    )
    from pe.data import Data, TabularColumnType
    from pe.embedding import TabularEmbedding
    from pe.histogram import NearestNeighbors
    from pe.population import CompositePopulation, PEPopulation
    from pe.runner import PE
except ModuleNotFoundError as error:
    raise SystemExit(
        f"Tab-PE is not installed (no module {error.name}): no index has it; install it from"
        " github.com/microsoft/DPSDA into this environment, then remove this cell's folder"
    ) from error

ITERATIONS, BY_SAMPLE, SAMPLES, VARIATIONS = 30, 5, 1_000, 3
MISSING = "missing"
# Rows are lists of values: categories first, then whole numbers, then others.
KINDS = (TabularColumnType.CATEGORICAL, TabularColumnType.INTEGER, TabularColumnType.FLOAT)


def fit(job: Job) -> Sampler:
    """Evolve 1,000 rows; a larger table is drawn from them with replacement."""
    np.random.seed(job.seed)  # noqa: NPY002 - the global generator is the only one it draws from
    target = next(column for column in job.columns if column.name == job.target)
    facts = {column.name: _info(column) for column in job.columns if column is not target}
    info = dict(sorted(facts.items(), key=lambda fact: KINDS.index(fact[1]["type"])))
    private = _data(job, target, info)
    runner = PE(
        priv_data=private,
        population=_population(info),
        histogram=NearestNeighbors(
            embedding=TabularEmbedding(info=info), mode="L2", lookahead_degree=0, backend="torch"
        ),
    )
    evolved = runner.run(
        num_samples_schedule=[SAMPLES] * ITERATIONS,
        epsilon=job.epsilon,
        delta=job.delta,
        save_checkpoint=False,
    ).data_frame
    kept = evolved[evolved[VARIATION_API_FOLD_ID_COLUMN_NAME] == -1]
    made = pd.DataFrame(kept[TABULAR_DATA_COLUMN_NAME].tolist(), columns=list(info))
    values = _values(target)
    made[target.name] = [values[place] for place in kept[LABEL_ID_COLUMN_NAME]]
    return lambda rows: _without_marks(made, job).sample(rows, replace=True, random_state=job.seed)


def _population(info: dict[str, Any]) -> Any:
    """Five generations drawn by votes, then the best of parents and three variations each."""
    api = TabularAPI(info=info, num_iterations=ITERATIONS)
    drawn = PEPopulation(
        api=api,
        initial_variation_api_fold=0,
        next_variation_api_fold=1,
        keep_selected=False,
        selection_mode="sample",
        histogram_threshold=0,
    )
    best = PEPopulation(
        api=api,
        initial_variation_api_fold=VARIATIONS,
        next_variation_api_fold=VARIATIONS,
        keep_selected=True,
        selection_mode="rank",
    )
    return CompositePopulation([drawn] * BY_SAMPLE + [best] * (ITERATIONS - BY_SAMPLE))


def _data(job: Job, target: Column, info: dict[str, Any]) -> Any:
    """The rows with their label, the target, as the declared facts number it."""
    rows = read_rows(job)
    if rows[[column.name for column in job.numeric]].isna().any(axis=None):
        raise SystemExit("Tab-PE takes no missing number; choose a table without any")
    rows = rows.fillna({column.name: MISSING for column in job.discrete})
    places = {value: place for place, value in enumerate(_values(target))}
    table = {
        TABULAR_DATA_COLUMN_NAME: rows[list(info)].to_numpy(dtype=object).tolist(),
        LABEL_ID_COLUMN_NAME: rows[target.name].map(places),
    }
    told = [{"name": value, "column_values": {target.name: value}} for value in places]
    columns = {
        f"{kind.value}_columns": [name for name in info if info[name]["type"] is kind]
        for kind in KINDS
    }
    return Data(
        pd.DataFrame(table),
        {
            **columns,
            "label_columns": [target.name],
            "label_info": told,
            "feature_columns": list(info),
        },
    )


def _info(column: Column) -> dict[str, Any]:
    """A column's public facts."""
    if column.discrete:
        return {"categories": _values(column), "type": TabularColumnType.CATEGORICAL}
    kind = TabularColumnType.FLOAT if column.decimals else TabularColumnType.INTEGER
    return {"min": column.lower, "max": column.upper, "type": kind}


def _values(column: Column) -> list[str]:
    return [*column.categories, *((MISSING,) if column.missing else ())]


def _without_marks(made: pd.DataFrame, job: Job) -> pd.DataFrame:
    names = [column.name for column in job.discrete]
    return made.assign(**{name: made[name].where(made[name] != MISSING, None) for name in names})


if __name__ == "__main__":
    main(fit, ("torch", "numpy", "pandas"))

"""Fit dpsynth's AIM-GDP or SWIFT at its own settings, with the declared domain.

Runs in an environment that its owner has added dpsynth to: no package index has it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from driver import Column, Job, Sampler, main, read_rows

try:
    import dpsynth
except ModuleNotFoundError as error:
    raise SystemExit(
        f"dpsynth is not installed (no module {error.name}): no index has it; install it from"
        " github.com/google/dpsynth into this environment, then remove this cell's folder"
    ) from error

# Both at their defaults: SWIFT takes 10,000 steps of estimation, AIM-GDP models of 80 MB.
MECHANISMS = {
    "aim-gdp": dpsynth.discrete_mechanisms.AIMGDPConfig,
    "swift": dpsynth.discrete_mechanisms.SWIFTConfig,
}
MISSING = "missing"


def fit(job: Job) -> Sampler:
    """Fit a mechanism; its table has a noisy number of rows, of which some are drawn."""
    config = dpsynth.TabularConfig(
        domains={column.name: _attribute(column) for column in job.columns},
        discrete_mechanism=MECHANISMS[job.options["mechanism"]](),
    )
    mechanism = config.calibrate(epsilon=job.epsilon, delta=job.delta)
    made = mechanism(np.random.default_rng(job.seed), _filled(job)).synthetic_data

    def sample(rows: int) -> pd.DataFrame:
        drawn = made.sample(rows, replace=rows > len(made), random_state=job.seed)
        names = [column.name for column in job.discrete]
        return drawn.assign(
            **{name: drawn[name].where(drawn[name] != MISSING, None) for name in names}
        )

    return sample


def _filled(job: Job) -> pd.DataFrame:
    """The rows; a missing category is a category of its own."""
    rows = read_rows(job)
    names = [column.name for column in job.discrete]
    return rows.assign(**{name: rows[name].fillna(MISSING) for name in names})


def _attribute(column: Column) -> Any:
    """A column's public facts; a missing number is out of the domain."""
    if column.discrete:
        missing = (MISSING,) if column.missing else ()
        return dpsynth.CategoricalAttribute([*column.categories, *missing])
    return dpsynth.NumericalAttribute(
        min_value=column.lower,
        max_value=column.upper,
        clip_to_range=not column.missing,
        dtype="int" if column.decimals == 0 and not column.missing else "float",
    )


if __name__ == "__main__":
    main(fit, ("dpsynth", "mbi", "jax", "numpy", "pandas"))

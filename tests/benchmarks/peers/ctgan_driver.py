"""Fit CTGAN at its own settings: the reference without any privacy. Runs in CTGAN's environment."""

from __future__ import annotations

import pandas as pd
from ctgan import CTGAN
from driver import Job, Sampler, main, read_rows

MISSING = "missing"


def fit(job: Job) -> Sampler:
    """Fit CTGAN; a missing category is a category of its own, as CTGAN takes no missing value."""
    table, names = read_rows(job), [column.name for column in job.discrete]
    filled = table.assign(**{name: table[name].fillna(MISSING) for name in names})
    model = CTGAN(enable_gpu=False)
    model.set_random_state(job.seed)
    model.fit(filled, discrete_columns=names)

    def sample(rows: int) -> pd.DataFrame:
        drawn = model.sample(rows)
        return drawn.assign(
            **{name: drawn[name].where(drawn[name] != MISSING, None) for name in names}
        )

    return sample


if __name__ == "__main__":
    main(fit, ("ctgan", "torch", "numpy", "pandas"))

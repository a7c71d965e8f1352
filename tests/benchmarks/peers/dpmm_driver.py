"""Fit dpmm's AIM, MST or PrivBayes at its own settings, with the declared domain.

Runs in dpmm's environment.
"""

from __future__ import annotations

from typing import Any

from dpmm.pipelines.aim import AIMPipeline
from dpmm.pipelines.mst import MSTPipeline
from dpmm.pipelines.priv_bayes import PrivBayesPipeline
from driver import Job, Sampler, main, read_rows

PIPELINES = {"aim": AIMPipeline, "mst": MSTPipeline, "privbayes": PrivBayesPipeline}
# Megabytes: the AIM model's own default, which its pipeline lifts; without it AIM may outgrow any
# machine.
LARGEST_MODEL = {"aim": 80}
# dpmm adds this ε, its default for cutting numbers into bins, to the one it is given: the sum is
# the job's.
BINNING_EPSILON = 0.1


def fit(job: Job) -> Sampler:
    """Fit a pipeline; the ε of its binning is taken out of the job's ε."""
    pipeline = PIPELINES[job.options["pipeline"]](
        epsilon=job.epsilon - BINNING_EPSILON,
        delta=job.delta,
        proc_epsilon=BINNING_EPSILON,
        max_model_size=LARGEST_MODEL.get(job.options["pipeline"]),
        n_jobs=1,
    )
    pipeline.fit(
        read_rows(job).astype({column.name: "category" for column in job.discrete}),
        _domain(job),
        random_state=job.seed,
    )
    return lambda rows: pipeline.generate(n_records=rows, random_state=job.seed)


def _domain(job: Job) -> dict[str, dict[str, Any]]:
    categories = {column.name: {"categories": list(column.categories)} for column in job.discrete}
    return categories | {
        column.name: {"lower": column.lower, "upper": column.upper} for column in job.numeric
    }


if __name__ == "__main__":
    main(fit, ("dpmm", "numpy", "pandas"))

"""Give training rows back: beside test rows, two samples of the truth. It has no privacy.

Runs in the runner's own environment.
"""

from __future__ import annotations

from driver import Job, Sampler, main, read_rows


def fit(job: Job) -> Sampler:
    """Rows drawn without replacement, others for each seed."""
    table = read_rows(job)
    return lambda rows: table.sample(min(rows, len(table)), random_state=job.seed)


if __name__ == "__main__":
    main(fit, ("numpy", "pandas"))

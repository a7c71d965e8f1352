"""Run SDMetrics: the quality report, and overfitting protection by distance."""

from __future__ import annotations

from typing import Any

from steps import Clock, main, read


def audit(job: dict[str, Any], clock: Clock) -> None:
    """One of the two, as the job's ``part`` says.

    ``rows`` is how many rows of each table the distances see.
    """
    from sdmetrics.reports.single_table import QualityReport
    from sdmetrics.single_table import DCROverfittingProtection

    real, holdout, synthetic = (read(job, name) for name in ("real", "holdout", "synthetic"))
    kinds = {
        name: {"sdtype": "numerical" if name in job["numeric"] else "categorical"} for name in real
    }
    clock.done("import and read")
    if job["part"] == "quality":
        QualityReport().generate(real, synthetic, {"columns": kinds}, verbose=False)
        clock.done("QualityReport, all rows")
        return
    metadata = {"columns": kinds}
    DCROverfittingProtection.compute_breakdown(
        real, synthetic, holdout, metadata, None, num_rows_subsample=job["rows"]
    )
    clock.done(f"DCROverfittingProtection, {job['rows'] or 'all'} rows")


if __name__ == "__main__":
    main(audit, ("sdmetrics", "pandas"))

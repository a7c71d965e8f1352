"""Run privgan's whole audit, by stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from steps import Clock, main


def audit(job: dict[str, Any], clock: Clock) -> None:
    """Audit the tables in the schema's notation, with a claim and fair coins for every figure."""
    from privgan.audit.suite import AuditSettings, run_table_audit
    from privgan.pipeline.foreign_tables import read_foreign
    from privgan.sources import SourceOptions

    paths = {name: Path(job[name]) for name in ("real", "holdout", "synthetic")}
    tables = read_foreign(paths, Path(job["schema"]), source=SourceOptions(), on_violation="clamp")
    stages = ["read and prepare"]

    def progress(stage: str, _share: float) -> None:
        clock.done(stages[-1])
        stages.append(stage)

    run_table_audit(
        tables, AuditSettings(epsilon=1.0, delta=1e-5, fair_coins=True), progress=progress
    )


if __name__ == "__main__":
    main(audit, ("privgan", "scikit-learn", "numpy"))

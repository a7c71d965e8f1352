"""Run anonymeter: singling out, linkability and inference, 500 attacks each, with a control."""

from __future__ import annotations

from typing import Any

from steps import Clock, main, read

ATTACKS, NEIGHBOURS = 500, 10


def audit(job: dict[str, Any], clock: Clock) -> None:
    """One attack, as the job's ``part`` says.

    The inference is that of the target from all other columns.
    """
    from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator

    real, control, synthetic = (read(job, name) for name in ("real", "holdout", "synthetic"))
    clock.done("import and read")
    tables = {"ori": real, "syn": synthetic, "control": control, "n_attacks": ATTACKS}
    names, part = [name for name in real if name != job["target"]], job["part"]
    if part == "linkability":
        halves = (names[: len(names) // 2], names[len(names) // 2 :])
        LinkabilityEvaluator(**tables, aux_cols=halves, n_neighbors=NEIGHBOURS).evaluate(n_jobs=1)
    elif part == "inference":
        InferenceEvaluator(**tables, aux_cols=names, secret=job["target"]).evaluate(n_jobs=1)
    else:
        SinglingOutEvaluator(**tables, seed=0).evaluate(mode=part)
    clock.done(f"{part}, {ATTACKS} attacks")


if __name__ == "__main__":
    main(audit, ("anonymeter", "pandas", "numpy"))

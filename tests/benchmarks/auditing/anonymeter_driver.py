"""anonymeter: singling out, linkability and inference, with 500 attacks each and the hold-out as control."""

from __future__ import annotations

from typing import Any

from steps import Clock, main, read

ATTACKS = 500


def audit(job: dict[str, Any], clock: Clock) -> None:
    """All attacks of the tool; the inference is that of the target from all other columns."""
    from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator

    real, control, synthetic = (read(job, name) for name in ("real", "holdout", "synthetic"))
    clock.done("import and read")
    for mode in ("univariate", "multivariate"):
        found = SinglingOutEvaluator(ori=real, syn=synthetic, control=control, n_attacks=ATTACKS, seed=0)
        found.evaluate(mode=mode)
        clock.done(f"singling out, {mode}")
    names = [name for name in real if name != job["target"]]
    halves = (names[: len(names) // 2], names[len(names) // 2 :])
    linked = LinkabilityEvaluator(ori=real, syn=synthetic, control=control, n_attacks=ATTACKS, aux_cols=halves, n_neighbors=10)
    linked.evaluate(n_jobs=1)
    clock.done("linkability")
    inferred = InferenceEvaluator(
        ori=real, syn=synthetic, control=control, aux_cols=names, secret=job["target"], n_attacks=ATTACKS
    )
    inferred.evaluate(n_jobs=1)
    clock.done("inference of one column")


if __name__ == "__main__":
    main(audit, ("anonymeter", "pandas", "numpy"))

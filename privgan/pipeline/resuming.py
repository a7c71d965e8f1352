"""Go on with a fit from its checkpoint: once, with fresh coins, and with what is run again charged to the reserve."""

from __future__ import annotations

import pandas as pd

from privgan.errors import InternalError, UsageError
from privgan.gan.model import GeneratorModel
from privgan.gan.state import restore
from privgan.pipeline.canaries import Canaries
from privgan.pipeline.checkpoint import Checkpoint
from privgan.pipeline.fitting import (
    Fitted,
    Job,
    Keep,
    Refining,
    bounded_table,
    customers_of,
    device,
    refinement_of,
    require_all_charged,
    run_refinement,
)
from privgan.pipeline.maps import check_libraries
from privgan.planning.plan import Plan
from privgan.planning.planner import RESERVE, with_domain
from privgan.privacy.ledger import PrivacyLedger
from privgan.privacy.randomness import SecretStream
from privgan.progress import Progress


def resume(
    frame: pd.DataFrame,
    plan: Plan,
    checkpoint: Checkpoint,
    canaries: Canaries,
    ledger: PrivacyLedger,
    *,
    seed: int,
    progress: Progress,
    keep: Keep,
    coins: SecretStream | None = None,
) -> Fitted:
    """Go on with a critic phase from its checkpoint, with fresh coins and the same canaries.

    Args:
        frame: Typed rows that conform to the checkpoint's schema [rows, modelled columns and unit column].
        plan: The plan, made again from the same request.
        checkpoint: Where the run stood; the ledger lets it go on once, and charges the steps that are run again.
        canaries: The run's canaries.
        ledger: The run's ledger.
        seed: Public randomness, as before.
        progress: Tells the owner.
        keep: Writes further checkpoints.
        coins: Secret coins; None for a fresh stream from the operating system.

    Raises:
        UsageError: when the plan is not the run's, or the checkpoint is not its newest or was used before.
        BudgetExceededError: when the reserve for steps that are run again is spent.
    """
    coins, schema = coins or SecretStream(), checkpoint.schema
    plan = with_domain(plan, schema, checkpoint.rows, checkpoint.rows_of_each) if not plan.steps else plan
    if plan.fingerprint() != checkpoint.plan:
        raise UsageError(
            "the plan made now is not the one that was being run: it is made from the request that the run began with, "
            "by the same version of privgan"
        )
    check_libraries(plan)
    run = ledger.resume(plan.dataset, checkpoint.run, lineage=checkpoint.lineage, digest=checkpoint.digest, reserve=RESERVE)
    if run.secret != coins.secret:
        raise InternalError("a run goes on with coins of the kind that it began with")
    table = bounded_table(frame, customers_of(frame, schema), canaries, schema, coins)
    job = Job(table=table, schema=schema, plan=plan, run=run, coins=coins, seed=seed, progress=progress)
    model = GeneratorModel(checkpoint.measurements, plan.generator, seed=seed + checkpoint.lineage, device=device())
    fitted = Fitted(
        plan=plan,
        schema=schema,
        encoder=checkpoint.encoder,
        measurements=checkpoint.measurements,
        model=model,
        run=run.identity,
        secret=coins.secret,
        canaries=canaries,
    )
    job.tell_spent()
    receipt = run.rest_of("critic")
    refinement = refinement_of(job, fitted, receipt.event)
    restore(refinement, checkpoint.tensors, checkpoint.step)
    fitted = run_refinement(job, Refining(fitted=fitted, refinement=refinement, ledger=run), receipt, keep)
    require_all_charged(job)
    return fitted

"""Audit a fit, or any synthetic table. INTERNAL: real rows are read without noise."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from privgan.api.asking import ON_VIOLATION, SchemaLike
from privgan.api.inputs import chosen, number, schema_of, table_of, tell_progress, whole
from privgan.api.jobs import CandidateAudit, Ledger, audit_job, twin_job
from privgan.api.synthesizer import Synthesizer
from privgan.audit.lower_bounds.twin import TwinReport
from privgan.audit.suite import AuditReport, AuditSettings, AuditTables, run_table_audit
from privgan.errors import UsageError
from privgan.naming import parameter
from privgan.pipeline.candidate import Candidate
from privgan.pipeline.foreign_tables import read_foreign
from privgan.pipeline.stages import audit_teller
from privgan.pipeline.twin import TRAINED
from privgan.privacy.budget import DEFAULT_DELTA, PrivacyBudget
from privgan.progress import Progress
from privgan.sources import SourceOptions
from privgan.table.schema_file import dump_schema

_LEAST_FITS = 4


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """What is claimed of a foreign table, and how its rows were split."""

    epsilon: float | None
    delta: float | None
    fair_coins: bool
    target: str | None

    def __post_init__(self) -> None:
        """Refuse a claim that means nothing."""
        if self.delta is not None and self.epsilon is None:
            raise UsageError(
                f"{parameter('delta')} goes with {parameter('epsilon')}: both are the claim"
            )
        for name, value in (("epsilon", self.epsilon), ("delta", self.delta)):
            if value is not None and not (math.isfinite(number(name, value)) and value >= 0):
                raise UsageError(f"{parameter(name)} is {value}; it must be 0 or more")


def audit(
    synthetic: Any,
    real: Any,
    holdout: Any = None,
    *,
    schema: SchemaLike | None = None,
    epsilon: float | None = None,
    delta: float | None = None,
    fair_coins: bool = False,
    target: str | None = None,
    on_violation: str = "refuse",
    reference_fits: int = 0,
    ledger: Ledger = None,
    progress: bool | Progress = False,
) -> AuditReport:
    """Attack and measure: fidelity, utility, membership inference, a lower bound on ε. INTERNAL.

    Args:
        synthetic: A fitted Synthesizer or the folder of a fit; or a synthetic table made by any
            tool.
        real: The table that it was fitted on; of another tool the rows that it saw.
        holdout: Of another tool: rows of the same kind that it never saw.
        schema: Of another tool: the schema; drafted from the real and hold-out rows where none is
            given.
        epsilon: Of another tool: the claimed ε.
        delta: Of another tool: the claimed δ.
        fair_coins: Of another tool: whether a fair coin for each customer split real from hold-out;
            allows a bound on ε.
        target: Column to predict; None for the schema's, else by a fixed rule.
        on_violation: ``refuse`` values outside the schema, or ``clamp`` them into it.
        reference_fits: Of a fit: attack the most exposed customers through so many small fits, at
            least 4; 0 for none.
        ledger: Of a fit: the ledger that it was charged to.
        progress: As for ``Synthesizer``.

    Returns:
        All figures, and NOT_REFUTED, REFUTED or INCONCLUSIVE.

    Raises:
        UsageError: when an argument is missing, or means nothing.
        TableError: when a table cannot be read or does not fit; it is named.

    >>> audit(synthetic, customers.head(300), customers.tail(300), schema=schema)
    AuditReport(INCONCLUSIVE, ... figures, INTERNAL)
    """
    chosen("on_violation", on_violation, ON_VIOLATION)
    candidate = _candidate(synthetic)
    if candidate is not None:
        _refuse_idle(
            holdout=holdout,
            schema=schema,
            epsilon=epsilon,
            delta=delta,
            fair_coins=fair_coins or None,
        )
        fits = whole("reference_fits", reference_fits, least=0)
        if 0 < fits < _LEAST_FITS:
            raise UsageError(
                f"{parameter('reference_fits')} is {fits}; it must be 0, or at least {_LEAST_FITS}"
            )
        asked = CandidateAudit(target=target, reference_fits=fits, on_violation=on_violation)
        charged = (
            synthetic.ledger if ledger is None and isinstance(synthetic, Synthesizer) else ledger
        )
        return audit_job(candidate, table_of(real, "real"), asked, charged, tell_progress(progress))
    if holdout is None:
        told = "give rows like the real ones that the tool never saw"
        raise UsageError(
            f"{parameter('holdout')} is missing: {told}, or a fit in place of the table"
        )
    claim = _Claim(epsilon=epsilon, delta=delta, fair_coins=fair_coins, target=target)
    given = {"real": real, "holdout": holdout, "synthetic": synthetic}
    paths = {name: table_of(one, name) for name, one in given.items()}
    return _audit_tables(paths, schema, claim, on_violation, tell_progress(progress))


def audit_twin(
    table: Any = None,
    schema: SchemaLike | None = None,
    *,
    epsilon: float = 3.0,
    delta: float = DEFAULT_DELTA,
    trained: str = "network",
    progress: bool | Progress = False,
) -> TwinReport:
    """Test this machine's DP-SGD against ε; less than a minute. INTERNAL.

    Gradients are planted in a test run that is never charged nor released.

    Args:
        table: A table to test on; None for a simulated one.
        schema: The table's schema.
        epsilon: The claimed ε.
        delta: The claimed δ.
        trained: What DP-SGD trains: the ``network``, the mixture's ``critic``, or that of the
            ``gan``.
        progress: As for ``Synthesizer``.

    Raises:
        UsageError: when one of table and schema is missing, or something else is to be trained.

    >>> audit_twin(customers)
    Traceback (most recent call last):
    privgan.errors.UsageError: table and schema go together; give both, or neither for a ...
    """
    if (table is None) != (schema is None):
        told = "go together; give both, or neither for a simulated table"
        raise UsageError(f"{parameter('table')} and {parameter('schema')} {told}")
    budget = PrivacyBudget(epsilon=number("epsilon", epsilon), delta=number("delta", delta))
    facts = None if schema is None else schema_of(schema)
    own = None if table is None else table_of(table)
    kind = chosen("trained", trained, list(TRAINED))
    return twin_job(budget, kind, own, facts, tell_progress(progress))


def candidate_of(given: Any) -> Candidate:
    """The candidate of a fitted Synthesizer or of a folder.

    Raises:
        UsageError: when there is none.
    """
    if isinstance(given, Synthesizer):
        return given.candidate
    if isinstance(given, Candidate):
        return given
    if isinstance(given, str | os.PathLike):
        return Candidate.find(Path(given))
    raise UsageError(
        f"{parameter('candidate')} is a {type(given).__name__}; "
        "give a fitted Synthesizer or the folder of a fit"
    )


def _candidate(given: Any) -> Candidate | None:
    """The candidate that is meant in place of a synthetic table; None where a table is."""
    if isinstance(given, Synthesizer | Candidate):
        return candidate_of(given)
    if not isinstance(given, str | os.PathLike) or not Path(given).is_dir():
        return None
    try:
        return Candidate.find(Path(given))
    except UsageError:
        return None  # A folder may hold the parts of a table.


def _refuse_idle(**given: Any) -> None:
    idle = [parameter(name) for name, value in given.items() if value is not None]
    if idle:
        raise UsageError(f"{' and '.join(idle)}: not for a fit, whose record says it; leave it out")


def _audit_tables(
    paths: Mapping[str, Any], schema: Any, claim: _Claim, on_violation: str, progress: Progress
) -> AuditReport:
    progress.begin()
    tables = _read(paths, schema, on_violation, progress)
    left_out = {} if tables.legibility is None else tables.legibility.left_out
    if claim.target in left_out:
        told = left_out[claim.target or ""]
        raise UsageError(f"{parameter('target')} {claim.target}: {told}")
    settings = AuditSettings(
        target=claim.target,
        epsilon=claim.epsilon,
        delta=claim.delta,
        fair_coins=claim.fair_coins,
    )
    return run_table_audit(tables, settings, progress=audit_teller(progress))


def _read(
    paths: Mapping[str, Any], schema: Any, on_violation: str, progress: Progress
) -> AuditTables:
    options: dict[str, Any] = {
        "source": SourceOptions(),
        "on_violation": on_violation,
        "say": progress.say,
    }
    if schema is None:
        return read_foreign(paths, None, **options)
    with TemporaryDirectory(prefix="privgan-") as folder:
        path = Path(folder) / "schema.yaml"
        path.write_text(dump_schema(schema_of(schema)), encoding="utf-8")
        return read_foreign(paths, path, **options)

"""Encode the audit's tables in an order of their contents alone, and pool the canaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from privgan.audit.attacks.membership import Canaries, obstacle
from privgan.audit.bounded import ATTACKED_ROWS, Drawn, bounded, drawn, sample_metric
from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.fidelity.coverage import BrokenRules, broken_rules
from privgan.audit.histories.tables import HistoryTables, history_tables
from privgan.audit.inputs import AuditInputs
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.related.tables import RelatedTables, related_tables
from privgan.metric import Metric
from privgan.owner.private_table import Sealed, numbered
from privgan.schema.tasks import Task

_UNFAIR = 1e-6

# Kept-in, left-out and synthetic rows; None for no left-out ones.
Tables = tuple[CodedTable, CodedTable | None, CodedTable]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Prepared(Sealed):
    """All tables as arrays, each in an order that depends on its contents alone.

    Attacks and models see ``attacked``, figures that count the three tables.
    """

    coder: AuditCoder
    kept_in: CodedTable
    left_out: CodedTable
    synthetic: CodedTable
    attacked: Tables
    sample: Metric
    canaries: Canaries | None
    claim: Claim | None
    seed: int
    target: str | None
    broken: tuple[BrokenRules, BrokenRules]
    no_attack: str = ""
    no_bound: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    white_box: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    histories: HistoryTables | str | None = None
    related: RelatedTables | str | None = None
    ordered: bool = False
    tasks: tuple[Task, ...] = ()

    @property
    def counted(self) -> Tables:
        """The three tables."""
        return self.kept_in, _or_none(self.left_out), self.synthetic


def _or_none(table: CodedTable) -> CodedTable | None:
    return table if len(table) else None


def prepare(
    inputs: AuditInputs, mask: NDArray[np.bool_], claim: Claim | None, no_bound: str
) -> Prepared:
    """Encode the inputs as arrays.

    Args:
        inputs: Checked by :func:`check_lengths`.
        mask: Mask of the kept-in rows that belong to canaries.
        claim: The claimed guarantee, or None.
        no_bound: The reason for no bound on ε; empty if there may be one.
    """
    sizes = {
        "kept_in": len(inputs.kept_in),
        "left_out": len(inputs.left_out),
        "synthetic": len(inputs.synthetic),
    }
    broken = _broken(inputs)
    inputs = bounded(inputs, mask)
    mask = inputs.canary_mask
    coder = AuditCoder.from_reference(inputs.schema, inputs.kept_in)
    kept_in, left_out = coder.code(inputs.kept_in), coder.code(inputs.left_out)
    if inputs.kept_in_units is not None and inputs.left_out_units is not None:
        kept_in = replace(kept_in, customers=numbered(inputs.kept_in_units))
        left_out = replace(left_out, customers=numbered(inputs.left_out_units))
    synthetic = coder.code(inputs.synthetic)
    found = drawn(inputs, ATTACKED_ROWS)
    canaries, no_attack = _canaries(inputs, kept_in, left_out, found)
    counted = tuple(map(_canonical, (kept_in, left_out, synthetic)))
    attacked = counted if found.whole else _attacked((kept_in, left_out, synthetic), found)
    return Prepared(
        coder=coder,
        kept_in=counted[0],
        left_out=counted[1],
        synthetic=counted[2],
        attacked=(attacked[0], _or_none(attacked[1]), attacked[2]),
        sample=sample_metric(canaries, sizes, len(kept_in) + len(left_out), found),
        canaries=canaries,
        claim=claim,
        seed=inputs.seed,
        target=inputs.target or inputs.schema.target,
        broken=broken,
        no_attack=no_attack,
        no_bound=no_bound or no_attack or _unfair(canaries),
        counts=sizes | _sides(canaries),
        white_box=_white_box(inputs, canaries, found.of_canaries(mask)),
        histories=_histories(inputs, coder, (kept_in, left_out, synthetic)),
        related=related_tables(inputs.schema, inputs.related, mask),
        ordered=any(table.history is not None for table in inputs.schema.tables),
        tasks=inputs.schema.tasks,
    )


def _attacked(tables: tuple[CodedTable, ...], found: Drawn) -> tuple[CodedTable, ...]:
    masks = (found.kept_in, found.left_out, found.synthetic)
    return tuple(_canonical(table.take(rows)) for table, rows in zip(tables, masks, strict=True))


def _white_box(
    inputs: AuditInputs, canaries: Canaries | None, rows: NDArray[np.bool_]
) -> Mapping[str, NDArray[np.float64]]:
    """Scores of the attacked canaries' rows, in their order; none without canaries."""
    if canaries is None:
        return {}
    return {key: part[rows][canaries.place] for key, part in inputs.white_box.items()}


def _histories(
    inputs: AuditInputs, coder: AuditCoder, tables: tuple[CodedTable, CodedTable, CodedTable]
) -> HistoryTables | str | None:
    """Whole customers, or the reason why there are none; None without a history."""
    history, units = inputs.schema.history, inputs.synthetic_units
    return None if history is None else history_tables(history, coder.columns, tables, units)


def _canaries(
    inputs: AuditInputs, kept_in: CodedTable, left_out: CodedTable, found: Drawn
) -> tuple[Canaries | None, str]:
    """The attacked canaries, or None with the reason why no attack can run.

    There are none if the customers are unknown.
    """
    if reason := _missing_units(inputs):
        return None, reason
    members = inputs.canary_mask & found.kept_in
    units = (
        None if part is None else np.asarray(part)[rows]
        for part, rows in (
            (inputs.kept_in_units, members),
            (inputs.left_out_units, found.left_out),
        )
    )
    canaries = Canaries.pool(kept_in.take(members), left_out.take(found.left_out), *units)
    return canaries, obstacle(canaries)


def _sides(canaries: Canaries | None) -> dict[str, int]:
    """Number of canaries kept in and left out."""
    if canaries is None:
        return {}
    members = int(canaries.is_member.sum())
    return {"kept_in_canaries": members, "left_out_canaries": len(canaries) - members}


def _broken(inputs: AuditInputs) -> tuple[BrokenRules, BrokenRules]:
    left_out, synthetic = inputs.as_read or (inputs.left_out, inputs.synthetic)
    return broken_rules(inputs.schema, synthetic), broken_rules(inputs.schema, left_out)


def _canonical(table: CodedTable) -> CodedTable:
    return table.take(table.canonical_order())


def _missing_units(inputs: AuditInputs) -> str:
    """The reason if customers with several rows are unknown.

    A row-level attack would understate their loss.
    """
    if inputs.schema.unit.max_rows > 1 and inputs.kept_in_units is None:
        return (
            "the schema's customers have several rows each: the audit needs to know whose each"
            " row is"
        )
    return ""


def _unfair(canaries: Canaries | None) -> str:
    """Whether the canaries' coins were visibly unfair, by an exact binomial test."""
    from scipy.stats import binomtest

    if (
        canaries is None
        or binomtest(int(canaries.is_member.sum()), len(canaries)).pvalue >= _UNFAIR
    ):
        return ""
    return "far from half of the canaries were left out: their coins were not fair"

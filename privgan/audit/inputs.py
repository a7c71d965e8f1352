"""State the audit's input tables, and check that they fit the schema and each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.coding import check_columns, column_values
from privgan.audit.foreign.harmonise import legible
from privgan.audit.foreign.legibility import Legibility
from privgan.audit.related.tables import RelatedFacts
from privgan.audit.settings import AuditSettings
from privgan.errors import TableError
from privgan.owner.owners_table import RealRows
from privgan.owner.private_table import Sealed
from privgan.parts.related_views import RelatedFrames
from privgan.schema.columns import Discrete, Numeric
from privgan.schema.schema import Schema


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class AuditTables(Sealed):
    """Tables for the audit of a synthetic table that any tool made.

    INTERNAL: two of them are real, and only the audit opens them.

    Attributes:
        schema: The schema.
        real: The rows that the tool saw: the attack's members.
        holdout: Rows of the same kind that it never saw: the attack's non-members.
        synthetic: The synthetic rows.
        real_units: The customer of each real row; None if each row is a customer of its own.
        holdout_units: The customer of each hold-out row.
        synthetic_units: The customer of each synthetic row, of a schema with a history.
        as_read: The hold-out and synthetic rows before values were mapped into the schema, if
            they were; violations are counted there.
        legibility: Readings of tables that came from files; None to take them as they are.
    """

    schema: Schema
    real: pd.DataFrame
    holdout: pd.DataFrame
    synthetic: pd.DataFrame
    real_units: NDArray[Any] | None = None
    holdout_units: NDArray[Any] | None = None
    synthetic_units: NDArray[Any] | None = None
    as_read: tuple[pd.DataFrame, pd.DataFrame] | None = None
    legibility: Legibility | None = None

    def made_legible(self) -> tuple[AuditTables, Legibility]:
        """The tables in the schema's notation, and the changes.

        Unchanged if that was done before.
        """
        if self.legibility is not None:
            return self, self.legibility
        schema, tables, told = legible(self.schema, self.real, self.holdout, self.synthetic)
        real, holdout, synthetic = tables
        return (
            replace(
                self,
                schema=schema,
                real=real,
                holdout=holdout,
                synthetic=synthetic,
                legibility=told,
            ),
            told,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class MadeTable:
    """Synthetic table of a run, and its claimed guarantee.

    Attributes:
        synthetic: The synthetic rows.
        epsilon: The claimed ε.
        delta: The claimed δ.
        white_box: By white-box attack, a score for each row of the kept-in canaries followed by
            each left-out row.
        units: The customer of each synthetic row, of a schema with a history.
        related: The synthetic rows of all of several tables; None of one.
    """

    synthetic: pd.DataFrame
    epsilon: float
    delta: float
    white_box: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    units: NDArray[Any] | None = None
    related: RelatedFrames | None = None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class AuditInputs(Sealed):
    """Inputs of the audit of one run.

    Each customer was a canary with a public probability before the first look. A fair coin of its
    own decided whether a canary was left out.

    Attributes:
        schema: The schema.
        kept_in: The real rows that the run saw.
        canary_mask: Mask of the kept-in rows that belong to canaries.
        left_out: The real rows of the canaries that were left out.
        synthetic: The synthetic rows.
        epsilon: The claimed ε.
        delta: The claimed δ.
        target: The column to predict; None to let the schema decide.
        seed: Draws every sample, fold and split.
        kept_in_units: The customer of each kept-in row; None if each row is a customer of its
            own.
        left_out_units: The customer of each left-out row.
        as_read: The left-out and the synthetic rows before values were mapped into the schema; None
            where none were.
        white_box: By white-box attack, a score for each row of the kept-in canaries followed by
            each left-out row.
        synthetic_units: The customer of each synthetic row, of a schema with a history.
        related: The rows of all of several tables; None of one.
    """

    schema: Schema
    kept_in: pd.DataFrame
    canary_mask: NDArray[np.bool_]
    left_out: pd.DataFrame
    synthetic: pd.DataFrame
    epsilon: float
    delta: float
    target: str | None = None
    seed: int = 0
    kept_in_units: NDArray[Any] | None = None
    left_out_units: NDArray[Any] | None = None
    as_read: tuple[pd.DataFrame, pd.DataFrame] | None = None
    white_box: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    synthetic_units: NDArray[Any] | None = None
    related: RelatedFacts | None = None

    @classmethod
    def of_run(
        cls,
        rows: RealRows,
        canary_mask: NDArray[np.bool_],
        made: MadeTable,
        target: str | None = None,
    ) -> AuditInputs:
        """Inputs from a privgan run.

        Args:
            rows: Real rows, kept in and left out.
            canary_mask: Mask of the kept-in rows that belong to canaries.
            made: Synthetic table of the run, and its claim.
            target: The column to predict; None to let the schema decide.
        """
        return cls(
            schema=rows.schema,
            kept_in=rows.kept_in_frame,
            canary_mask=canary_mask,
            left_out=rows.left_out_frame,
            synthetic=made.synthetic,
            epsilon=made.epsilon,
            delta=made.delta,
            target=target,
            kept_in_units=rows.kept_in_units,
            left_out_units=rows.left_out_units,
            white_box=made.white_box,
            synthetic_units=made.units,
            related=_related_facts(rows, made),
        )

    @classmethod
    def of_tables(cls, tables: AuditTables, settings: AuditSettings) -> AuditInputs:
        """Inputs from a table that any tool made.

        Each real row is a member, each hold-out row is none.
        """
        return cls(
            schema=tables.schema,
            kept_in=tables.real,
            canary_mask=np.ones(len(tables.real), dtype=bool),
            left_out=tables.holdout,
            synthetic=tables.synthetic,
            epsilon=math.inf if settings.epsilon is None else settings.epsilon,
            delta=settings.delta or 0.0,
            target=settings.target,
            seed=settings.seed,
            kept_in_units=tables.real_units,
            left_out_units=tables.holdout_units,
            synthetic_units=tables.synthetic_units,
            as_read=tables.as_read,
        )


def _related_facts(rows: RealRows, made: MadeTable) -> RelatedFacts | None:
    """The rows of all tables, where there are several and all are known."""
    if rows.related_sides is None or made.related is None:
        return None
    return RelatedFacts(*rows.related_sides, made.related)


def check_lengths(inputs: AuditInputs, mask: NDArray[np.bool_]) -> None:
    """Check that tables fit the schema, and mask and customers fit the tables."""
    _check_tables(inputs)
    if len(mask) != len(inputs.kept_in):
        raise TableError("canary_mask must have one entry per kept-in row")
    if any(len(part) != mask.sum() + len(inputs.left_out) for part in inputs.white_box.values()):
        raise TableError(
            "white_box must have one score per row of the kept-in canaries and per left-out row"
        )
    if inputs.synthetic_units is not None and len(inputs.synthetic_units) != len(inputs.synthetic):
        raise TableError("synthetic_units must have one entry per synthetic row")
    _check_units(inputs, mask)


def _check_tables(inputs: AuditInputs) -> None:
    for name, table in {
        "kept-in": inputs.kept_in,
        "left-out": inputs.left_out,
        "synthetic": inputs.synthetic,
    }.items():
        check_columns(inputs.schema, table, name)
        _check_types(inputs.schema, table, name)
        if name != "left-out" and table.empty:
            raise TableError(f"the {name} table has no rows; the audit needs some")


def _check_units(inputs: AuditInputs, mask: NDArray[np.bool_]) -> None:
    if (inputs.kept_in_units is None) != (inputs.left_out_units is None):
        raise TableError(
            "give the customers of both the kept-in and the left-out rows, or of neither"
        )
    if inputs.kept_in_units is not None and inputs.left_out_units is not None:
        pairs = ((inputs.kept_in_units, inputs.kept_in), (inputs.left_out_units, inputs.left_out))
        if any(len(units) != len(table) for units, table in pairs):
            raise TableError("kept_in_units and left_out_units must have one entry per row")
        if np.isin(_text(inputs.kept_in_units)[~mask], _text(inputs.kept_in_units)[mask]).any():
            raise TableError(
                "a customer has both canary rows and other rows; a canary is a whole customer"
            )


def _check_types(schema: Schema, table: pd.DataFrame, name: str) -> None:
    """Check that number and moment columns hold no text.

    Text would be read as missing and compared with nothing.
    """
    for column in schema.modelled:
        values = table[column.name]
        if isinstance(column, Discrete):
            continue
        wrong = (
            pd.api.types.is_datetime64_any_dtype
            if isinstance(column, Numeric)
            else pd.api.types.is_numeric_dtype
        )
        unread = np.isnan(column_values(column, values)) | wrong(values)
        known = values.isna() | values.isin([*schema.missing_markers, np.inf, -np.inf])
        count = int((unread & ~known.to_numpy(dtype=bool)).sum())
        if count:
            raise TableError(
                f"the {name} table's column {column.name!r} has {count} values that are no"
                f" {column.kind.value}; give tables with the schema's types"
            )


def _text(units: NDArray[Any]) -> NDArray[Any]:
    return np.asarray([str(unit) for unit in units], dtype=object)

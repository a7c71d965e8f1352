"""Hold the owner's rows from the moment they are read.

Each way out is a method that names its purpose. One way is charged: ``OwnersTable.private_table``,
whose rows come out against receipts. The others are the unpaid looks. They return patterns, hashes,
counts or numbers of customers. Only the audit and the internal report get rows, as ``RealRows``. A
test of the structure lists the allowed callers of each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from privgan.domain.encoding import Encoder
from privgan.domain.measured import clamp_measured
from privgan.domain.regions import widened
from privgan.drafting.draft import Draft, draft_schema
from privgan.drafting.review_session import Review
from privgan.drafting.suspicions import Suspicion, suspicions
from privgan.features.building import build_features
from privgan.owner.private_table import PrivateTable, Sealed, WholeRows, bounded, numbered
from privgan.owner.related_rows import RelatedReading, RelatedRows, TableConformity
from privgan.owner.undeclared import UndeclaredTexts, undeclared_texts
from privgan.parts.part import Part
from privgan.parts.related_views import RelatedFrames
from privgan.privacy.randomness import SecretStream
from privgan.schema.columns import Source
from privgan.schema.schema import Schema
from privgan.sources import SourceOptions, SourceTable, read_source, related_sources
from privgan.table.conform import check_fit, conform, rows_over_limit, typed_rows
from privgan.table.customers import customer_names
from privgan.table.output import write_rows
from privgan.table.presenting import presented
from privgan.table.task_rows import task_violations
from privgan.table.typed_values import Violation
from privgan.table.violations import broken_constraints


@dataclass(frozen=True, kw_only=True, eq=False)
class Conformity:
    """A table's violations of its schema.

    INTERNAL: counts and rows are real, but no value is included.

    Attributes:
        violations: Every way in which it does.
        broken: Place and number of rows of each constraint that it breaks; None where a column is
            missing.
        suspicions: What makes the schema doubtful although the table fits it.
        over_limit: Rows that a run leaves out, because their customers have too many.
        tables: What a run takes as it is of each of several tables; empty of one alone.
        keys: What the keys of several tables tell, a line each.
    """

    violations: tuple[Violation, ...]
    broken: tuple[tuple[int, int | None], ...]
    suspicions: tuple[Suspicion, ...]
    over_limit: int
    tables: tuple[TableConformity, ...] = ()
    keys: tuple[str, ...] = ()


class TableAsRead(Sealed):
    """An owner's table before a run, as it was read.

    Args:
        source: What a source gave.
        found: Where the events departed from the schema, of a table made from events.
        children: The tables whose rows belong to this one's, by name.
    """

    def __init__(
        self,
        source: SourceTable,
        found: tuple[Violation, ...] = (),
        children: Mapping[str, TableAsRead] | None = None,
    ) -> None:
        self._source, self._found, self._child_tables = source, found, dict(children or {})
        self._frame: pd.DataFrame | None = None

    @classmethod
    def read(
        cls,
        spec: Path | str | Any,
        options: SourceOptions,
        schema: Schema | None = None,
        *,
        shared: bool = False,
    ) -> TableAsRead:
        """Read a table, once; unpaid look: of events, make the features that the schema defines.

        Args:
            spec: Where it is: a file, a folder or pattern of files, the URL of a database; or a
                frame. Of a schema with several tables: a folder, a database, or a mapping.
            options: How it is to be read.
            schema: The public facts; None where there are none yet. Of a schema with events one row
                a customer is read, each a function of this customer's events alone.
            shared: Whether several tables share these options, so that one may not heed all of
                them.

        Raises:
            TableError: when it is missing, unreadable, empty, or has unnamed or repeated columns.
        """
        if schema is not None and schema.tables:
            return cls._read_related(spec, options, schema, shared=shared)
        if schema is None or schema.events is None:
            return cls(read_source(spec, options, shared=shared))
        made = build_features(spec, options, schema)
        return cls(made.source, made.violations)

    @classmethod
    def _read_related(
        cls, spec: Any, options: SourceOptions, schema: Schema, *, shared: bool
    ) -> TableAsRead:
        names = [schema.root, *(table.name for table in schema.tables)]
        found = related_sources(spec, names, options)
        read = {
            name: read_source(place, given, shared=shared)
            for name, (place, given) in found.places.items()
        }
        # Frames have no name of their own to be told by.
        named = isinstance(spec, Mapping)
        lines = [f"{name}: " * named + line for name, one in read.items() for line in one.said]
        root, said = read.pop(schema.root), (*lines, *found.said)
        return cls(
            SourceTable(table=root.table, said=said, text=root.text),
            children={name: cls(source) for name, source in read.items()},
        )

    @property
    def said(self) -> tuple[str, ...]:
        """What was recognised, a line each, for the owner's terminal.

        INTERNAL: it tells the row count.
        """
        return self._source.said

    @property
    def text(self) -> bool:
        """Whether it was a text file."""
        return self._source.text

    def column_names(self) -> list[str]:
        """The column names; the schema tells them too."""
        return (
            list(self._source.table.column_names)
            if self._frame is None
            else list(self._frame.columns)
        )

    def draft(self, dataset: str, *, assume_public: bool = False) -> Draft:
        """Unpaid look: draft a schema. INTERNAL until a person has confirmed each fact."""
        return draft_schema(self._source.table, dataset, assume_public=assume_public)

    def review(self, schema: Path) -> Review:
        """Unpaid look: walk a person through a drafted schema.

        INTERNAL: its output goes to the terminal.
        """
        return Review(schema, self._rows())

    def check(self, schema: Schema) -> Conformity:
        """Unpaid look: check the table against a schema, for the owner's terminal. INTERNAL."""
        if schema.tables:
            return self._check_related(schema)
        rows = self._rows()
        typed, found = typed_rows(rows, schema)
        return Conformity(
            violations=(*self._found, *found, *task_violations(typed, schema)),
            broken=broken_constraints(rows, schema),
            suspicions=suspicions(rows, schema),
            over_limit=rows_over_limit(rows, schema),
        )

    def _check_related(self, schema: Schema) -> Conformity:
        reading = self._reading(schema)
        return Conformity(
            violations=reading.typed()[1],
            broken=(),
            suspicions=(),
            over_limit=0,
            tables=reading.tables(),
            keys=tuple(reading.links.counts),
        )

    def _reading(self, schema: Schema) -> RelatedReading:
        rows = {name: child._rows() for name, child in self._child_tables.items()}
        return RelatedReading.of({schema.root: self._rows(), **rows}, schema)

    def undeclared_texts(self, schema: Schema) -> UndeclaredTexts:
        """Unpaid look: identifiers and texts for the leak scan's patterns.

        They go to the scan, in memory alone; the scan's findings are INTERNAL.
        """
        if not schema.tables:
            return undeclared_texts(self._rows(), schema)
        found = UndeclaredTexts(schema, {})
        for name, rows in self._reading(schema).read_frames.items():
            found = found.beside(name, undeclared_texts(rows, schema.alone(name)))
        return found

    def conforming(self, schema: Schema, *, on_violation: str = "refuse") -> OwnersTable:
        """Check the table against its schema and type its values, for all that follows.

        Args:
            schema: The public facts.
            on_violation: ``refuse`` raises; ``clamp`` maps each value into the schema, row by row.

        Raises:
            TableError: listing every violation that was not clamped.
        """
        if schema.tables:
            related, found = self._reading(schema).typed()
            check_fit(found, "the tables do", on_violation)
            root = related.typed_frames[schema.root]
            check_fit([*task_violations(root, schema)], "the tables do", on_violation)
            return OwnersTable(root, schema, related)
        check_fit(self._found, "the events do", on_violation)
        typed = conform(self._rows(), schema, on_violation=on_violation)
        check_fit([*task_violations(typed, schema)], "the table does", on_violation)
        return OwnersTable(typed.reset_index(drop=True), schema)

    def write_features(self, schema: Schema, out: Path, form: str) -> int:
        """Unpaid look: write the table of features for its owner. INTERNAL: each row is a customer.

        Args:
            schema: The public facts, with events and features.
            out: The file.
            form: Its kind, as ``write_rows`` takes it.

        Returns:
            The number of customers.
        """
        wide = widened(schema)
        return write_rows([presented(self._rows(), wide)], wide, out, form)

    def rows_of_foreign_audit(self) -> pd.DataFrame:
        """Unpaid look: the rows for the audit of a table that another tool made.

        INTERNAL; they go to the audit alone.
        """
        return self._rows()

    def _rows(self) -> pd.DataFrame:
        """The rows as a pandas frame; the source's own form is released."""
        if self._frame is None:
            self._frame = self._source.frame()
            self._source = SourceTable(table=None, said=self._source.said, text=self._source.text)
        return self._frame


class OwnersTable(Sealed):
    """An owner's table as typed rows that conform to a schema.

    Args:
        frame: Typed rows [rows, modelled columns and unit column].
        schema: The public facts that they conform to.
        related: The rows of related tables, where the schema lists some.
    """

    def __init__(
        self, frame: pd.DataFrame, schema: Schema, related: RelatedRows | None = None
    ) -> None:
        self._frame, self.schema, self._related_rows = frame, schema, related

    def private_table(self, left_out: np.ndarray, coins: SecretStream) -> PrivateTable:
        """The charged exit: what the release may depend on; rows come out against receipts.

        Args:
            left_out: Rows of the canaries that are left out [rows], bool.
            coins: Pick of each other customer at most max_rows_per_unit rows.
        """
        schema, customers = self.schema, self._customers
        used = bounded(customers, schema.unit.max_rows, coins) & ~left_out
        kept = self._frame.loc[used, self._modelled()].reset_index(drop=True)
        whole = self._whole_rows(~left_out)
        return PrivateTable(schema.dataset, schema.unit, kept, customers[used], whole)

    def _whole_rows(self, kept_in: np.ndarray) -> WholeRows | None:
        """All rows of the customers that are kept in, where views are made from them."""
        if self._related_rows is not None:
            return self._related_rows.whole(kept_in)
        if self.schema.history is None:
            return None
        kept = self._frame.loc[kept_in, self._modelled()].reset_index(drop=True)
        return WholeRows(kept, self._customers[kept_in])

    def clamped(self, schema: Schema) -> OwnersTable:
        """The same rows mapped one by one into a run's measured facts; no row comes out."""
        return OwnersTable(clamp_measured(self._frame, schema), schema, self._related_rows)

    def unit_numbers(self) -> np.ndarray:
        """Unpaid look: customer number of each row [rows], from 0 without gaps.

        PRIVATE: for the canaries' coins and the contribution bound; kept nowhere.
        """
        return self._customers

    @cached_property
    def _customers(self) -> np.ndarray:
        unit = self.schema.unit.column
        return np.arange(len(self._frame)) if unit is None else numbered(self._frame[unit])

    def customer_names(self) -> list[bytes]:
        """Unpaid look: each customer's name, for the ledger's sealed sketch. PRIVATE."""
        return customer_names(self._frame, self.schema)

    def row_count(self) -> int:
        """Unpaid look: the number of rows, to check disk space and internal lists. PRIVATE."""
        return len(self._frame)

    def salted_hash(self, salt: str) -> str:
        """Unpaid look: a salted hash of the rows in order, kept in the canaries' list.

        Columns with facts that a run measures are left out: their values change with these facts.
        """
        columns = [
            column
            for column in self.schema.modelled
            if Source.MEASURED not in column.sources.values()
        ]
        names = [column.name for column in columns]
        names += [self.schema.unit.column] if self.schema.unit.column else []
        hashes = (pd.util.hash_pandas_object(self._frame[name], index=False) for name in names)
        rows = [found.to_numpy().tobytes() for found in hashes]
        head = [salt.encode(), str(len(self._frame)).encode()]
        children = self._related_rows.hashed() if self._related_rows is not None else ()
        return hashlib.sha256(b"".join([*head, *rows, *children])).hexdigest()

    def real_rows(self, left_out: np.ndarray) -> RealRows:
        """Unpaid look: fitted and left-out rows, for audit and internal report. INTERNAL.

        Args:
            left_out: Rows of the canaries that were left out [rows], bool.
        """
        unit = self.schema.unit.column
        modelled = self._frame[self._modelled()]
        kept_in, rest = (modelled[rows].reset_index(drop=True) for rows in (~left_out, left_out))
        units = None if unit is None else self._frame[unit].to_numpy()
        related = self._related_rows
        sides = related and [related.audited(modelled, side) for side in (~left_out, left_out)]
        return RealRows(
            schema=self.schema,
            kept_in_frame=kept_in,
            left_out_frame=rest,
            kept_in_units=None if units is None else units[~left_out],
            left_out_units=None if units is None else units[left_out],
            related_sides=None if not sides else (sides[0], sides[1]),
        )

    def _modelled(self) -> list[str]:
        return [column.name for column in self.schema.modelled]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RealRows(Sealed):
    """Real rows for the audit and the internal report.

    INTERNAL: nothing made from them enters a release.

    Attributes:
        schema: The public facts.
        kept_in_frame: The rows that a run saw [rows, modelled columns].
        left_out_frame: The rows of the canaries that it left out [rows, modelled columns].
        kept_in_units: The customer of each kept-in row; None where each row is one.
        left_out_units: The customer of each left-out row; None where each row is one.
        related_sides: Kept-in and left-out customers' rows in all of several tables; None of one.
    """

    schema: Schema
    kept_in_frame: pd.DataFrame
    left_out_frame: pd.DataFrame
    kept_in_units: np.ndarray | None
    left_out_units: np.ndarray | None
    related_sides: tuple[RelatedFrames, RelatedFrames] | None = None

    def canary_codes(self, canary_mask: np.ndarray, encoder: Encoder) -> np.ndarray:
        """Canaries as codes [rows, columns], kept-in ones first, for the white-box attacks.

        Args:
            canary_mask: Which of the kept-in rows are canaries' [kept-in rows], bool.
            encoder: Rows to codes.
        """
        return encoder.encode(pd.concat([self.kept_in_frame[canary_mask], self.left_out_frame]))

    def canary_histories(
        self, canary_mask: np.ndarray, parts: Iterable[tuple[Part, Encoder]]
    ) -> tuple[np.ndarray, dict[str, tuple[np.ndarray, np.ndarray]]]:
        """Canaries' histories: whose each row is, and by part codes and whose each of these is.

        Rows are in the order of ``canary_codes``; customers are numbered from 0 without gaps.
        """
        assert self.kept_in_units is not None
        assert self.left_out_units is not None
        rows = pd.concat([self.kept_in_frame[canary_mask], self.left_out_frame], ignore_index=True)
        owner = numbered([*self.kept_in_units[canary_mask], *self.left_out_units])
        whole, coins = WholeRows(rows, owner), SecretStream()
        views = {part.name: (whole.view(part, self.schema, coins), code) for part, code in parts}
        return owner, {
            name: (encoder.encode(view.frame), view.customers)
            for name, (view, encoder) in views.items()
        }

"""Check that all tables of a release hold the same rows, each allowed by the schema.

Any other number could be that of a real customer, or text written as digits.

The Parquet file is read in parts. Each part is written as text again and compared with the CSV
file, byte for byte. Where bytes differ, cells are compared. Kept of a row are one hash for each
identifier column, and one number for each modelled column. The report's associations need these
numbers.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.coding import column_values
from privgan.release.manifest import Manifest
from privgan.release.parquet.chunks import chunk_problems
from privgan.release.verification.integrity import shown
from privgan.release.verification.related import related_problems
from privgan.release.verification.released import CSV, PARQUET, REPORT, Released
from privgan.release.verification.row_domain import column_problem, typed_part
from privgan.release.verification.row_order import RowOrder
from privgan.release.verification.rows_in_parts import WrongRowError, parts_of_rows
from privgan.report.associations import trends_of_values
from privgan.report.relations import DEPENDENCE_ROWS, counted_by, shares_by_code, target_code
from privgan.report.shapes import counts_of, written_shares
from privgan.schema.columns import Invented, Kind
from privgan.schema.constraints import place
from privgan.schema.identifiers import bears_serial
from privgan.schema.schema import Schema
from privgan.table.files import csv_text
from privgan.table.histogram import shares_of
from privgan.table.presenting import unescaped
from privgan.table.violations import broken


@dataclass(eq=False)
class Serials:
    """The serial numbers of the rows of a table that is read in parts.

    Attributes:
        rows: How many rows were read.
        customer: The serial number of the last row's customer.
    """

    rows: int = 0
    customer: int = 0

    def odd(self, part: pd.DataFrame, schema: Schema) -> str:
        """The first invented column whose values do not bear the next rows' numbers.

        Empty for none.

        Args:
            part: Rows, each invented value of which is of its column's form [rows, columns].
            schema: The public facts.
        """
        for column in schema.invented:
            assert isinstance(column, Invented)
            values, unit = part[column.name].to_list(), column.name == schema.unit.column
            if not (self._customers(column, values) if unit else self._of_rows(column, values)):
                return column.name
        self.rows += len(part)
        return ""

    def _of_rows(self, column: Invented, values: list[str | None]) -> bool:
        numbered = enumerate(values, start=self.rows + 1)
        return all(
            bears_serial(column, value, serial)
            for serial, value in numbered
            if isinstance(value, str)
        )

    def _customers(self, column: Invented, values: Iterable[str | None]) -> bool:
        """Number customers from 1; rows of one customer follow each other."""
        for value in values:
            if not self.customer or value != column.pattern.format(self.customer):
                self.customer += 1
                if value != column.pattern.format(self.customer):
                    return False
        return True


_Parts: TypeAlias = Iterator[pd.DataFrame]
# Numbers kept for the associations; those of larger tables are not recomputed.
MOST_NUMBERS = 25_000_000
_ROUNDING = 1e-6
_LAST_DIGIT = 1.01e-4


def table_findings(place: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Contradictions of a release's tables with each other, its schema or its report.

    Args:
        place: The folder of a release whose other files agree with each other, as text.
        manifest: Its manifest as JSON values: it comes from another process.

    Returns:
        ``problems``, a sentence each, and ``first``: codes of the first rows, of a whole model.
    """
    told = _Told()
    released = Released(Path(place), Manifest.from_json(manifest))
    with ExitStack() as stack:
        table = stack.enter_context(released.opened(PARQUET))
        text = stack.enter_context(released.opened(CSV)) if released.holds(CSV) else None
        found = list(_problems(released, table, text, told))
    found = found or related_problems(released)
    return {"problems": found, "first": told.first.tolist()}


@dataclass(eq=False)
class _Told:
    """The figures kept of the parts that were read.

    Attributes:
        rows: How many rows there were.
        counts: Rows with each code of each column; empty where no model says what codes there are.
        first: Codes of the first rows [rows, columns].
        of_target: By column, rows with each code, and those of them with the target's value.
        values: The numbers of each modelled column, part by part; empty where they are too many.
        hashes: A hash of each value of each column of identifiers, part by part.
        broken: Rows that break each constraint.
        serials: The serial numbers of what was invented.
        order: The last row, with which the next must agree in a table with histories.
    """

    rows: int = 0
    counts: list[NDArray[np.int64]] = field(default_factory=list)
    first: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 0), np.int64))
    of_target: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    values: list[list[NDArray[np.float64]]] = field(default_factory=list)
    hashes: dict[str, list[NDArray[np.uint64]]] = field(default_factory=dict)
    broken: dict[int, int] = field(default_factory=dict)
    serials: Serials = field(default_factory=Serials)
    order: RowOrder = field(default_factory=RowOrder)


def _problems(
    released: Released, table: BufferedReader, text: BufferedReader | None, told: _Told
) -> Iterator[str]:
    import pyarrow.parquet as pq

    schema = released.schema
    with pq.ParquetFile(table) as file:
        if text is not None and _has_too_few_cells(file.metadata, text):
            yield f"{CSV}: is smaller than the rows that {PARQUET} says it has"
            return
        beside = _beside(file, table, released)
        if beside:
            yield from beside
            return
        kept = file.metadata.num_rows * len(schema.modelled) <= MOST_NUMBERS
        try:
            if text is None:
                for part in parts_of_rows(file, schema, PARQUET):
                    _take(part, released, told, kept=kept)
            elif not _same_text(
                parts_of_rows(file, schema, PARQUET), text, released, told, kept=kept
            ):
                yield from _cell_problems(parts_of_rows(file, schema, PARQUET), text, released)
                if released.ours:
                    return
        except WrongRowError as error:
            yield str(error)
            return
    yield from _told_problems(released, told)


def _beside(file: Any, table: BufferedReader, released: Released) -> list[str]:
    """Bytes of the Parquet file beside its rows, where this privgan writes none."""
    if not released.ours:
        return []
    return [f"{PARQUET}: {problem}" for problem in chunk_problems(file, table)]


def _told_problems(released: Released, told: _Told) -> Iterator[str]:
    """Check the figures that were kept of all rows."""
    schema = released.schema
    yield from _customers(schema, told)
    for index, count in sorted(told.broken.items()):
        what = shown(str(schema.constraints[index]))
        yield f"{PARQUET}: {count:,} rows break {place(index)}: {what}"
    yield from _counted(released, told)
    if released.holds(REPORT):
        yield from _reported(released, told)


def _has_too_few_cells(metadata: Any, text: BufferedReader) -> bool:
    """Whether a text is too short for its cells: each has a comma or a line end."""
    size = os.fstat(text.fileno()).st_size
    return bool(metadata.num_rows * metadata.num_columns > size)


def _same_text(
    parts: _Parts, text: BufferedReader, released: Released, told: _Told, *, kept: bool
) -> bool:
    """Compare each part with the next bytes of the text file."""
    same = True
    for part in parts:
        header = not told.rows
        _take(part, released, told, kept=kept)
        if same:
            written = csv_text(part, released.schema, header=header).encode()
            same = text.read(len(written)) == written
        if not same and released.ours:
            return False  # This privgan did not write such a file.
    return same and not text.read(1)


def _take(part: pd.DataFrame, released: Released, told: _Told, *, kept: bool) -> None:
    schema = released.schema
    _check_part(part, released, told.serials)
    typed = typed_part(part, schema)
    problem = told.order.problem(part, typed, schema)
    if problem:
        raise WrongRowError(f"{PARQUET}: {problem}")
    for index, count in broken(typed, schema):
        told.broken[index] = told.broken.get(index, 0) + count
    if released.whole_model:
        codes = released.encoder.encode(typed)
        if len(told.first) < DEPENDENCE_ROWS:
            parts = [told.first, codes] if len(told.first) else [codes]
            told.first = np.concatenate(parts)[:DEPENDENCE_ROWS]
        _count_target(codes, released, told)
        counts = counts_of(released.encoder, codes)
        before = told.counts or [np.zeros_like(part_counts) for part_counts in counts]
        told.counts = [a + b for a, b in zip(before, counts, strict=True)]
    if kept:
        _keep_values(typed, schema, told)
    _keep_hashes(part, schema, told)
    told.rows += len(part)


def _count_target(codes: NDArray[np.int64], released: Released, told: _Told) -> None:
    """Count rows with the target's value by each column, for the report's curves."""
    target = target_code(released.schema, released.encoder)
    for name, both in counted_by(target, released.encoder, codes).items():
        before = told.of_target.get(name, (0, 0))
        told.of_target[name] = (before[0] + both[0], before[1] + both[1])


def _check_part(part: pd.DataFrame, released: Released, serials: Serials) -> None:
    """Check that each value lies in its domain, and that invented ones bear the rows' numbers."""
    for column in released.schema.columns:
        problem = column_problem(part[column.name], column)
        if problem:
            raise WrongRowError(f"{PARQUET}: column {shown(column.name)}: {problem}")
    odd = serials.odd(part, released.schema) if released.ours else ""
    if odd:
        raise WrongRowError(
            f"{PARQUET}: column {shown(odd)}: a value bears another serial number than its row's"
        )


def _keep_values(typed: pd.DataFrame, schema: Schema, told: _Told) -> None:
    """Keep one number of each modelled column and row, for the associations."""
    values = [column_values(column, typed[column.name]) for column in schema.modelled]
    told.values = told.values or [[] for _ in values]
    for parts, found in zip(told.values, values, strict=True):
        parts.append(found)


def _keep_hashes(part: pd.DataFrame, schema: Schema, told: _Told) -> None:
    """Keep the hashes of all identifiers."""
    for column in schema.columns:
        if isinstance(column, Invented) and column.kind is Kind.IDENTIFIER:
            hashes = pd.util.hash_array(
                part[column.name].dropna().to_numpy(dtype=object), categorize=False
            )
            told.hashes.setdefault(column.name, []).append(hashes)


def _cell_problems(
    parts: Iterator[pd.DataFrame], text: BufferedReader, released: Released
) -> Iterator[str]:
    """The first differing cell; other quoting or escaping counts as equal."""
    text.seek(0)
    with io.TextIOWrapper(text, encoding="utf-8", newline="") as lines:
        rows, number = csv.reader(lines), 0
        for part in parts:
            written = csv_text(part, released.schema, header=not number)
            for meant in csv.reader(io.StringIO(written, newline="")):
                row = next(rows, None)
                if row is None:
                    yield f"{CSV}: ends before row {number:,}, and {PARQUET} has more rows"
                    return
                place = _differing(row, meant)
                if place is not None:
                    column = shown(part.columns[place]) if place >= 0 else "a column"
                    where = f"row {number:,}" if number else "its header"
                    yield f"{CSV}: {where} differs from {PARQUET} in {column}"
                    return
                number += 1
        if next(rows, None) is not None:
            yield f"{CSV}: holds rows after those of {PARQUET}, which has {number - 1:,}"
        elif released.ours:
            yield f"{CSV}: is not written as this privgan writes the rows of {PARQUET}"


def _differing(row: list[str], meant: list[str]) -> int | None:
    """The place of the first cell that differs; -1 for another length, None where all agree."""
    same = [unescaped(a) == unescaped(b) for a, b in zip(row, meant, strict=False)]
    if False in same:
        return same.index(False)
    return None if len(row) == len(meant) else -1


def _customers(schema: Schema, told: _Told) -> Iterator[str]:
    """Check that no customer has too many rows, and no other identifier repeats."""
    for name, parts in told.hashes.items():
        most = schema.most_rows if name == schema.unit.column else 1
        _, counts = np.unique(np.concatenate(parts), return_counts=True)
        if counts.size and counts.max() > most:
            told_of = f"an identifier stands in {counts.max()} rows, and may in {most}"
            yield f"{PARQUET}: column {shown(name)}: {told_of}"


def _counted(released: Released, told: _Told) -> Iterator[str]:
    for outcome in released.manifest.policy.outcomes:
        if outcome.fact == "synthetic.rows" and outcome.value != told.rows:
            judged = shown(outcome.value)
            yield f"{PARQUET}: has {told.rows:,} rows, and the policy judged {judged}"
    if released.holds(REPORT) and released.report["data"]["rows"] != told.rows:
        said = shown(released.report["data"]["rows"])
        yield f"{REPORT}: says {said} rows, and {PARQUET} has {told.rows:,}"


def _reported(released: Released, told: _Told) -> Iterator[str]:
    """Recompute the report's synthetic figures, and compare."""
    data = released.report["data"]
    if told.counts:
        for shape, counts in zip(data["shapes"], told.counts, strict=True):
            meant = written_shares(shares_of(counts))
            said = shape["synthetic"]
            if len(meant) != len(said) or not np.allclose(meant, said, rtol=0, atol=_ROUNDING):
                name = shown(shape["column"])
                yield f"{REPORT}: the synthetic shares of {name} are not those of {PARQUET}"
    for curve in (data.get("relations") or {"curves": ()})["curves"]:
        if not _near(shares_by_code(*told.of_target[curve["column"]]), curve["synthetic"]):
            name = shown(curve["column"])
            yield f"{REPORT}: the target's synthetic shares by {name} are not those of {PARQUET}"
    if told.values and data["trends"] is not None:
        values = [np.concatenate(parts) for parts in told.values]
        told.values.clear()
        corrected = data["trends"].get("corrected", False)
        found = trends_of_values(released.schema, values, corrected=corrected)
        if not _near(found.synthetic, data["trends"]["synthetic"]):
            yield f"{REPORT}: the associations of the synthetic table are not those of {PARQUET}"


def _near(meant: Any, said: Any) -> bool:
    """Whether two triangles of numbers or None are equal up to the last written digit."""
    if isinstance(meant, list | tuple):
        return isinstance(said, list) and len(meant) == len(said) and all(map(_near, meant, said))
    if meant is None or said is None:
        return meant is said
    return abs(meant - said) <= _LAST_DIGIT

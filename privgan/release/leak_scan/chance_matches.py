"""Search released columns, and test matches in invented columns against chance.

Identifiers and personal data are invented from a serial number and public randomness. So they
sometimes equal a real value: serial numbers always, names now and then. A value that invention
cannot produce in its row was copied. A value that it can produce is compared with chance: the same
rows are invented again with other randomness. Only a count far above theirs is a finding.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, Any

import numpy as np
import pandas as pd

from privgan.domain.frames import by_distinct
from privgan.release.leak_scan.leak_patterns import (
    LeakKind,
    LeakPatterns,
    Matcher,
    is_figure,
    looks_like_pii,
)
from privgan.schema.columns import Column, Discrete, Invented, Kind, Numeric, Temporal
from privgan.schema.identifiers import could_be_invented, could_stand_in, invent
from privgan.schema.schema import Schema
from privgan.table.presenting import unescaped_frame
from privgan.table.readings import canonical_text, moments_of, numbers_of

FRESH_TABLES = 5
SIGNIFICANCE = 1e-6
_ROWS = 50_000
_SEED = 20_261_121


@dataclass(frozen=True, kw_only=True)
class Chance:
    """An invented column's matches with real values, beside the number expected by chance.

    Attributes:
        file: The file.
        column: The invented column.
        found: Matches in the released rows; of identifiers the distinct ones.
        expected: Mean number of matches where as many values are invented afresh.
        p_value: Chance of at least as many matches, given all of them: one-sided exact binomial
            test.
    """

    file: str
    column: str
    found: int
    expected: float
    p_value: float

    @property
    def excess(self) -> bool:
        """Whether chance does not explain the matches."""
        return self.p_value < SIGNIFICANCE


class Afresh:
    """Invent the same rows again, and count their matches with real values.

    Args:
        schema: The schema.
        matcher: Finds the private values.
    """

    def __init__(self, schema: Schema | None, matcher: Matcher) -> None:
        self._schema, self._matcher = schema, matcher
        self._known: dict[tuple[str, int, bytes], int] = {}

    def matches(self, column: str, held: np.ndarray) -> int:
        """Count one invented column's matches over several re-inventions.

        They use the release's serial numbers. Identifiers count once each: rows of one customer
        share theirs.

        Args:
            column: The column.
            held: Which rows of the release hold a value [rows]; no other row is invented again.
        """
        key = column, len(held), np.packbits(held).tobytes()
        if key not in self._known:
            self._known[key] = sum(
                self._table(column, held, table) for table in range(FRESH_TABLES)
            )
        return self._known[key]

    def _table(self, column: str, held: np.ndarray, table: int) -> int:
        assert self._schema is not None
        alone = replace(self._schema, columns=(self._schema.column(column),))
        rng = np.random.default_rng([_SEED, table])
        count, distinct = 0, set()
        for start in range(0, len(held), _ROWS):
            part = held[start : start + _ROWS]
            customers = np.arange(start + 1, start + len(part) + 1)
            fresh = invent(alone, len(part), first_serial=start + 1, customers=customers, rng=rng)[
                column
            ]
            hits = [
                hit.value
                for hit in self._matcher.hits("\n".join(fresh[part]).encode())
                if hit.whole
            ]
            count += len(hits)
            distinct.update(hits)
        return len(distinct) if alone.columns[0].kind is Kind.IDENTIFIER else count


class ColumnScan:
    """Search the columns of one file of the released table.

    Args:
        leak_patterns: What to look for.
        matcher: Finds the private values.
        names: The names of INTERNAL figures and files.
        afresh: Counts what chance gives.
        related: Whether the file is of a related table, whose unit column names its parent's row.
    """

    def __init__(
        self,
        leak_patterns: LeakPatterns,
        matcher: Matcher,
        names: re.Pattern[bytes],
        afresh: Afresh,
        *,
        related: bool = False,
    ) -> None:
        self._related = related
        self._leak_patterns, self._matcher, self._names, self._afresh = (
            leak_patterns,
            matcher,
            names,
            afresh,
        )
        self._schema = leak_patterns.schema
        self._copied: Counter[tuple[str, LeakKind]] = Counter()
        self._met: Counter[tuple[str, LeakKind]] = Counter()
        self._rows = 0
        self._held: dict[str, list[np.ndarray]] = {}
        self._known: set[bytes] = set()
        self._has_figures = any(is_figure(value.encode()) for value in leak_patterns.values)
        self._seen: set[tuple[str, bytes]] = set()

    @property
    def known(self) -> frozenset[bytes]:
        """Real values in invented cells.

        They also stand in the file's raw bytes; this class judges them.
        """
        return frozenset(self._known)

    def read(self, name: str, reader: IO[bytes]) -> None:
        """Search a Parquet or CSV file, batch by batch."""
        for batch in _batches(name, reader):
            for column in batch.columns:
                self._column(str(column), batch[column])
            self._rows += len(batch)

    def findings(self) -> Iterator[tuple[str, LeakKind, int]]:
        """Column, kind and count of every match that chance does not explain."""
        for (column, kind), count in self._copied.items():
            yield column, kind, count
        excess = {chance.column for chance in self.chance("") if chance.excess}
        for (column, kind), count in self._met.items():
            if column in excess:
                yield column, kind, count

    def chance(self, file: str) -> list[Chance]:
        """Every invented column with a match, beside its chance."""
        from scipy.stats import binom

        found: Counter[str] = Counter()
        for (column, _), count in self._met.items():
            found[column] += count
        fresh = {
            column: self._afresh.matches(column, np.concatenate(self._held[column]))
            for column in found
        }
        return [
            Chance(
                file=file,
                column=column,
                found=count,
                expected=fresh[column] / FRESH_TABLES,
                p_value=float(binom.sf(count - 1, count + fresh[column], 1 / (FRESH_TABLES + 1))),
            )
            for column, count in found.items()
        ]

    def _column(self, name: str, values: pd.Series) -> None:
        column = (
            None
            if self._schema is None or name not in self._schema.names
            else self._schema.column(name)
        )
        if isinstance(column, Numeric | Temporal):
            self._figures(values, column)
            return
        texts = by_distinct(values.dropna(), canonical_text)
        if column is not None:
            texts = texts[~texts.isin(column.missing_markers)]
        if not isinstance(column, Invented):
            allowed = _allowed(column)
            self._search(name, [text for text in texts.unique() if text not in allowed])
            return
        self._held.setdefault(name, []).append(values.index.isin(texts.index[texts != ""]))
        possible = self._possible(column, texts, values.index)
        self._search(name, list(texts[~possible]))
        self._count(name, column, texts[possible])

    def _count(self, name: str, column: Invented, texts: pd.Series) -> None:
        """Count matches that chance can explain; identifiers count once each."""
        for hit in self._matcher.hits("\n".join(texts).encode("utf-8", "replace")):
            self._known.add(hit.value)
            if hit.whole and (
                column.kind is not Kind.IDENTIFIER or (name, hit.value) not in self._seen
            ):
                self._seen.add((name, hit.value))
                self._met[name, hit.kind] += 1

    def _possible(self, column: Invented, texts: pd.Series, rows: pd.Index) -> np.ndarray:
        """Texts [rows, bool] that invention can produce in their rows; others were copied."""
        assert self._schema is not None
        unit = column.name == self._schema.unit.column
        if unit and self._related:  # A parent may have any number of rows, none included.
            return np.array([could_be_invented(column, text) for text in texts], dtype=bool)
        places = self._rows + 1 + rows.get_indexer(texts.index)
        pairs = zip(places.tolist(), texts, strict=True)
        return np.array(
            [could_stand_in(row, column, text, unit=unit) for row, text in pairs], dtype=bool
        )

    def _figures(self, values: pd.Series, column: Numeric | Temporal) -> None:
        """Record real values in cells of modelled numbers and moments.

        They coincide by design.
        """
        written = pd.api.types.is_object_dtype(values) or pd.api.types.is_string_dtype(values)
        if (
            not written
            or not self._leak_patterns.values
            or (isinstance(column, Numeric) and not self._has_figures)
        ):
            return
        # Parquet gives times of day as such: no real value is written in them.
        texts = pd.Series(
            [value for value in values.dropna().unique() if isinstance(value, str)], dtype=object
        )
        read = (
            numbers_of(texts, column) if isinstance(column, Numeric) else moments_of(texts, column)
        )
        for hit in self._matcher.hits("\n".join(texts[read.notna()]).encode("utf-8", "replace")):
            self._known.add(hit.value)

    def _search(self, name: str, cells: list[str]) -> None:
        """Search cells that neither invention nor the schema explains."""
        text = "\n".join(cells)
        data = text.encode("utf-8", "replace")
        for hit in self._matcher.hits(data):
            if hit.whole:
                self._copied[name, hit.kind] += 1
        declared = self._leak_patterns.declared
        names = sum(
            match.group().decode("utf-8", "replace") not in declared
            for match in self._names.finditer(data)
        )
        looks = (
            sum(found not in declared for found in looks_like_pii(text))
            if self._schema is not None
            else 0
        )
        for kind, count in ((LeakKind.INTERNAL_NAME, names), (LeakKind.PATTERN, looks)):
            if count:
                self._copied[name, kind] += count


def _allowed(column: Column | None) -> frozenset[str]:
    return frozenset(column.categories) if isinstance(column, Discrete) else frozenset()


def _batches(name: str, reader: IO[bytes]) -> Iterator[pd.DataFrame]:
    if name.endswith(".parquet"):
        import pyarrow.parquet as pq

        for batch in pq.ParquetFile(reader).iter_batches(batch_size=_ROWS):
            yield batch.to_pandas()
        return
    options: dict[str, Any] = {
        "dtype": str,
        "keep_default_na": False,
        "chunksize": _ROWS,
        "on_bad_lines": "skip",
    }
    for part in pd.read_csv(reader, **options):
        yield unescaped_frame(part)

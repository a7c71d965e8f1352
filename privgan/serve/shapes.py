"""Compare the column distributions of two synthetic tables.

Both tables were released already; no real row is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from privgan.files.json_types import JsonDict
from privgan.notation.moments import is_clock
from privgan.release.verification.sandbox import GuardedError, run_guarded
from privgan.release.verification.verify import Verification
from privgan.schema.columns import Column, Discrete, Kind, Numeric, Temporal
from privgan.schema.schema import Schema
from privgan.serve.compare import schema_of
from privgan.serve.library import Held
from privgan.table.histogram import code_counts, shares_of, total_variation
from privgan.table.presenting import presence_of, unpresented

_ROWS, _BINS, _MOST_BARS, _MOST_COLUMNS = 50_000, 20, 12, 40
_LARGEST = 512 << 20
_MEGABYTES = 600  # 50,000 rows of 40 columns of texts.
_TABLE = "synthetic.parquet"
_BESIDE = ("special values outside the bounds", "missing")


@dataclass(frozen=True, kw_only=True)
class Bar:
    """The shares of one value or bin, in percent."""

    label: str
    first: float
    second: float


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One column's distribution in both tables.

    Attributes:
        column: Its name.
        distance: Total variation distance of the two tables, 0 to 1.
        bars: The largest shares, or the bins in order.
        binned: Whether the bars are bins in order.
        top: The largest share of all bars, in percent.
    """

    column: str
    distance: float
    bars: tuple[Bar, ...]
    binned: bool

    @property
    def top(self) -> float:
        """The largest share, in percent; above 0."""
        return max([1e-9, *(max(bar.first, bar.second) for bar in self.bars)])


def shapes_of(first: Held, second: Held) -> tuple[Shape, ...]:
    """Compare the columns that both schemas share, the most different first.

    Of large tables the first 50,000 rows. Tables are read in a separate process: a small file may
    claim to hold gigabytes.
    """
    if any(not _readable(held) for held in (first, second)):
        return ()
    places = [[str(held.root), held.name] for held in (first, second)]
    try:
        found = run_guarded(_shapes_here, *places, megabytes=_MEGABYTES)
    except GuardedError:
        return ()
    return tuple(
        Shape(
            column=part["column"],
            distance=part["distance"],
            bars=tuple(Bar(**bar) for bar in part["bars"]),
            binned=part["binned"],
        )
        for part in found
    )


def _readable(held: Held) -> bool:
    return _TABLE in held.files and held.verification.manifest["files"][_TABLE]["bytes"] <= _LARGEST


def _shapes_here(*places: Sequence[str]) -> list[JsonDict]:
    """The shapes of two intact releases, as JSON values."""
    intact = Verification(ok=True, problems=(), signed=False, manifest={})
    held = [Held(id="", name=name, root=Path(root), verification=intact) for root, name in places]
    return [asdict(shape) for shape in _shapes(*held)]


def _shapes(first: Held, second: Held) -> tuple[Shape, ...]:
    schemas = schema_of(first), schema_of(second)
    if schemas[0] is None or schemas[1] is None:
        return ()
    pairs = _pairs(schemas[0], schemas[1])[:_MOST_COLUMNS]
    names = [column.name for column, _ in pairs]
    tables = _read(first, schemas[0], names), _read(second, schemas[1], names)
    if tables[0] is None or tables[1] is None:
        return ()
    found = [_shape(one, other, tables[0][one.name], tables[1][one.name]) for one, other in pairs]
    return tuple(sorted(found, key=lambda shape: -shape.distance))


def _pairs(first: Schema, second: Schema) -> list[tuple[Column, Column]]:
    """The modelled columns that both schemas have with one kind."""
    others: Mapping[str, Column] = {column.name: column for column in second.modelled}
    pairs = [(column, others[column.name]) for column in first.modelled if column.name in others]
    return [
        (one, other) for one, other in pairs if type(one) is type(other) and one.kind is other.kind
    ]


def _read(held: Held, schema: Schema, names: list[str]) -> Any:
    """The first rows of a release; an invented column says only whether a value is there.

    None where it has no rows.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with held.open(_TABLE) as file:
            batch = next(
                pq.ParquetFile(file).iter_batches(
                    batch_size=_ROWS, columns=names, use_threads=False
                ),
                None,
            )
    except (OSError, pa.ArrowException):
        return None
    if batch is None or batch.num_rows == 0:
        return None
    rows = batch.to_pandas()
    invented = [name for name in names if schema.column(name).invented]
    return rows.assign(**{name: presence_of(rows[name]) for name in invented})


def _shape(one: Column, other: Column, first: Any, second: Any) -> Shape:
    binned = not isinstance(one, Discrete)
    labels, *codes = _binned(one, other, first, second) if binned else _categories(first, second)
    shares = [shares_of(code_counts(part, len(labels))) for part in codes]
    bars = [
        Bar(label=label, first=100 * float(mine), second=100 * float(theirs))
        for label, mine, theirs in zip(labels, *shares, strict=True)
        if mine or theirs or label not in _BESIDE
    ]
    if not binned:
        bars = sorted(bars, key=lambda bar: -max(bar.first, bar.second))[:_MOST_BARS]
    distance = total_variation(shares[0], shares[1])
    return Shape(column=one.name, distance=distance, bars=tuple(bars), binned=binned)


def _categories(first: Any, second: Any) -> tuple[list[str], Any, Any]:
    """Every category that occurs, and the code of each row in both tables."""
    texts = [
        values.astype(object).map(str, na_action="ignore").fillna("missing")
        for values in (first, second)
    ]
    labels = list(dict.fromkeys(text for values in texts for text in values))
    place = {label: code for code, label in enumerate(labels)}
    return labels, *(values.map(place).to_numpy(dtype="int64") for values in texts)


def _binned(one: Column, other: Column, first: Any, second: Any) -> tuple[list[str], Any, Any]:
    """Equal bins over both columns' bounds, special values outside them and missing ones.

    And the code of each row.
    """
    import numpy as np

    assert isinstance(one, Numeric | Temporal)
    assert isinstance(other, Numeric | Temporal)
    lower, upper = (
        min(_number(one.lower), _number(other.lower)),
        max(_number(one.upper), _number(other.upper)),
    )
    edges = np.linspace(lower, upper, _BINS + 1)
    labels = [f"{_edge(one, edges[bin])} to {_edge(one, edges[bin + 1])}" for bin in range(_BINS)]
    return [*labels, *_BESIDE], *(_codes(one, values, edges) for values in (first, second))


def _codes(column: Column, values: Any, edges: Any) -> Any:
    """Bin of each row [rows]; outside all bins their number, and one more where it is missing."""
    import numpy as np

    present = values.notna().to_numpy()
    known = unpresented(values[present], column)
    moments = isinstance(column, Temporal)
    plain = known.astype("datetime64[s]").astype("int64") if moments else known.astype(float)
    numbers = plain.to_numpy(dtype=float)
    places = np.minimum(np.searchsorted(edges, numbers, side="right") - 1, _BINS - 1)
    outside = (numbers < edges[0]) | (numbers > edges[-1])
    codes = np.full(len(values), _BINS + 1, dtype="int64")
    codes[present] = np.where(outside, _BINS, places)
    return codes


def _number(bound: Any) -> float:
    import pandas as pd

    return (
        float(bound) if isinstance(bound, int | float) else float(pd.Timestamp(bound).timestamp())
    )


def _edge(column: Column, edge: float) -> str:
    import pandas as pd

    if isinstance(column, Temporal):
        return str(
            pd.Timestamp(edge, unit="s").strftime(
                "%H:%M" if is_clock(column.format) else "%Y-%m-%d"
            )
        )
    return f"{edge:.0f}" if column.kind is Kind.INTEGER and abs(edge) < 1e12 else f"{edge:.4g}"

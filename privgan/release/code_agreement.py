"""Whether a model's codes are those that privgan makes of the schema's cells, and its shares add up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from privgan.release.integrity import shown
from privgan.release.released import Released
from privgan.table.encoding import ColumnCode

_FINE = "cells:"  # A column whose fine cells were counted first is the one whose cells are merged.
_ROUNDING = 1e-9  # Of each share: a model holds nine decimals.


def code_problems(released: Released) -> Iterator[str]:
    """Whether each column's cells have codes in order and without gaps, and all shares add up."""
    names = [column.name for column in released.schema.modelled]
    if list(released.model["columns"]) != names:
        yield "its encoder is not of the schema's modelled columns"
        return
    merged = _merged(released.manifest["plan"])
    for column in released.encoder.columns:
        found = [*_code_problems(column, merged)] or _written(column, released.model["columns"])
        yield from (f"column {shown(column.name)}: {told}" for told in found)
    if len(released.frequencies) != len(names):
        told = f"has noisy shares of {len(released.frequencies)} columns"
        yield f"{told}, and {len(names)} are modelled"
        return
    for place, column in enumerate(released.encoder.columns):
        shares = _share_problems(column, released.model["frequencies"][place])
        yield from (f"column {shown(column.name)}: {told}" for told in shares)


def _share_problems(column: ColumnCode, stated: list[float]) -> Iterator[str]:
    shares = np.asarray(stated, dtype=float)
    if shares.shape != (column.size,):
        yield f"has {shares.size} noisy shares and {column.size} codes"
    elif not (np.all(shares >= 0) and abs(shares.sum() - 1) <= _ROUNDING * max(1, shares.size)):
        yield "its noisy shares do not add up to 1"
    elif json.dumps([round(float(share), 9) for share in shares]) != json.dumps(stated):
        yield "its noisy shares are not written as privgan writes them, with nine decimals"


def _merged(plan: Mapping[str, Any]) -> set[str] | None:
    """The columns whose cells the plan merges; None where it names its steps in another way."""
    steps = [step for stage in plan["stages"] for step in stage["steps"]]
    if not any(step["kind"] == "1-way marginal" for step in steps):
        return None
    return {step["name"].removeprefix(_FINE) for step in steps if step["name"].startswith(_FINE)}


def _code_problems(column: ColumnCode, merged: set[str] | None) -> Iterator[str]:
    code_of, within = column.code_of, column.within
    cells = column.cells.size
    if code_of.shape != (cells,) or within.shape != (cells,):
        yield f"its code is of {code_of.size} cells, and the schema gives {cells}"
        return
    if set(code_of.tolist()) != set(range(int(code_of.max()) + 1)):
        yield "its codes are not numbered without gaps"
        return
    if merged is not None and column.name not in merged and column.size != cells:
        told = f"its {cells} cells are merged into {column.size} codes"
        yield f"{told}, and the plan does not merge them"
    elif merged is not None and not _in_order(column, is_merged=column.name in merged):
        yield "its codes are not in the order of its cells"
    shares = np.bincount(code_of, weights=within)
    if not (np.all(within >= 0) and np.allclose(shares, 1, rtol=0, atol=_ROUNDING * cells)):
        yield "the shares of the cells within a code do not add up to 1"


def _in_order(column: ColumnCode, *, is_merged: bool) -> bool:
    """Whether codes rise as privgan numbers them: with others, each category would mean another."""
    cells, code_of = column.cells, column.code_of
    if not is_merged:
        return bool(np.array_equal(code_of, np.arange(cells.size)))
    first, end = len(cells.special), cells.size - int(cells.column.missing)
    body = code_of[first:end]
    if not body.size:
        return True
    last = int(body.max())
    # Of neighbouring cells none is passed over; rare categories share the last code.
    rising = np.unique(body) if cells.adjacent else np.append(body[body != last], last)
    sorted_ = not cells.adjacent or bool(np.all(np.diff(body) >= 0))
    alone = np.append(np.arange(first), np.arange(last + 1, last + 1 + cells.size - end))
    ends = np.append(code_of[:first], code_of[end:])
    whole = np.array_equal(rising, np.arange(first, last + 1)) and np.array_equal(ends, alone)
    return sorted_ and whole


def _written(column: ColumnCode, stated: Mapping[str, Any]) -> list[str]:
    """A further digit, or another key, would be a place for what nobody checked."""
    if json.dumps(column.to_json()) == json.dumps(stated[column.name]):
        return []
    return ["its codes are not written as privgan writes them: whole numbers, and nine decimals"]

"""Collect finished cells: one line for each table, ε and method, medians over the seeds."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.cells import Cell, given_seconds, result_of
from tests.benchmarks.methods import method_of
from tests.benchmarks.scoring import Figures, disagreements, external_of, score_cell
from tests.benchmarks.tables import Prepared

OK, PROCESSOR = "ok", "processor_seconds"
_FIGURES = (
    "tvd1",
    "tvd2",
    "tvd3",
    "tstr",
    "trtr",
    "gap",
    "c2st",
    "tstr_raw",
    "trtr_raw",
    "gap_raw",
    "c2st_raw",
    "tvd4",
    "loglik",
    "loglik_values",
    "network",
    "accuracy",
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """Results of one method on one table at one ε.

    Attributes:
        table: The table.
        rows: Number of rows of the published table.
        epsilon: ε; None for a method without privacy.
        method: The method.
        status: ``ok``, or how the seeds ended, each way once.
        seeds: Number of seeds with figures.
        seconds: What a seed without a result was given, by the processor's clock where that was
            read; 0 where all have one.
        figures: Medians over those seeds; empty where there is none.
        doubts: Figures on which the two scorers do not agree.
        earlier: Whether the line is of an earlier run, maybe on another machine.
    """

    table: str
    rows: int
    epsilon: float | None
    method: str
    status: str
    seeds: int
    seconds: float = 0.0
    figures: Mapping[str, float] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    earlier: bool = False

    def figure(self, name: str) -> float | None:
        """A figure; None where there is none."""
        return self.figures.get(name)


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One finished cell with its figures; they are empty where it has no synthetic table."""

    cell: Cell
    result: Mapping[str, Any]
    figures: Figures
    doubts: tuple[str, ...]


def score_all(
    cells: Iterable[Cell], tables: Mapping[str, Prepared], work: Path, scorer: Path | None
) -> list[Scored]:
    """Every finished cell with its figures; a cell that was not run yet is left out."""
    found = []
    for cell in cells:
        folder = cell.folder(work)
        result = result_of(folder)
        if result is not None:
            figures = score_cell(folder, tables[cell.table], scorer) or {}
            found.append(
                Scored(
                    cell=cell,
                    result=result,
                    figures=figures,
                    doubts=disagreements(figures, external_of(folder)),
                )
            )
    return found


def lines_of(scored: Iterable[Scored], rows: Mapping[str, int]) -> list[Line]:
    """One line for each table, ε and method, in the order of the cells.

    Args:
        scored: The finished cells.
        rows: Number of rows of each published table.
    """
    groups: dict[tuple[str, float | None, str], list[Scored]] = {}
    for found in scored:
        groups.setdefault((found.cell.table, found.cell.epsilon, found.cell.method), []).append(
            found
        )
    return [_line(group, rows[table]) for (table, _, _), group in groups.items()]


def _line(group: list[Scored], rows: int) -> Line:
    cell, done = group[0].cell, [found for found in group if found.figures]
    figures = _medians([all_figures(found) for found in done])
    return Line(
        table=cell.table,
        rows=rows,
        epsilon=cell.epsilon,
        method=cell.method,
        status="; ".join(dict.fromkeys(found.result["status"] for found in group)),
        seeds=len(done),
        seconds=max(given_seconds(found.result["status"]) for found in group),
        figures=figures,
        doubts=tuple(doubt for found in done for doubt in found.doubts),
    )


def all_figures(found: Scored) -> Figures:
    """A cell's scores, times and peak memory."""
    result, figures = (
        found.result,
        {name: found.figures[name] for name in _FIGURES if name in found.figures},
    )
    return (
        figures
        | _times(result, "seconds", "")
        | _times(result, PROCESSOR, "_cpu")
        | {"peak_mb": result["peak_megabytes"]}
    )


def _times(result: Mapping[str, Any], clock: str, suffix: str) -> Figures:
    """Times of fitting and sampling by one clock; empty if the cell was not timed by it."""
    if f"fit_{clock}" not in result:
        return {}
    speed = result["rows"] / max(result[f"sample_{clock}"], 1e-9)
    return {f"fit{suffix}_s": result[f"fit_{clock}"], f"sample{suffix}_rows_s": speed}


def _medians(figures: list[Figures]) -> Figures:
    names = dict.fromkeys(name for found in figures for name in found)
    return {
        name: statistics.median(found[name] for found in figures if name in found) for name in names
    }


def best_peer(lines: Iterable[Line], of: Line, name: str) -> Line | None:
    """The private peer with the smallest figure on the same table at the same ε.

    None where no peer has one.
    """
    found = [
        line
        for line in lines
        if (line.table, line.epsilon) == (of.table, of.epsilon)
        and method_of(line.method).peer
        and line.figure(name) is not None
    ]
    return min(found, key=lambda line: line.figures[name], default=None)


def same_cell(lines: Iterable[Line], of: Line, method: str) -> Line | None:
    """The line of another method on the same table, at the same ε where it has one."""
    epsilon = of.epsilon if method_of(method).private else None
    return next(
        (
            line
            for line in lines
            if (line.table, line.epsilon, line.method) == (of.table, epsilon, method)
        ),
        None,
    )

"""Write measured speed and cost as a table, a text and a picture."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.speed.critic_step import MOST
from tests.benchmarks.speed.points import BY_COLUMNS, BY_ROWS

_COLOURS = ("#0072B2", "#D55E00")
_FORMS = {"fit_s": ".0f", "sample_rows_s": ".0f", "peak_mb": ".0f"}

Point = Mapping[str, Any]


def write_csv(path: Path, points: Sequence[Point]) -> None:
    """Write every fit, one a line."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, ["point", "rows", "columns", "categories", "status", *_FORMS])
        writer.writeheader()
        writer.writerows(
            {**point, **{name: _shown(point[name], form) for name, form in _FORMS.items()}}
            for point in points
        )


def write_markdown(path: Path, points: Sequence[Point], step: Point | None) -> None:
    """Write the critic's step with its target, and every fit."""
    head = [
        "| rows | columns | categories | status | fit s | sampled rows/s | peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    lines = [
        f"| {point['rows']:,} | {point['columns']} | {point['categories']} | {point['status']} | "
        f"{' | '.join(_shown(point[name], form) for name, form in _FORMS.items())} |"
        for point in points
    ]
    told = [
        "# What privgan costs\n",
        (
            "Made by `python -m tests.benchmarks speed`, with one thread; seconds are the"
            " processor's.\n"
        ),
        _told(step),
        *head,
        *lines,
        "",
    ]
    path.write_text("\n".join(told), encoding="utf-8")


def _told(step: Point | None) -> str:
    if step is None:
        return "The critic's step was not measured.\n"
    verdict = "met" if step["ratio"] <= MOST else "**missed**"
    return (
        f"One DP-SGD step of the critic ({step['batch']} rows of {step['inputs']} inputs, width"
        f" {step['width']}) takes {1000 * step['private_s']:.2f} ms, the same step without privacy"
        f" {1000 * step['plain_s']:.2f} ms: ratio {step['ratio']:.2f}; target at most {MOST:g}:"
        f" {verdict}.\n"
    )


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def draw(path: Path, points: Sequence[Point]) -> None:
    """Draw time and memory of a fit by rows, and by columns."""
    from matplotlib.figure import Figure

    done = {point["point"]: point for point in points if point["status"] == "ok"}
    if not done:
        return
    by_rows = [done[size.name] for size in BY_ROWS if size.name in done]
    by_columns = [done[size.name] for size in BY_COLUMNS if size.name in done]
    figure = Figure(figsize=(8.4, 5.6), layout="constrained")
    axes = figure.subplots(2, 2)
    for row, (name, label) in enumerate(
        {"fit_s": "fit, processor seconds", "peak_mb": "peak memory, MB"}.items()
    ):
        _lines(axes[row, 0], {"20 columns, 8 categories": by_rows}, "rows", name)
        axes[row, 0].set_xscale("log")
        axes[row, 0].set_xticks(
            [size.rows for size in BY_ROWS], [f"{size.rows:,}" for size in BY_ROWS]
        )
        axes[row, 0].set_xlim(BY_ROWS[0].rows / 2, BY_ROWS[-1].rows * 2)
        groups = {
            f"20,000 rows, {count} categories": [
                point for point in by_columns if point["categories"] == count
            ]
            for count in sorted({point["categories"] for point in by_columns})
        }
        _lines(axes[row, 1], groups, "columns", name)
        axes[row, 0].set_ylabel(label)
    for place, label in enumerate(("rows", "columns")):
        axes[1, place].set_xlabel(label)
    figure.savefig(path, dpi=130)


def _lines(axis: Any, groups: Mapping[str, Sequence[Point]], across: str, name: str) -> None:
    markers = zip(groups.items(), _COLOURS, ("o", "s"), strict=False)
    for (label, points), colour, marker in markers:
        axis.plot(
            [point[across] for point in points],
            [point[name] for point in points],
            color=colour,
            marker=marker,
            label=label,
        )
    axis.set_ylim(bottom=0)
    axis.grid(visible=True, color="#E5E5E5", linewidth=0.7)
    if any(groups.values()):
        axis.legend(fontsize=8)

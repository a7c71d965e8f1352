"""Compute the geometry of the reports' pictures, in per cent; templates draw it as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.files.json_types import JsonMapping
from privgan.report.data import Label, NoisyShape, PlanStep, RealShape
from privgan.report.densities import Density, Part, density, placed_parts
from privgan.report.text import Words
from privgan.table.histogram import shares_of, total_variation

_MOST_CATEGORIES = 8
_NUMERIC = frozenset({"integer", "float", "date", "datetime"})


@dataclass(frozen=True, kw_only=True)
class Bar:
    """Two shares of a category or special value, as adjacent bars.

    Attributes:
        label: Label of the category or special value.
        reference: The noisy or real bar's length, in per cent of the frame.
        synthetic: The synthetic bar's length, in per cent of the frame.
        reference_share: The noisy or real share, in per cent of all.
        synthetic_share: The synthetic share, in per cent of all.
    """

    label: str
    reference: float
    synthetic: float
    reference_share: float
    synthetic_share: float


@dataclass(frozen=True, kw_only=True)
class ShapeChart:
    """Picture of one column.

    Attributes:
        column: The column's name.
        kind: The kind of its values, in words.
        density: Numbers and moments on their axis; None for categories.
        bars: Categories, or what lies beside the axis.
        left_out: Number of categories that are not drawn.
        distance: Total variation distance between the two.
        gap: The bin where the two differ most; None if they do not.
    """

    column: str
    kind: str
    density: Density | None
    bars: tuple[Bar, ...]
    left_out: int
    distance: float
    gap: Part | None


@dataclass(frozen=True, kw_only=True)
class AttackRow:
    """One attack's figure with its context; positions in per cent of its axis.

    Attributes:
        metric: The metric, as JSON.
        axis_low: Value at the left end.
        axis_high: Value at the right end.
        value: Position of the figure.
        low: Position of the interval's lower end.
        high: Position of the interval's upper end.
        baseline: Position of the baseline; None if there is none.
        ceiling: Position of the ceiling; None if there is none.
    """

    metric: JsonMapping
    axis_low: float
    axis_high: float
    value: float
    low: float
    high: float
    baseline: float | None
    ceiling: float | None


def shape_chart(shape: NoisyShape | RealShape, words: Words) -> ShapeChart:
    """Picture of one column."""
    reference = shares_of(np.asarray(shape.noisy if isinstance(shape, NoisyShape) else shape.real))
    synthetic = shares_of(np.asarray(shape.synthetic))
    parts = _parts(shape, reference, synthetic, words)
    if shape.kind in _NUMERIC:
        placed, beside = placed_parts(parts)
    else:
        placed, beside = [], _ordered(parts, shape.kind)
    bars = beside[:_MOST_CATEGORIES]
    widest = max(parts, key=lambda part: part.gap, default=None)
    return ShapeChart(
        column=shape.column,
        kind=words.term("kind", shape.kind),
        density=density(placed, shape.kind),
        bars=_bars(bars),
        left_out=len(beside) - len(bars),
        distance=total_variation(reference, synthetic),
        gap=widest if widest and widest.gap else None,
    )


def step_bars(steps: Sequence[PlanStep]) -> list[tuple[PlanStep, float]]:
    """Steps with the length of their bars, in per cent of the longest."""
    longest = max((step.epsilon for step in steps), default=0.0) or 1.0
    return [(step, 100 * step.epsilon / longest) for step in steps]


def attack_rows(metrics: Sequence[JsonMapping]) -> list[AttackRow]:
    """All attack and audit figures that ran."""
    shown = ("attack.", "audit.")
    return [
        _attack_row(metric)
        for metric in metrics
        if metric["name"].startswith(shown) and metric["value"] is not None
    ]


def curve_points(pairs: Sequence[tuple[float, float]]) -> str:
    """False alarms and hits as SVG points on a 100 by 100 frame, hits upwards."""
    return " ".join(f"{100 * alarms:.1f},{100 - 100 * hits:.1f}" for alarms, hits in pairs)


def written_label(label: Label, words: Words) -> str:
    """A bin's or category's label in words."""
    if label is None:
        return words.text("shapes.missing")
    return words.text("shapes.rarer", count=label) if isinstance(label, int) else label


def _parts(
    shape: NoisyShape | RealShape,
    reference: NDArray[np.float64],
    synthetic: NDArray[np.float64],
    words: Words,
) -> list[Part]:
    labels = [written_label(label, words) for label in shape.labels]
    places = _places(shape)
    return [
        Part(
            label=label,
            reference=float(first),
            synthetic=float(second),
            low=place[0] if place else 0.0,
            high=place[1] if place else 0.0,
        )
        for label, place, first, second in zip(labels, places, reference, synthetic, strict=True)
    ]


def _places(shape: NoisyShape | RealShape) -> Sequence[Sequence[float] | None]:
    """Position of each bin; None for categories, and in reports before 0.4.0."""
    return [None] * len(shape.labels) if shape.intervals is None else shape.intervals


def _ordered(parts: list[Part], kind: str) -> list[Part]:
    if len(parts) <= _MOST_CATEGORIES or kind == "ordinal":
        return parts
    return sorted(parts, key=lambda part: -max(part.reference, part.synthetic))


def _bars(parts: Sequence[Part]) -> tuple[Bar, ...]:
    longest = max((max(part.reference, part.synthetic) for part in parts), default=0.0) or 1.0
    return tuple(
        Bar(
            label=part.label,
            reference=100 * part.reference / longest,
            synthetic=100 * part.synthetic / longest,
            reference_share=100 * part.reference,
            synthetic_share=100 * part.synthetic,
        )
        for part in parts
    )


def _attack_row(metric: JsonMapping) -> AttackRow:
    ends = [
        metric[key]
        for key in ("value", "low", "high", "baseline", "ceiling")
        if metric.get(key) is not None
    ]
    axis_low, axis_high = min(0.0, *ends), max(1.0, *ends)

    def place(key: str) -> float | None:
        found = metric.get(key)
        return None if found is None else 100 * (found - axis_low) / (axis_high - axis_low)

    value = place("value") or 0.0
    low, high = place("low"), place("high")
    return AttackRow(
        metric=metric,
        axis_low=axis_low,
        axis_high=axis_high,
        value=value,
        low=value if low is None else low,
        high=value if high is None else high,
        baseline=place("baseline"),
        ceiling=place("ceiling"),
    )

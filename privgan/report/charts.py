"""Geometry of the reports' pictures, in per cent of their frame; templates draw it as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from privgan.report.data import Label, NoisyShape, PlanStep, RealShape
from privgan.report.odds import Odds
from privgan.report.text import Words

_MOST_CATEGORIES = 8
_MOST_BINS = 40
_NUMERIC = frozenset({"integer", "float", "date", "datetime"})


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two values beside each other, in per cent of the frame.

    Attributes:
        label: What they are of.
        start: Left edge, for bins.
        width: Width, for bins.
        reference: The noisy or real value.
        synthetic: The synthetic value.
        reference_share: The noisy or real share, in per cent of all.
        synthetic_share: The synthetic share, in per cent of all.
    """

    label: str
    start: float
    width: float
    reference: float
    synthetic: float
    reference_share: float
    synthetic_share: float


@dataclass(frozen=True, kw_only=True)
class ShapeChart:
    """One column's picture.

    Attributes:
        column: The column's name.
        kind: The kind of its values, in words.
        bins: Whether it is drawn as a histogram rather than as bars by category.
        pairs: What is drawn.
        left_out: Number of categories that are not drawn.
        distance: Total variation distance between the two.
    """

    column: str
    kind: str
    bins: bool
    pairs: tuple[Pair, ...]
    left_out: int
    distance: float


@dataclass(frozen=True, kw_only=True)
class AttackRow:
    """One attack's figure with everything to judge it, positions in per cent of its axis.

    Attributes:
        metric: The metric, as JSON.
        axis_low: Value at the left end.
        axis_high: Value at the right end.
        value: Position of the figure.
        low: Position of the interval's lower end.
        high: Position of the interval's upper end.
        baseline: Position of the baseline; None where there is none.
        ceiling: Position of the ceiling; None where there is none.
    """

    metric: Mapping[str, Any]
    axis_low: float
    axis_high: float
    value: float
    low: float
    high: float
    baseline: float | None
    ceiling: float | None


def shape_chart(shape: NoisyShape | RealShape, words: Words) -> ShapeChart:
    """The picture of one column."""
    reference = _shares(shape.noisy if isinstance(shape, NoisyShape) else shape.real)
    synthetic = _shares(shape.synthetic)
    bins = shape.kind in _NUMERIC
    distance = sum(abs(a - b) for a, b in zip(reference, synthetic, strict=True)) / 2
    triples = list(
        zip((_named(label, words) for label in shape.labels), reference, synthetic, strict=True)
    )
    if bins:
        drawn = _merged(triples)
    else:
        order = (
            range(len(triples))
            if len(triples) <= _MOST_CATEGORIES or shape.kind == "ordinal"
            else _largest(triples)
        )
        drawn = [triples[index] for index in list(order)[:_MOST_CATEGORIES]]
    return ShapeChart(
        column=shape.column,
        kind=words.term("kind", shape.kind),
        bins=bins,
        pairs=_pairs(drawn),
        left_out=0 if bins else len(triples) - len(drawn),
        distance=distance,
    )


def step_bars(steps: Sequence[PlanStep]) -> list[tuple[PlanStep, float]]:
    """Each step with the length of its bar, in per cent of the longest."""
    longest = max((step.epsilon for step in steps), default=0.0) or 1.0
    return [(step, 100 * step.epsilon / longest) for step in steps]


def attack_rows(metrics: Sequence[Mapping[str, Any]]) -> list[AttackRow]:
    """Every attack and audit figure that ran."""
    shown = ("attack.", "audit.")
    return [
        _attack_row(metric)
        for metric in metrics
        if metric["name"].startswith(shown) and metric["value"] is not None
    ]


def curve_points(odds: Odds) -> str:
    """The ceiling's curve as SVG points on a 100 by 100 frame, hits upwards."""
    return " ".join(f"{100 * alarms:.1f},{100 - 100 * hits:.1f}" for alarms, hits in odds.curve)


def _named(label: Label, words: Words) -> str:
    if label is None:
        return words.text("shapes.missing")
    return words.text("shapes.rarer", count=label) if isinstance(label, int) else label


def _shares(values: Sequence[float]) -> list[float]:
    positive = [max(0.0, float(value)) for value in values]
    total = sum(positive) or 1.0
    return [value / total for value in positive]


def _largest(triples: Sequence[tuple[str, float, float]]) -> list[int]:
    return sorted(range(len(triples)), key=lambda index: -max(triples[index][1:]))


def _merged(triples: list[tuple[str, float, float]]) -> list[tuple[str, float, float]]:
    """Neighbouring bins put together until they can be told apart on a small screen."""
    size = -(-len(triples) // _MOST_BINS)
    groups = [triples[start : start + size] for start in range(0, len(triples), size or 1)]
    return [
        (_span(group), sum(part[1] for part in group), sum(part[2] for part in group))
        for group in groups
    ]


def _span(group: list[tuple[str, float, float]]) -> str:
    return group[0][0] if len(group) == 1 else f"{group[0][0]} … {group[-1][0]}"


def _pairs(triples: Sequence[tuple[str, float, float]]) -> tuple[Pair, ...]:
    tallest = (
        max((max(reference, synthetic) for _, reference, synthetic in triples), default=0.0) or 1.0
    )
    width = 100 / max(1, len(triples))
    return tuple(
        Pair(
            label=label,
            start=index * width,
            width=width,
            reference=100 * reference / tallest,
            synthetic=100 * synthetic / tallest,
            reference_share=100 * reference,
            synthetic_share=100 * synthetic,
        )
        for index, (label, reference, synthetic) in enumerate(triples)
    )


def _attack_row(metric: Mapping[str, Any]) -> AttackRow:
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

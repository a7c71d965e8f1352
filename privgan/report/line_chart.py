"""Draw lines over one pair of axes: gains, calibration, uplift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from privgan.report.attack_curves import SIZE
from privgan.report.text import Words
from privgan.report.ticks import Tick, number_ticks

# Pairs of x and y.
Line: TypeAlias = Sequence[tuple[float, float]]
REAL, SYNTHETIC = "real", "synthetic"
# By side: its number among the styles of curves, and its words.
_STYLES = {REAL: (1, "utility.real"), SYNTHETIC: (0, "utility.synthetic")}


@dataclass(frozen=True, kw_only=True)
class DrawnLine:
    """One line.

    Attributes:
        label: Whose it is.
        style: Its number, for colour and dashes.
        points: SVG points.
    """

    label: str
    style: int
    points: str


@dataclass(frozen=True, kw_only=True)
class LineChart:
    """Lines in a square of ``attack_curves.SIZE``.

    Attributes:
        title: The chart's title.
        x_label: What is told from left to right.
        y_label: What is told from below.
        x_ticks: Places from the left, with their labels.
        y_ticks: Places from the top, with their labels.
        base: SVG points of what is compared with; empty for nothing.
        base_label: What it is.
        lines: The lines.
    """

    title: str
    x_label: str
    y_label: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    base: str
    base_label: str
    lines: tuple[DrawnLine, ...]


@dataclass(frozen=True, kw_only=True)
class Axes:
    """What a chart tells, by keys in the catalogue.

    Attributes:
        title: Its title.
        x_label: What is told from left to right.
        y_label: What is told from below.
        base_label: What is compared with.
        shares: Whether both axes are shares, told in per cent.
    """

    title: str
    x_label: str
    y_label: str
    base_label: str
    shares: bool


def line_chart(sides: Mapping[str, Line], base: Line, axes: Axes, words: Words) -> LineChart:
    """Draw both sides' lines, and what they are compared with.

    Args:
        sides: ``real`` and ``synthetic``, each with its line.
        base: The line that is compared with.
        axes: What they tell.
        words: The report's words.
    """
    pairs = [*base, *(pair for line in sides.values() for pair in line)]
    spans = [_span([pair[axis] for pair in pairs], shares=axes.shares) for axis in (0, 1)]

    def points(line: Line) -> str:
        return " ".join(
            f"{_place(x, spans[0]):.1f},{SIZE - _place(y, spans[1]):.1f}" for x, y in line
        )

    ticks = [_ticks(span, words, shares=axes.shares) for span in spans]
    return LineChart(
        title=words.text(axes.title),
        x_label=words.text(axes.x_label),
        y_label=words.text(axes.y_label),
        x_ticks=tuple((round(_place(at, spans[0]), 1), label) for at, label in ticks[0]),
        y_ticks=tuple((round(SIZE - _place(at, spans[1]), 1), label) for at, label in ticks[1]),
        base=points(base),
        base_label=words.text(axes.base_label),
        lines=tuple(
            DrawnLine(label=words.text(key), style=style, points=points(sides[side]))
            for side, (style, key) in _STYLES.items()
        ),
    )


_Span = tuple[float, float]


def _span(values: Sequence[float], *, shares: bool) -> _Span:
    if shares:
        return 0.0, 1.0
    low, high = min(0.0, *values), max(values)
    return (low, high) if high > low else (low, low + 1.0)


def _place(value: float, span: _Span) -> float:
    return SIZE * (value - span[0]) / (span[1] - span[0])


def _ticks(span: _Span, words: Words, *, shares: bool) -> Sequence[Tick]:
    if shares:
        return [(share, words.percent(share)) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    return number_ticks(*span, whole=False)

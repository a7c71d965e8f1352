"""Draw a column of numbers or moments as two densities on a true axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from privgan.report.ticks import Tick, moment_ticks, number_ticks

# The frame of the drawing; figures.html.j2 has the same numbers.
WIDTH, HEIGHT = 300.0, 96.0
_MOST_BINS = 40
_SPIKE = 5.0  # A value this many times as high as the bins around it is listed beside the axis.
_FEWEST = 3  # The fewest bins that have a shape.
_LONG, _FEW = 0.5, 0.1  # An end bin over most of the axis with few rows would hide all others.
_MOMENTS = frozenset({"date", "datetime"})


@dataclass(frozen=True, kw_only=True)
class Part:
    """A bin, category or special value in two tables.

    Attributes:
        label: Its label.
        reference: Its noisy or real share.
        synthetic: Its synthetic share.
        low: Its start on the axis.
        high: Its end; equal to ``low`` if it has no place on the axis.
    """

    label: str
    reference: float
    synthetic: float
    low: float = 0.0
    high: float = 0.0

    @property
    def placed(self) -> bool:
        """Whether it has a place on the axis."""
        return self.high > self.low

    @property
    def height(self) -> float:
        """The larger of both densities: share divided by width."""
        return max(self.reference, self.synthetic) / (self.high - self.low)

    @property
    def gap(self) -> float:
        """Difference of the two shares."""
        return abs(self.reference - self.synthetic)


@dataclass(frozen=True, kw_only=True)
class Density:
    """Two densities in a frame of ``WIDTH`` by ``HEIGHT``.

    Attributes:
        area: SVG points of the noisy or real density, filled.
        line: SVG points of the synthetic density, a line.
        ticks: Places from the left, and their labels.
    """

    area: str
    line: str
    ticks: tuple[Tick, ...]


def placed_parts(parts: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """Bins to draw on the axis in order, and the parts listed beside it.

    Beside it are special and missing values, and single values with far more rows than their
    neighbours. So is an end bin of few rows that would take most of the axis.
    """
    placed = sorted((part for part in parts if part.placed), key=lambda part: part.low)
    spikes = _spikes(placed)
    drawn = [part for part in placed if part not in spikes]
    while len(drawn) > 2 and (end := _long_end(drawn)):
        drawn.remove(end)
    if len(drawn) < _FEWEST:
        return [], list(parts)
    return drawn, [part for part in parts if part not in drawn]


def density(parts: Sequence[Part], kind: str) -> Density | None:
    """Drawing of bins in their order; None if there is none.

    Args:
        parts: Bins with places on the axis, as ``placed_parts`` gives them.
        kind: The kind of the column's values, as in the schema.
    """
    if not parts:
        return None
    bins = _merged(parts)
    low, high = bins[0].low, bins[-1].high
    top = max(part.height for part in bins) or 1.0

    def place(value: float) -> float:
        return round(WIDTH * (value - low) / (high - low), 1)

    def stairs(of: str) -> str:
        points, end = [f"{place(low)},{HEIGHT}"], low
        for part in bins:
            if part.low > end:
                points += [f"{place(end)},{HEIGHT}", f"{place(part.low)},{HEIGHT}"]
            level = round(HEIGHT * (1 - getattr(part, of) / (part.high - part.low) / top), 1)
            points += [f"{place(part.low)},{level}", f"{place(part.high)},{level}"]
            end = part.high
        return " ".join([*points, f"{place(high)},{HEIGHT}"])

    return Density(
        area=stairs("reference"), line=stairs("synthetic"), ticks=_ticks(low, high, kind)
    )


def _ticks(low: float, high: float, kind: str) -> tuple[Tick, ...]:
    whole = kind == "integer"
    found = (
        moment_ticks(low, high)
        if kind in _MOMENTS
        else number_ticks(low, high - whole, whole=whole)
    )
    middle = 0.5 * whole  # A whole number lies in the middle of its bin.
    return tuple(
        (round(WIDTH * (value + middle - low) / (high - low), 1), label) for value, label in found
    )


def _spikes(placed: Sequence[Part]) -> list[Part]:
    """Single values with far more rows than the wider bins beside them."""
    single = 1.5 * min((part.high - part.low for part in placed), default=0.0)
    found = []
    for place, part in enumerate(placed):
        around = [*placed[max(0, place - 1) : place], *placed[place + 1 : place + 2]]
        wide = all(other.high - other.low > single for other in around)
        if around and wide and part.high - part.low <= single:
            level = max(other.height for other in around)
            found += [part] * (part.height > _SPIKE * level)
    return found


def _long_end(drawn: Sequence[Part]) -> Part | None:
    axis = drawn[-1].high - drawn[0].low
    for part in (drawn[0], drawn[-1]):
        few = max(part.reference, part.synthetic) <= _FEW
        if few and part.high - part.low > _LONG * axis:
            return part
    return None


def _merged(parts: Sequence[Part]) -> list[Part]:
    """Adjacent bins merged until they are visible on a small screen."""
    size = -(-len(parts) // _MOST_BINS)
    groups = [parts[start : start + size] for start in range(0, len(parts), size)]
    return [
        Part(
            label=group[0].label,
            reference=sum(part.reference for part in group),
            synthetic=sum(part.synthetic for part in group),
            low=group[0].low,
            high=group[-1].high,
        )
        for group in groups
    ]

"""Draw what several ε buy as SVG: the error of what is measured, and what is left of a signal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from privgan.planning.what_if import Outlook, WhatIf
from privgan.report.drawn_text import FONTS, cut_to
from privgan.report.ticks import number_ticks

_SIDE, _LEFT, _TOP, _LABELS, _BOTTOM = 260, 64, 84, 150, 56
_PANEL = _LEFT + _SIDE + _LABELS
_ROOM = 15  # Between two labels at the ends of lines.
_LONGEST = 22
# Lines differ by dashes, not by colour alone.
_LOOKS = (("#2a6fb0", ""), ("#b0512a", "7 4"), ("#3d7a3d", "2 3"))


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A figure for each ε; None where there is none.

    Attributes:
        label: What it is.
        low: The figures, or the lower ends of their ranges.
        high: The upper ends; as ``low`` where there are no ranges.
    """

    label: str
    low: Sequence[float | None]
    high: Sequence[float | None]


@dataclass(frozen=True, kw_only=True)
class _Panel:
    """One of the two pictures.

    Attributes:
        title: Its heading.
        lines: Its lines.
        least: Where its axis begins.
        most: Where it ends.
        percent: Whether its figures are shares.
    """

    title: str
    lines: Sequence[_Line]
    least: float
    most: float
    percent: bool


def what_if_chart(found: WhatIf) -> str:
    """The comparison as the text of an SVG file."""
    panels = [panel for panel in (_errors(found), _areas(found)) if panel is not None]
    width, height = _PANEL * max(1, len(panels)), _TOP + _SIDE + _BOTTOM
    told = f"{found.dataset}: what \u03b5 buys, {found.rows:,} rows, \u03b4 = {found.delta:g}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
            f' aria-label={quoteattr(told)} font-family="{FONTS}" font-size="12">',
            f"<title>{escape(told)}</title>",
            f"<desc>{escape(_described(found))}</desc>",
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            f'<text x="12" y="26" font-size="15" fill="#1d2733">{escape(told)}</text>',
            *(
                line
                for place, panel in enumerate(panels)
                for line in _drawn(panel, found.outlooks, place * _PANEL + _LEFT)
            ),
            "</svg>",
            "",
        ]
    )


def _described(found: WhatIf) -> str:
    """The figures in words, for who does not see the picture."""
    rows = (
        ", ".join(f"{name} {cell}" for name, cell in zip(found.header, row, strict=True))
        for row in found.rows_of_table
    )
    return "; ".join(rows)


def _errors(found: WhatIf) -> _Panel | None:
    named = (("pairs", "pairs of columns"), ("target_pairs", "pairs with the target"))
    lines = []
    for name, label in (*named, ("columns", "single columns")):
        values = [getattr(one, name) for one in found.outlooks]
        if any(value is not None for value in values):
            lines.append(_Line(label=label, low=values, high=values))
    if not lines:
        return None
    most = max(value for line in lines for value in line.high if value is not None)
    title = "error by noise: share of rows in wrong cells"
    return _Panel(title=title, lines=lines, least=0.0, most=most, percent=True)


def _areas(found: WhatIf) -> _Panel | None:
    if not found.outlooks[0].aucs:
        return None
    lines = [
        _Line(
            label=f"{first.real:g} on real rows",
            low=[one.aucs[place].low for one in found.outlooks],
            high=[one.aucs[place].high for one in found.outlooks],
        )
        for place, first in enumerate(found.outlooks[0].aucs)
    ]
    title = f"AUC to expect: {cut_to(found.target or '', _LONGEST)}"
    return _Panel(title=title, lines=lines[::-1], least=0.5, most=1.0, percent=False)


def _drawn(panel: _Panel, outlooks: Sequence[Outlook], left: float) -> Iterator[str]:
    places = _places([one.epsilon for one in outlooks], left)
    yield f'<text x="{left}" y="{_TOP - 22}" fill="#1d2733">{escape(panel.title)}</text>'
    for value, label in number_ticks(panel.least, panel.most, whole=False):
        y = _height(value, panel)
        shown = f"{value:.3g}" if not panel.percent else f"{100 * value:.3g} %"
        yield f'<line x1="{left}" x2="{left + _SIDE}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dde3e9"/>'
        yield (
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#5b6875">'
            f"{escape(shown or label)}</text>"
        )
    yield from _epsilons(outlooks, places, left)
    ends = []
    for line, (colour, dashes) in zip(panel.lines, _LOOKS, strict=False):
        yield from _lined(line, panel, places, colour, dashes)
        last = next(value for value in reversed(line.high) if value is not None)
        ends.append((_height(last, panel), line.label, colour))
    yield from _labelled(ends, left + _SIDE + 8)


def _places(epsilons: Sequence[float], left: float) -> list[float]:
    """Where each \u03b5 stands on a logarithmic axis."""
    low, high = math.log(epsilons[0]), math.log(epsilons[-1])
    if high == low:
        return [left + _SIDE / 2]
    return [left + _SIDE * (math.log(one) - low) / (high - low) for one in epsilons]


def _height(value: float, panel: _Panel) -> float:
    return _TOP + _SIDE * (1 - (value - panel.least) / (panel.most - panel.least))


def _epsilons(outlooks: Sequence[Outlook], places: Sequence[float], left: float) -> Iterator[str]:
    bottom, taken = _TOP + _SIDE, -math.inf
    yield f'<line x1="{left}" x2="{left + _SIDE}" y1="{bottom}" y2="{bottom}" stroke="#5b6875"/>'
    for one, x in zip(outlooks, places, strict=True):
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 5}" stroke="#5b6875"/>'
        if x - taken > 2 * _ROOM:
            taken = x
            yield (
                f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle" fill="#5b6875">'
                f"{one.epsilon:g}</text>"
            )
    yield (
        f'<text x="{left + _SIDE / 2}" y="{bottom + 40}" text-anchor="middle" fill="#5b6875">'
        "\u03b5</text>"
    )


def _lined(
    line: _Line, panel: _Panel, places: Sequence[float], colour: str, dashes: str
) -> Iterator[str]:
    """A range as a band between two lines; one line where there is none."""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    high, low = (
        [
            f"{x:.1f},{_height(value, panel):.1f}"
            for x, value in zip(places, values, strict=True)
            if value is not None
        ]
        for values in (line.high, line.low)
    )
    if low != high:
        band = " ".join([*high, *reversed(low)])
        yield f'<polygon points="{band}" fill="{colour}" fill-opacity="0.15"/>'
    for points in (high, low) if low != high else (high,):
        yield (
            f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}"'
            f' stroke-width="2"{dashed}/>'
        )
    for point in high:
        x, y = point.split(",")
        yield f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'


def _labelled(ends: Sequence[tuple[float, str, str]], x: float) -> Iterator[str]:
    """Labels at the ends of lines, apart from each other."""
    free = -math.inf
    for y, label, colour in sorted(ends):
        free = max(y, free + _ROOM)
        yield f'<text x="{x}" y="{free + 4:.1f}" fill="{colour}">{escape(label)}</text>'

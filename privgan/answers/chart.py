"""Draw an answer as SVG: a point and its interval for each group, on one axis."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from privgan.answers.answer import Answer, Figure, spoken
from privgan.errors import UsageError
from privgan.report.drawn_text import FONTS, cut_to
from privgan.report.ticks import Tick, moment_ticks, number_ticks

_WIDTH, _LEFT, _RIGHT, _TOP, _LINE, _BOTTOM = 720, 220, 40, 56, 24, 40
MOST_DRAWN = 200
_LONGEST = 26  # Characters of a label; Chinese ones count twice.


def chart(answer: Answer) -> str:
    """The answer as the text of an SVG file.

    Raises:
        UsageError: It has more figures than a picture can show.
    """
    figures = answer.figures
    if len(figures) > MOST_DRAWN:
        raise UsageError(
            f"{len(figures)} groups are too many for a picture; allowed: at most {MOST_DRAWN}"
        )
    axis = _Axis(figures)
    height = _TOP + _LINE * len(figures) + _BOTTOM
    told = f"{answer.question}; {answer.dataset}, {answer.level:.0%}, {answer.target}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        f' role="img" aria-label={quoteattr(told)} font-family="{FONTS}" font-size="12">',
        f"<title>{escape(told)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="12" y="24" font-size="15" fill="#1d2733">{escape(answer.question)}</text>',
        f'<text x="12" y="42" fill="#5b6875">{escape(answer.dataset)}, {answer.level:.0%}'
        f" intervals for the {escape(answer.target)}</text>",
        *_ticks(axis, height),
        *(
            line
            for place, figure in enumerate(figures)
            for line in _row(figure, _TOP + _LINE * (place + 0.5), axis)
        ),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


class _Axis:
    """Where figures lie between the left and the right end."""

    def __init__(self, figures: tuple[Figure, ...]) -> None:
        known = [
            part for one in figures for part in (one.value, one.low, one.high) if part is not None
        ]
        self.moments = any(isinstance(part, str) for part in known)
        numbers = [number_of(part) for part in known]
        low, high = min(numbers), max(numbers)
        room = 0.04 * (high - low) or abs(high) * 0.1 or 1.0
        self.low, self.high = low - room, high + room

    def at(self, value: float | str) -> float:
        """A figure's place."""
        share = (number_of(value) - self.low) / (self.high - self.low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def ticks(self) -> list[Tick]:
        """Round values on the axis."""
        if self.moments:
            return moment_ticks(self.low, self.high)
        return number_ticks(self.low, self.high, whole=False)


def number_of(value: float | str) -> float:
    """A figure as a number; a day or a time of day in seconds."""
    if not isinstance(value, str):
        return float(value)
    text = value if "-" in value else f"1970-01-01T{value}"
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()


def _ticks(axis: _Axis, height: int) -> Iterator[str]:
    bottom = height - _BOTTOM + 6
    for value, label in axis.ticks():
        x = f"{axis.at(value):.1f}"
        yield f'<line x1="{x}" y1="{_TOP}" x2="{x}" y2="{bottom}" stroke="#dde3e9"/>'
        yield (
            f'<text x="{x}" y="{bottom + 16}" text-anchor="middle" fill="#5b6875">'
            f"{escape(label)}</text>"
        )


def _row(figure: Figure, y: float, axis: _Axis) -> Iterator[str]:
    label = ", ".join(figure.group.values())
    yield (
        f'<text x="{_LEFT - 12}" y="{y + 4:.1f}" text-anchor="end" fill="#1d2733">'
        f"{escape(cut_to(label, _LONGEST))}"
        f"<title>{escape(f'{label}: {spoken(figure)}')}</title></text>"
    )
    if figure.value is None:
        yield (
            f'<text x="{_LEFT + 4}" y="{y + 4:.1f}" fill="#8a949e" font-style="italic">'
            "too few rows</text>"
        )
        return
    if figure.low is not None and figure.high is not None:
        low, high = axis.at(figure.low), axis.at(figure.high)
        yield (
            f'<line x1="{low:.1f}" y1="{y:.1f}" x2="{high:.1f}" y2="{y:.1f}" stroke="#2a6fb0"'
            ' stroke-width="2.5" stroke-linecap="round"/>'
        )
    # A hollow point: no more than the model's figure.
    fill = "#fff" if figure.unmeasured or figure.low is None else "#2a6fb0"
    yield (
        f'<circle cx="{axis.at(figure.value):.1f}" cy="{y:.1f}" r="4" fill="{fill}"'
        ' stroke="#2a6fb0" stroke-width="2"/>'
    )

"""Compute the geometry of the ledger over time: ε rises with each run or other charge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from privgan.files.json_types import JsonMapping

# A run, and the charge for lost entries of a restored ledger.
SPENDING = frozenset({"run", "restored"})
WIDTH, HEIGHT = 640.0, 200.0
_ROOM = 1.08


@dataclass(frozen=True, kw_only=True)
class Step:
    """One run, or the charge for lost entries of a restored ledger.

    Attributes:
        run: The run's short name; ``restored`` for lost entries.
        time: When it reserved its budget.
        total: ε of the data set from then on.
        x: Its place from the left.
        y: The line's place from above, from then on.
    """

    run: str
    time: str
    total: float
    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class LedgerLine:
    """Picture of the ledger over time.

    Attributes:
        steps: The runs.
        points: SVG points of the line.
        lifetime: The lifetime budget's place from above; None if there is none.
        top: ε at the upper edge.
        width: The frame's width.
        height: The frame's height.
    """

    steps: tuple[Step, ...]
    points: str
    lifetime: float | None
    top: float
    width: float = WIDTH
    height: float = HEIGHT

    @property
    def ends(self) -> tuple[Step, ...]:
        """First and last run, whose days are printed; one if both are on the same day."""
        first, last = self.steps[0], self.steps[-1]
        return (last,) if first.time[:10] == last.time[:10] else (first, last)


def ledger_line(entries: Sequence[JsonMapping], lifetime: float | None) -> LedgerLine:
    """Picture of one data set's ledger.

    Args:
        entries: The ledger's entries; those that spend have an ``epsilon``.
        lifetime: The lifetime budget, or None.
    """
    runs = [entry for entry in entries if _spends(entry)]
    times = [_moment(entry["time"]) for entry in runs]
    first, span = min(times, default=0.0), max(times, default=0.0) - min(times, default=0.0)
    totals = list(accumulate(float(entry["epsilon"]) for entry in runs))
    top = max([*totals, lifetime or 0.0, 1e-9]) * _ROOM
    steps = tuple(
        Step(
            run=str(entry.get("run") or entry["kind"]),
            time=str(entry["time"]),
            total=total,
            x=round(_place(when - first, span), 1),
            y=round(HEIGHT * (1 - total / top), 1),
        )
        for entry, when, total in zip(runs, times, totals, strict=True)
    )
    height = None if lifetime is None else round(HEIGHT * (1 - lifetime / top), 1)
    return LedgerLine(steps=steps, points=_points(steps), lifetime=height, top=top)


def _spends(entry: JsonMapping) -> bool:
    return entry.get("kind") in SPENDING and isinstance(entry.get("epsilon"), int | float)


def _place(since: float, span: float) -> float:
    """Horizontal position, with room before the first run and after the last."""
    return WIDTH * (0.06 + (0.88 * since / span if span > 0 else 0.44))


def _points(steps: Sequence[Step]) -> str:
    places, level = [(0.0, HEIGHT)], HEIGHT
    for step in steps:
        places += [(step.x, level), (step.x, step.y)]
        level = step.y
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in [*places, (WIDTH, level)])


def _moment(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()

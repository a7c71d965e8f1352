"""Compare the planner's choices with others on tables that they were not tuned on.

Each choice is also made anew, leaving one table out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean

from tests.benchmarks.collect import Line
from tests.benchmarks.methods import AS_PLANNED, CHOICES

_FIGURES = ("tvd3", "gap", "c2st")


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """The choice made without one table, and its result on that table.

    Attributes:
        table: The table that was left out.
        chosen: The choice that is best on the others.
        ratio: Its tvd3 on the left-out table over that of the choice as planned.
    """

    table: str
    chosen: str
    ratio: float


Ratios = Mapping[str, Mapping[tuple[str, float | None], float]]


def ratios_of(lines: Sequence[Line], name: str = "tvd3") -> Ratios:
    """By choice and by table and ε: a figure over that of the choice as planned.

    Only where both are there.
    """
    figures = {
        (line.method, line.table, line.epsilon): line.figures[name]
        for line in lines
        if name in line.figures
    }
    planned = {
        (table, epsilon): value
        for (method, table, epsilon), value in figures.items()
        if method == AS_PLANNED
    }
    return {
        choice: {
            (table, epsilon): value / planned[table, epsilon]
            for (method, table, epsilon), value in figures.items()
            if method == choice and (table, epsilon) in planned
        }
        for choice in (AS_PLANNED, *CHOICES)
    }


def leave_one_out(ratios: Ratios) -> list[LeftOut]:
    """For each table the best choice on all other tables, with its mean ratio on that table.

    The best choice has the smallest mean ratio.
    """
    tables = list(dict.fromkeys(table for found in ratios.values() for table, _ in found))
    result = []
    for left in tables:
        others = {
            choice: geometric_mean([value for (table, _), value in found.items() if table != left])
            for choice, found in ratios.items()
            if any(table != left for table, _ in found) and any(table == left for table, _ in found)
        }
        if others:
            chosen = min(others, key=lambda choice: (others[choice], choice != AS_PLANNED))
            here = [value for (table, _), value in ratios[chosen].items() if table == left]
            result.append(LeftOut(table=left, chosen=chosen, ratio=geometric_mean(here)))
    return result


def write_markdown(path: Path, lines: Sequence[Line]) -> None:
    """Write every figure, and what leaving one table out would have chosen."""
    cells = list(dict.fromkeys((line.table, line.epsilon) for line in lines))
    by_cell = {(line.method, line.table, line.epsilon): line for line in lines}
    told = [
        "# The planner's choices, held against others\n",
        _INTRODUCTION,
        _HEAD,
        "|" + "---|" * 6,
    ]
    for table, epsilon in cells:
        for choice in (AS_PLANNED, *CHOICES):
            line = by_cell.get((choice, table, epsilon))
            if line is not None and line.figures:
                figures = " | ".join(f"{line.figures[name]:.4f}" for name in _FIGURES)
                told.append(f"| {table} | {epsilon:g} | {_in_words(choice)} | {figures} |")
    told += [
        "",
        "## Chosen without the table itself\n",
        _HEAD_LEFT_OUT,
        "|" + "---|" * 3,
    ]
    told += [
        f"| {found.table} | {_in_words(found.chosen)} | {found.ratio:.3f} |"
        for found in leave_one_out(ratios_of(lines))
    ]
    path.write_text("\n".join([*told, ""]), encoding="utf-8")


_INTRODUCTION = """Made by `python -m tests.benchmarks choices`: single seeds, privgan's own
figures. The planner's constants were set on Adult, Bank, credit default and
online shoppers; the simulated customers of the demo were not among them. Each
choice changes one function: twice as many codes or half as many, 0.2 more or
less of the budget to triples, twice the target's weight or none. Differences
below some 3 % are the noise of a single fit.
"""
_HEAD = "| table | ε | choice | tvd3 | gap | c2st |"
_HEAD_LEFT_OUT = "| left out | chosen on the others | its tvd3 there over the planned one's |"


def _in_words(choice: str) -> str:
    return (
        "**as planned**"
        if choice == AS_PLANNED
        else choice.removeprefix("privgan-").replace("-", ", ")
    )

"""INTERNAL: show whole customers, each question beside two random halves of the real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from privgan.files.json_types import JsonDict, JsonMapping
from privgan.report.document import (
    Block,
    Column,
    Figure,
    Look,
    Paragraph,
    Run,
    Section,
    Table,
    Text,
    joined,
)
from privgan.report.text import Words, number

_MOST_CELLS = 24
_LARGEST_CELLS = 12
# By metric: the picture's title, and the heading of its cells.
_PICTURES = {
    "fidelity.history.gaps": ("histories.gaps", "histories.gap"),
    "fidelity.history.length": ("histories.length", "histories.events"),
    "fidelity.history.cohorts": ("histories.cohorts", "histories.cohort"),
    "fidelity.history.transitions": ("histories.transitions", "histories.transition"),
    "fidelity.history.rfm": ("histories.rfm", "histories.cell"),
}
_NUMBERS = {
    "fidelity.history.repeat_rate": "histories.repeat",
    "fidelity.history.within": "histories.within",
    "fidelity.history.top_tenth": "histories.top",
    "utility.history.expected_purchases": "histories.expected",
}
_LONGEST_BAR = 98.0  # Per cent of the frame: a mark at its end is still seen.
# Label of a cell, its real and synthetic shares, and those of the two halves.
_Cell: TypeAlias = tuple[str, float, float, tuple[float, float]]


def history_sections(metrics: Sequence[JsonMapping], words: Words) -> list[Section]:
    """Section on whole customers; none where the schema has no history."""
    found = {metric["name"]: metric for metric in metrics if ".history." in metric["name"]}
    if not found:
        return []
    drawn = {name: found[name] for name in _PICTURES if _ran(found.get(name))}
    blocks: list[Block] = [Paragraph(text=words("histories.text"))]
    blocks += [_picture(metric, words) for metric in drawn.values()]
    rows = [row for name in _NUMBERS if _ran(found.get(name)) for row in _rows(found[name], words)]
    blocks += [_numbers(rows, words)] if rows else []
    reasons = {metric["reason"]: None for metric in found.values() if metric["value"] is None}
    blocks += [
        Paragraph(text=words("histories.not_run", reason=Run(reason, Look.NAME)))
        for reason in reasons
    ]
    return [Section(name="histories", heading=words("histories.heading"), blocks=tuple(blocks))]


def _ran(metric: JsonMapping | None) -> bool:
    return metric is not None and metric["value"] is not None


def _picture(metric: JsonMapping, words: Words) -> Figure:
    """Bars of the cells, real beside synthetic, with a mark at each half's share."""
    title, first = _PICTURES[metric["name"]]
    details = metric["details"]
    heading = words(title, column=details["column"]) if "column" in details else words(title)
    told = {**details, "value": metric["value"], "between_halves": metric["baseline"]}
    ordered = metric["name"] not in {"fidelity.history.transitions", "fidelity.history.rfm"}
    return bars_of_cells(told, heading, words(first), words, ordered=ordered)


def bars_of_cells(
    told: JsonMapping, title: Text, first: Text, words: Words, *, ordered: bool = True
) -> Figure:
    """Bars of the cells, real beside synthetic, with a mark at each half's share.

    Args:
        told: Labels, real, synthetic and halves' shares; the distance, and that of the halves.
        title: The picture's title.
        first: The heading of its cells.
        words: The report's words.
        ordered: Whether the cells have an order, in which they are shown.
    """
    every = _cells(told)
    cells = _shown(every, ordered=ordered)
    longest = max(max(real, made, *halves) for _, real, made, halves in cells) or 1.0
    labels = words.text("histories.real"), words.text("shapes.synthetic")
    return Figure(
        drawing="pairs",
        data={
            "rows": [_bar(cell, longest, words) for cell in cells],
            "labels": labels,
            "marks": words.text("histories.halves"),
        },
        title=title,
        alternative=_told(told, every, len(cells), words),
        table=Table(
            caption=title,
            columns=(
                Column(heading=first),
                *(Column(heading=(Run(label),), numeric=True) for label in labels),
                Column(heading=words("histories.halves"), numeric=True),
            ),
            rows=tuple(_line(cell, words) for cell in cells),
        ),
    )


def _cells(details: Mapping[str, Sequence]) -> list[_Cell]:
    keys = ("labels", "real", "synthetic")
    columns = *(details[key] for key in keys), zip(*details["halves"], strict=True)
    return list(zip(*columns, strict=True))


def _shown(cells: Sequence[_Cell], *, ordered: bool) -> list[_Cell]:
    """The cells that are not empty; of very many the largest."""
    filled = [cell for cell in cells if max(cell[1:3]) > 0]
    most = _MOST_CELLS if ordered else _LARGEST_CELLS
    largest = sorted(filled, key=lambda cell: -max(cell[1:3]))[:most]
    return [cell for cell in filled if cell in largest] if ordered else largest


def _bar(cell: _Cell, longest: float, words: Words) -> JsonDict:
    label, real, made, halves = cell
    return {
        "label": label,
        "reference": _LONGEST_BAR * real / longest,
        "synthetic": _LONGEST_BAR * made / longest,
        "reference_text": words.percent(real),
        "synthetic_text": words.percent(made),
        "marks": [_LONGEST_BAR * half / longest for half in halves if half > 0],
    }


def _line(cell: _Cell, words: Words) -> tuple[Text, ...]:
    label, real, made, halves = cell
    both = "; ".join(map(words.percent, halves))
    return (
        (Run(label, Look.NAME),),
        (Run(words.percent(real)),),
        (Run(words.percent(made)),),
        (Run(both),),
    )


def _told(metric: JsonMapping, cells: Sequence[_Cell], shown: int, words: Words) -> Text:
    """Distance, that of the halves, and the cell where both tables differ most."""
    label, real, made, _ = max(cells, key=lambda cell: abs(cell[1] - cell[2]))
    text = words(
        "histories.figure_text",
        distance=Run(f"{metric['value']:.3f}"),
        halves=Run(f"{metric['between_halves']:.3f}"),
        label=label,
        real=Run(words.percent(real)),
        synthetic=Run(words.percent(made)),
    )
    filled = sum(max(cell[1:3]) > 0 for cell in cells)
    if shown == filled:
        return text
    more = words("histories.largest", shown=shown, count=filled)
    return joined((text, more), words.text("page.gap"))


def _rows(metric: JsonMapping, words: Words) -> list[tuple[Text, ...]]:
    """One line for each column of a number."""
    parts = metric["details"].get("columns") or [metric["details"]]
    return [_number(metric, part, words) for part in parts]


def _number(metric: JsonMapping, part: JsonMapping, words: Words) -> tuple[Text, ...]:
    name = words(_NUMBERS[metric["name"]])
    if part.get("column"):
        name = (*name, Run(" "), Run(part["column"], Look.NAME))
    halves = "; ".join(map(number, part["halves"]))
    return (
        name,
        (Run(number(part["real"])),),
        (Run(number(part["synthetic"])),),
        (Run(halves),),
    )


def _numbers(rows: Sequence[tuple[Text, ...]], words: Words) -> Table:
    return Table(
        caption=words("histories.numbers"),
        columns=(
            Column(heading=words("histories.number")),
            Column(heading=words("histories.real"), numeric=True),
            Column(heading=words("shapes.synthetic"), numeric=True),
            Column(heading=words("histories.halves"), numeric=True),
        ),
        rows=tuple(rows),
    )

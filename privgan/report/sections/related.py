"""INTERNAL: show each further table beside halves of the real customers, a picture a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
)
from privgan.report.sections.histories import bars_of_cells
from privgan.report.text import Words

_MOST_BARS = 12
_LONGEST_BAR = 98.0  # Per cent of the frame: a mark at its end is still seen.
_CHILDREN, _WITHIN = "fidelity.related.children", "fidelity.related.within"
# By metric of marginals: the picture's title.
_DISTANCES = {
    "fidelity.related.columns": "related.columns",
    "fidelity.related.pairs": "related.pairs",
    "fidelity.related.parent_pairs": "related.parent_pairs",
}


def related_sections(metrics: Sequence[JsonMapping], words: Words) -> list[Section]:
    """Section on further tables; none where the schema has one table."""
    found = {metric["name"]: metric for metric in metrics if ".related." in metric["name"]}
    if not found:
        return []
    ran = {name: metric for name, metric in found.items() if metric["value"] is not None}
    blocks: list[Block] = [Paragraph(text=words("related.text"))]
    if _CHILDREN in ran:
        blocks += [_children(column, words) for column in ran[_CHILDREN]["details"]["columns"]]
    if _WITHIN in ran:
        blocks.append(_within(ran[_WITHIN], words))
    blocks += [_distances(ran[name], words) for name in _DISTANCES if name in ran]
    reasons = {metric["reason"]: None for metric in found.values() if metric["value"] is None}
    blocks += [
        Paragraph(text=words("histories.not_run", reason=Run(reason, Look.NAME)))
        for reason in reasons
    ]
    return [Section(name="related", heading=words("related.heading"), blocks=tuple(blocks))]


def _children(column: JsonMapping, words: Words) -> Figure:
    """How many rows of one table a parent has: real beside synthetic, with each half's share."""
    title = words("related.children", table=Run(column["column"], Look.NAME))
    return bars_of_cells(column, title, words("related.number"), words)


def _within(metric: JsonMapping, words: Words) -> Figure:
    """Correlation of two rows of one parent, column by column."""
    columns = metric["details"]["columns"]
    longest = max(max(_values(column)) for column in columns) or 1.0
    labels = words.text("histories.real"), words.text("shapes.synthetic")
    worst = max(columns, key=lambda column: column["value"])
    title = words("related.within")
    return Figure(
        drawing="pairs",
        data={
            "rows": [_correlation_bar(column, longest) for column in columns],
            "labels": labels,
            "marks": words.text("histories.halves"),
        },
        title=title,
        alternative=words(
            "related.within_text",
            column=worst["column"],
            real=Run(_digits(worst["real"])),
            synthetic=Run(_digits(worst["synthetic"])),
        ),
        table=Table(
            caption=title,
            columns=(
                Column(heading=words("related.column")),
                *(Column(heading=(Run(label),), numeric=True) for label in labels),
                Column(heading=words("histories.halves"), numeric=True),
            ),
            rows=tuple(_correlation_line(column) for column in columns),
        ),
    )


def _values(column: JsonMapping) -> list[float]:
    return [column["real"], column["synthetic"], *column["halves"]]


def _correlation_bar(column: JsonMapping, longest: float) -> JsonDict:
    """Bars of a column; a correlation below 0 has none."""
    real, made, *halves = (_LONGEST_BAR * max(0.0, value) / longest for value in _values(column))
    return {
        "label": column["column"],
        "reference": real,
        "synthetic": made,
        "reference_text": _digits(column["real"]),
        "synthetic_text": _digits(column["synthetic"]),
        "marks": [half for half in halves if half > 0],
    }


def _correlation_line(column: JsonMapping) -> tuple[Text, ...]:
    both = "; ".join(map(_digits, column["halves"]))
    return (
        (Run(column["column"], Look.NAME),),
        (Run(_digits(column["real"])),),
        (Run(_digits(column["synthetic"])),),
        (Run(both),),
    )


def _distances(metric: JsonMapping, words: Words) -> Figure:
    """Distances of the marginals that are furthest apart, beside those of two real halves."""
    every = sorted(metric["details"]["marginals"], key=lambda part: -part["value"])
    shown, title = every[:_MOST_BARS], words(_DISTANCES[metric["name"]])
    longest = max(max(part["value"], part["halves"]) for part in shown) or 1.0
    labels = words.text("histories.halves"), words.text("shapes.synthetic")
    return Figure(
        drawing="pairs",
        data={
            "rows": [
                {
                    "label": _named(part),
                    "reference": _LONGEST_BAR * part["halves"] / longest,
                    "synthetic": _LONGEST_BAR * part["value"] / longest,
                    "reference_text": _digits(part["halves"]),
                    "synthetic_text": _digits(part["value"]),
                }
                for part in shown
            ],
            "labels": labels,
        },
        title=title,
        alternative=words(
            "related.distances_text",
            label=_named(every[0]),
            distance=Run(_digits(every[0]["value"])),
            halves=Run(_digits(every[0]["halves"])),
            shown=len(shown),
            count=len(every),
        ),
        table=Table(
            caption=title,
            columns=(
                Column(heading=words("related.column")),
                *(Column(heading=(Run(label),), numeric=True) for label in labels),
            ),
            rows=tuple(
                (
                    (Run(_named(part), Look.NAME),),
                    (Run(_digits(part["halves"])),),
                    (Run(_digits(part["value"])),),
                )
                for part in shown
            ),
        ),
    )


def _named(part: Mapping[str, Sequence[str]]) -> str:
    """A marginal by its table and columns; a parent's column has its own table's name."""
    first, *rest = part["columns"]
    return " × ".join([f"{part['table']}.{first}", *rest])


def _digits(value: float) -> str:
    return f"{value:.3f}"

"""Show the columns one by one, and in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from privgan.report.associations import Pair, difference_map, heat_map, pairs_by_strength
from privgan.report.charts import ShapeChart, shape_chart
from privgan.report.data import NoisyShape, RealShape, RealTrends, Trends
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
    plain,
)
from privgan.report.text import Words, short

_MOST_SHAPES = 60
_MOST_COLUMNS = 40
_LONGEST_LABEL = 30
_TOLD, _LISTED = 3, 10
_NOTABLE, _APART = 0.2, 0.05  # Associations and differences above these are counted.


def shapes_section(
    shapes: Sequence[NoisyShape] | Sequence[RealShape], words: Words, *, real: bool
) -> Section:
    """Section on each column, noisy or real beside synthetic."""
    heading, text = (
        words("shapes.heading"),
        Paragraph(text=words("shapes.real_text" if real else "shapes.noisy_text")),
    )
    if not shapes:
        return Section(
            name="shapes", heading=heading, blocks=(text, Paragraph(text=words("shapes.none")))
        )
    reference = words.text("shapes.real" if real else "shapes.noisy")
    charts = [shape_chart(shape, words) for shape in shapes[:_MOST_SHAPES]]
    blocks: list[Block] = [text, _figure(charts, reference, words)]
    if len(shapes) > _MOST_SHAPES:
        blocks.append(Paragraph(text=words("shapes.not_drawn", count=len(shapes) - _MOST_SHAPES)))
    return Section(name="shapes", heading=heading, blocks=tuple(blocks))


def trends_section(trends: Trends | RealTrends, words: Words) -> Section:
    """Section on the associations of column pairs."""
    real = isinstance(trends, RealTrends)
    drawn = _first_columns(trends)
    ratio = words("trends.omega" if trends.corrected else "trends.eta")
    blocks: list[Block] = [
        Paragraph(text=words("trends.real_text" if real else "trends.synthetic_text", ratio=ratio))
    ]
    lower = drawn.real if isinstance(drawn, RealTrends) else drawn.synthetic
    pairs = pairs_by_strength(drawn.columns, lower)
    title = words("trends.map_real" if real else "trends.map")
    grid = heat_map(drawn.columns, lower=lower, upper=drawn.synthetic if real else None)
    text = _told("trends.strongest", pairs, _NOTABLE, words)
    blocks.append(Figure(drawing="heat", data=grid, title=title, alternative=text))
    if isinstance(drawn, RealTrends):
        blocks += _differences(drawn, words)
    else:
        blocks.append(_listed(pairs, words))
    if len(trends.columns) > len(drawn.columns):
        blocks.append(Paragraph(text=words("trends.left_out", count=len(drawn.columns))))
    return Section(name="trends", heading=words("trends.heading"), blocks=tuple(blocks))


def gap_text(chart: ShapeChart, reference: str, words: Words) -> Text:
    """Sentence on the largest difference of the two tables in one column."""
    if chart.gap is None:
        return words("shapes.alike")
    return words(
        "shapes.gap",
        label=short(chart.gap.label, _LONGEST_LABEL),
        reference=Run(reference),
        first=Run(f"{100 * chart.gap.reference:.1f}"),
        second=Run(f"{100 * chart.gap.synthetic:.1f}"),
    )


def _figure(charts: Sequence[ShapeChart], reference: str, words: Words) -> Figure:
    worst = max(charts, key=lambda chart: chart.distance)
    text = words(
        "shapes.figure_text",
        reference=Run(reference),
        median=Run(f"{median(chart.distance for chart in charts):.3f}"),
        largest=Run(f"{worst.distance:.3f}"),
        column=worst.column,
    )
    if any(chart.density for chart in charts):
        text = joined((text, words("shapes.axis_text")), words.text("page.gap"))
    gaps = [gap_text(chart, reference, words) for chart in charts]
    headings = (
        ("shapes.column", False),
        ("shapes.kind", False),
        ("shapes.distance_heading", True),
        ("shapes.gap_heading", False),
    )
    return Figure(
        drawing="shapes",
        data={"charts": list(zip(charts, map(plain, gaps), strict=True)), "reference": reference},
        title=words("shapes.figure", reference=Run(reference)),
        alternative=text,
        table=Table(
            caption=words("shapes.figure", reference=Run(reference)),
            columns=tuple(Column(heading=words(key), numeric=numeric) for key, numeric in headings),
            rows=tuple(
                (
                    (Run(chart.column, Look.NAME),),
                    (Run(chart.kind),),
                    (Run(f"{chart.distance:.3f}"),),
                    gap,
                )
                for chart, gap in zip(charts, gaps, strict=True)
            ),
        ),
    )


def _first_columns(trends: Trends | RealTrends) -> Trends | RealTrends:
    columns, synthetic = trends.columns[:_MOST_COLUMNS], trends.synthetic[: _MOST_COLUMNS - 1]
    if isinstance(trends, RealTrends):
        return replace(
            trends, columns=columns, synthetic=synthetic, real=trends.real[: _MOST_COLUMNS - 1]
        )
    return replace(trends, columns=columns, synthetic=synthetic)


def _told(key: str, pairs: Sequence[Pair], level: float, words: Words) -> Text:
    """Number of pairs above a level, and the first few of them."""
    if not pairs:
        return words("trends.none")
    first = joined(
        words("trends.pair", first=pair.first, second=pair.second, value=Run(f"{pair.value:.2f}"))
        for pair in pairs[:_TOLD]
    )
    count = sum(abs(pair.value) > level for pair in pairs)
    return words(key, count=count, all=len(pairs), level=Run(f"{level:g}"), pairs=first)


def _listed(pairs: Sequence[Pair], words: Words) -> Table:
    return Table(
        caption=words("trends.caption"),
        columns=(
            Column(heading=words("trends.first")),
            Column(heading=words("trends.second")),
            Column(heading=words("trends.synthetic"), numeric=True),
        ),
        rows=tuple(
            (
                (Run(pair.first, Look.NAME),),
                (Run(pair.second, Look.NAME),),
                (Run(f"{pair.value:.2f}"),),
            )
            for pair in pairs[:_LISTED]
        ),
    )


def _differences(trends: RealTrends, words: Words) -> list[Block]:
    grid, pairs = difference_map(trends.columns, trends.real, trends.synthetic)
    headings = (("trends.real", True), ("trends.synthetic", True), ("trends.difference", True))
    table = Table(
        caption=words("trends.caption_difference"),
        columns=(
            Column(heading=words("trends.first")),
            Column(heading=words("trends.second")),
            *(Column(heading=words(key), numeric=numeric) for key, numeric in headings),
        ),
        rows=tuple(
            (
                (Run(pair.first, Look.NAME),),
                (Run(pair.second, Look.NAME),),
                *((Run(f"{value:.2f}"),) for value in (*pair.of, pair.value)),
            )
            for pair in pairs[:_LISTED]
        ),
    )
    text = _told("trends.furthest", pairs, _APART, words)
    return [
        Figure(drawing="heat", data=grid, title=words("trends.map_difference"), alternative=text),
        table,
    ]

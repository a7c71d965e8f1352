"""INTERNAL: what each attack found, under what the guarantee allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from privgan.report.attack_curves import Panel, attack_panels
from privgan.report.charts import AttackRow, attack_rows
from privgan.report.document import (
    Block,
    Column,
    Figure,
    Look,
    Paragraph,
    Run,
    Section,
    Table,
    joined,
)
from privgan.report.text import Words, number

Metric = Mapping[str, Any]


def attacks_section(
    audit: Mapping[str, Any], guarantee: Mapping[str, Any], words: Words
) -> Section:
    """The picture of all attacks, and each figure on its axis."""
    metrics: Sequence[Metric] = list(audit.get("metrics", ()))
    panels = attack_panels(metrics, audit.get("claim") or guarantee, words)
    rows = attack_rows(metrics)
    blocks: list[Block] = [
        Paragraph(text=words("attacks.text", epsilon=Run(words.epsilon(guarantee))))
    ]
    if panels:
        blocks.append(_picture(panels, words))
    blocks.append(_rows(rows, words) if rows else Paragraph(text=words("attacks.none")))
    if "verdict" in audit:
        verdict = Run(words.term("verdict", audit["verdict"]), Look.STRONG)
        blocks.append(Paragraph(text=words("attacks.verdict", verdict=verdict)))
    return Section(name="attacks", heading=words("attacks.heading"), blocks=tuple(blocks))


def named(metric: Metric, words: Words) -> str:
    """What a figure is, in words; its name where there are none."""
    return words.term("metric", metric["name"])


def interval(metric: Metric, words: Words) -> str:
    """A figure's interval; one end where there is one."""
    low, high = metric.get("low"), metric.get("high")
    if low is None and high is None:
        return words.text("number.none")
    if high is None:
        return words.text("number.at_least", low=number(low))
    return words.text("number.to", low=number(low), high=number(high))


def _picture(panels: Sequence[Panel], words: Words) -> Figure:
    marks = [
        words("attacks.mark", letter=mark.letter, label=mark.label) for mark in panels[0].marks
    ]
    return Figure(
        drawing="attacks",
        data=panels,
        title=words("attacks.picture"),
        alternative=words("attacks.picture_text", marks=joined(marks, words.text("page.gap"))),
    )


def _rows(rows: Sequence[AttackRow], words: Words) -> Figure:
    drawn = [
        {
            "row": row,
            "title": named(row.metric, words),
            "alternative": words.text(
                "attacks.row_text",
                name=row.metric["name"],
                value=number(row.metric["value"]),
                **{
                    key: number(row.metric.get(key))
                    for key in ("low", "high", "baseline", "ceiling")
                },
            ),
            "interval": "" if row.metric.get("low") is None else interval(row.metric, words),
            "ceiling": (
                ""
                if row.metric.get("ceiling") is None
                else words.text("attacks.limit_is", ceiling=number(row.metric["ceiling"]))
            ),
        }
        for row in rows
    ]
    headings = (
        ("metrics.name", False),
        ("metrics.value", True),
        ("metrics.interval", True),
        ("metrics.baseline", True),
        ("metrics.ceiling", True),
    )
    return Figure(
        drawing="rows",
        data=drawn,
        title=words("attacks.rows"),
        alternative=words("attacks.rows_text", count=len(rows)),
        table=Table(
            caption=words("attacks.rows"),
            columns=tuple(Column(heading=words(key), numeric=numeric) for key, numeric in headings),
            rows=tuple(
                (
                    (Run(row.metric["name"], Look.CODE),),
                    (Run(number(row.metric["value"])),),
                    (Run(interval(row.metric, words)),),
                    (Run(number(row.metric.get("baseline"))),),
                    (Run(number(row.metric.get("ceiling"))),),
                )
                for row in rows
            ),
        ),
    )

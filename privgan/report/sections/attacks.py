"""INTERNAL: show what each attack found, under the ceiling of the guarantee."""

from __future__ import annotations

from collections.abc import Sequence

from privgan.files.json_types import JsonDict, JsonMapping
from privgan.privacy.guarantee import ReleasedGuarantee
from privgan.report.attack_curves import Best, Panel, attack_panels, best_attack
from privgan.report.charts import AttackRow, attack_rows
from privgan.report.data import Reach
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

Metric = JsonMapping
# Figures that are shown first; the others are folded away.
_FIRST = frozenset(
    {
        "attack.copies.near_excess",
        "attack.inference.excess",
        "attack.linkability.excess",
        "attack.membership.advantage",
        "attack.membership.auc",
        "attack.membership.tpr_at_fpr_0.01",
        "audit.epsilon_lower_bound",
    }
)


def attacks_section(
    audit: JsonMapping, guarantee: ReleasedGuarantee, reach: Reach | None, words: Words
) -> Section:
    """Section with the picture of all attacks, and each figure on its axis."""
    metrics: Sequence[Metric] = list(audit.get("metrics", ()))
    claim = audit.get("claim") or guarantee.to_json()
    panels = attack_panels(metrics, claim, words, reach)
    rows = attack_rows(metrics)
    blocks: list[Block] = [
        Paragraph(text=words("attacks.text", epsilon=Run(words.epsilon(guarantee))))
    ]
    if "verdict" in audit:
        verdict = Run(words.term("verdict", audit["verdict"]), Look.STRONG)
        blocks.append(Paragraph(text=words("attacks.verdict", verdict=verdict)))
    if panels:
        blocks.append(_picture(panels, best_attack(metrics, claim), words))
    blocks.append(_rows(rows, words) if rows else Paragraph(text=words("attacks.none")))
    return Section(name="attacks", heading=words("attacks.heading"), blocks=tuple(blocks))


def named(metric: Metric, words: Words) -> str:
    """Name of a figure in words; the identifier if there are none."""
    return words.term("metric", metric["name"])


def interval(metric: Metric, words: Words) -> str:
    """Interval of a figure, or its one end."""
    low, high = metric.get("low"), metric.get("high")
    if low is None and high is None:
        return words.text("number.none")
    if high is None:
        return words.text("number.at_least", low=number(low))
    return words.text("number.to", low=number(low), high=number(high))


def _picture(panels: Sequence[Panel], best: Best | None, words: Words) -> Figure:
    marks = [
        words("attacks.mark", letter=mark.letter, label=mark.label) for mark in panels[0].marks
    ]
    told: Text = ()
    if best:
        told = words(
            "attacks.best",
            label=words.term("attack", best.name),
            hits=words.percent(best.hits),
            alarms=words.percent(best.alarms),
            limit=words.text("number.none") if best.limit is None else words.ceiling(best.limit),
        )
        told = (*told, Run(words.text("page.gap")))
    return Figure(
        drawing="attacks",
        data=panels,
        title=words("attacks.picture"),
        alternative=words(
            "attacks.picture_text", best=told, marks=joined(marks, words.text("page.gap"))
        ),
    )


def _rows(rows: Sequence[AttackRow], words: Words) -> Figure:
    drawn = [_drawn(row, words) for row in rows]
    first = [item for item in drawn if item["row"].metric["name"] in _FIRST] or drawn
    return Figure(
        drawing="rows",
        data={"first": first, "folded": [item for item in drawn if item not in first]},
        title=words("attacks.rows"),
        alternative=words("attacks.rows_text", count=len(rows), over=sum(map(_is_over, rows))),
        table=_table(rows, words),
    )


def _drawn(row: AttackRow, words: Words) -> JsonDict:
    metric, ends = row.metric, ("low", "high", "baseline", "ceiling")
    figures = {key: number(metric.get(key)) for key in ends}
    limit = ""
    if metric.get("ceiling") is not None:
        limit = words.text("attacks.limit_is", ceiling=number(metric["ceiling"]))
    return {
        "row": row,
        "title": named(metric, words),
        "alternative": words.text(
            "attacks.row_text", name=metric["name"], value=number(metric["value"]), **figures
        ),
        "interval": "" if metric.get("low") is None else interval(metric, words),
        "ceiling": limit,
    }


def _table(rows: Sequence[AttackRow], words: Words) -> Table:
    headings = (
        ("metrics.name", False),
        ("metrics.value", True),
        ("metrics.interval", True),
        ("metrics.baseline", True),
        ("metrics.ceiling", True),
    )
    return Table(
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
    )


def _is_over(row: AttackRow) -> bool:
    ceiling = row.metric.get("ceiling")
    return ceiling is not None and row.metric["value"] > ceiling

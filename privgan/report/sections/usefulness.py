"""INTERNAL: show usefulness by task and subgroup, and all figures of the audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from privgan.files.json_types import JsonMapping
from privgan.report.document import (
    Block,
    Column,
    Figure,
    Look,
    Paragraph,
    Run,
    Section,
    Stat,
    Stats,
    Table,
    Text,
)
from privgan.report.sections.attacks import interval, named
from privgan.report.text import Words, number

Metric = JsonMapping
_SCORES = ("auc", "r2")
_MOST_GROUPS = 12
_GROUPS = ("fidelity", "utility", "attack", "audit")


def utility_section(metrics: Sequence[Metric], words: Words) -> Section:
    """Section on models and queries on the synthetic table, beside the real one."""
    found = [metric for metric in metrics if metric["name"].startswith("utility.")]
    heading = words("utility.heading")
    if not found:
        return Section(
            name="utility", heading=heading, blocks=(Paragraph(text=words("utility.none")),)
        )
    blocks: list[Block] = [Paragraph(text=words("utility.text"))]
    tasks = _tasks({metric["name"]: metric for metric in found}, words)
    if tasks:
        labels = words.text("utility.real"), words.text("utility.synthetic")
        heading_of = words("utility.task_heading")
        blocks.append(
            _pairs(
                "utility.tasks",
                _loss("utility.tasks_text", tasks, words),
                heading_of,
                tasks,
                labels,
                words,
            )
        )
    blocks.append(Stats(stats=tuple(_stat(metric, words) for metric in found)))
    return Section(name="utility", heading=heading, blocks=tuple(blocks))


def subgroups_section(metrics: Sequence[Metric], words: Words) -> Section:
    """Section on named subgroups of customers, the worst first."""
    details = {metric["name"]: metric.get("details") or {} for metric in metrics}
    shapes = details.get("fidelity.worst_subgroup_tvd1", {}).get("subgroups", [])[:_MOST_GROUPS]
    gap = details.get("utility.worst_subgroup_gap", {})
    scores, score = gap.get("subgroups", [])[:_MOST_GROUPS], gap.get("score", "auc")
    blocks: list[Block] = [Paragraph(text=words("subgroups.text"))]
    group = words("subgroups.group")
    synthetic = words.text("shapes.synthetic")
    if shapes:
        rows = [
            (_sized(part["subgroup"], part["n_synthetic"], words), part["left_out"], part["tvd1"])
            for part in shapes
            if part.get("left_out") is not None
        ]
        labels = words.text("subgroups.held_out"), synthetic
        label, _, value = max(rows, key=lambda row: row[2], default=("", 0.0, 0.0))
        text = words("subgroups.fidelity_text", label=label, value=Run(number(value)))
        blocks.append(_pairs("subgroups.fidelity", text, group, rows, labels, words))
    if scores:
        rows = [
            (
                _sized(part["subgroup"], part["n"], words),
                part[f"trtr_{score}"],
                part[f"tstr_{score}"],
            )
            for part in scores
        ]
        labels = words.text("utility.real"), words.text("utility.synthetic")
        text = _loss("subgroups.scores_text", rows, words)
        blocks.append(_pairs("subgroups.scores", text, group, rows, labels, words))
    if len(blocks) == 1:
        blocks = [Paragraph(text=words("subgroups.none"))]
    return Section(name="subgroups", heading=words("subgroups.heading"), blocks=tuple(blocks))


def metrics_section(metrics: Sequence[Metric], words: Words) -> Section:
    """Section with all figures, by topic."""
    heading = words("metrics.heading")
    parts = [
        (group, [m for m in metrics if m["name"].startswith(f"{group}.")]) for group in _GROUPS
    ]
    parts.append(
        ("other", [metric for metric in metrics if metric["name"].split(".")[0] not in _GROUPS])
    )
    tables = tuple(_table(group, members, words) for group, members in parts if members)
    return Section(
        name="metrics", heading=heading, blocks=tables or (Paragraph(text=words("metrics.none")),)
    )


def _tasks(found: Mapping[str, Metric], words: Words) -> list[tuple[str, float, float]]:
    tasks: list[tuple[str, float, float]] = []
    for score in _SCORES:
        pair = [found.get(f"utility.{kind}_{score}") or {} for kind in ("trtr", "tstr")]
        if all(metric.get("value") is not None for metric in pair):
            real, synthetic = (metric.get("details") or {} for metric in pair)
            tasks += _families(score, real, synthetic, words)
    return tasks


def _families(
    score: str, real: Metric, synthetic: Metric, words: Words
) -> Iterator[tuple[str, float, float]]:
    """Label and both scores of each model family that was fitted on both tables."""
    others = synthetic.get("families", {})
    for family, figure in real.get("families", {}).items():
        if family in others:
            label = words.text(
                "utility.task",
                target=str(real.get("target", "")),
                score=words.term("score", score),
                family=words.term("family", family),
            )
            yield label, figure["value"], others[family]["value"]


def _loss(key: str, rows: Sequence[tuple[str, float, float]], words: Words) -> Text:
    """Task with the largest loss of score from training on synthetic rows."""
    label, real, synthetic = max(rows, key=lambda row: row[1] - row[2])
    if real <= synthetic:
        return words("utility.no_loss")
    return words(key, label=label, loss=Run(f"{real - synthetic:.3f}"))


def _pairs(
    title: str,
    text: Text,
    first: Text,
    rows: Sequence[tuple[str, float, float]],
    labels: tuple[str, str],
    words: Words,
) -> Figure:
    longest = max((max(0.0, *pair) for _, *pair in rows), default=0.0) or 1.0
    drawn = [
        {
            "label": label,
            "reference": 100 * max(0.0, reference) / longest,
            "synthetic": 100 * max(0.0, synthetic) / longest,
            "reference_text": number(reference),
            "synthetic_text": number(synthetic),
        }
        for label, reference, synthetic in rows
    ]
    return Figure(
        drawing="pairs",
        data={"rows": drawn, "labels": labels},
        title=words(title),
        alternative=text,
        table=Table(
            caption=words(title),
            columns=(
                Column(heading=first),
                *(Column(heading=(Run(label),), numeric=True) for label in labels),
            ),
            rows=tuple(
                ((Run(label, Look.NAME),), (Run(number(reference)),), (Run(number(synthetic)),))
                for label, reference, synthetic in rows
            ),
        ),
    )


def _sized(group: str, count: int, words: Words) -> str:
    return words.text("subgroups.sized", group=group, count=count)


def _stat(metric: Metric, words: Words) -> Stat:
    label = (Run(named(metric, words)),)
    if metric["value"] is None:
        return Stat(
            label=label, value=words("utility.not_run"), text=(Run(metric["reason"], Look.NAME),)
        )
    text = words(
        "utility.against",
        interval=Run(interval(metric, words)),
        baseline=Run(number(metric.get("baseline"))),
    )
    return Stat(label=label, value=(Run(number(metric["value"])),), text=text)


def _table(group: str, metrics: Sequence[Metric], words: Words) -> Table:
    headings = (
        ("metrics.name", False),
        ("metrics.value", True),
        ("metrics.interval", True),
        ("metrics.baseline", True),
        ("metrics.ceiling", True),
        ("metrics.better", False),
        ("metrics.count", True),
        ("metrics.how", False),
    )
    return Table(
        caption=words("metrics.caption", group=Run(words.term("group", group))),
        columns=tuple(Column(heading=words(key), numeric=numeric) for key, numeric in headings),
        rows=tuple(_row(metric, words) for metric in metrics),
    )


def _row(metric: Metric, words: Words) -> tuple[Text, ...]:
    none = words("number.none")
    name: Text = (Run(metric["name"], Look.CODE),)
    if words.known("metric", metric["name"]):
        name += (Run(named(metric, words), Look.SMALL),)
    if metric["value"] is None:
        not_run = (Run(words.text("utility.not_run"), Look.OPEN),)
        return (name, not_run, *[none] * 5, (Run(metric["reason"], Look.NAME),))
    how: Text = (Run(metric["method"], Look.NAME),)
    if metric.get("source"):
        how += (Run(metric["source"], Look.SMALL),)
    return (
        name,
        (Run(number(metric["value"])),),
        (Run(interval(metric, words)),),
        (Run(number(metric.get("baseline"))),),
        (Run(number(metric.get("ceiling"))),),
        (Run(words.term("better", metric["better"])),),
        (Run(number(metric.get("n"))),),
        how,
    )

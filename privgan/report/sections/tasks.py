"""Name the schema's tasks; INTERNAL: show the figures by which each is decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from privgan.files.json_types import JsonMapping
from privgan.report.data import NoisyRelations, NoisyShape
from privgan.report.document import (
    Block,
    Bullets,
    Column,
    Look,
    Paragraph,
    Run,
    Section,
    Table,
    Text,
    plain,
)
from privgan.report.sections.rare_outcome import noisy_share, rare_outcome
from privgan.report.sections.task_pictures import pictures
from privgan.report.text import Words, number, short
from privgan.schema.tasks import CLUSTERS, HORIZON, Period, TaskKind

_LONGEST = 60
_MOST_COLUMNS = 8
_KEPT = "_kept"
_NAMES = {
    TaskKind.RESPONSE: "tasks.response",
    TaskKind.SCORECARD: "tasks.scorecard",
    TaskKind.UPLIFT: "tasks.uplift",
}
_PERIODS = {
    Period.DAY: "tasks.period_day",
    Period.WEEK: "tasks.period_week",
    Period.MONTH: "tasks.period_month",
    Period.QUARTER: "tasks.period_quarter",
}
Metric = JsonMapping
# The figures of one task, by the last part of their names.
Told = Mapping[str, JsonMapping]


def named_tasks(
    release: JsonMapping,
    schema: JsonMapping,
    shapes: Sequence[NoisyShape],
    words: Words,
    relations: NoisyRelations | None = None,
) -> list[Section]:
    """Section that names the tasks, with noisy shares of what is predicted; none without tasks.

    Args:
        release: The release's facts, as JSON.
        schema: The schema, as JSON.
        shapes: The columns, noisy beside synthetic.
        words: The report's words.
        relations: What tells how much of a share is noise; None where nothing does.
    """
    tasks = schema.get("tasks", ())
    if not tasks:
        return []
    noises = {} if relations is None else {one.column: one.noise for one in relations.columns}
    items = tuple(_with_share(task, shapes, noises, words) for task in tasks)
    rare = rare_outcome(release, schema, shapes, words)
    blocks: list[Block] = [Paragraph(text=words("tasks.named")), Bullets(items=items), *rare]
    return [Section(name="tasks", heading=words("tasks.heading"), blocks=tuple(blocks))]


def task_sections(schema: JsonMapping, metrics: Sequence[Metric], words: Words) -> list[Section]:
    """INTERNAL: section on the tasks' figures, real beside synthetic; none without tasks."""
    tasks = schema.get("tasks", ())
    if not tasks:
        return []
    blocks: list[Block] = [Paragraph(text=words("tasks.text"))]
    counted = dict.fromkeys((task["kind"] for task in tasks), 0)
    for task in tasks:
        kind = task["kind"]
        found = [metric for metric in metrics if metric["name"].startswith(f"utility.{kind}.")]
        blocks += _blocks(task, found, counted[kind], words)
        counted[kind] += 1
    return [Section(name="tasks", heading=words("tasks.heading"), blocks=tuple(blocks))]


def name_of(task: JsonMapping, words: Words) -> Text:
    """A task in words."""
    kind = TaskKind(task["kind"])
    if kind is TaskKind.SEGMENTS:
        count = task.get("clusters", CLUSTERS)
        columns = [short(name, _LONGEST) for name in task.get("columns", ())[:_MOST_COLUMNS]]
        if not columns:
            return words("tasks.segments", count=count)
        return words("tasks.segments_of", count=count, columns=", ".join(columns))
    if kind is TaskKind.REGRESSION:
        return words("tasks.regression", target=short(task["target"], _LONGEST))
    if kind is TaskKind.RECOMMENDATION:
        name = "tasks.recommendation_new" if task.get("new") else "tasks.recommendation"
        return words(name, column=short(task["column"], _LONGEST))
    if kind is TaskKind.FORECAST:
        return _forecast(task, words)
    keys = {"target": task.get("target") or task.get("outcome"), "value": task.get("positive")}
    if kind is TaskKind.UPLIFT:
        keys |= {"treatment": task["treatment"], "treated": task.get("treated")}
    return words(_NAMES[kind], **{key: short(value, _LONGEST) for key, value in keys.items()})


def _forecast(task: JsonMapping, words: Words) -> Text:
    """A forecast in words."""
    period = words.text(_PERIODS[Period(task.get("period", Period.MONTH))])
    date, count = short(task["date"], _LONGEST), task.get("horizon", HORIZON)
    if "target" not in task:
        return words("tasks.forecast_rows", count=count, date=date, period=Run(period))
    target = short(task["target"], _LONGEST)
    return words("tasks.forecast", count=count, target=target, date=date, period=Run(period))


def _with_share(
    task: JsonMapping, shapes: Sequence[NoisyShape], noises: Mapping[str, float], words: Words
) -> Text:
    """A task, and the noisy share of the value that is meant, where it was counted."""
    column, value = task.get("target") or task.get("outcome"), task.get("positive")
    shape = next((part for part in shapes if part.column == column), None)
    if value is None or shape is None or value not in shape.labels:
        return name_of(task, words)
    share = noisy_share(shape, value)
    name, told, noise = name_of(task, words), Run(words.percent(share)), noises.get(shape.column)
    if noise is None:
        return words("tasks.share", task=name, share=told)
    return words("tasks.share_noise", task=name, share=told, noise=Run(words.percent(noise)))


def _blocks(
    task: JsonMapping, metrics: Sequence[Metric], place: int, words: Words
) -> Iterator[Block]:
    """A table of one task's figures, and its pictures.

    Args:
        task: The task, as in a schema file.
        metrics: The figures of its kind.
        place: Its place among the tasks of its kind.
        words: The report's words.
    """
    name, told = name_of(task, words), dict[str, JsonMapping]()
    reasons = dict[str, None]()
    for metric in metrics:
        parts = metric["details"].get("tasks", ())
        found = parts[place] if place < len(parts) else {"reason": metric["reason"]}
        if found.get("reason"):
            reasons[found["reason"]] = None
        else:
            told[metric["name"]] = found
    if told:
        yield _table(name, told, words)
    yield from pictures(name, {key.rpartition(".")[2]: part for key, part in told.items()}, words)
    for reason in reasons:
        text = Run(f"{plain(name)}: {reason}", Look.NAME)
        yield Paragraph(text=words("tasks.reason", reason=text))


def _table(name: Text, told: Told, words: Words) -> Table:
    headings = (
        ("tasks.figure", False),
        ("utility.real", True),
        ("utility.synthetic", True),
        ("tasks.difference", True),
    )
    rows = [_row(key, part, words) for key, part in told.items() if not key.endswith(_KEPT)]
    return Table(
        caption=words("tasks.caption", task=name),
        columns=tuple(Column(heading=words(key), numeric=numeric) for key, numeric in headings),
        rows=tuple(rows),
    )


def _row(metric: str, told: JsonMapping, words: Words) -> tuple[Text, ...]:
    sides = (told[side] for side in ("real", "synthetic", "difference"))
    return (
        (Run(words.term("metric", metric)),),
        *(with_interval(side, words) for side in sides),
    )


def with_interval(side: JsonMapping, words: Words) -> Text:
    """A value with its interval."""
    between = words.text("number.to", low=number(side["low"]), high=number(side["high"]))
    return words("tasks.with_interval", value=Run(number(side["value"])), interval=Run(between))

"""State the guarantee exactly, and list where its budget was spent."""

from __future__ import annotations

from collections.abc import Sequence

from privgan.files.json_types import JsonDict, JsonMapping
from privgan.report.charts import step_bars
from privgan.report.data import PlanStep, guarantee_of
from privgan.report.document import (
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
from privgan.report.steps import error, label, noise, trained_by_dpsgd
from privgan.report.text import Words, number

Facts = JsonMapping
_MOST_STEPS = 12


def guarantee_section(release: Facts, schema: Facts, words: Words) -> Section:
    """Section with all parameters of the guarantee."""
    guarantee = guarantee_of(release)
    accountant, total, condition = (
        guarantee.accountant,
        guarantee.dataset_total,
        words.condition(guarantee),
    )
    under = {"condition": condition} if condition else {}
    delta = Run(words.cost(guarantee.delta))
    facts: tuple[tuple[str, Text], ...] = (
        ("guarantee.claim", (Run(words.epsilon(guarantee)),)),
        ("guarantee.who", words.unit(schema)),
        ("guarantee.neighbours", (Run(words.phrase(guarantee.neighbouring_relation)),)),
        (
            "guarantee.accountant",
            words(
                "guarantee.accountant_text_under" if condition else "guarantee.accountant_text",
                name=accountant.name,
                version=accountant.version,
                pld=Run(number(accountant.epsilon_pld)),
                rdp=Run(number(accountant.epsilon_rdp)),
                delta=delta,
                **under,
            ),
        ),
        (
            "guarantee.total",
            words(
                "guarantee.total_text_under" if condition else "guarantee.total_text",
                epsilon=Run(words.cost(total.epsilon)),
                delta=Run(words.cost(total.delta)),
                runs=total.runs,
                **under,
            ),
        ),
        (
            "guarantee.canaries",
            words("guarantee.canaries_text", probability=release["canaries"]["probability"]),
        ),
    )
    table = Table(
        caption=words("guarantee.caption"),
        columns=(),
        rows=tuple((words(name), value) for name, value in facts),
    )
    return Section(name="guarantee", heading=words("guarantee.heading"), blocks=(table,))


def steps_section(
    release: Facts,
    schema: Facts,
    steps: Sequence[PlanStep],
    groups: Sequence[PlanStep],
    words: Words,
) -> Section:
    """Section with every look at the table and its cost."""
    guarantee = guarantee_of(release)
    condition = words.condition(guarantee)
    text = words(
        "steps.text_under" if condition else "steps.text",
        unit=words.unit(schema),
        delta=Run(words.cost(guarantee.delta)),
        **({"condition": condition} if condition else {}),
    )
    if trained_by_dpsgd(steps) is None:
        text = joined((text, words("steps.no_dpsgd")), words.text("page.gap"))
    heading = words("steps.heading")
    if not steps:
        return Section(
            name="steps",
            heading=heading,
            blocks=(Paragraph(text=text), Paragraph(text=words("steps.none"))),
        )
    return Section(
        name="steps",
        heading=heading,
        blocks=(Paragraph(text=text), _bars(groups or steps, words), _table(steps, words)),
    )


def _bars(steps: Sequence[PlanStep], words: Words) -> Figure:
    longest = max(steps, key=lambda step: step.epsilon)
    bars: list[JsonDict] = [
        {"label": label(step, words), "value": number(step.epsilon), "length": length}
        for step, length in step_bars(steps)
    ]
    return Figure(
        drawing="bars",
        data=bars,
        title=words("steps.figure"),
        alternative=words(
            "steps.figure_text", name=label(longest, words), epsilon=Run(number(longest.epsilon))
        ),
        table=Table(
            caption=words("steps.figure"),
            columns=(
                Column(heading=words("steps.step")),
                Column(heading=words("steps.alone"), numeric=True),
            ),
            rows=tuple(((Run(bar["label"]),), (Run(bar["value"]),)) for bar in bars),
        ),
    )


def _table(steps: Sequence[PlanStep], words: Words) -> Table:
    headings = (
        ("steps.step", False),
        ("steps.what", False),
        ("steps.alone", True),
        ("steps.noise", False),
        ("steps.error", False),
    )
    return Table(
        caption=words("steps.caption"),
        columns=tuple(Column(heading=words(key), numeric=numeric) for key, numeric in headings),
        rows=tuple(
            (
                (Run(step.name, Look.NAME),),
                (Run(words.term("what", step.kind)),),
                (Run(number(step.epsilon)),),
                noise(step, words),
                error(step, words),
            )
            for step in steps
        ),
        folded=words("steps.folded", count=len(steps)) if len(steps) > _MOST_STEPS else (),
    )

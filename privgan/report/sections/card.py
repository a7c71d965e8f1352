"""Write the model card."""

from __future__ import annotations

from collections.abc import Sequence

from privgan.files.json_types import JsonMapping
from privgan.planning.plan import GeneratorKind
from privgan.report.charts import shape_chart
from privgan.report.data import NoisyShape, PlanStep, RealShape, guarantee_of
from privgan.report.document import Look, Run, Section, Table, Text, joined
from privgan.report.sections.opening import bad_for, good_for
from privgan.report.steps import trained_by_dpsgd
from privgan.report.text import Words

Facts = JsonMapping


_TYPES = {
    None: "card.type_marginals",
    "network": "card.type_network",
    "critic": "card.type_critic",
    "gan": "card.type_gan",
}


def card_section(
    release: Facts,
    schema: Facts,
    steps: Sequence[PlanStep],
    shapes: Sequence[NoisyShape] | Sequence[RealShape],
    words: Words,
    *,
    real: bool,
) -> Section:
    """Model card: the model, its use, its quality and its privacy."""
    rows: list[tuple[str, Text]] = [
        (
            "card.type",
            words(_type(release, steps)),
        ),
        ("card.data", _data(release, schema, words)),
        ("card.use", joined(good_for(words), "; ")),
        ("card.not_for", joined(bad_for(words), "; ")),
        ("card.privacy", (Run(words.epsilon(guarantee_of(release))),)),
    ]
    if schema.get("target"):
        rows.append(("card.target", (Run(schema["target"], Look.NAME),)))
    if shapes:
        rows.append(("card.quality", _quality(shapes, words, real=real)))
    files = {"weights": Run("model.safetensors", Look.CODE), "facts": Run("model.json", Look.CODE)}
    rows += [
        ("card.limits", joined((words("card.limits_text"), _rows_of_one(schema, words)), " ")),
        ("card.files", words("card.files_text", **files)),
        ("card.made", made_with(release)),
    ]
    table = Table(
        caption=words("card.caption"),
        columns=(),
        rows=tuple((words(name), text) for name, text in rows),
    )
    return Section(name="card", heading=words("card.heading"), blocks=(table,))


def _rows_of_one(schema: Facts, words: Words) -> Text:
    """How the rows of one customer go together."""
    if schema.get("tables"):
        ordered = any("order" in table for table in schema["tables"])
        text = "card.rows_ordered" if ordered else "card.rows_related"
        return words(text, root=Run(schema["root"], Look.NAME))
    return words("card.rows_history" if schema.get("history") else "card.rows_independent")


def _type(release: Facts, steps: Sequence[PlanStep]) -> str:
    """What the model is, as a text's name; a GAN is one by its plan, not by its steps."""
    is_gan = release["plan"].get("kind") == GeneratorKind.GAN
    if release.get("dp_sgd") == "unused":
        return "card.type_gan_unused" if is_gan else "card.type_network_unused"
    return _TYPES["gan" if is_gan else trained_by_dpsgd(steps)]


def made_with(release: Facts) -> Text:
    """Versions of the software that made the release."""
    return joined(
        (Run(f"{name} {version}", Look.NAME),) for name, version in release["versions"].items()
    )


def _data(release: Facts, schema: Facts, words: Words) -> Text:
    rows, columns = release["plan"].get("rows"), len(schema["columns"])
    if rows is None:
        return words("card.data_text_short", dataset=release["dataset"], columns=columns)
    return words("card.data_text", dataset=release["dataset"], rows=round(rows), columns=columns)


def _quality(
    shapes: Sequence[NoisyShape] | Sequence[RealShape], words: Words, *, real: bool
) -> Text:
    charts = [shape_chart(shape, words) for shape in shapes]
    worst = max(charts, key=lambda chart: chart.distance)
    mean = sum(chart.distance for chart in charts) / len(charts)
    return words(
        "card.quality_real" if real else "card.quality_noisy",
        mean=Run(f"{mean:.3f}"),
        largest=Run(f"{worst.distance:.3f}"),
        column=worst.column,
    )

"""Compose a report from its sections, for the readers who may see them."""

from __future__ import annotations

from collections.abc import Sequence

from privgan.files.json_types import JsonMapping
from privgan.report.data import InternalReport, ShareableReport, guarantee_of
from privgan.report.document import Answer, Document, Look, Run, Section
from privgan.report.precision import precision_of
from privgan.report.sections.attacks import attacks_section
from privgan.report.sections.card import card_section
from privgan.report.sections.columns import shapes_section, trends_section
from privgan.report.sections.dictionary import dictionary_section
from privgan.report.sections.guarantee import guarantee_section, steps_section
from privgan.report.sections.headline import internal_stats, shareable_stats
from privgan.report.sections.histories import history_sections
from privgan.report.sections.marginals import marginals_section
from privgan.report.sections.opening import internal_answer, meaning, shareable_answer
from privgan.report.sections.policy import policy_section, promises_section
from privgan.report.sections.records import ledger_section, provenance_section, standards_section
from privgan.report.sections.related import related_sections
from privgan.report.sections.relations import relations_section
from privgan.report.sections.tasks import named_tasks, task_sections
from privgan.report.sections.usefulness import metrics_section, subgroups_section, utility_section
from privgan.report.text import Words, number, short

_LONGEST_NAME = 80


def shareable_document(data: ShareableReport, words: Words) -> Document:
    """The report that leaves with a release."""
    guarantee, precision = guarantee_of(data.release), precision_of(data.steps, data.shapes)
    figures = shareable_stats(guarantee, data.schema, data.reach, precision, words)
    sections = [
        shareable_answer(data.release, data.policy, figures, words),
        *_guarantee(data, words),
        *marginals_section(data.marginals, words),
        *_columns(data, words, real=False),
        *relations_section(data.relations, data.relations_of_parts, words),
        *named_tasks(data.release, data.schema, data.shapes, words, data.relations),
        policy_section(data.policy, words),
        promises_section(guarantee, words),
        dictionary_section(data.schema, words),
        card_section(data.release, data.schema, data.steps, data.shapes, words, real=False),
    ]
    dataset = short(data.release["dataset"], _LONGEST_NAME)
    return Document(
        language=words.language,
        title=words("report.shareable_title", dataset=dataset),
        kind=words("report.shareable_kind"),
        name=(Run(dataset, Look.NAME),),
        lead=_lead(data, words),
        mark=(),
        sections=_ended(sections, data.release, data.policy, words),
        footer=words("report.shareable_footer"),
    )


def internal_document(data: InternalReport, words: Words) -> Document:
    """CONFIDENTIAL: the report for decision-makers; measured figures come first."""
    guarantee = guarantee_of(data.release)
    metrics: Sequence[JsonMapping] = list(data.audit.get("metrics", ()))
    figures = internal_stats(
        guarantee, data.schema, data.reach, metrics, precision_of(data.steps), words
    )
    sections = [
        internal_answer(data.release, data.verdict, figures, words),
        attacks_section(data.audit, guarantee, data.reach, words),
        *task_sections(data.schema, metrics, words),
        utility_section(metrics, words),
        *history_sections(metrics, words),
        *related_sections(metrics, words),
        *_guarantee(data, words),
        *_columns(data, words, real=True),
        subgroups_section(metrics, words),
        metrics_section(metrics, words),
        policy_section(data.verdict, words),
        promises_section(guarantee, words),
        dictionary_section(data.schema, words),
        card_section(data.release, data.schema, data.steps, data.shapes, words, real=True),
        ledger_section(data.ledger, data.lifetime, words),
    ]
    dataset = short(data.release["dataset"], _LONGEST_NAME)
    return Document(
        language=words.language,
        title=words("report.internal_title", dataset=dataset),
        kind=words("report.internal_kind"),
        name=(Run(dataset, Look.NAME),),
        lead=_lead(data, words),
        mark=words("report.mark"),
        sections=_ended(sections, data.release, data.verdict, words),
        footer=words("report.internal_footer", command=Run("privgan purge", Look.CODE)),
    )


def _guarantee(data: ShareableReport | InternalReport, words: Words) -> list[Section]:
    return [
        meaning(data.release, data.schema, data.reach, words),
        guarantee_section(data.release, data.schema, words),
        steps_section(data.release, data.schema, data.steps, data.groups, words),
    ]


def _columns(data: ShareableReport | InternalReport, words: Words, *, real: bool) -> list[Section]:
    shapes = shapes_section(data.shapes, words, real=real)
    return [shapes] if data.trends is None else [shapes, trends_section(data.trends, words)]


def _ended(
    sections: Sequence[Section], release: JsonMapping, policy: JsonMapping, words: Words
) -> tuple[Section, ...]:
    answer = next(block.heading for block in sections[0].blocks if isinstance(block, Answer))
    return (
        *sections,
        standards_section(sections, answer, words),
        provenance_section(release, policy, words),
    )


def _lead(data: ShareableReport | InternalReport, words: Words) -> tuple[Run, ...]:
    rows = Run(number(data.rows))
    return words(
        "report.lead",
        rows=rows,
        columns=len(data.schema["columns"]),
        day=Run(data.release["created"][:10]),
    )

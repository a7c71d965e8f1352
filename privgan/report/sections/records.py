"""Show the records: answers to standards' questions, the ledger over time, and provenance."""

from __future__ import annotations

from collections.abc import Sequence

from privgan.files.json_types import JsonMapping
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
from privgan.report.ledger_line import LedgerLine, ledger_line
from privgan.report.sections.card import made_with
from privgan.report.text import Words, number, short

Facts = JsonMapping
_NIST, _ISO = "NIST SP 800-226", "ISO/IEC 27559"
_MOST_ENTRIES, _LONGEST_PARTICULARS = 12, 160
# Sections that answer each question; sections that a report lacks are left out.
_QUESTIONS = (
    (_NIST, "standards.nist_parameters", ("answer", "means", "guarantee")),
    (_NIST, "standards.nist_unit", ("answer", "guarantee")),
    (_NIST, "standards.nist_composition", ("steps", "guarantee", "ledger", "provenance")),
    (
        _NIST,
        "standards.nist_accuracy",
        ("shapes", "trends", "utility", "histories", "related", "subgroups", "metrics", "card"),
    ),
    (_NIST, "standards.nist_synthetic", ("means", "card")),
    (_NIST, "standards.nist_trust", ("not-promised", "provenance")),
    (_ISO, "standards.iso_context", ("answer", "provenance")),
    (_ISO, "standards.iso_data", ("dictionary",)),
    (_ISO, "standards.iso_identifiability", ("means", "attacks", "not-promised")),
    (_ISO, "standards.iso_governance", ("policy", "ledger", "provenance")),
)


def standards_section(sections: Sequence[Section], answer: Text, words: Words) -> Section:
    """Section that maps standards' questions to the report's sections.

    Args:
        sections: The report's other sections.
        answer: The heading of the answer, whose section has none of its own.
        words: The report's words.
    """
    headings = {section.name: section.heading or answer for section in sections}
    headings["provenance"] = words("provenance.heading")
    keys = ("standards.standard", "standards.question", "standards.answer")
    table = Table(
        caption=words("standards.caption"),
        columns=tuple(Column(heading=words(key)) for key in keys),
        rows=tuple(
            (
                (Run(standard),),
                words(question),
                joined((headings[name] for name in names if name in headings), "; "),
            )
            for standard, question, names in _QUESTIONS
        ),
    )
    blocks = (Paragraph(text=words("standards.text")), table)
    return Section(name="standards", heading=words("standards.heading"), blocks=blocks)


def ledger_section(entries: Sequence[Facts], lifetime: float | None, words: Words) -> Section:
    """INTERNAL: section on the charges to the data set, with days and persons."""
    heading = words("ledger.heading")
    if not entries:
        return Section(
            name="ledger", heading=heading, blocks=(Paragraph(text=words("ledger.none")),)
        )
    steps = ledger_line(entries, lifetime)
    blocks: list[Block] = [_picture(steps, lifetime, words)] if steps.steps else []
    keys = list(dict.fromkeys(key for entry in entries for key in entry))
    blocks.append(
        Table(
            caption=words("ledger.caption"),
            columns=tuple(Column(heading=(Run(words.term("ledger", key)),)) for key in keys),
            rows=tuple(
                tuple(
                    (Run(short(number(entry.get(key)), _LONGEST_PARTICULARS), Look.NAME),)
                    for key in keys
                )
                for entry in entries
            ),
            folded=(
                words("ledger.folded", count=len(entries)) if len(entries) > _MOST_ENTRIES else ()
            ),
        )
    )
    return Section(name="ledger", heading=heading, blocks=tuple(blocks))


def provenance_section(release: Facts, policy: Facts, words: Words) -> Section:
    """Section on the origin of the release, and how to check it."""
    rows: list[tuple[Text, Text]] = [
        (words("provenance.release"), (Run(release["release_id"], Look.CODE),)),
        (words("provenance.made"), (Run(release["created"]),)),
    ]
    rows += [
        ((Run(words.term("context", name)),), (Run(value, Look.NAME),))
        for name, value in release["context"].items()
    ]
    rows += [
        (words("provenance.schema"), (Run(release["schema_fingerprint"], Look.CODE),)),
        (words("provenance.policy"), (Run(policy["hash"], Look.CODE),)),
        (words("provenance.ledger"), (Run(release["ledger"]["head"], Look.CODE),)),
        (words("provenance.retention"), (Run(words.phrase(release["retention"]), Look.NAME),)),
        (words("provenance.versions"), made_with(release)),
    ]
    caption = words("provenance.caption", command=Run("privgan verify", Look.CODE))
    table = Table(caption=caption, columns=(), rows=tuple(rows))
    return Section(name="provenance", heading=words("provenance.heading"), blocks=(table,))


def _picture(line: LedgerLine, lifetime: float | None, words: Words) -> Figure:
    steps = line.steps
    text = words("ledger.figure_text", epsilon=Run(words.cost(steps[-1].total)), runs=len(steps))
    if lifetime is not None:
        text = joined(
            (text, words("ledger.figure_lifetime", lifetime=Run(words.cost(lifetime)))),
            words.text("page.gap"),
        )
    keys = (("ledger.run", False), ("ledger.when", False), ("ledger.total", True))
    return Figure(
        drawing="ledger",
        data=line,
        title=words("ledger.figure"),
        alternative=text,
        table=Table(
            caption=words("ledger.figure"),
            columns=tuple(Column(heading=words(key), numeric=numeric) for key, numeric in keys),
            rows=tuple(
                (
                    (Run(step.run, Look.CODE),),
                    (Run(step.time[:16]),),
                    (Run(words.cost(step.total)),),
                )
                for step in steps
            ),
        ),
    )

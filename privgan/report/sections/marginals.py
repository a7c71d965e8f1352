"""Say which noisy marginals leave with a release, and how much noise they have."""

from __future__ import annotations

from collections.abc import Sequence

from privgan.report.data import MeasuredKind
from privgan.report.document import Column, Look, Paragraph, Run, Section, Table, Text
from privgan.report.text import Words, number

_FOLDER, _COMMAND = "marginals/", "privgan ask"


def marginals_section(kinds: Sequence[MeasuredKind], words: Words) -> list[Section]:
    """Section with the noisy marginals by kind; none where none leave."""
    if not kinds:
        return []
    text = words("marginals.text", folder=Run(_FOLDER, Look.CODE), command=Run(_COMMAND, Look.CODE))
    headings = (
        ("marginals.what", False),
        ("marginals.number", True),
        ("marginals.cells", True),
        ("marginals.noise", False),
    )
    table = Table(
        caption=words("marginals.caption"),
        columns=tuple(Column(heading=words(name), numeric=numeric) for name, numeric in headings),
        rows=tuple(
            (
                (Run(words.term("what", kind.kind)),),
                (Run(number(kind.number)),),
                (Run(number(kind.cells)),),
                _noise(kind, words),
            )
            for kind in kinds
        ),
    )
    heading = words("marginals.heading")
    return [Section(name="marginals", heading=heading, blocks=(Paragraph(text=text), table))]


def _noise(kind: MeasuredKind, words: Words) -> Text:
    least, most = number(kind.least_noise), number(kind.most_noise)
    if least == most:
        return (Run(least),)
    return words("marginals.between", least=Run(least), most=Run(most))

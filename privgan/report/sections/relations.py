"""Show how much of what was measured is noise: by pair, by column, and of the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from privgan.report.associations import heat_map
from privgan.report.charts import written_label
from privgan.report.data import Dependence, NoisyRelations, PairSignal
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
from privgan.report.sections.dependence import dependence_figure
from privgan.report.text import Words, number, short

_LISTED, _RANKED, _TOLD = 10, 4, 3
_HALF = 0.5
_MOST_BARS = 20
_DEVIATIONS = 2.0
_LONGEST_LABEL = 30


def relations_section(
    found: NoisyRelations | None, parts: Sequence[NoisyRelations], words: Words
) -> list[Section]:
    """Section on relations and their noise; none where no noisy marginals leave.

    Args:
        found: Those of a table without parts.
        parts: Those of each part of a table.
        words: The report's words.
    """
    told = [*([] if found is None else [found]), *parts]
    if not told:
        return []
    blocks: list[Block] = [Paragraph(text=words("relations.text"))]
    if parts:
        blocks.append(Paragraph(text=words("relations.parts", parts=len(parts))))
    blocks += [block for one in told for block in _blocks(one, words)]
    return [Section(name="relations", heading=words("relations.heading"), blocks=tuple(blocks))]


def _blocks(found: NoisyRelations, words: Words) -> list[Block]:
    """What is told of a table, or of one of its parts."""
    blocks: list[Block] = [Paragraph(text=_noises(found, words))] if found.columns else []
    if found.pairs:
        ranked = sorted(found.pairs, key=lambda pair: -pair.strength)
        blocks += [_map(found, ranked, words), _strongest(found, ranked, words)]
    if found.columns:
        blocks.append(_columns(found, words))
    if not found.pairs:
        blocks.append(Paragraph(text=_of_part(words("relations.no_pairs"), found, words)))
    if found.curves:
        blocks.append(Paragraph(text=_about(found, words)))
        blocks += [_curve(curve, found, words) for curve in found.curves]
    drawn = [curve for curve in found.curves if curve.generator]
    if drawn:
        blocks.append(Paragraph(text=words("relations.dependence_text")))
        blocks += [dependence_figure(curve, found, words) for curve in drawn]
    return blocks


def _of_part(text: Text, found: NoisyRelations, words: Words) -> Text:
    """A text, with the part that it is of where there are several."""
    if not found.part:
        return text
    return words("relations.of_part", text=text, part=Run(found.part, Look.NAME))


def _noises(found: NoisyRelations, words: Words) -> Text:
    """How large the noise on one share is, at the median."""
    single = Run(words.percent(median(column.noise for column in found.columns)))
    weak = sum(column.weak for column in found.columns)
    codes = sum(column.codes for column in found.columns)
    if not found.pairs:
        text = words("relations.noise_of_one", single=single, weak=weak, codes=codes)
    else:
        pair = Run(words.percent(median(pair.noise for pair in found.pairs)))
        text = words("relations.noise_of_two", single=single, pair=pair, weak=weak, codes=codes)
    return _of_part(text, found, words)


def _about(found: NoisyRelations, words: Words) -> Text:
    value, target = short(found.value, _LONGEST_LABEL), short(found.target, _LONGEST_LABEL)
    return words("relations.curves", target=target, value=value)


def _map(found: NoisyRelations, ranked: Sequence[PairSignal], words: Words) -> Figure:
    names = [column.column for column in found.columns]
    signal = {(pair.first, pair.second): 1.0 - pair.noise_share for pair in found.pairs}
    triangle = [
        [signal.get((names[first], names[second])) for first in range(second)]
        for second in range(1, len(names))
    ]
    told = [pair for pair in ranked if pair.told]
    clearest = sorted(told, key=lambda pair: pair.noise_share)[:_TOLD]
    text = words(
        "relations.told",
        told=len(told),
        all=len(ranked),
        noise=sum(pair.noise_share > _HALF for pair in ranked),
        pairs=joined(
            words(
                "relations.pair",
                first=short(pair.first),
                second=short(pair.second),
                noise=Run(words.percent(pair.noise_share)),
            )
            for pair in clearest
        )
        or Run(number(None)),
    )
    return Figure(
        drawing="heat",
        data=heat_map(names, lower=triangle, signed=False, key="relations.signal"),
        title=_of_part(words("relations.map"), found, words),
        alternative=text,
    )


def _strongest(found: NoisyRelations, ranked: Sequence[PairSignal], words: Words) -> Table:
    headings = (
        ("trends.first", False),
        ("trends.second", False),
        ("relations.strength", True),
        ("relations.noise_share", True),
        ("relations.noise", True),
        ("relations.is_told", False),
    )
    return Table(
        caption=_of_part(words("relations.caption"), found, words),
        columns=_headed(headings, words),
        rows=tuple(
            (
                (Run(pair.first, Look.NAME),),
                (Run(pair.second, Look.NAME),),
                (Run(f"{pair.strength:.3f}"),),
                (Run(words.percent(pair.noise_share)),),
                (Run(words.percent(pair.noise)),),
                words("relations.yes" if pair.told else "relations.no"),
            )
            for pair in ranked[:_LISTED]
        ),
    )


def _columns(found: NoisyRelations, words: Words) -> Table:
    """Each column, how much of its shares is noise, and what its values go with most."""
    beside: dict[str, list[tuple[str, PairSignal]]] = {}
    for pair in sorted(found.pairs, key=lambda one: -one.strength):
        if pair.told:
            beside.setdefault(pair.first, []).append((pair.second, pair))
            beside.setdefault(pair.second, []).append((pair.first, pair))
    headings = (
        ("shapes.column", False),
        ("relations.share_noise", True),
        ("relations.weak", True),
        ("relations.depends", False),
    )
    return Table(
        caption=_of_part(words("relations.columns"), found, words),
        columns=_headed(headings, words),
        rows=tuple(
            (
                (Run(one.column, Look.NAME),),
                (Run(words.percent(one.noise)),),
                words("relations.weak_of", weak=one.weak, codes=one.codes),
                _depends(beside.get(one.column, [])[:_RANKED], words),
            )
            for one in found.columns
        ),
    )


def _depends(others: Sequence[tuple[str, PairSignal]], words: Words) -> Text:
    if not others:
        return words("relations.nothing")
    return joined(
        words(
            "relations.pair_of",
            other=short(name),
            strength=Run(f"{pair.strength:.2f}"),
            noise=Run(words.percent(pair.noise_share)),
        )
        for name, pair in others
    )


def _headed(headings: Sequence[tuple[str, bool]], words: Words) -> tuple[Column, ...]:
    return tuple(Column(heading=words(key), numeric=numeric) for key, numeric in headings)


def _curve(curve: Dependence, found: NoisyRelations, words: Words) -> Figure:
    """Bars of the noisy and the synthetic share, with marks at two standard deviations."""
    rows = [
        (written_label(label, words), noisy, noise, made)
        for label, noisy, noise, made in zip(
            curve.labels, curve.noisy, curve.noise, curve.synthetic, strict=True
        )
        if noisy is not None and noise is not None
    ][:_MOST_BARS]
    ends = [
        (max(0.0, noisy - _DEVIATIONS * noise), min(1.0, noisy + _DEVIATIONS * noise))
        for _, noisy, noise, _ in rows
    ]
    longest = max([high for _, high in ends] + [made or 0.0 for *_, made in rows] + [1e-9])
    title = words(
        "relations.curve",
        target=short(found.target, _LONGEST_LABEL),
        value=short(found.value, _LONGEST_LABEL),
        column=short(curve.column, _LONGEST_LABEL),
    )
    drawn = [
        {
            "label": label,
            "reference": 100 * max(0.0, noisy) / longest,
            "synthetic": 100 * (made or 0.0) / longest,
            "reference_text": _with_noise(noisy, noise, words),
            "synthetic_text": number(None) if made is None else words.percent(made),
            "marks": [100 * end / longest for end in pair],
        }
        for (label, noisy, noise, made), pair in zip(rows, ends, strict=True)
    ]
    labels = (words.text("shapes.noisy"), words.text("shapes.synthetic"))
    data = {"rows": drawn, "labels": labels, "marks": words.text("relations.marks")}
    within = sum(
        made is not None and low <= made <= high
        for (*_, made), (low, high) in zip(rows, ends, strict=True)
    )
    return Figure(
        drawing="pairs",
        data=data,
        title=title,
        alternative=words("relations.within", within=within, all=len(rows)),
        table=_curve_table(title, drawn, words),
    )


def _curve_table(title: Text, drawn: Sequence[Mapping[str, object]], words: Words) -> Table:
    headings = (
        ("relations.value", False),
        ("relations.noisy_share", True),
        ("shapes.synthetic", True),
    )
    return Table(
        caption=title,
        columns=_headed(headings, words),
        rows=tuple(
            (
                (Run(str(row["label"]), Look.NAME),),
                (Run(str(row["reference_text"])),),
                (Run(str(row["synthetic_text"])),),
            )
            for row in drawn
        ),
    )


def _with_noise(noisy: float, noise: float, words: Words) -> str:
    return words.text(
        "relations.plus_minus", share=words.percent(noisy), noise=words.percent(noise)
    )

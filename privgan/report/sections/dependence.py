"""Show how the generator lets a target's value depend on one column alone."""

from __future__ import annotations

from privgan.report.charts import written_label
from privgan.report.data import Dependence, NoisyRelations
from privgan.report.document import Column, Figure, Look, Run, Table
from privgan.report.text import Words, short

_MOST_BARS = 20
_LONGEST_LABEL = 30


def dependence_figure(curve: Dependence, found: NoisyRelations, words: Words) -> Figure:
    """Bars of the share among synthetic rows, and of the partial dependence.

    Values that no synthetic row has are left out.
    """
    rows = [
        (written_label(label, words), made, alone)
        for label, made, alone in zip(curve.labels, curve.synthetic, curve.generator, strict=True)
        if made is not None
    ][:_MOST_BARS]
    longest = max([share for _, *both in rows for share in both], default=0.0) or 1.0
    names = {
        "target": short(found.target, _LONGEST_LABEL),
        "value": short(found.value, _LONGEST_LABEL),
        "column": short(curve.column, _LONGEST_LABEL),
    }
    title = words("relations.dependence", **names)
    ends = _ends([alone for *_, alone in rows], words, ("least", "most"))
    ends |= _ends([made for _, made, _ in rows], words, ("low", "high"))
    drawn = [
        {
            "label": label,
            "reference": 100 * made / longest,
            "synthetic": 100 * alone / longest,
            "reference_text": words.percent(made),
            "synthetic_text": words.percent(alone),
        }
        for label, made, alone in rows
    ]
    labels = (words.text("shapes.synthetic"), words.text("relations.dependence_label"))
    return Figure(
        drawing="pairs",
        data={"rows": drawn, "labels": labels},
        title=title,
        alternative=words("relations.dependence_range", **names, **ends),
        table=Table(
            caption=title,
            columns=tuple(
                Column(heading=words(key), numeric=numeric)
                for key, numeric in (
                    ("relations.value", False),
                    ("shapes.synthetic", True),
                    ("relations.dependence_label", True),
                )
            ),
            rows=tuple(
                (
                    (Run(str(row["label"]), Look.NAME),),
                    (Run(str(row["reference_text"])),),
                    (Run(str(row["synthetic_text"])),),
                )
                for row in drawn
            ),
        ),
    )


def _ends(shares: list[float], words: Words, keys: tuple[str, str]) -> dict[str, Run]:
    """The smallest and the largest of some shares, in words."""
    ends = (min(shares, default=0.0), max(shares, default=0.0))
    return {key: Run(words.percent(end)) for key, end in zip(keys, ends, strict=True)}

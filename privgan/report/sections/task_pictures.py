"""INTERNAL: draw what a task is decided by: gains, calibration, Qini, evidence, segments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from privgan.files.json_types import JsonMapping
from privgan.report.document import Block, Column, Figure, Look, Paragraph, Run, Table, Text
from privgan.report.line_chart import REAL, SYNTHETIC, Axes, Line, line_chart
from privgan.report.text import Words, number

_SIDES = (REAL, SYNTHETIC)
_TENTH, _HALF, _TEN = 0.1, 0.5, 10
_MOST_COLUMNS = 12
# By way of modelling a partner's rows: its heading.
_WAYS = {
    "own": "tasks.own",
    "with_synthetic": "tasks.with_synthetic",
    "class_weights": "tasks.class_weights",
    "smote": "tasks.smote",
}
_GAINS = Axes(
    title="tasks.gains",
    x_label="tasks.gains_x",
    y_label="tasks.gains_y",
    base_label="tasks.chance",
    shares=True,
)
_CALIBRATION = Axes(
    title="tasks.calibration",
    x_label="tasks.calibration_x",
    y_label="tasks.calibration_y",
    base_label="tasks.ideal",
    shares=True,
)
_QINI = Axes(
    title="tasks.curve",
    x_label="tasks.qini_x",
    y_label="tasks.qini_y",
    base_label="tasks.chance",
    shares=False,
)

_HITS = Axes(
    title="tasks.hits",
    x_label="tasks.hits_x",
    y_label="tasks.hits_y",
    base_label="tasks.popularity",
    shares=False,
)
_COURSE = Axes(
    title="tasks.course",
    x_label="tasks.course_x",
    y_label="tasks.course_y",
    base_label="tasks.zero",
    shares=False,
)


def pictures(name: Text, told: Mapping[str, JsonMapping], words: Words) -> Iterator[Block]:
    """Pictures and tables of one task.

    Args:
        name: The task in words.
        told: Its figures, by the last part of their names.
        words: The report's words.
    """
    if "curve" in told.get("lift", {}):
        yield _ranking(name, told["lift"]["curve"], told["brier"]["calibration"], words)
    if "alarms" in told.get("recall", {}):
        yield _alarms(name, told["recall"]["alarms"], words)
    if "augmentation" in told:
        yield from _partners(name, told["augmentation"], words)
    if "iv_shown" in told:
        yield _information(name, told["iv_shown"]["columns"], words)
        yield _evidence(name, told["iv_shown"]["evidence"], words)
    if "qini" in told:
        yield _qini(name, told["qini"]["curve"], words)
    if "hits" in told.get("hit_rate", {}):
        yield _recommended(name, told["hit_rate"]["hits"], words)
    if "curve" in told.get("wape", {}):
        yield _forecasts(name, told["wape"]["curve"], words)
    if "segments" in told.get("sizes", {}):
        yield _sizes(name, told["sizes"]["segments"], words)


def _ranking(name: Text, curve: JsonMapping, calibration: JsonMapping, words: Words) -> Figure:
    gains = {side: [(0.0, 0.0), *_pairs(curve["share"], curve[side])] for side in _SIDES}
    says = {
        side: _pairs(calibration[side]["expected"], calibration[side]["observed"])
        for side in _SIDES
    }
    diagonal = [(0.0, 0.0), (1.0, 1.0)]
    first = {side: dict(gains[side]).get(_TENTH, 0.0) for side in _SIDES}
    rows = [
        (
            (Run(words.percent(share)),),
            (Run(number(curve[REAL][i] / share)),),
            (Run(number(curve[SYNTHETIC][i] / share)),),
        )
        for i, share in enumerate(curve["share"])
        if i % 2  # Tenths.
    ]
    headings = ("tasks.share_of_rows", "tasks.lift_real", "tasks.lift_synthetic")
    return Figure(
        drawing="lines",
        data=(
            line_chart(gains, diagonal, _GAINS, words),
            line_chart(says, diagonal, _CALIBRATION, words),
        ),
        title=words("tasks.ranking", task=name),
        alternative=words(
            "tasks.ranking_text",
            **{side: Run(words.percent(share)) for side, share in first.items()},
        ),
        table=Table(
            caption=words("tasks.ranking", task=name),
            columns=_numeric(headings, words),
            rows=tuple(rows),
        ),
    )


def _alarms(name: Text, alarms: JsonMapping, words: Words) -> Table:
    """Of those who are meant, the share that is found at fixed shares of false alarms."""
    rows = [
        (
            (Run(words.percent(share)),),
            *((Run(words.percent(alarms[side][i])),) for side in _SIDES),
        )
        for i, share in enumerate(alarms["share"])
    ]
    headings = ("tasks.alarms", "utility.real", "utility.synthetic")
    caption = words("tasks.recall", task=name)
    return Table(caption=caption, columns=_numeric(headings, words), rows=tuple(rows))


def _partners(name: Text, told: JsonMapping, words: Words) -> Iterator[Block]:
    """A partner's own rows with and without the synthetic ones."""
    headings = ("tasks.own_rows", *_WAYS.values(), "tasks.gain")
    rows = [
        (
            (Run(number(size["rows"])),),
            *((Run(number(None if size[way] is None else size[way]["value"])),) for way in _WAYS),
            (Run(_gain(size["gain"], words)),),
        )
        for size in told["sizes"]
    ]
    yield Table(
        caption=words("tasks.partners", task=name),
        columns=_numeric(headings, words),
        rows=tuple(rows),
    )
    if told.get("smote_reason"):
        reason = Run(told["smote_reason"], Look.NAME)
        yield Paragraph(text=words("tasks.smote_reason", reason=reason))


def _gain(gain: JsonMapping | None, words: Words) -> str:
    if gain is None:
        return number(None)
    between = words.text("number.to", low=number(gain["low"]), high=number(gain["high"]))
    return words.text(
        "tasks.with_interval", value=Run(number(gain["value"])), interval=Run(between)
    )


def _information(name: Text, columns: Sequence[JsonMapping], words: Words) -> Figure:
    first = columns[0]
    rows = [(part["column"], part[REAL], part[SYNTHETIC]) for part in columns[:_MOST_COLUMNS]]
    return _bars(
        words("tasks.information", task=name),
        words(
            "tasks.information_text",
            column=first["column"],
            real=Run(number(first[REAL])),
            synthetic=Run(number(first[SYNTHETIC])),
        ),
        rows,
        ("tasks.bin", "tasks.real_rows", "tasks.made"),
        words,
    )


def _evidence(name: Text, columns: Sequence[JsonMapping], words: Words) -> Table:
    """Weights of evidence of the strongest columns' bins, which a page folds away."""
    caption = words("tasks.evidence", task=name)
    rows = [
        (
            (Run(f"{part['column']} {label}", Look.NAME),),
            (Run(f"{real:.3f}"),),
            (Run(f"{made:.3f}"),),
        )
        for part in columns
        for label, real, made in zip(part["bins"], part[REAL], part[SYNTHETIC], strict=True)
    ]
    headings = ("tasks.bin", "tasks.real_rows", "tasks.made")
    return Table(
        caption=caption, columns=_numeric(headings, words), rows=tuple(rows), folded=caption
    )


def _qini(name: Text, curve: JsonMapping, words: Words) -> Figure:
    sides: dict[str, Line] = {
        side: [(0.0, 0.0), *_pairs(curve["share"], curve[side])] for side in _SIDES
    }
    end = (1.0, curve[REAL][-1])
    chart = line_chart(sides, [(0.0, 0.0), end], _QINI, words)
    half = {side: dict(sides[side]).get(_HALF, 0.0) for side in _SIDES}
    rows = [
        (
            (Run(words.percent(share)),),
            (Run(number(curve[REAL][i])),),
            (Run(number(curve[SYNTHETIC][i])),),
        )
        for i, share in enumerate(curve["share"])
        if i % 2  # Tenths.
    ]
    title = words("tasks.qini", task=name)
    headings = ("tasks.share_of_rows", "utility.real", "utility.synthetic")
    return Figure(
        drawing="lines",
        data=(chart,),
        title=title,
        alternative=words(
            "tasks.qini_text", **{side: Run(number(gain)) for side, gain in half.items()}
        ),
        table=Table(caption=title, columns=_numeric(headings, words), rows=tuple(rows)),
    )


def _recommended(name: Text, hits: JsonMapping, words: Words) -> Figure:
    """Hit rates by how many values are recommended, beside popularity."""
    lengths, popular = hits["length"], hits["popularity"]
    sides = {side: _pairs(lengths, hits[side]) for side in _SIDES}
    ten = max(place for place, length in enumerate(lengths) if length <= _TEN)
    said = {side: Run(words.percent(hits[side][ten])) for side in (*_SIDES, "popularity")}
    rows = [
        (
            (Run(number(length)),),
            *((Run(words.percent(hits[side][i])),) for side in (*_SIDES, "popularity")),
        )
        for i, length in enumerate(lengths)
    ]
    headings = ("tasks.length", "utility.real", "utility.synthetic", "tasks.popularity")
    title = words("tasks.recommended", task=name)
    return Figure(
        drawing="lines",
        data=(line_chart(sides, _pairs(lengths, popular), _HITS, words),),
        title=title,
        alternative=words("tasks.recommended_text", **said),
        table=Table(caption=title, columns=_numeric(headings, words), rows=tuple(rows)),
    )


def _forecasts(name: Text, curve: JsonMapping, words: Words) -> Figure:
    """The course of both sides' rows, and what is forecast of the last periods."""
    until, ahead = curve["until"], curve["real_forecast"]
    places = range(len(curve[REAL]))
    sides = {side: _pairs(places, curve[side]) for side in _SIDES}
    rows = []
    for side in _SIDES:
        label = Run(words.text(f"utility.{side}"))
        in_rows, said = sum(curve[side][until + 1 :]), sum(curve[f"{side}_forecast"])
        rows.append(((label,), (Run(number(in_rows)),), (Run(number(said)),)))
    title = words("tasks.forecasts", task=name)
    headings = ("tasks.past_of", "tasks.in_rows", "tasks.forecast_of")
    came = sum(curve[REAL][until + 1 :])
    told = {side: Run(number(sum(curve[f"{side}_forecast"]))) for side in _SIDES}
    return Figure(
        drawing="lines",
        data=(line_chart(sides, [(0.0, 0.0), (float(places[-1]), 0.0)], _COURSE, words),),
        title=title,
        alternative=words("tasks.forecasts_text", count=len(ahead), came=Run(number(came)), **told),
        table=Table(caption=title, columns=_numeric(headings, words), rows=tuple(rows)),
    )


def _sizes(name: Text, segments: Sequence[JsonMapping], words: Words) -> Figure:
    rows = [
        (
            words.text("tasks.marked", place=place, columns=", ".join(part["columns"][:2])),
            part["left_out"],
            part["synthetic"],
        )
        for place, part in enumerate(segments, 1)
    ]
    return _bars(
        words("tasks.sizes", task=name),
        words("tasks.sizes_text", columns=", ".join(segments[0]["columns"][:2])),
        rows,
        ("tasks.segment", "tasks.left_out", "tasks.made"),
        words,
    )


def _bars(
    title: Text,
    text: Text,
    rows: Sequence[tuple[str, float, float]],
    headings: tuple[str, str, str],
    words: Words,
) -> Figure:
    """Pairs of bars, real above synthetic."""
    longest = max((max(pair) for _, *pair in rows), default=0.0) or 1.0
    drawn = [
        {
            "label": label,
            "reference": 100 * max(0.0, real) / longest,
            "synthetic": 100 * max(0.0, made) / longest,
            "reference_text": number(real),
            "synthetic_text": number(made),
        }
        for label, real, made in rows
    ]
    table = Table(
        caption=title,
        columns=_numeric(headings, words),
        rows=tuple(
            ((Run(label, Look.NAME),), (Run(number(real)),), (Run(number(made)),))
            for label, real, made in rows
        ),
    )
    labels = tuple(words.text(key) for key in headings[1:])
    data = {"rows": drawn, "labels": labels}
    return Figure(drawing="pairs", data=data, title=title, alternative=text, table=table)


def _numeric(headings: Sequence[str], words: Words) -> tuple[Column, ...]:
    """Columns of a table of numbers; the first names the row."""
    return tuple(Column(heading=words(key), numeric=i > 0) for i, key in enumerate(headings))


def _pairs(x: Sequence[float], y: Sequence[float]) -> list[tuple[float, float]]:
    return list(zip(x, y, strict=True))

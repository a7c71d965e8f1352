"""Collect what a report tells of relations: noisy figures, and shares among synthetic rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.measurement.noisy_counts import NoisyCounts
from privgan.measurement.relations import Relations, SharePoint, tells_rows
from privgan.report.data import ColumnNoise, Dependence, NoisyRelations, PairSignal
from privgan.report.shapes import labels
from privgan.schema.columns import Discrete
from privgan.schema.schema import Schema
from privgan.schema.tasks import ResponseTask, UpliftTask

MOST_COLUMNS = 40
_MOST_CURVES = 4
# Synthetic rows that a partial dependence is over: the first ones, the same for everybody.
DEPENDENCE_ROWS = 300
_DIGITS, _DEPENDENCE_DIGITS = 6, 4
Counts: TypeAlias = Sequence[NoisyCounts]
# By column: synthetic rows with each of its codes, and those of them with the target's value.
Counted: TypeAlias = Mapping[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Made:
    """What synthetic rows and the generator give, beside what was measured.

    Attributes:
        counted: Counts of the synthetic rows, by ``counted_by`` of the same target.
        dependence: The generator's partial dependence [codes] of the target's value on the column
            of a place; None to leave it out.
    """

    counted: Counted = field(default_factory=dict)
    dependence: Callable[[int], np.ndarray] | None = None


def noisy_relations(
    schema: Schema, encoder: Encoder, kept: Sequence[NoisyCounts], made: Made
) -> NoisyRelations:
    """What the noisy counts tell, with no figure of a real row that is not among them.

    Args:
        schema: The public facts.
        encoder: Rows to codes.
        kept: The noisy counts of the table.
        made: What stands beside them.
    """
    found = Relations(encoder, kept, MOST_COLUMNS)
    target = target_code(schema, encoder)
    curves = []
    if target is not None:
        for place in _ranked(target[0], encoder, found):
            points = found.shares_of(target, place)
            if points is not None:
                curves.append(_curve(encoder, place, points, made))
    return replace(
        _told(encoder, found),
        target=None if target is None else encoder.names[target[0]],
        value=None if target is None else _text(encoder, target),
        curves=curves,
    )


def relations_of_parts(parts: Sequence[tuple[str, Encoder, Counts]]) -> list[NoisyRelations]:
    """What the noisy counts of each part tell; a part that was not counted is left out.

    Args:
        parts: Name, codes and noisy counts of each part of a table in parts.
    """
    return [
        replace(_told(encoder, Relations(encoder, kept, MOST_COLUMNS)), part=name)
        for name, encoder, kept in parts
        if name and tells_rows(kept, encoder)
    ]


def _told(encoder: Encoder, found: Relations) -> NoisyRelations:
    """What is told of single columns and of pairs."""
    names, pairs = encoder.names, found.pairs()
    singles = ((name, found.column(place)) for place, name in enumerate(names[:MOST_COLUMNS]))
    return NoisyRelations(
        columns=[
            ColumnNoise(
                column=name,
                noise=round(one.noise, _DIGITS),
                codes=one.codes,
                weak=one.weak,
            )
            for name, one in singles
            if one is not None
        ],
        pairs=[
            PairSignal(
                first=names[first],
                second=names[second],
                noise=round(one.noise, 2 * _DIGITS),
                strength=round(one.strength, _DIGITS),
                noise_share=round(one.noise_share, _DIGITS),
                told=one.told,
            )
            for (first, second), one in pairs.items()
        ],
    )


def target_code(schema: Schema, encoder: Encoder) -> tuple[int, int] | None:
    """The column that the table mainly predicts, and the code whose share is told.

    It is the value that the first task with one means, else the last category of a target of two.
    None where there is no such code.
    """
    column, text = _target(schema)
    if column not in encoder.names or text is None:
        return None
    place = encoder.names.index(column)
    code = encoder.columns[place]
    if text not in code.cells.texts:
        return None
    own = int(code.code_of[code.cells.texts.index(text)])
    return (place, own) if (code.code_of == own).sum() == 1 else None


def _target(schema: Schema) -> tuple[str, str | None]:
    for task in schema.tasks:
        if isinstance(task, ResponseTask | UpliftTask) and task.main and task.positive:
            return task.main, task.positive
    column = next((one for one in schema.modelled if one.name == schema.target), None)
    if isinstance(column, Discrete) and len(column.categories) == 2:
        return column.name, column.categories[-1]
    return "", None


def counted_by(target: tuple[int, int] | None, encoder: Encoder, codes: np.ndarray) -> Counted:
    """Rows with each code of each column, and those of them with the target's value.

    Args:
        target: By ``target_code``; None counts nothing.
        encoder: Rows to codes.
        codes: Of synthetic rows [rows, columns].
    """
    if target is None:
        return {}
    held = codes[codes[:, target[0]] == target[1]]
    return {
        column.name: (
            np.bincount(codes[:, place], minlength=column.size),
            np.bincount(held[:, place], minlength=column.size),
        )
        for place, column in enumerate(encoder.columns)
        if place != target[0]
    }


def _ranked(target: int, encoder: Encoder, found: Relations) -> list[int]:
    """The columns that go with the target most; those whose relation is told alone."""
    strengths = {}
    for place in range(len(encoder.names)):
        if place != target:
            one = found.pair(min(place, target), max(place, target))
            if one is not None and one.told:
                strengths[place] = one.strength
    return sorted(strengths, key=lambda place: -strengths[place])[:_MOST_CURVES]


def _curve(
    encoder: Encoder,
    place: int,
    points: Sequence[SharePoint | None],
    made: Made,
) -> Dependence:
    column = encoder.columns[place]
    none = np.zeros(column.size, int)
    rows, held = made.counted.get(column.name, (none, none))
    generator = () if made.dependence is None else made.dependence(place)
    return Dependence(
        column=column.name,
        labels=labels(column),
        noisy=[None if one is None else round(one.share, _DIGITS) for one in points],
        noise=[None if one is None else round(one.noise, _DIGITS) for one in points],
        synthetic=shares_by_code(rows, held),
        generator=written_dependence(generator),
    )


def shares_by_code(rows: np.ndarray, held: np.ndarray) -> list[float | None]:
    """The share of some rows among all of each code, as written; None without a row."""
    return [
        round(float(part / whole), _DIGITS) if whole else None
        for part, whole in zip(held, rows, strict=True)
    ]


def written_dependence(shares: Iterable[float]) -> list[float]:
    """A partial dependence as written: the digits that every machine agrees on."""
    return [round(float(share), _DEPENDENCE_DIGITS) for share in shares]


def _text(encoder: Encoder, target: tuple[int, int]) -> str:
    column = encoder.columns[target[0]]
    return str(column.cells.texts[int(np.flatnonzero(column.code_of == target[1])[0])])

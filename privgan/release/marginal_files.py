"""Write and read the noisy marginals of a release: a description, and a table of counts.

The counts are the mechanisms' outputs, unchanged. Both files have one form: whoever reads them can
write them again, byte for byte, so that nothing else is in them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from privgan.domain.encoding import ColumnCode, Encoder
from privgan.errors import InternalError
from privgan.files.fields import MARGINALS as DECLARED
from privgan.files.fields import check_declared
from privgan.files.json_types import JsonDict
from privgan.files.limits import MOST_MARGINAL_CELLS, MOST_MARGINALS
from privgan.files.strict_json import read_json
from privgan.measurement.noisy_counts import Counted, NoisyCounts
from privgan.parts.part import step_of
from privgan.planning.accounted_step import AccountedStep
from privgan.release.table_files import MARGINAL_COUNTS, MARGINALS
from privgan.report.data import MeasuredKind
from privgan.schema.columns import Column, Numeric

FORMAT, MECHANISM = "privgan.marginals/1", "discrete Gaussian noise on whole counts"
HEADER = b"marginal,cell,count\n"
_LINES = re.compile(rb"(?:(?:0|[1-9][0-9]{0,8}),(?:0|[1-9][0-9]{0,8}),(?:0|-?[1-9][0-9]{0,14})\n)*")
_BLOCK, _COLUMNS, _WRITTEN = 4 << 20, 3, 1 << 16


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredPart:
    """What was measured of a table, or of one of its parts.

    Attributes:
        name: The part's name; empty for the table itself.
        encoder: Rows to codes.
        kept: The noisy counts.
    """

    name: str
    encoder: Encoder
    kept: tuple[NoisyCounts, ...]


def written_marginals(parts: Sequence[MeasuredPart], counted: float) -> dict[str, bytes]:
    """The files of noisy marginals; none where nothing was kept.

    Args:
        parts: The table and its parts.
        counted: Probability with which a customer is among those that were counted.
    """
    if not any(part.kept for part in parts):
        return {}
    description = describe_marginals(parts, counted)
    return {
        MARGINALS: description_text(description),
        MARGINAL_COUNTS: b"".join(_counts_text(parts)),
    }


def describe_marginals(parts: Sequence[MeasuredPart], counted: float) -> JsonDict:
    """What was measured, without the counts, as JSON values."""
    return {
        "format": FORMAT,
        "mechanism": MECHANISM,
        "counted": counted,
        "parts": [_part(part) for part in parts],
    }


def description_text(description: JsonDict) -> bytes:
    """The description as the text of its file."""
    check_declared(MARGINALS, description, DECLARED)
    text = json.dumps(description, indent=1, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def _part(part: MeasuredPart) -> JsonDict:
    return {
        "name": part.name,
        "columns": [
            {
                "name": column.name,
                "kind": column.cells.column.kind.value,
                "cells": cell_labels(column),
                "code_of": column.code_of.tolist(),
            }
            for column in part.encoder.columns
        ],
        "marginals": [_marginal(found, part.encoder) for found in part.kept],
    }


def _marginal(found: NoisyCounts, encoder: Encoder) -> JsonDict:
    groups = {} if found.groups is None else {"groups": [list(part) for part in found.groups]}
    return {
        "step": found.step,
        "columns": list(found.columns),
        "counted": found.counted.value,
        "sizes": list(found.sizes(encoder)),
        "noise": found.noise,
        **groups,
    }


def cell_labels(code: ColumnCode) -> list[Any]:
    """Label of each fine cell: a category, a number, its lowest and highest number, None.

    Moments are in seconds since 1970. None is the cell of missing values.
    """
    cells = code.cells
    if cells.texts:
        labels: list[Any] = list(cells.texts)
    else:
        ends = np.stack([cells.starts, cells.starts + cells.lengths - 1], axis=1)
        numbers = (cells.origin + ends * cells.step).tolist()
        labels = [_number(value, cells.column) for value in cells.special]
        labels += [[_number(value, cells.column) for value in pair] for pair in numbers]
        labels = [_alone(label) for label in labels]
    return labels + ([None] if cells.missing_code is not None else [])


def _number(value: float, column: Column) -> float | int:
    decimals = column.decimals if isinstance(column, Numeric) else 0
    rounded = round(float(value), decimals)
    return rounded if decimals else int(rounded)


def _alone(label: Any) -> Any:
    return label[0] if isinstance(label, list) and label[0] == label[1] else label


def _counts_text(parts: Sequence[MeasuredPart]) -> Iterator[bytes]:
    yield HEADER
    for index, found in enumerate(found for part in parts for found in part.kept):
        figures = found.figures.tolist()
        for start in range(0, len(figures), _WRITTEN):
            block = enumerate(figures[start : start + _WRITTEN], start)
            yield "".join(f"{index},{cell},{count}\n" for cell, count in block).encode()


def read_description(content: bytes) -> JsonDict:
    """The description of a file's content.

    Raises:
        ValueError: It is no JSON of this format, or describes more than any plan measures.
    """
    found = read_json(content, MARGINALS)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"it is not in the format {FORMAT}")
    stated = [each for part in found["parts"] for each in part["marginals"]]
    cells = sum(int(np.prod(each["sizes"], dtype=float)) for each in stated)
    if len(stated) > MOST_MARGINALS or cells > MOST_MARGINAL_CELLS:
        raise ValueError("it describes more marginals than any plan has")
    return found


def read_counts(reader: BinaryIO, cells: Sequence[int]) -> list[np.ndarray]:
    """The figures of each marginal [cells], int64.

    Args:
        reader: The table of counts.
        cells: Number of figures of each marginal.

    Raises:
        ValueError: It is written otherwise, or has other cells.
    """
    if reader.readline(len(HEADER)) != HEADER:
        raise ValueError("it begins otherwise than a table of counts")
    total, found, place = sum(cells), [], 0
    wanted = np.repeat(np.arange(len(cells)), cells)
    starts = np.repeat(np.cumsum([0, *cells[:-1]]) if cells else 0, cells)
    for block in _blocks(reader):
        if not _LINES.fullmatch(block):
            raise ValueError("it holds more than whole numbers, or they are written otherwise")
        rows = np.array(block.replace(b"\n", b",").split(b",")[:-1], dtype=np.int64)
        rows = rows.reshape(-1, _COLUMNS)
        end = place + len(rows)
        if end > total:
            raise ValueError("it has more cells than its description")
        places = np.arange(place, end) - starts[place:end]
        if (rows[:, 0] != wanted[place:end]).any() or (rows[:, 1] != places).any():
            raise ValueError("its cells are not those of its description, in their order")
        found.append(rows[:, 2])
        place = end
    if place != total:
        raise ValueError("it has fewer cells than its description")
    figures = np.concatenate(found) if found else np.zeros(0, np.int64)
    return np.split(figures, np.cumsum(cells)[:-1]) if cells else []


def _blocks(reader: BinaryIO) -> Iterator[bytes]:
    """Blocks of whole lines; a longer line than any ends the reading."""
    kept = b""
    while block := reader.read(_BLOCK):
        lines, newline, rest = (kept + block).rpartition(b"\n")
        if not newline:
            raise ValueError("a line is longer than any of a table of counts")
        yield lines + newline
        kept = rest
    if kept:
        raise ValueError("its last line does not end")


def measured_parts(
    description: Mapping[str, Any], figures: Sequence[np.ndarray], encoders: Mapping[str, Encoder]
) -> tuple[MeasuredPart, ...]:
    """What was measured, from both files.

    Args:
        description: The description.
        figures: The figures of each marginal.
        encoders: The codes of the table, by the empty name, and of its parts.

    Raises:
        ValueError, LookupError, TypeError: It does not fit these codes.
    """
    left = iter(figures)
    parts = [
        MeasuredPart(
            name=part["name"],
            encoder=encoders[part["name"]],
            kept=tuple(_read(each, next(left)) for each in part["marginals"]),
        )
        for part in description["parts"]
    ]
    wrong = [
        found.step
        for part in parts
        for found in part.kept
        if found.cells(part.encoder) != len(found.figures)
    ]
    if wrong:
        raise ValueError(f"marginals of {len(wrong)} steps have other cells than the model's codes")
    return tuple(parts)


def _read(stated: Mapping[str, Any], figures: np.ndarray) -> NoisyCounts:
    groups = stated.get("groups")
    return NoisyCounts(
        step=str(stated["step"]),
        columns=tuple(map(str, stated["columns"])),
        counted=Counted(stated["counted"]),
        noise=float(stated["noise"]),
        figures=figures,
        groups=None if groups is None else tuple(tuple(map(int, part)) for part in groups),
    )


def cells_of_each(description: Mapping[str, Any]) -> list[int]:
    """Number of figures of each described marginal."""
    return [
        int(np.prod(each["sizes"], dtype=np.int64))
        for part in description["parts"]
        for each in part["marginals"]
    ]


def measured_kinds(
    description: Mapping[str, Any], accounting: Sequence[AccountedStep]
) -> list[MeasuredKind]:
    """What was measured, by kind of step, for a report.

    Args:
        description: The description.
        accounting: The charged steps.
    """
    kinds = {step.name: step.kind for step in accounting}
    found: dict[str, list[Mapping[str, Any]]] = {}
    for part in description["parts"]:
        for each in part["marginals"]:
            step = step_of(part["name"], each["step"]) if part["name"] else each["step"]
            found.setdefault(kinds[step], []).append(each)
    return [
        MeasuredKind(
            kind=kind,
            number=len(members),
            cells=sum(int(np.prod(one["sizes"], dtype=np.int64)) for one in members),
            least_noise=min(one["noise"] for one in members),
            most_noise=max(one["noise"] for one in members),
        )
        for kind, members in found.items()
    ]


def check_description(name: str, content: bytes) -> None:
    """Check that each field of a description is declared; InternalError names them."""
    check_declared(name, read_description(content), DECLARED)


def check_counts(name: str, reader: BinaryIO) -> None:
    """Check that a table of counts holds whole numbers alone, without reading its description.

    Raises:
        InternalError: It holds anything else.
    """
    if reader.readline(len(HEADER)) != HEADER:
        raise InternalError(f"{name}: begins otherwise than a table of counts")
    for block in _blocks(reader):
        if not _LINES.fullmatch(block):
            raise InternalError(f"{name}: holds more than whole numbers")

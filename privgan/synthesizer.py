"""Sample from a fitted synthesizer: a generator, an encoder and noisy frequencies.

It holds no row and samples for free.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.torch import load_file, save_file
from torch import Tensor

from privgan.domain.cells import cells_of
from privgan.domain.conditions import ColumnCondition
from privgan.domain.encoding import Encoder, encoder_from_json
from privgan.errors import UsageError
from privgan.files.limits import (
    LARGEST_JSON,
    LARGEST_TENSORS,
    MOST_CELLS,
    MOST_JSON_PARTS,
    MOST_SAMPLED_CELLS,
    MOST_SAMPLED_ROWS,
)
from privgan.generator.distribution import Distribution
from privgan.generator.frozen import Frozen, facts_of, format_of, frozen_of, tensors_of
from privgan.generator.mixture import Mixture
from privgan.generator.network_form import FORMATS, ONE_MODEL, PARTS_FORMAT
from privgan.generator.related_sampler import RelatedSampler
from privgan.generator.row_sampler import RowSampler
from privgan.naming import call, parameter
from privgan.parts.history_form import parts_of
from privgan.privacy.guarantee import Guarantee
from privgan.schema.schema import Schema
from privgan.table.schema_file import dump_schema, parse_schema

WEIGHTS, FACTS = "model.safetensors", "model.json"
CHUNK = 100_000
_FACTS_FILE = "model/model.json"  # Its name in a release, by which its limits are stated.
_LARGEST_FACTS = LARGEST_JSON[_FACTS_FILE]


@dataclass(frozen=True, kw_only=True, eq=False)
class Synthesizer:
    """A frozen synthesizer.

    Attributes:
        schema: The public facts.
        encoder: Codes to values; its merged bins are measured facts.
        model: The frozen generator: a mixture or an autoregressive network; None of a table in
            parts.
        frequencies: Noisy share of each code of each column.
        max_cells: The plan's number of fine cells.
        rows: The default number of rows: the planned row count.
        rows_of_each: Noisy share of the customers with 1, 2, … rows.
        guarantee: What the run that made it claims.
        parts: By name the synthesizer of each part; empty of a whole table.
    """

    schema: Schema
    encoder: Encoder
    model: Frozen | None
    frequencies: tuple[np.ndarray, ...]
    max_cells: int
    rows: int
    rows_of_each: tuple[float, ...]
    guarantee: Guarantee
    parts: Mapping[str, Synthesizer] = field(default_factory=dict)

    def sample(
        self,
        rows: int | None = None,
        *,
        seed: int = 0,
        where: tuple[ColumnCondition, ...] = (),
        balanced: bool = False,
    ) -> pd.DataFrame:
        """Synthetic rows in the schema's types and order.

        Each holds every constraint of the schema.

        Args:
            rows: How many; None for the planned row count.
            seed: Public randomness: the same seed draws the same rows.
            where: Conditions that every row meets.
            balanced: Whether 3-way counts are brought near to what the model expects, as in the
                table of a candidate; it takes some 50 times as long as drawing. Of a network
                nothing more is done: its uniform numbers are spread evenly in any case.

        Raises:
            IncompleteError: when the model gives the conditions next to no probability, or none
                beside the constraints.
        """
        wanted = self.rows if rows is None else rows
        most = MOST_SAMPLED_CELLS // len(self.schema.columns)
        if wanted > most:
            raise UsageError(
                f"{parameter('rows')} is {wanted}; at once it must be at most {most:,}; draw more"
                f" by {call('Synthesizer.chunks')}"
            )
        parts = list(self.chunks(rows, seed=seed, where=where, balanced=balanced))
        return pd.concat(parts, ignore_index=True)

    def chunks(
        self,
        rows: int | None = None,
        *,
        seed: int = 0,
        where: tuple[ColumnCondition, ...] = (),
        balanced: bool = False,
    ) -> Chunks:
        """Sample in chunks of at most 100,000 rows, in bounded memory.

        Raises:
            UsageError: when the number of rows is none that can be drawn.
            IncompleteError: as ``sample``.
        """
        wanted = self.rows if rows is None else rows
        if wanted < 1:
            raise UsageError(f"{parameter('rows')} is {wanted}; it must be at least 1")
        if wanted > MOST_SAMPLED_ROWS:
            told = f"it must be at most {MOST_SAMPLED_ROWS:,}"
            raise UsageError(f"{parameter('rows')} is {wanted}; {told}")
        return Chunks(RowSampler(self, seed, where, balanced=balanced), wanted)

    @property
    def distribution(self) -> Distribution:
        """The model's distribution over codes; of a table in parts that of its first part."""
        if self.model is not None:
            return self.model.distribution
        first = self.parts[self.schema.root].distribution
        assert isinstance(first, Mixture)
        # A part begins with the table's own columns. Given an entry columns are independent.
        return Mixture(first.probabilities[: len(self.encoder.columns)])

    def related(self, seed: int = 0) -> RelatedSampler:
        """Draws customers with their rows in all related tables.

        Args:
            seed: Public randomness: the same seed draws the same rows.

        Raises:
            UsageError: The schema lists no related tables.
        """
        if not self.schema.tables:
            raise UsageError(f"{self.schema.dataset}: the schema lists no related tables")
        return RelatedSampler(self, seed)

    def save(self, folder: Path) -> None:
        """Write ``model.safetensors`` and ``model.json``: no pickle, no row."""
        self._save(folder, {"schema": dump_schema(self.schema)})

    def _save(self, folder: Path, more: Mapping[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if self.model is not None:
            save_file(tensors_of(self.model), folder / WEIGHTS)
        for name, part in self.parts.items():
            part._save(folder / name, {})
        facts = {
            "format": PARTS_FORMAT if self.model is None else format_of(self.model),
            "rows": self.rows,
            "rows_of_each": list(self.rows_of_each),
            "max_cells": self.max_cells,
            **({} if self.model is None else facts_of(self.model)),
            "guarantee": self.guarantee.to_json(),
            **more,
            "columns": {column.name: column.to_json() for column in self.encoder.columns},
            "frequencies": [
                [round(float(share), 9) for share in shares] for shares in self.frequencies
            ],
        }
        (folder / FACTS).write_text(
            json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8"
        )


class Chunks(Iterator[pd.DataFrame]):
    """Frames of drawn rows, one after another.

    Args:
        sampler: Draws the rows.
        rows: How many in all.
    """

    def __init__(self, sampler: RowSampler, rows: int) -> None:
        self._sampler, self._rows = sampler, rows

    def __next__(self) -> pd.DataFrame:
        """The next rows."""
        first = self._sampler.rows
        if first >= self._rows:
            raise StopIteration
        return self._sampler.chunk(min(CHUNK, self._rows - first), first + 1)

    @property
    def note(self) -> str | None:
        """What to say of the rows drawn so far; None where each tells as much as any other."""
        rows, found = self._sampler.rows, int(self._sampler.effective_rows)
        if found >= rows:
            return None
        return (
            f"the conditions are rare in the model: some of the {rows:,} rows repeat others, and"
            f" together they tell as much as {found:,} independent ones"
        )


def load_synthesizer(folder: Path | str) -> Synthesizer:
    """Read a saved synthesizer; loading runs no code from the files.

    Raises:
        UsageError: when the folder holds none, or one of another version.
    """
    folder = Path(folder)
    try:
        facts = _facts_of(folder / FACTS)
        weights = _weights_of(folder, facts)
    except FileNotFoundError as error:
        raise UsageError(
            f"{folder}: holds no model ({Path(error.filename or FACTS).name} is missing); give a"
            " candidate or a release"
        ) from error
    except Exception as error:
        raise UsageError(
            f"{folder}: the model cannot be read ({type(error).__name__}); it is damaged or no"
            " privgan model"
        ) from error
    found = facts.get("format") if isinstance(facts, dict) else None
    if found not in FORMATS:
        known = " and ".join(FORMATS)
        raise UsageError(f"{folder}: the model's format is {found!r}; this privgan reads {known}")
    try:
        synthesizer = _whole(folder, facts, weights)
        # Whoever loads a model samples from it, and parts that do not fit show here.
        _ = synthesizer.distribution
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        RuntimeError,
        MemoryError,
    ) as error:
        raise UsageError(
            f"{folder}: the model's parts do not fit together ({type(error).__name__}); it is"
            " damaged"
        ) from error
    return synthesizer


def _weights_of(folder: Path, facts: Any) -> Mapping[str, Tensor]:
    """The tensors of a model; a table in parts has none beside theirs."""
    if isinstance(facts, dict) and facts.get("format") == PARTS_FORMAT:
        return {}
    if (folder / WEIGHTS).stat().st_size > LARGEST_TENSORS:
        raise ValueError("larger than any model")
    found: Mapping[str, Tensor] = load_file(folder / WEIGHTS)
    return found


def _whole(folder: Path, facts: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Synthesizer:
    """A model with the models of its parts."""
    schema = parse_schema(facts["schema"], name="the model's schema")
    parts = {}
    for part in parts_of(schema):
        own = _facts_of(folder / part.name / FACTS)
        if own["format"] not in ONE_MODEL:
            raise ValueError("format")
        tensors = _weights_of(folder / part.name, own)
        parts[part.name] = _rebuilt(part.schema, own, tensors)
    return replace(_rebuilt(schema, facts, weights), parts=parts)


def _facts_of(path: Path) -> Any:
    """The model's description; ValueError where it is too large."""
    with path.open("rb") as reader:
        content = reader.read(_LARGEST_FACTS + 1)
    if len(content) > _LARGEST_FACTS or content.count(b",") > MOST_JSON_PARTS[_FACTS_FILE]:
        raise ValueError("larger than any model's description")
    return json.loads(content.decode("utf-8"))


def _check_sound(facts: Mapping[str, Any]) -> None:
    """Check that its numbers are possible in a fitted model; ValueError says which is not."""
    most = {"rows": MOST_SAMPLED_ROWS, "max_cells": MOST_CELLS}
    for name, limit in most.items():
        if type(facts[name]) is not int or not 1 <= facts[name] <= limit:
            raise ValueError(name)
    within = (part["within"] for part in facts["columns"].values())
    for shares in (facts["rows_of_each"], *facts["frequencies"], *within):
        _check_shares(np.asarray(shares, float))


def _check_shares(found: np.ndarray) -> None:
    if found.ndim != 1 or not (np.isfinite(found) & (found >= 0)).all() or not found.sum() > 0:
        raise ValueError("shares")


def _encoder_of(schema: Schema, facts: Mapping[str, Any]) -> Encoder:
    """The encoder, each column checked against its cells before the next is made."""
    cells = {}
    for column in schema.modelled:
        cells[column.name] = cells_of(column, facts["max_cells"])
        codes = np.asarray(facts["columns"][column.name]["code_of"], np.int64)
        within = facts["columns"][column.name]["within"]
        if not len(codes) == len(within) == cells[column.name].size:
            raise ValueError("codes")
        if not np.array_equal(np.unique(codes), np.arange(codes.max() + 1)):
            raise ValueError("codes")
    return encoder_from_json(cells, facts["columns"])


def _rebuilt(
    schema: Schema, facts: Mapping[str, Any], weights: Mapping[str, Tensor]
) -> Synthesizer:
    _check_sound(facts)
    encoder = _encoder_of(schema, facts)
    if [len(shares) for shares in facts["frequencies"]] != list(encoder.sizes):
        raise ValueError("frequencies")
    return Synthesizer(
        schema=schema,
        encoder=encoder,
        model=None if facts["format"] == PARTS_FORMAT else frozen_of(facts, weights, encoder.sizes),
        frequencies=tuple(np.asarray(shares) for shares in facts["frequencies"]),
        max_cells=facts["max_cells"],
        rows=facts["rows"],
        rows_of_each=tuple(facts["rows_of_each"]),
        guarantee=Guarantee.from_json(facts["guarantee"]),
    )

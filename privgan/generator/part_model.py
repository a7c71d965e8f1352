"""Hold the fitted model of one part of a table, and write it among a model's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from privgan.domain.cells import cells_of
from privgan.domain.encoding import Encoder, encoder_from_json
from privgan.files.limits import MOST_CELLS, MOST_SAMPLED_ROWS
from privgan.generator.chain import Chain
from privgan.generator.distribution import Distribution
from privgan.generator.frozen import Frozen, facts_of, format_of, frozen_of, tensors_of
from privgan.generator.network_form import MIXTURE_FORMAT
from privgan.parts.forms import parts_with
from privgan.parts.part import Part, part_of, step_of
from privgan.schema.schema import Schema


@dataclass(frozen=True, kw_only=True, eq=False)
class PartModel:
    """The fitted model of a part; it holds no row.

    Attributes:
        part: The part.
        encoder: Codes to values.
        model: The frozen generator.
        frequencies: Noisy share of each code of each column.
        max_cells: The plan's number of fine cells.
        rows: The planned number of the view's rows.
    """

    part: Part
    encoder: Encoder
    model: Frozen
    frequencies: tuple[np.ndarray, ...]
    max_cells: int
    rows: int

    @property
    def schema(self) -> Schema:
        """The view's columns."""
        return self.part.schema

    @property
    def distribution(self) -> Distribution:
        """The model's distribution over codes."""
        return self.model.distribution

    @property
    def rows_of_each(self) -> tuple[float, ...]:
        """Rows of a view are drawn one by one."""
        return (1.0,)

    def facts(self) -> dict[str, Any]:
        """What its file states beside the tensors."""
        return {
            "format": format_of(self.model),
            "rows": self.rows,
            "max_cells": self.max_cells,
            **facts_of(self.model),
            **coded_facts(self.encoder, self.frequencies),
        }

    def tensors(self) -> dict[str, Tensor]:
        """Its tensors, by names that begin with the part's."""
        return {
            step_of(self.part.name, name): part for name, part in tensors_of(self.model).items()
        }


def coded_facts(encoder: Encoder, frequencies: tuple[np.ndarray, ...]) -> dict[str, Any]:
    """Codes and noisy shares of columns as JSON values."""
    return {
        "columns": {column.name: column.to_json() for column in encoder.columns},
        "frequencies": [[round(float(share), 9) for share in shares] for shares in frequencies],
    }


def coded_of(
    schema: Schema, facts: Mapping[str, Any], max_cells: Mapping[str, int]
) -> tuple[Encoder, tuple[np.ndarray, ...]]:
    """Codes and noisy shares from JSON values, each column checked before the next is made.

    Args:
        schema: The columns.
        facts: ``columns`` and ``frequencies``.
        max_cells: By column the number of fine cells.

    Raises:
        ValueError: A number is none that a fit leaves.
    """
    cells = {}
    for column in schema.modelled:
        cells[column.name] = cells_of(column, max_cells[column.name])
        codes = np.asarray(facts["columns"][column.name]["code_of"], np.int64)
        within = facts["columns"][column.name]["within"]
        if not len(codes) == len(within) == cells[column.name].size:
            raise ValueError("codes")
        if not np.array_equal(np.unique(codes), np.arange(codes.max() + 1)):
            raise ValueError("codes")
    encoder = encoder_from_json(cells, facts["columns"])
    for shares in (*facts["frequencies"], *(part["within"] for part in facts["columns"].values())):
        check_shares(np.asarray(shares, float))
    if [len(shares) for shares in facts["frequencies"]] != list(encoder.sizes):
        raise ValueError("frequencies")
    return encoder, tuple(np.asarray(shares) for shares in facts["frequencies"])


def check_shares(found: np.ndarray) -> None:
    """Check that shares are possible in a fitted model; ValueError where they are not."""
    if found.ndim != 1 or not (np.isfinite(found) & (found >= 0)).all() or not found.sum() > 0:
        raise ValueError("shares")


def check_whole(facts: Mapping[str, Any]) -> None:
    """Check a model's whole numbers; ValueError says which is not possible."""
    for name, most in (("rows", MOST_SAMPLED_ROWS), ("max_cells", MOST_CELLS)):
        if type(facts[name]) is not int or not 1 <= facts[name] <= most:
            raise ValueError(name)


def parts_stated(schema: Schema, facts: Mapping[str, Any]) -> tuple[Part, ...]:
    """The parts that a file's model has, of this or an earlier version of privgan.

    Args:
        schema: The public facts, of a table in parts.
        facts: What the file states of each part, by name.

    Raises:
        ValueError, LookupError, AttributeError, TypeError: The first part states no columns.
    """
    return parts_with(schema, facts[next(iter(facts), "")]["columns"])


def part_models(
    parts: tuple[Part, ...], facts: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> tuple[PartModel, ...]:
    """The models of all parts of a file.

    Args:
        parts: The parts that the schema has.
        facts: What the file states of each, by name.
        tensors: All tensors.

    Raises:
        ValueError, LookupError, TypeError, RuntimeError: A part is missing, or not as a fit leaves
            it.
    """
    if list(facts) != [part.name for part in parts]:
        raise ValueError("parts")
    for stated in facts.values():
        check_whole(stated)
    if any(not part_of(name, tuple(facts)) for name in tensors):
        raise ValueError("tensors")
    cells = {name: stated["max_cells"] for name, stated in facts.items()}
    return tuple(_part_model(part, facts[part.name], _own(tensors, part), cells) for part in parts)


def _own(tensors: Mapping[str, Tensor], part: Part) -> dict[str, Tensor]:
    """A part's tensors, by their names within it."""
    before = step_of(part.name, "")
    return {
        name.removeprefix(before): found
        for name, found in tensors.items()
        if name.startswith(before)
    }


def chain_of(part: Part, names: Sequence[str]) -> Chain:
    """The order in which a network draws a part's columns.

    Args:
        part: The part.
        names: Its columns, in the table's order.
    """
    known = [at for at, name in enumerate(part.chain) if name in part.context]
    return Chain(tuple(names.index(name) for name in part.chain), frozenset(known))


def _part_model(
    part: Part,
    facts: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    cells: Mapping[str, int],
) -> PartModel:
    encoder, frequencies = coded_of(part.schema, facts, cells_by_column(part, cells))
    return PartModel(
        part=part,
        encoder=encoder,
        model=frozen_of(facts, tensors, sizes_of(part, encoder, facts["format"])),
        frequencies=frequencies,
        max_cells=facts["max_cells"],
        rows=facts["rows"],
    )


def sizes_of(part: Part, encoder: Encoder, found: str) -> tuple[int, ...]:
    """Number of codes of each column, in the order that a part's model of a format has them."""
    if found == MIXTURE_FORMAT or not part.chain:
        return encoder.sizes
    return chain_of(part, encoder.names).sizes(encoder.sizes)


def cells_by_column(part: Part, cells: Mapping[str, int]) -> dict[str, int]:
    """Number of fine cells of each of a part's columns, which is that of the part that lends them.

    Args:
        part: The part.
        cells: The number of each part.
    """
    return {name: cells[part.borrowed.get(name, (part.name, ""))[0]] for name in part.schema.names}

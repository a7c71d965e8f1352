"""Take a released model apart: the table's codes, and each generator with its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.generator.network_form import NETWORK_FORMAT, PARTS_FORMAT
from privgan.generator.part_model import cells_by_column, coded_of, parts_stated, sizes_of
from privgan.parts.part import Part, part_of, step_of
from privgan.planning.plan_facts import PlanFacts
from privgan.release.verification.released import Released
from privgan.schema.schema import Schema

_FINE = "cells:"  # A column whose fine cells were counted first is the one whose cells are merged.


Coded: TypeAlias = tuple[Encoder, tuple[np.ndarray, ...]]


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelPiece:
    """A generator with its codes; of a table in parts also the table's codes alone.

    Attributes:
        name: The part's name; empty for the table itself.
        schema: Its columns.
        facts: What ``model.json`` states of it.
        coded: Reads values to codes, and the noisy share of each code of each column.
        plan: Its rows, kind and settings by the plan; None where the plan states none.
        merged: The columns whose cells the plan merges; None where that is not known.
        part: The part; None for the table itself.
    """

    name: str
    schema: Schema
    facts: Mapping[str, Any]
    coded: Callable[[], Coded]
    plan: Mapping[str, Any] | None
    merged: set[str] | None
    part: Part | None = None

    @cached_property
    def _coded(self) -> Coded:
        return self.coded()

    @property
    def encoder(self) -> Encoder:
        """Values to codes."""
        return self._coded[0]

    @property
    def frequencies(self) -> tuple[np.ndarray, ...]:
        """Noisy share of each code of each column."""
        return self._coded[1]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each column, in the order that the generator has them."""
        if self.part is None:
            return self.encoder.sizes
        return sizes_of(self.part, self.encoder, self.facts["format"])

    @property
    def is_network(self) -> bool:
        """Whether it is an autoregressive network; otherwise it is a mixture."""
        return bool(self.facts["format"] == NETWORK_FORMAT)

    @property
    def where(self) -> str:
        """What stands before a problem of it."""
        return f"part {self.name}: " if self.name else ""

    def tensor(self, name: str) -> str:
        """Name of one of its tensors among all."""
        return step_of(self.name, name) if self.name else name

    def setting(self, part: str, name: str, otherwise: Any) -> Any:
        """A setting of ``marginals``, ``generator`` or ``network``, where the plan states it."""
        settings = (self.plan or {}).get("settings", {})
        return (settings.get(part) or {}).get(name, otherwise)


def table_piece(released: Released) -> ModelPiece:
    """The table's own piece; of a table in parts its codes, which it has from these."""
    plan = released.manifest.plan
    return ModelPiece(
        name="",
        schema=released.schema,
        facts=released.model,
        coded=lambda: (released.encoder, released.frequencies),
        plan=plan.raw,
        merged=None if is_in_parts(released) else _merged(plan, ""),
    )


def is_in_parts(released: Released) -> bool:
    """Whether the model is of a table in parts."""
    return bool(released.model["format"] == PARTS_FORMAT)


def part_pieces(released: Released) -> Iterator[ModelPiece]:
    """The pieces of a table's parts; none of a table without.

    Raises:
        ValueError, LookupError: A part is missing, or not as a fit leaves it.
    """
    if not is_in_parts(released):
        return
    stated = released.model["parts"]
    parts = parts_stated(released.schema, stated)
    if list(stated) != [part.name for part in parts]:
        raise ValueError("parts")
    cells = {name: facts["max_cells"] for name, facts in stated.items()}
    planned = {found["name"]: found for found in released.manifest.plan.get("parts", [])}
    for part in parts:
        yield _piece(released, part, cells, planned.get(part.name))


def _piece(
    released: Released,
    part: Part,
    cells: Mapping[str, int],
    planned: Mapping[str, Any] | None,
) -> ModelPiece:
    facts = released.model["parts"][part.name]
    merged = _merged(released.manifest.plan, part.name)
    return ModelPiece(
        name=part.name,
        schema=part.schema,
        facts=facts,
        coded=lambda: coded_of(part.schema, facts, cells_by_column(part, cells)),
        plan=planned,
        merged=None if merged is None else merged | set(part.borrowed),
        part=part,
    )


def _merged(plan: PlanFacts, part: str) -> set[str] | None:
    """The columns whose cells the plan merges; None where step names are unknown."""
    if not any(step.kind == "1-way marginal" for step in plan.steps):
        return None
    before = step_of(part, _FINE) if part else _FINE
    names = [step.name for step in plan.steps if step.name.startswith(before)]
    return {name.removeprefix(before) for name in names}


def most_rows(released: Released, step: str) -> int:
    """How many rows of a customer a step may count, by the plan's parts."""
    planned = {found["name"]: found for found in released.manifest.plan.get("parts", [])}
    found = planned.get(part_of(step, tuple(planned)))
    return released.schema.unit.max_rows if found is None else found["max_rows_per_unit"]

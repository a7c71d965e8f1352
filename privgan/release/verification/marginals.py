"""Check the noisy marginals of a release: plan, form, codes, and the size of their noise."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.measurement.marginals import Measurements
from privgan.measurement.noise_check import noise_problems
from privgan.measurement.noisy_counts import Counted, NoisyCounts, marginals_of
from privgan.parts.part import step_of
from privgan.planning.plan import StepKind
from privgan.planning.plan_facts import PlanFacts, PlannedStep
from privgan.release.marginal_files import (
    MeasuredPart,
    cells_of_each,
    describe_marginals,
    description_text,
    measured_parts,
    read_counts,
)
from privgan.release.table_files import MARGINAL_COUNTS, MARGINALS
from privgan.release.verification.integrity import shown
from privgan.release.verification.model_pieces import part_pieces, table_piece
from privgan.release.verification.released import MODEL, SCHEMA, Released

_EXACT, _WRITTEN = 1e-9, 1e-6


@dataclass(frozen=True)
class _Kind:
    """What a kind of step gives out: how many columns each of its marginals has, and cells of what.

    Attributes:
        columns: Number of columns; None for any.
        counted: What the cells may be.
        whole: Whether every marginal of the step must be there; a choice may find nothing left.
    """

    columns: int | None
    counted: frozenset[Counted]
    whole: bool = True


_CODES, _DIFFERENCES = frozenset({Counted.CODES}), frozenset({Counted.DIFFERENCES})
COUNTING: Mapping[str, _Kind] = {
    StepKind.CELL_HISTOGRAM: _Kind(1, frozenset({Counted.FINE})),
    StepKind.OUTCOME_HISTOGRAM: _Kind(2, frozenset({Counted.GROUPS})),
    StepKind.MARGINAL: _Kind(1, _CODES),
    StepKind.TARGET_PAIRS: _Kind(2, _CODES),
    StepKind.PAIRS: _Kind(2, _CODES),
    StepKind.TARGET_DIFFERENCES: _Kind(2, _DIFFERENCES),
    StepKind.DIFFERENCES: _Kind(2, _DIFFERENCES),
    StepKind.TASK_TRIPLES: _Kind(3, _CODES),
    StepKind.TARGET_TRIPLES: _Kind(3, _CODES),
    StepKind.TRIPLES: _Kind(3, _CODES),
    StepKind.CHOSEN_MARGINAL: _Kind(None, frozenset({Counted.CODES, Counted.GROUPS}), whole=False),
}
_NAMED = {StepKind.CELL_HISTOGRAM: "cells:", StepKind.MARGINAL: "marginal:"}


def marginal_problems(released: Released) -> Iterator[str]:
    """Contradictions of a release's noisy marginals with the rest of it, a sentence each."""
    held = [name for name in (MARGINALS, MARGINAL_COUNTS) if released.holds(name)]
    if not held:
        return
    if len(held) == 1:
        yield f"{held[0]}: is there, and the other file of the noisy marginals is not"
        return
    if not (released.holds(SCHEMA) and released.holds(MODEL)):
        yield f"{MARGINALS}: cannot be read without schema and model"
        return
    parts = released_marginals(released)
    plan = released.manifest.plan
    found = [*_form_problems(released, parts), *_plan_problems(parts, plan)]
    yield from (f"{MARGINALS}: {problem}" for problem in found)
    if not found:
        yield from (f"{MARGINAL_COUNTS}: {problem}" for problem in _figure_problems(parts))
        yield from _model_problems(released, parts)


def released_marginals(released: Released) -> tuple[MeasuredPart, ...]:
    """What was measured of a release's table and of its parts.

    Raises:
        ValueError, LookupError, TypeError: The files do not fit each other, or the model's codes.
    """
    description = released.marginals
    with released.opened(MARGINAL_COUNTS) as reader:
        figures = read_counts(reader, cells_of_each(description))
    return measured_parts(description, figures, _encoders(released))


def _encoders(released: Released) -> dict[str, Encoder]:
    pieces = [table_piece(released), *part_pieces(released)]
    return {piece.name: piece.encoder for piece in pieces}


def counted_share(plan: PlanFacts) -> float:
    """Probability with which a customer is among those that were counted."""
    return 1.0 - float(plan.get("canary_probability", 0.0)) / 2.0


def _form_problems(released: Released, parts: Sequence[MeasuredPart]) -> Iterator[str]:
    if [part.name for part in parts] != list(_encoders(released)):
        yield "its parts are not those of the model"
        return
    counted = counted_share(released.manifest.plan)
    if description_text(describe_marginals(parts, counted)) != released.content(MARGINALS):
        yield "is not written as privgan writes it: it holds more than schema, codes and plan give"


def _plan_problems(parts: Sequence[MeasuredPart], plan: PlanFacts) -> Iterator[str]:
    """Check that exactly what the plan's steps paid for is there, with the noise of its step."""
    steps = {step.name: step for step in plan.steps if step.kind in COUNTING}
    measured = [
        (step_of(part.name, found.step) if part.name else found.step, found)
        for part in parts
        for found in part.kept
    ]
    yield from (
        f"{shown(name)} is no step of the plan that counts"
        for name in dict.fromkeys(name for name, _ in measured)
        if name not in steps
    )
    for name, step in steps.items():
        found = [one for called, one in measured if called == name]
        yield from (f"step {shown(name)}: {problem}" for problem in _step_problems(step, found))


def _step_problems(step: PlannedStep, found: Sequence[NoisyCounts]) -> Iterator[str]:
    kind = COUNTING[step.kind]
    paid = step.event["count"] if step.event["event"] == "repeated" else 1
    if len(found) > paid:
        yield f"{len(found)} marginals are there, and {paid} were paid for"
    elif kind.whole and len(found) < paid:
        yield f"{len(found)} marginals are there of the {paid} that were measured"
    if max(Counter(one.columns for one in found).values(), default=0) > 1:
        yield "the same columns stand there twice"
    for one in found:
        if not math.isclose(one.noise, step.noise, rel_tol=_EXACT):
            yield f"the noise is said to be {one.noise:g}, and the plan's is {step.noise:g}"
        if one.counted not in kind.counted or kind.columns not in {None, len(one.columns)}:
            yield f"a {shown(step.kind)} has no {shown(one.counted)} of {len(one.columns)} columns"
        before = _NAMED.get(StepKind(step.kind))
        if before and not step.name.endswith(f"{before}{one.columns[0]}"):
            yield f"counts {shown(one.columns[0])}, of which the plan's step does not speak"


def _figure_problems(parts: Sequence[MeasuredPart]) -> Iterator[str]:
    for part in parts:
        where = f"part {part.name}: " if part.name else ""
        yield from (f"{where}{told}" for told in noise_problems(part.kept, part.encoder))


def _model_problems(released: Released, parts: Sequence[MeasuredPart]) -> Iterator[str]:
    """Check that the model's shares of codes are those that the marginals give."""
    planned: list[Mapping[str, Any]] = released.manifest.plan.get("parts", [])
    derived = {part["name"] for part in planned} if released.schema.tables else set()
    pieces = {piece.name: piece for piece in (table_piece(released), *part_pieces(released))}
    for part in parts:
        if part.name in derived or not part.kept:
            continue  # Part of what such a model was fitted to was worked out from another part's.
        known = Measurements(part.encoder.sizes, marginals_of(part.kept, part.encoder))
        for name, ours, theirs in zip(
            part.encoder.names, known.frequencies(), pieces[part.name].frequencies, strict=True
        ):
            if not np.allclose(ours, theirs, rtol=0, atol=_WRITTEN):
                where = f"part {part.name}: " if part.name else ""
                yield f"{MODEL}: {where}the shares of {shown(name)} are not what the marginals give"

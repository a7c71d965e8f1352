"""Measure fine histograms, marginals, and coarse marginals of more columns, each charged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from privgan.domain.cells import Cells, cells_of
from privgan.domain.encoding import ColumnCode, Encoder, identity_code, merged_code, within_shares
from privgan.errors import InternalError
from privgan.measurement.candidates import candidates_of, workload_weights
from privgan.measurement.coarse import affordable_cells, finest, shrunk
from privgan.measurement.density import cell_shares
from privgan.measurement.interactions import Interactions, coarse_sets
from privgan.measurement.looks import Looks, counts_of
from privgan.measurement.marginals import (
    Clique,
    Groups,
    Marginal,
    Measurements,
    differences,
    marginal_of,
    onto_simplex,
)
from privgan.measurement.noisy_counts import Counted, NoisyCounts
from privgan.owner.private_table import CodedRows
from privgan.parts.borrowing import lent
from privgan.planning.plan import Plan, PlanStep, StepKind
from privgan.planning.workload import BY_DIFFERENCE, measured_at_once
from privgan.privacy.mechanisms import CountHistogram, CountHistograms, Selection
from privgan.schema.columns import Column
from privgan.schema.schema import Schema


class Model(Protocol):
    """A mixture whose marginals can be computed between rounds."""

    def marginals(self) -> Callable[[Clique], np.ndarray]:
        """A function from a clique to the model's share of each cell [cells]."""

    def probabilities(self) -> Sequence[np.ndarray]:
        """For each column the share of each code in each entry [entries, codes]."""


def measure_encoder(
    looks: Looks,
    schema: Schema,
    plan: Plan,
    known: Mapping[str, ColumnCode] | None = None,
    alike: Mapping[str, str] | None = None,
) -> Encoder:
    """Choose bins from noisy fine histograms, or from the schema for small columns.

    Args:
        looks: The private rows, with what charges each look.
        schema: The public facts.
        plan: Fixes each histogram's noise.
        known: Codes of columns that were measured before.
        alike: For some columns the one of the same rows whose codes they have.
    """
    found, alike = dict(known or {}), alike or {}
    for column in schema.modelled:
        if column.name not in found and column.name not in alike:
            found[column.name] = _measured_code(looks, column, plan)
    for column in schema.modelled:
        if column.name in alike:
            found[column.name] = lent(found[alike[column.name]], column)
    return Encoder(tuple(found[column.name] for column in schema.modelled))


def _measured_code(looks: Looks, column: Column, plan: Plan) -> ColumnCode:
    """A column's codes, merged where the plan has a fine histogram of it."""
    cells = cells_of(column, plan.marginals.max_cells)
    names = {step.name for step in plan.of_kind(StepKind.CELL_HISTOGRAM)}
    name = f"cells:{column.name}"
    if name not in names:
        return _by_length(identity_code(cells))
    shares = _measured_shares(looks, plan.step(name), cells)
    return merged_code(cells, shares, max_codes=plan.marginals.max_codes)


def _measured_shares(looks: Looks, step: PlanStep, cells: Cells) -> np.ndarray:
    """Noisy shares of a column's fine cells [cells]."""
    counts = np.bincount(cells.encode(looks.values(step, cells.column.name)), minlength=cells.size)
    noisy = _histogram(step).release(counts, looks.coins)
    _keep(looks, step, (cells.column.name,), noisy, Counted.FINE)
    if cells.texts:
        return onto_simplex(noisy / max(1.0, float(noisy.sum())))
    return cell_shares(noisy, step.noise, cells)


def _by_length(code: ColumnCode) -> ColumnCode:
    """An unmerged column: one cell a code."""
    within = within_shares(code.cells, code.code_of, np.zeros(code.cells.size))
    return ColumnCode(cells=code.cells, code_of=code.code_of, within=within)


def measure_column(looks: Looks, schema: Schema, plan: Plan, name: str) -> Marginal:
    """The noisy 1-way marginal of one column whose values are its codes, before any other look."""
    modelled = schema.modelled
    place = next(index for index, column in enumerate(modelled) if column.name == name)
    alone = Encoder((identity_code(cells_of(modelled[place], plan.marginals.max_cells)),))
    found = _released(looks, alone, plan.step(f"marginal:{name}"), (0,))
    return replace(found, clique=(place,))


def measure_one_way(
    looks: Looks, encoder: Encoder, plan: Plan, known: Sequence[Marginal] = ()
) -> Measurements:
    """The noisy 1-way marginal of every column; those that are known are not measured again."""
    marginals, measured = list(known), {part.clique[0] for part in known}
    for index, name in enumerate(encoder.names):
        if index not in measured:
            marginals.append(_released(looks, encoder, plan.step(f"marginal:{name}"), (index,)))
    return Measurements(encoder.sizes, marginals)


def measure_all(
    looks: Looks,
    schema: Schema,
    encoder: Encoder,
    plan: Plan,
    measurements: Measurements,
    *,
    progress: Callable[[int, int], object] | None = None,
) -> Measurements:
    """Measure all pairs and all small triples, each kind with one noise and one charge.

    ``progress`` is told the measured and the total number of marginals; both are public.
    """
    wanted = measured_at_once(schema, plan.marginals, plan.derived)
    steps = [step for step in plan.steps if step.kind in wanted]
    done, total = 0, sum(len(wanted[step.kind]) for step in steps)
    for step in steps:
        if not isinstance(step.mechanism, CountHistograms):
            raise InternalError(f"the step {step.name} is not several histograms")
        codes = looks.codes(step, encoder)
        cliques, part = wanted[step.kind], _Part(encoder.sizes, step)
        noisy = step.mechanism.release(
            [part.exact(codes, clique) for clique in cliques], looks.coins
        )
        for clique, figures in zip(cliques, noisy, strict=True):
            _keep(looks, step, _names(encoder, clique), figures, part.counted)
        found = [
            part.marginal(clique, figures) for clique, figures in zip(cliques, noisy, strict=True)
        ]
        measurements = measurements.with_marginals(found)
        done += len(cliques)
        if progress:
            progress(done, total)
    return measurements


@dataclass(frozen=True)
class _Part:
    """The part of each marginal that a step measures: all cells, or their differences."""

    sizes: Sequence[int]
    step: PlanStep

    @property
    def counted(self) -> Counted:
        """What its figures are."""
        return Counted.DIFFERENCES if self.step.kind in BY_DIFFERENCE else Counted.CODES

    def exact(self, codes: CodedRows, clique: Clique) -> np.ndarray:
        """Exact figures of codes; one row moves one of them by one."""
        counts = counts_of(codes, clique, self.sizes)
        return (
            differences(counts, self._sizes_of(clique))
            if self.step.kind in BY_DIFFERENCE
            else counts
        )

    def marginal(self, clique: Clique, noisy: np.ndarray) -> Marginal:
        """The marginal that the noisy figures give."""
        if self.step.kind in BY_DIFFERENCE:
            return marginal_of(clique, noisy, self._sizes_of(clique), self.step.noise)
        return Marginal(
            clique=clique, counts=noisy.astype(float), standard_deviation=self.step.noise
        )

    def _sizes_of(self, clique: Clique) -> list[int]:
        return [self.sizes[column] for column in clique]


def measure_rounds(
    looks: Looks,
    encoder: Encoder,
    plan: Plan,
    measurements: Measurements,
    refit: Callable[[Measurements, int], Model],
    model: Model,
    *,
    target: int | None = None,
) -> Measurements:
    """Choose the worst-modelled marginal by the exponential mechanism, and measure it, in rounds.

    Coarse marginals of more columns are candidates too. The model is fitted again now and then,
    and after each coarse marginal.

    Args:
        looks: The private rows, with what charges each look.
        encoder: Rows to codes.
        plan: Fixes each round's noise.
        measurements: What is known so far.
        refit: Fits the model to more measurements; called with them and the round's number.
        model: The model fitted to ``measurements``.
        target: The place of the column to predict, whose sets come first; None for none.
    """
    sets = _beyond(plan.derived, coarse_sets(encoder.sizes, target, widest=plan.marginals.widest))
    rounds = _Rounds(
        looks,
        encoder,
        measurements,
        _beyond(plan.derived, candidates_of(measurements, plan.marginals)),
        Interactions(sets, measurements.frequencies()),
    )
    rounds.modelled_by(model)
    choices, chosen = plan.of_kind(StepKind.SELECTION), plan.of_kind(StepKind.CHOSEN_MARGINAL)
    for index, (choice, measure) in enumerate(zip(choices, chosen, strict=True), start=1):
        if not rounds.candidates and not rounds.interactions.sets:
            looks.charge_unused(choice, measure)
            continue
        due = rounds.run(choice, measure) or index % plan.marginals.choices_per_fit == 0
        if due:
            rounds.modelled_by(refit(rounds.measurements, index))
    return rounds.measurements


def _beyond(derived: int, cliques: Iterable[Clique]) -> list[Clique]:
    """The sets of columns that are not wholly among the first, of which another part tells."""
    return [clique for clique in cliques if max(clique) >= derived]


# A coarse marginal tells little of single cells. It is taken where it promises twice as much
# (``reports/benchmarks``); a factor below 1 lowers the sensitivity, too.
_OF_WIDE = 0.5


class _Rounds:
    """What is known between rounds: candidates, measurements and the model.

    Exact counts and sums are computed once. They never leave this module without noise.

    Attributes:
        candidates: Cliques of codes that can be chosen.
        interactions: Sets of columns whose coarse marginals can be chosen.
        measurements: What is known so far.
    """

    def __init__(
        self,
        looks: Looks,
        encoder: Encoder,
        measurements: Measurements,
        candidates: list[Clique],
        interactions: Interactions,
    ) -> None:
        self._looks, self._encoder, self.measurements = looks, encoder, measurements
        self.candidates, self.interactions = candidates, interactions
        self._shares, self._counter = measurements.frequencies(), _Counter(encoder)

    def modelled_by(self, model: Model) -> None:
        """Compare with this model from now on."""
        self._modelled, self._probabilities = _Remembered(model.marginals()), model.probabilities()
        self._expected = self.interactions.expected(self._probabilities)

    def run(self, choice: PlanStep, measure: PlanStep) -> bool:
        """Choose and measure; whether the model must be fitted before the next choice."""
        codes, rows = self._looks.codes(choice, self._encoder), self.measurements.rows
        narrow = _scores(self.candidates, self._counter, codes, self._modelled, rows, measure.noise)
        wide = _OF_WIDE * self.interactions.scores(codes, self._expected, rows)
        place = _selection(choice).choose(np.concatenate([narrow, wide]), self._looks.coins)
        if place >= len(self.candidates):
            clique = self.interactions.sets[place - len(self.candidates)]
            found = self._coarse(measure, clique)
        else:
            clique = self.candidates.pop(place)
            found = [_released(self._looks, self._encoder, measure, clique)]
        self.measurements = self.measurements.with_marginals(found)
        return any(marginal.groups for marginal in found)

    def _coarse(self, step: PlanStep, clique: Clique) -> list[Marginal]:
        """A coarse marginal, its difference from the model shrunk by its noise.

        None where nothing of that difference stands out of the noise.
        """
        rows = self.measurements.rows
        coarse = finest(clique, self._shares, affordable_cells(rows, step.noise))
        exact = self._looks.codes(step, self._encoder).summed(coarse.counts)
        noisy = _histogram(step).release(exact, self._looks.coins)
        names = _names(self._encoder, clique)
        _keep(self._looks, step, names, noisy, Counted.GROUPS, coarse.groups)
        modelled = rows * coarse.modelled(self._probabilities)
        kept, deviation = shrunk((noisy - modelled).reshape(coarse.sizes), step.noise)
        if not kept.any():
            return []
        found = Marginal(
            clique=clique,
            counts=modelled + kept.ravel(),
            standard_deviation=deviation,
            groups=coarse.groups,
        )
        return [found]


class _Remembered:
    """A model's marginals, each computed once."""

    def __init__(self, marginals: Callable[[Clique], np.ndarray]) -> None:
        self._marginals, self._known = marginals, dict[Clique, np.ndarray]()

    def __call__(self, clique: Clique) -> np.ndarray:
        if clique not in self._known:
            self._known[clique] = self._marginals(clique)
        return self._known[clique]


class _Counter:
    """Exact counts of the private codes, computed once a clique.

    They never leave this module without noise.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._sizes, self._known = encoder.sizes, dict[Clique, np.ndarray]()

    def counts(self, codes: CodedRows, clique: Clique) -> np.ndarray:
        if clique not in self._known:
            self._known[clique] = counts_of(codes, clique, self._sizes).astype(np.int32)
        return self._known[clique]


def _scores(
    candidates: Sequence[Clique],
    counter: _Counter,
    codes: CodedRows,
    modelled: Callable[[Clique], np.ndarray],
    rows: float,
    noise: float,
) -> np.ndarray:
    """Score of each candidate [candidates]: its weighted error beyond the noise.

    The part of each cell's error above one standard deviation counts. AIM's score subtracts the
    noise of all cells from the whole L1 error. It never chooses a marginal of many cells of which
    few hold rows, as where one column follows from two others.

    Sensitivity: one unit moves the exact counts by at most its number of rows in L1. Each cell's
    term moves by no more than its count, and no weight is above 1. Everything else in the score is
    public. (For AIM's score: McKenna et al. 2022, section 3.)
    """
    if not candidates:
        return np.zeros(0)
    weights = workload_weights(candidates)
    scores = np.empty(len(candidates))
    for index, clique in enumerate(candidates):
        error = np.abs(counter.counts(codes, clique) - rows * modelled(clique))
        scores[index] = weights[index] * np.maximum(error - noise, 0.0).sum()
    return scores


def _released(looks: Looks, encoder: Encoder, step: PlanStep, clique: Clique) -> Marginal:
    counts = counts_of(looks.codes(step, encoder), clique, encoder.sizes)
    noisy = _histogram(step).release(counts, looks.coins)
    _keep(looks, step, _names(encoder, clique), noisy, Counted.CODES)
    return Marginal(clique=clique, counts=noisy.astype(float), standard_deviation=step.noise)


def _keep(
    looks: Looks,
    step: PlanStep,
    columns: tuple[str, ...],
    figures: np.ndarray,
    counted: Counted,
    groups: Groups | None = None,
) -> None:
    """Keep a mechanism's output as it is."""
    looks.kept.append(
        NoisyCounts(
            step=step.name,
            columns=columns,
            counted=counted,
            noise=step.noise,
            figures=figures,
            groups=groups,
        )
    )


def _names(encoder: Encoder, clique: Clique) -> tuple[str, ...]:
    return tuple(encoder.names[column] for column in clique)


def _histogram(step: PlanStep) -> CountHistogram:
    if not isinstance(step.mechanism, CountHistogram):
        raise InternalError(f"the step {step.name} is no histogram")
    return step.mechanism


def _selection(step: PlanStep) -> Selection:
    if not isinstance(step.mechanism, Selection):
        raise InternalError(f"the step {step.name} is no choice")
    return step.mechanism

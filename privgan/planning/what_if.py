"""Compare plans for several ε: the error of what is measured, and what is left of a task's signal.

The error of a marginal is its total variation distance from the exact counts that the noise alone
makes: half the sum of the expected absolute noise of its cells, over the rows. A discrete Gaussian
of standard deviation σ has √(2/π)·σ nearly (Canonne, Kamath, Steinke 2020, The Discrete Gaussian
for Differential Privacy). The fit makes marginals agree with each other, so the synthetic rows may
be nearer. σ and the declared sizes tell all of it; no row is read.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from privgan.errors import UsageError
from privgan.files.json_types import JsonDict
from privgan.naming import parameter
from privgan.notebook import card
from privgan.planning.error_floor import illegible
from privgan.planning.expected_auc import ExpectedAuc, expected_aucs
from privgan.planning.plan import Plan, StepKind
from privgan.planning.risk import curve_of
from privgan.planning.workload import BY_DIFFERENCE, pairs_at_once, place_of_target, planned_sizes
from privgan.privacy.budget import LARGEST_EPSILON, PrivacyBudget
from privgan.schema.schema import Schema

FORMAT = "privgan.what_if/1"
EPSILONS = (0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0)
_MOST = 20
_ABSOLUTE_ERROR = math.sqrt(2 / math.pi)
_TWO = 2


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What one ε buys.

    Attributes:
        epsilon: The budget's ε.
        advantage: The most that any attack's true- exceeds its false-positive rate.
        generator: The kind of generator that the plan takes.
        codes: Codes of a column of many values; more codes are finer, and have more noise each.
        columns: Expected error of the mean measured column, in [0, 1].
        pairs: The same of the mean pair of columns; None where none is measured at once.
        target_pairs: The same of the mean pair with the target.
        lost: Pairs with more noise than rows in their mean cell; None where none is measured.
        aucs: What is left of a real model's area under the curve; none without a target.
    """

    epsilon: float
    advantage: float
    generator: str
    codes: int
    columns: float | None
    pairs: float | None
    target_pairs: float | None
    lost: int | None
    aucs: tuple[ExpectedAuc, ...]


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """What several ε buy.

    Attributes:
        dataset: The data set's name.
        rows: The public row count.
        delta: The δ of all.
        target: The column to predict; None for none.
        target_share: Public guess of the share of its value; None for equal shares.
        outlooks: One for each ε, ascending.
        notes: What else is to be known, a sentence each.

    >>> import privgan
    >>> privgan.what_if(schema, public_rows=600).header[:3]
    ('ε', 'attack', 'generator')
    """

    dataset: str
    rows: int
    delta: float
    target: str | None
    target_share: float | None
    outlooks: tuple[Outlook, ...]
    notes: tuple[str, ...]

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns of its table."""
        aucs = self.outlooks[0].aucs
        return (*_HEADER, *(f"AUC {auc.real:g}" for auc in aucs))

    @property
    def rows_of_table(self) -> Sequence[Sequence[str]]:
        """Its table: a row for each ε."""
        return [
            (
                f"{one.epsilon:g}",
                f"{one.advantage:.3f}",
                one.generator,
                str(one.codes),
                *(_percent(part) for part in (one.columns, one.pairs, one.target_pairs)),
                "–" if one.lost is None else f"{one.lost:,}",
                *(f"{auc.low:.3f}–{auc.high:.3f}" for auc in one.aucs),
            )
            for one in self.outlooks
        ]

    def lines(self) -> Iterator[str]:
        """The table as aligned lines for a terminal, and the notes."""
        rows = [self.header, *self.rows_of_table]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            padded = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            yield "  ".join(padded)
        yield from (f"note: {note}" for note in self.notes)

    def to_json(self) -> JsonDict:
        """As JSON values, following ``privgan/formats/what_if.schema.json``."""
        return {
            "format": FORMAT,
            "dataset": self.dataset,
            "rows": self.rows,
            "delta": self.delta,
            "target": self.target,
            "target_share": self.target_share,
            "outlooks": [asdict(one) | {"aucs": _areas(one)} for one in self.outlooks],
            "notes": list(self.notes),
        }

    def json_text(self) -> str:
        """As JSON."""
        return json.dumps(self.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def csv_text(self) -> str:
        """The table as comma-separated values, with a line of names."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        plain = (
            *("epsilon", "advantage", "generator", "codes"),
            *("columns", "pairs", "target_pairs", "lost"),
        )
        ends = [(auc.real, end) for auc in self.outlooks[0].aucs for end in ("low", "high")]
        writer.writerow([*plain, *(f"auc_{real:g}_{end}" for real, end in ends)])
        for one in self.outlooks:
            areas = [area for auc in one.aucs for area in (auc.low, auc.high)]
            writer.writerow([*(getattr(one, name) for name in plain), *areas])
        return text.getvalue()

    def __repr__(self) -> str:
        """The data set and the ε."""
        values = ", ".join(f"{one.epsilon:g}" for one in self.outlooks)
        return f"WhatIf({self.dataset!r}, ε = {values})"

    def _repr_html_(self) -> str:
        facts = [("data set", self.dataset), ("rows", f"{self.rows:,}"), ("δ", f"{self.delta:g}")]
        facts += [("note", note) for note in self.notes]
        rows = [list(row) for row in self.rows_of_table]
        return card("what if", facts, header=self.header, rows=rows)


_HEADER = ("ε", "attack", "generator", "codes", "columns", "pairs", "with target", "lost")


def _areas(one: Outlook) -> list[JsonDict]:
    return [asdict(auc) for auc in one.aucs]


def _percent(part: float | None) -> str:
    return "–" if part is None else f"{part:.2%}"


def checked_epsilons(values: Sequence[float]) -> tuple[float, ...]:
    """ε to compare, ascending and each once.

    Raises:
        UsageError: There are none or too many, or one is out of range.
    """
    found = sorted(set(values))
    name = parameter("epsilons")
    if not 0 < len(found) <= _MOST:
        raise UsageError(f"{name} has {len(found)} ε; allowed: 1 to {_MOST}")
    wrong = next((one for one in found if not 0 < one <= LARGEST_EPSILON), None)
    if wrong is not None:
        raise UsageError(f"{name}: ε is {wrong:g}; it must be above 0, at most {LARGEST_EPSILON:g}")
    return tuple(found)


def what_if(
    planned: Callable[[PrivacyBudget], Plan],
    schema: Schema,
    *,
    epsilons: Sequence[float] = EPSILONS,
    delta: float,
    target_share: float | None = None,
) -> WhatIf:
    """Compare plans, from public facts alone.

    Args:
        planned: The plan for a budget.
        schema: The schema that it is for.
        epsilons: The ε to compare.
        delta: The δ of all.
        target_share: Public guess of the share of rows with the target's value, in (0, 1); None for
            equal shares of all its values.

    Raises:
        UsageError: A figure is out of range, or the row count is not declared.
    """
    if target_share is not None and not 0 < target_share < 1:
        told = f"{parameter('target_share')} is {target_share:g}"
        raise UsageError(f"{told}; it must be above 0 and below 1")
    plans = [
        planned(PrivacyBudget(epsilon=epsilon, delta=delta))
        for epsilon in checked_epsilons(epsilons)
    ]
    rows = plans[0].declared_rows
    if rows is None:
        raise UsageError(
            f"what ε buys follows from the row count: give {parameter('public_rows')}, if only a"
            " guess"
        )
    place = place_of_target(schema)
    target = None if place is None else schema.modelled[place].name
    return WhatIf(
        dataset=schema.dataset,
        rows=rows,
        delta=delta,
        target=target,
        target_share=target_share,
        outlooks=tuple(_outlook(plan, schema, target_share) for plan in plans),
        notes=tuple(_notes(plans[0], schema, target, target_share)),
    )


def _outlook(plan: Plan, schema: Schema, share: float | None) -> Outlook:
    errors = _errors_of_pairs(plan, schema)
    of_all, target = list(errors.values()), place_of_target(schema)
    of_target = [error for pair, error in errors.items() if target in pair]
    hidden = illegible(plan, schema).pairs
    return Outlook(
        epsilon=plan.budget.epsilon,
        advantage=curve_of(plan).advantage(),
        generator=plan.kind.value,
        codes=plan.marginals.max_codes,
        columns=_mean(list(_errors_of_columns(plan, schema))),
        pairs=_mean(of_all),
        target_pairs=_mean(of_target),
        lost=(hidden.hidden if hidden else 0) if of_all else None,
        aucs=expected_aucs(plan, schema, share),
    )


def _mean(errors: Sequence[float]) -> float | None:
    return float(np.mean(errors)) if len(errors) else None


def _errors_of_columns(plan: Plan, schema: Schema) -> Iterator[float]:
    """Expected total variation distance of each column of a plan that is not in parts."""
    if plan.parts or not plan.steps:
        return
    sizes = planned_sizes(schema.modelled, plan.marginals)
    for column, size in zip(schema.modelled, sizes, strict=True):
        yield _distance(plan.step(f"marginal:{column.name}").noise, size, plan.kept_in_rows)


def _errors_of_pairs(plan: Plan, schema: Schema) -> Mapping[tuple[int, ...], float]:
    """Expected total variation distance of each pair that is measured at once."""
    if plan.parts or not plan.steps:
        return {}
    sizes = planned_sizes(schema.modelled, plan.marginals)
    noises = {step.kind: step.noise for step in plan.steps}
    found = {}
    for kind, pairs in pairs_at_once(schema, plan.marginals).items():
        for pair in pairs:
            halved = sum(sizes[column] == _TWO for column in pair) if kind in BY_DIFFERENCE else 0
            noise = noises[kind] * 2 ** (-halved / 2)
            cells = math.prod(sizes[column] for column in pair)
            found[pair] = _distance(noise, cells, plan.kept_in_rows)
    return found


def _distance(noise: float, cells: int, rows: float) -> float:
    return min(1.0, cells * noise * _ABSOLUTE_ERROR / rows / 2)


def _notes(plan: Plan, schema: Schema, target: str | None, share: float | None) -> Iterator[str]:
    yield "attack: the most that any attack's hits exceed its false alarms"
    if not plan.steps:
        yield (
            "what the first stage measures decides the rest: declare bounds and categories, and"
            " more can be told"
        )
        return
    if plan.parts:
        yield "of a table in parts, errors stand in the plan's steps alone"
        return
    yield (
        "columns, pairs, with target: share of the rows that noise alone puts into wrong cells, of"
        " the mean one; more codes have more cells"
    )
    if plan.of_kind(StepKind.PAIRS) or plan.of_kind(StepKind.DIFFERENCES):
        yield "lost: pairs with more noise than rows in their mean cell"
    if target is not None and expected_aucs(plan, schema, share):
        declared = schema.rare.positives if schema.rare else None
        usual = f"{declared:,} positives" if declared else "equal shares of its values"
        guess = usual if share is None else f"{share:.3g} of the rows"
        yield (
            f"AUC: what theory expects of a model of {target} that would reach so much on real rows"
            f" ({guess}): low where all columns tell the same, high where one tells all"
        )

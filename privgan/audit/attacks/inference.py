"""Run attribute-inference attacks (WP216, question 3).

The attacker knows all columns but one and guesses that one. The guess comes from the nearest
synthetic row, or from a model fitted on synthetic rows.

Knowing the population helps to guess well too. So the figure compares guesses about training
customers with guesses about hold-out customers. Beside it stands the same model fitted on real
hold-out rows (Giomi et al. 2023, "Anonymeter", section 4.3).

Errors are relative to |secret|, with a floor. Anonymeter divides by the guess; then every negative
guess would count as right.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from privgan.audit.attacks.contrasts import Contrast, excess_metric, targets
from privgan.audit.coding import AuditCoder, CodedTable, FeatureMap, stacked
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.nearest import affordable_others, nearest
from privgan.audit.randomness import stream
from privgan.metric import Metric
from privgan.schema.columns import Column, Discrete, Numeric, Role, Temporal

NAME = "attack.inference.excess"
TARGETS = 1000
SECRETS = 20
TOLERANCE = 0.05
FLOOR_SHARE = 0.01
FIT_ROWS = 5000
TREES = 10
LEAST_ROWS = 20


def floor_of(column: Column) -> float:
    """Smallest magnitude to which a number's error is relative: 1 % of the declared range."""
    if not isinstance(column, Numeric):
        raise TypeError(
            f"column {column.name!r} is a {column.kind.value} column; only a numeric one has a"
            " floor"
        )
    return FLOOR_SHARE * (column.upper - column.lower)


def hits(
    column: Column, guesses: NDArray[np.float64], secrets: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Mask of the guesses that count as right [rows].

    A category must be equal. A number must be within 5 % of the larger of |secret| and
    :func:`floor_of`, whatever its sign. A moment must be within 1 % of the declared range. A
    missing value is right for a missing value alone.
    """
    both_missing = np.isnan(guesses) & np.isnan(secrets)
    with np.errstate(invalid="ignore"):
        if isinstance(column, Numeric):
            right = np.abs(guesses - secrets) <= TOLERANCE * np.maximum(
                np.abs(secrets), floor_of(column)
            )
        elif isinstance(column, Temporal):
            right = (
                np.abs(guesses - secrets)
                <= FLOOR_SHARE * (column.upper - column.lower).total_seconds()
            )
        else:
            right = guesses == secrets
    return right | both_missing


def secrets_of(columns: tuple[Column, ...], seed: int) -> list[int]:
    """Columns to guess: the sensitive ones, or all if none is sensitive.

    At most 20, drawn by the seed.
    """
    sensitive = [place for place, column in enumerate(columns) if column.role is Role.SENSITIVE]
    every = sensitive or list(range(len(columns)))
    drawn = stream(seed, "attack.inference: secrets").permutation(len(every))[:SECRETS]
    return [every[place] for place in np.sort(drawn)]


@dataclass(frozen=True, eq=False)
class _Attack:
    """Targets of both kinds, the known columns, and the rows to learn from."""

    training: CodedTable
    holdout: CodedTable
    synthetic: CodedTable
    others: CodedTable | None
    seed: int

    def contrast(
        self, column: Column, place: int, label: str, guess: Callable[[CodedTable], NDArray]
    ) -> Contrast:
        """The contrast for one secret and one way of guessing."""
        found = [
            hits(column, guess(table), table.values[:, place])
            for table in (self.training, self.holdout)
        ]
        return Contrast(
            label=f"{column.name}, {label}",
            hits=int(found[0].sum()),
            trials=len(found[0]),
            control_hits=int(found[1].sum()),
            control_trials=len(found[1]),
        )


def inference_metric(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    claim: Claim | None,
    seed: int,
) -> Metric:
    """Metric ``attack.inference.excess``: guessing success on training over hold-out customers.

    Args:
        coder: Names the columns.
        kept_in: The training rows.
        left_out: The hold-out rows, or None.
        synthetic: The synthetic rows.
        claim: The claimed guarantee for the ceiling, or None.
        seed: Draws targets, secrets and the rows that models are fitted on.
    """
    if left_out is None or min(len(left_out), len(kept_in)) < LEAST_ROWS:
        return Metric.not_run(NAME, f"needs at least {LEAST_ROWS} training and hold-out rows")
    if len(coder.columns) < 2:
        return Metric.not_run(NAME, "needs at least 2 columns")
    secrets = secrets_of(coder.columns, seed)
    attack = _prepared(kept_in, left_out, synthetic, seed)
    features = FeatureMap.from_reference(coder.columns, stacked(kept_in, left_out))
    contrasts = [
        contrast
        for place in secrets
        for contrast in (
            _by_neighbour(attack, coder, features, place, len(secrets)),
            _by_model(attack, coder, place),
        )
    ]
    return excess_metric(
        NAME,
        contrasts,
        method=(
            f"{len(secrets)} secrets, each guessed from all other columns by the nearest synthetic"
            f" row and by a random forest fitted on {min(FIT_ROWS, len(synthetic))} synthetic rows;"
            f" a number is right within {TOLERANCE:.0%} of the larger of its magnitude and"
            f" {FLOOR_SHARE:.0%} of the declared range"
        ),
        ceiling=claim.advantage() if claim else None,
    )


def _prepared(
    kept_in: CodedTable, left_out: CodedTable, synthetic: CodedTable, seed: int
) -> _Attack:
    generator = stream(seed, "attack.inference: targets")
    # Half of the hold-out is left to fit on: a model must not be scored on its own rows.
    training = kept_in.take(targets(kept_in, TARGETS, generator))
    places = targets(left_out, min(TARGETS, max(LEAST_ROWS, len(left_out) // 2)), generator)
    holdout, rest = left_out.take(places), np.setdiff1d(np.arange(len(left_out)), places)
    if left_out.customers is not None:
        rest = rest[~np.isin(left_out.customers[rest], left_out.customers[places])]
    others = left_out.take(rest).sample(FIT_ROWS, generator) if len(rest) >= LEAST_ROWS else None
    return _Attack(training, holdout, synthetic, others, seed)


def _by_neighbour(
    attack: _Attack, coder: AuditCoder, features: FeatureMap, place: int, searches: int
) -> Contrast:
    known = np.arange(len(coder.columns)) != place
    without = FeatureMap(
        tuple(grid for grid, keep in zip(features.grids, known, strict=True) if keep),
        tuple(flag for flag, keep in zip(features.discrete, known, strict=True) if keep),
    )
    attacks = searches * (len(attack.training) + len(attack.holdout))
    most = affordable_others(attacks, len(attack.synthetic), sum(without.widths))
    learnt = attack.synthetic.sample(
        most, stream(attack.seed, "attack.inference: nearest row", place)
    )
    made = without(_columns(learnt, known))

    def guess(table: CodedTable) -> NDArray[np.float64]:
        found = nearest(without(_columns(table, known)), made).positions[:, 0]
        return np.asarray(learnt.values[found, place])

    return attack.contrast(coder.columns[place], place, "nearest row", guess)


def _columns(table: CodedTable, chosen: NDArray[np.bool_]) -> CodedTable:
    return CodedTable(table.codes[:, chosen], table.values[:, chosen])


def _by_model(attack: _Attack, coder: AuditCoder, place: int) -> Contrast:
    column = coder.columns[place]
    generator = stream(attack.seed, "attack.inference: model", place)
    learnt = attack.synthetic.sample(FIT_ROWS, generator)
    found = attack.contrast(column, place, "model", _fitted(column, place, learnt, generator))
    if attack.others is None:
        return found
    guessed = _fitted(column, place, attack.others, generator)(attack.training)
    right = hits(column, guessed, attack.training.values[:, place])
    rate = float(right.mean())
    notes = {"rate_of_model_on_holdout": rate, "excess_over_model_on_holdout": found.rate - rate}
    return replace(found, notes=notes)


def _fitted(
    column: Column, place: int, rows: CodedTable, generator: np.random.Generator
) -> Callable[[CodedTable], NDArray[np.float64]]:
    """Random forest that guesses one column from the others.

    A missing value is a class for a category. For a number the row is left out.
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    secret, discrete = rows.values[:, place], isinstance(column, Discrete)
    usable = np.ones(len(rows), dtype=bool) if discrete else ~np.isnan(secret)
    if not usable.any():
        return lambda table: np.full(len(table), np.nan)
    kind = RandomForestClassifier if discrete else RandomForestRegressor
    model = kind(
        n_estimators=TREES, min_samples_leaf=2, random_state=int(generator.integers(2**32))
    )
    with warnings.catch_warnings():  # A column of many categories is one all the same.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        model.fit(_inputs(rows, place)[usable], np.nan_to_num(secret[usable], nan=-1.0))

    def guess(table: CodedTable) -> NDArray[np.float64]:
        found = np.asarray(model.predict(_inputs(table, place)), dtype=float)
        return np.where(found == -1.0, np.nan, found) if discrete else found

    return guess


def _inputs(table: CodedTable, place: int) -> NDArray[np.float64]:
    """The other columns as features; missing values lie below all numbers."""
    others = np.delete(table.values, place, axis=1)
    return np.where(np.isnan(others), -1e12, others)

"""Attack the most exposed records with reference models.

The attack fits the caller's generator many times, with and without these records. A generator
remembers outlying records first (Meeus et al. 2023, "Achilles' heels").

In each run every such record gets a fair coin of its own. The generator is fitted on the other rows
and the records kept in; the attacker sees the synthetic table. The first half of the runs are
reference models. They show how near a synthetic row comes to a record that was left out. In the
second half the attacker knows no coin.

A coin touches one run only. So the second half is one audit in the sense of Steinke, Nasr and
Jagielski 2023, and the bound is valid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.attacks.roc import roc_points
from privgan.audit.coding import AuditCoder, CodedTable, FeatureMap
from privgan.audit.intervals import area_under_curve, hanley_mcneil
from privgan.audit.lower_bounds.bounds import guess_grid, one_run_search
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.nearest import nearest
from privgan.audit.randomness import stream
from privgan.errors import UsageError
from privgan.metric import Metric, none_run
from privgan.schema.schema import Schema

AREA, BOUND = "attack.reference_model.auc", "attack.reference_model.epsilon_lower_bound"
NEIGHBOURS = 5
LEAST_RUNS = 4

Fit = Callable[[pd.DataFrame, int], pd.DataFrame]


@dataclass(frozen=True, kw_only=True)
class Game:
    """Size of the attack; the caller's generator is fitted ``runs`` times.

    Attributes:
        runs: Fits, the first half of them as references; at least 4.
        records: The most exposed records, each with a coin in each run.
        rows: The other rows, the same in every run.
    """

    runs: int = 16
    records: int = 20
    rows: int = 2000

    def __post_init__(self) -> None:
        """Check that the game is large enough to show anything."""
        if self.runs < LEAST_RUNS or self.records < 1 or self.rows < NEIGHBOURS + 1:
            raise UsageError(
                f"runs {self.runs}, records {self.records}, rows {self.rows}; there must be at"
                f" least {LEAST_RUNS} runs, 1 record and {NEIGHBOURS + 1} rows"
            )


def most_exposed(coder: AuditCoder, table: CodedTable, count: int) -> NDArray[np.int64]:
    """Positions of the rows with the largest mean distance to their 5 nearest neighbours.

    Of equal rows only one is taken.

    Args:
        coder: Names the columns.
        table: The rows.
        count: Number of rows; fewer if there are fewer different rows.
    """
    features = FeatureMap.from_reference(coder.columns, table)(table)
    # A row is its own nearest neighbour, at distance 0; that changes no order.
    apart = np.sqrt(nearest(features, features, NEIGHBOURS + 1).distances).mean(axis=1)
    order = np.lexsort((table.keys(), -apart))
    _, first = np.unique(table.keys()[order], return_index=True)
    return order[np.sort(first)][:count]


def reference_model_metrics(
    schema: Schema,
    frame: pd.DataFrame,
    fit: Fit,
    claim: Claim | None,
    game: Game | None = None,
    seed: int = 0,
) -> tuple[Metric, ...]:
    """Metrics ``attack.reference_model.auc`` and ``.epsilon_lower_bound``; diagnostics.

    The lower bound is valid.

    Args:
        schema: The schema.
        frame: Real rows, a customer each; not changed.
        fit: Fits a generator on rows with a seed and returns synthetic rows; it makes the claim for
            each fit by itself.
        claim: The guarantee claimed for one fit, or None.
        game: Size of the attack.
        seed: Draws rows, coins and the seed of each fit.

    Returns:
        The metrics; NOT_RUN with the reason where customers have several rows or there are too few
        different rows.
    """
    game = game or Game()
    if schema.unit.max_rows > 1:
        return _not_run("customers have several rows each: this attack leaves out single rows")
    coder = AuditCoder.from_reference(schema, frame)
    coded = coder.code(frame)
    order = coded.canonical_order()
    generator = stream(seed, "attack.reference_model")
    drawn = order[np.sort(generator.permutation(len(order))[: game.rows + game.records])]
    chosen = most_exposed(coder, coded.take(drawn), game.records)
    if len(chosen) < game.records or len(drawn) < game.records + NEIGHBOURS + 1:
        return _not_run(
            f"needs {game.records} different records and at least {NEIGHBOURS + 1} other rows"
        )
    records, others = drawn[chosen], np.delete(drawn, chosen)
    coins = generator.random((game.runs, game.records)) < 0.5
    scores = np.empty(coins.shape)
    features = FeatureMap.from_reference(coder.columns, coded.take(drawn))
    exposed = features(coded.take(records))
    seeds = stream(seed, "attack.reference_model: fits").integers(2**31, size=game.runs)
    for run, kept in enumerate(coins):
        rows = frame.iloc[np.append(others, records[kept])].reset_index(drop=True)
        made = coder.code(fit(rows, int(seeds[run])))
        scores[run] = -np.sqrt(
            np.round(
                nearest(exposed, features(made.take(made.canonical_order()))).distances[:, 0], 5
            )
        )
    return _metrics(scores, coins, claim, game)


def _not_run(reason: str) -> tuple[Metric, ...]:
    return none_run((AREA, BOUND), reason)


def calibrated(
    scores: NDArray[np.float64], coins: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Standardised scores and coins of the second half, both flat.

    Scores are in units of their spread without the record.

    Args:
        scores: One score by run and record.
        coins: Whether the record was kept in.
    """
    half = len(scores) // 2
    known, out = scores[:half], ~coins[:half]
    count = out.sum(axis=0)
    every = float(known[out].mean()) if out.any() else float(known.mean())
    # If no reference model left a record out, it is compared with the records that some left out.
    mean = np.where(count > 0, (known * out).sum(axis=0) / np.maximum(1, count), every)
    spread = float(np.sqrt((((known - mean) ** 2) * out).sum() / max(1, int(out.sum()))))
    return ((scores[half:] - mean) / max(spread, 1e-6)).ravel(), coins[half:].ravel()


def _metrics(
    scores: NDArray[np.float64], coins: NDArray[np.bool_], claim: Claim | None, game: Game
) -> tuple[Metric, ...]:
    found, kept = calibrated(scores, coins)
    members, others = int(kept.sum()), int((~kept).sum())
    if not members or not others:
        return _not_run("all coins of the attacked runs fell on one side")
    area = area_under_curve(kept, found)
    low, high = hanley_mcneil(area, members, others)
    played = (
        f"the {game.records} most exposed of {game.rows + game.records} records, each kept in by a"
        f" coin; {game.runs} fits, half"
    )
    metric = Metric(
        name=AREA,
        value=area,
        low=low,
        high=high,
        confidence=0.95,
        baseline=0.5,
        ceiling=claim.area_under_curve() if claim else None,
        n=len(kept),
        method=(
            f"{played} of them as references; nearness to a synthetic row; shown only;"
            " Hanley-McNeil score interval"
        ),
        details={"roc": roc_points(kept, found)},
    )
    return metric, _bound(found, kept, claim, played)


def _bound(
    found: NDArray[np.float64], kept: NDArray[np.bool_], claim: Claim | None, played: str
) -> Metric:
    if not guess_grid(len(kept)):
        return Metric.not_run(
            BOUND, f"{len(kept)} coins in the attacked runs; at least 20 are needed"
        )
    bound = one_run_search(found, kept, claim.delta if claim else 0.0, 0.05)
    return Metric(
        name=BOUND,
        value=bound.epsilon,
        low=bound.epsilon,
        confidence=0.95,
        baseline=0.0,
        ceiling=claim.epsilon if claim and np.isfinite(claim.epsilon) else None,
        n=len(kept),
        method=(
            f"{played} of them as references; one-run bound over all coins of the other half; shown"
            " only"
        ),
        details={"guesses": bound.guesses, "correct": bound.correct},
    )

"""Run linkability attacks (WP216, question 2).

The attacker holds some columns of a customer in one source and other columns in a second one. The
attack succeeds if one synthetic row is among the nearest rows of both. Hold-out customers show how
often that happens by likeness alone (Giomi et al. 2023, "Anonymeter", section 4.2).

The result depends on how the columns are divided, so several divisions are tried and corrected for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privgan.audit.attacks.contrasts import Contrast, excess_metric, targets
from privgan.audit.coding import AuditCoder, CodedTable, FeatureMap, stacked
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.nearest import affordable_others, nearest
from privgan.audit.randomness import stream
from privgan.metric import Metric

NAME = "attack.linkability.excess"
TARGETS = 1000
SPLITS = 5
NEIGHBOURS = 5
LEAST_ROWS = 20


def linkability_metric(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    claim: Claim | None,
    seed: int,
) -> Metric:
    """Metric ``attack.linkability.excess``: links of training over hold-out customers.

    Args:
        coder: Names the columns.
        kept_in: The training rows.
        left_out: The hold-out rows, or None.
        synthetic: The synthetic rows.
        claim: The claimed guarantee for the ceiling, or None.
        seed: Draws targets and the divisions of the columns.
    """
    if left_out is None or min(len(left_out), len(kept_in)) < LEAST_ROWS:
        return Metric.not_run(NAME, f"needs at least {LEAST_ROWS} training and hold-out rows")
    if len(coder.columns) < 2:
        return Metric.not_run(NAME, "needs at least 2 columns")
    generator = stream(seed, "attack.linkability.excess")
    attacked = [table.take(targets(table, TARGETS, generator)) for table in (kept_in, left_out)]
    features = FeatureMap.from_reference(coder.columns, stacked(kept_in, left_out))
    width = sum(features.widths)
    attacks, searches = SPLITS * sum(map(len, attacked)), 2 * NEIGHBOURS
    most = affordable_others(attacks, len(synthetic), width, searches)
    made = features(synthetic.sample(most, generator))
    rows = features(stacked(*attacked))
    columns = np.repeat(np.arange(len(coder.columns)), features.widths)
    contrasts = []
    for half in _halves(len(coder.columns), generator):
        linked = _linked(rows, made, np.isin(columns, half))
        hits = linked[: len(attacked[0])], linked[len(attacked[0]) :]
        names = ", ".join(coder.names[place] for place in half)
        contrasts.append(
            Contrast(
                label=f"{names} | all others",
                hits=int(hits[0].sum()),
                trials=len(hits[0]),
                control_hits=int(hits[1].sum()),
                control_trials=len(hits[1]),
            )
        )
    return excess_metric(
        NAME,
        contrasts,
        method=(
            f"one of the {NEIGHBOURS} nearest of {len(made)} synthetic rows is the same for both"
            " sets of columns"
        ),
        ceiling=claim.advantage() if claim else None,
    )


def _halves(columns: int, generator: np.random.Generator) -> list[NDArray[np.int64]]:
    """Distinct divisions of the columns, each as the side without column 0.

    A division and its mirror image are one.
    """
    found: dict[tuple[int, ...], NDArray[np.int64]] = {}
    for _ in range(20 * SPLITS):
        order = generator.permutation(columns)
        half = np.sort(order[: columns // 2])
        half = np.setdiff1d(order, half) if 0 in half else half
        found.setdefault(tuple(int(place) for place in half), half)
        if len(found) == SPLITS:
            break
    return list(found.values())


def _linked(
    rows: NDArray[np.float32], made: NDArray[np.float32], first: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    sides = [
        nearest(rows[:, side], made[:, side], NEIGHBOURS).positions for side in (first, ~first)
    ]
    return (sides[0][:, :, None] == sides[1][:, None, :]).any(axis=(1, 2))

"""Bound the work of an audit of a large table by random samples of whole customers.

Figures that count see at most a million rows of each kind, attacks and models at most 200,000. So
the audit of ten million rows costs what that of one million does.

Real customers are drawn at once, whatever their coin: a bound on ε holds for the canaries among
them as it does for all. Tables with histories, and related tables, are not sampled here. Their
figures go by customers and have bounds of their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.attacks.membership import Canaries
from privgan.audit.inputs import AuditInputs
from privgan.audit.lower_bounds.power import POWER
from privgan.audit.randomness import stream
from privgan.metric import Metric

NAME = "audit.attacked_share"
COUNTED_ROWS, ATTACKED_ROWS = 1_000_000, 200_000
_SIGNIFICANCE = 0.05


@dataclass(frozen=True, eq=False)
class Drawn:
    """Which rows of each table were drawn, bool.

    Attributes:
        kept_in: Of the kept-in rows [rows].
        left_out: Of the left-out rows [rows].
        synthetic: Of the synthetic rows [rows].
    """

    kept_in: NDArray[np.bool_]
    left_out: NDArray[np.bool_]
    synthetic: NDArray[np.bool_]

    @property
    def whole(self) -> bool:
        """Whether nothing was left away."""
        return all(part.all() for part in (self.kept_in, self.left_out, self.synthetic))

    @property
    def rows(self) -> dict[str, int]:
        """Number of rows drawn of each table."""
        return {
            "kept_in": int(self.kept_in.sum()),
            "left_out": int(self.left_out.sum()),
            "synthetic": int(self.synthetic.sum()),
        }

    def of_canaries(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which rows of the kept-in canaries, followed by the left-out rows, were drawn.

        Args:
            mask: Mask of the kept-in rows that belong to canaries.
        """
        return np.concatenate([self.kept_in[mask], self.left_out])


def drawn(inputs: AuditInputs, most: int) -> Drawn:
    """Draw at most about so many real rows, of whole customers, and synthetic rows.

    Args:
        inputs: The tables.
        most: The most rows; the last customer may have some more.
    """
    sizes = len(inputs.kept_in), len(inputs.left_out), len(inputs.synthetic)
    if inputs.schema.history is not None or inputs.schema.tables:
        return Drawn(*(np.ones(size, dtype=bool) for size in sizes))
    generator = stream(inputs.seed, "audit: sampled rows", most)
    owner = _owners(inputs)
    taken = _some(int(owner.max(initial=-1)) + 1, most / max(1, len(owner)), generator)[owner]
    made = _some(sizes[2], most / max(1, sizes[2]), generator)
    return Drawn(taken[: sizes[0]], taken[sizes[0] :], made)


def _owners(inputs: AuditInputs) -> NDArray[np.int64]:
    """Number of the customer of each kept-in row, then of each left-out row."""
    if inputs.kept_in_units is None or inputs.left_out_units is None:
        return np.arange(len(inputs.kept_in) + len(inputs.left_out))
    units = np.concatenate([inputs.kept_in_units, inputs.left_out_units]).astype(object)
    return np.asarray(pd.factorize(pd.Series(units).map(str))[0], dtype=np.int64)


def _some(number: int, share: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """A mask [number] of a random share, which depends on the number alone."""
    if share >= 1:
        return np.ones(number, dtype=bool)
    chosen = np.zeros(number, dtype=bool)
    chosen[generator.permutation(number)[: max(1, math.floor(share * number))]] = True
    return chosen


def bounded(inputs: AuditInputs, mask: NDArray[np.bool_]) -> AuditInputs:
    """Inputs with no more rows than are counted, and their own mask of canaries."""
    found = drawn(inputs, COUNTED_ROWS)
    inputs = replace(inputs, canary_mask=mask)
    if found.whole:
        return inputs
    canaries = found.of_canaries(mask)
    return replace(
        inputs,
        kept_in=inputs.kept_in[found.kept_in],
        canary_mask=mask[found.kept_in],
        left_out=inputs.left_out[found.left_out],
        synthetic=inputs.synthetic[found.synthetic],
        kept_in_units=_taken(inputs.kept_in_units, found.kept_in),
        left_out_units=_taken(inputs.left_out_units, found.left_out),
        white_box={name: part[canaries] for name, part in inputs.white_box.items()},
    )


def _taken(units: NDArray[Any] | None, rows: NDArray[np.bool_]) -> NDArray[Any] | None:
    return None if units is None else units[rows]


def sample_metric(
    canaries: Canaries | None, sizes: Mapping[str, int], counted: int, attacked: Drawn
) -> Metric:
    """Metric ``audit.attacked_share``: the share of the real rows that was attacked.

    Details state the rows of each table and what the canaries among them can show.

    Args:
        canaries: The attacked canaries, or None.
        sizes: Rows of each table as they were given.
        counted: Real rows of the figures that count.
        attacked: The rows of attacks and models.
    """
    rows = attacked.rows
    real = sizes["kept_in"] + sizes["left_out"]
    share = (rows["kept_in"] + rows["left_out"]) / max(1, real)
    details: dict[str, object] = {
        "attacked_rows": rows,
        "counted_rows": counted,
        "share_of_synthetic": rows["synthetic"] / max(1, sizes["synthetic"]),
    }
    power = _power(canaries) if canaries is not None else {}
    told = (
        f"; an area of {power['detectable_auc']:.3f} or an advantage of"
        f" {power['detectable_advantage']:.3f} is found with {POWER:.0%} power at"
        f" {_SIGNIFICANCE:.0%}"
        if power
        else ""
    )
    return Metric(
        name=NAME,
        value=share,
        baseline=1.0,
        n=real,
        method=(
            f"attacks and models see whole customers drawn at random, at most {ATTACKED_ROWS:,}"
            f" rows; counts at most {COUNTED_ROWS:,}{told}"
        ),
        details=details | power,
    )


def _power(canaries: Canaries) -> dict[str, float]:
    """The smallest area and advantage whose intervals lie above chance with 80 % power.

    By normal approximation: of the area as Mann and Whitney 1947, of the difference of two shares
    at their largest variance, with thresholds fixed on the other half of the canaries.
    """
    from scipy.stats import norm

    members = int(canaries.is_member.sum())
    others = len(canaries) - members
    if not min(members, others):
        return {}
    reach = float(norm.ppf(1 - _SIGNIFICANCE / 2) + norm.ppf(POWER))
    area = math.sqrt((members + others + 1) / (12 * members * others))
    advantage = math.sqrt(0.25 / (members / 2) + 0.25 / (others / 2))
    return {
        "detectable_auc": min(1.0, 0.5 + reach * area),
        "detectable_advantage": min(1.0, reach * advantage),
    }

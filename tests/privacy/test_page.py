"""privgan/privacy/mechanisms.md says what the code computes.

Its formulas and figures, one by one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from privgan.generator import dpsgd
from privgan.ledger import filter, identity
from privgan.measurement import candidates, domain, measure
from privgan.measurement.marginals import exact_counts
from privgan.owner.private_table import CodedRows
from privgan.privacy import accountant, calibration, randomness
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.calibration import calibrate
from privgan.privacy.events import DiscreteGaussian, ExponentialMechanism
from privgan.privacy.mechanisms import CategoryDiscovery, TotalCount
from privgan.privacy.randomness import SecretStream

PAGE = (Path(__file__).parents[2] / "privgan/privacy/mechanisms.md").read_text(encoding="utf-8")
TEXT = " ".join(PAGE.split())
Shares = dict[Any, np.ndarray]
SIZES = (3, 4, 2)
CANDIDATES = [(0, 1), (0, 2), (1, 2), (0, 1, 2)]


def formula() -> str:
    """The line of the page that gives the score."""
    (found,) = re.findall(r"^    (weight \* .+)$", PAGE, flags=re.MULTILINE)
    return str(found)


def scores(codes: np.ndarray, shares: Shares, rows: float, noise: float) -> np.ndarray:
    counter = measure._Counter(SimpleNamespace(sizes=SIZES))  # type: ignore[arg-type]
    return measure._scores(CANDIDATES, counter, CodedRows([codes]), shares.__getitem__, rows, noise)


def world(seed: int) -> tuple[np.ndarray, Shares, float, float]:
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, size, 60 + seed) for size in SIZES], axis=1)
    cells = {clique: math.prod(SIZES[column] for column in clique) for clique in CANDIDATES}
    shares = {clique: rng.dirichlet(np.ones(number)) for clique, number in cells.items()}
    return codes, shares, float(rng.uniform(40, 90)), float(rng.uniform(0.1, 6))


def test_the_score_on_the_page_is_the_score_in_the_code() -> None:
    weights = candidates.workload_weights(CANDIDATES)
    assert np.all((weights > 0) & (weights <= 1))
    for seed in range(40):
        codes, shares, rows, noise = world(seed)
        stated = [
            eval(
                formula(),
                {"abs": np.abs, "maximum": np.maximum, "sum": np.sum},
                {
                    "weight": weight,
                    "exact": exact_counts(codes, clique, SIZES),
                    "rows": rows,
                    "modelled": shares[clique],
                    "noise": noise,
                },
            )
            for weight, clique in zip(weights, CANDIDATES, strict=True)
        ]
        assert scores(codes, shares, rows, noise) == pytest.approx(stated, rel=1e-12)


def test_one_unit_moves_a_score_by_at_most_its_rows() -> None:
    largest = 0.0
    for seed in range(60):
        codes, shares, rows, noise = world(seed)
        k = 1 + seed % 5
        unit = np.random.default_rng(seed).integers(0, SIZES, (k, 3))
        unit[:] = unit[0] if seed % 2 else unit
        more = scores(np.concatenate([codes, unit]), shares, rows, noise)
        moved = np.abs(more - scores(codes, shares, rows, noise)).max() / k
        assert moved <= 1 + 1e-9
        largest = max(largest, moved)
    assert largest > 0.9, "the bound is not met, so that a larger one would pass too"


def rho(k: int, sigma: float) -> float:
    return float(accountant.zcdp(DiscreteGaussian(sigma, k)))  # type: ignore[arg-type]


def _spent_by_pld() -> int:
    """How often a calibration that needs all of them evaluates by PLD."""
    evaluated = []
    plain = calibration._evaluate

    def counting(*arguments: Any) -> Any:
        evaluated.append(arguments)
        return plain(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "_evaluate", counting)
        patch.setattr(calibration, "_TOLERANCE", 0.0)
        budget = PrivacyBudget(epsilon=1.0, delta=1e-6)
        calibrate(lambda s: [DiscreteGaussian(s)], budget, lowest=1e-3, highest=1e4)
    return len(evaluated)


def _order_is_best() -> bool:
    for epsilon in (1.0, 3.0, 10.0):
        found = filter.RdpFilter.of(PrivacyBudget(epsilon=epsilon, delta=1e-6))
        orders, lost = filter.ORDERS, filter._lost
        best = max((epsilon - lost(order, found.delta)) / order for order in orders)
        if found.allowance / found.order != best:
            return False
    return True


def _normal_of_four() -> float:
    """The spread of gaussian_noise where each normal is 1: the sum of four, halved."""
    coins = SecretStream()
    coins.normal = np.ones  # type: ignore[method-assign, assignment]
    return float(coins.gaussian_noise(1)[0])


QUARTER = filter.RdpFilter.of(PrivacyBudget(epsilon=3, delta=4e-6))
FIGURES: list[tuple[str, Callable[[], Any], Any]] = [
    ("RDP by ρ = k²/2σ²", lambda: rho(3, 7.0), 3**2 / (2 * 7.0**2)),
    ("is (k²/2σ²)-zCDP", lambda: rho(5, 2.0), 5**2 / (2 * 2.0**2)),
    ("RDP as ε²/8-zCDP", lambda: accountant.zcdp(ExponentialMechanism(0.4)), 0.4**2 / 8),
    ("of scale k/ε", lambda: TotalCount(epsilon=0.2, sensitivity=3).scale, 3 / 0.2),
    ("105 public cells, one for each power of two", lambda: domain.RANGE_CELLS, 105),
    ("score −\\|rows outside − 0.1 %\\|", lambda: domain.OUTER_SHARE, 0.001),
    ("at most six PLD evaluations", lambda: calibration.PLD_EVALUATIONS, 6),
    ("at most six PLD evaluations", _spent_by_pld, 6),
    (
        "A quarter of the lifetime δ is set aside for discoveries",
        lambda: QUARTER.discovery_delta,
        1e-6,
    ),
    ("the allowance makes ε at the rest", lambda: QUARTER.epsilon(QUARTER.allowance), 3.0),
    ("the order α at which the allowance divided by α is largest", _order_is_best, True),
    ("ChaCha20 with 256 bits", lambda: 8 * randomness._KEY_BYTES, 256),
    ("sum of four normals, halved", _normal_of_four, 2.0),
    ("clipped 0.1 % below the norm", lambda: dpsgd.CLIP_MARGIN, 0.001),
    ("fewer than half shared is refused", lambda: identity.LEAST_SHARED_COLUMNS, 0.5),
]


@pytest.mark.parametrize(("phrase", "computed", "stated"), FIGURES)
def test_a_figure_of_the_page_is_the_code_s(
    phrase: str,
    computed: Callable[[], Any],
    stated: Any,
) -> None:
    assert phrase in TEXT, "the page was changed: change this table and the code with it"
    wanted = pytest.approx(stated, rel=1e-12) if isinstance(stated, float) else stated
    assert computed() == wanted


def test_a_discovery_s_threshold_is_the_least_that_keeps_its_delta() -> None:
    """'The threshold of a discovery is the least at which …'."""
    assert "The threshold of a discovery is the least at which" in TEXT
    for rows in (1, 4):
        found = CategoryDiscovery(standard_deviation=5.0, max_rows=rows, delta=1e-6)
        assert found.own_probability(found.threshold) <= 1e-6
        assert found.own_probability(found.threshold - 1) > 1e-6

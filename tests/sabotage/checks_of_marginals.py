"""Check that the noisy marginals that leave are the outputs of charged mechanisms, unchanged."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from privgan.measurement import noise_check
from privgan.measurement.marginals import exact_counts
from privgan.measurement.noisy_counts import Counted, NoisyCounts
from privgan.pipeline.fitting import Fitted
from tests.coins import RepeatableStream
from tests.sabotage import world


class Remembering(RepeatableStream):
    """Coins that remember all noisy counts that they made, with their noise."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.made: list[tuple[float, np.ndarray]] = []

    def discrete_gaussian(self, counts: np.ndarray, standard_deviation: float) -> np.ndarray:
        noisy = super().discrete_gaussian(counts, standard_deviation)
        self.made.append((standard_deviation, noisy))
        return noisy


def _fitted(seed: int) -> tuple[Fitted, Remembering]:
    coins = Remembering(seed)
    with tempfile.TemporaryDirectory() as folder:
        return world.fit(world.table(), coins, Path(folder)), coins


def marginals_that_leave_are_what_was_paid_for() -> None:
    """Each is a mechanism's output as it was drawn, with its noise, and its step was charged."""
    fitted, coins = _fitted(3)
    steps = {step.name: step for step in fitted.plan.steps}
    assert fitted.kept, "no marginal was kept"
    for found in fitted.kept:
        assert found.step in steps, f"{found.step} was not charged"
        assert found.noise == steps[found.step].noise, f"{found.step} states another noise"
        drawn = [noisy for noise, noisy in coins.made if noise == found.noise]
        assert any(_is_part(found.figures, noisy) for noisy in drawn), (
            f"{found.step} is not what a mechanism gave out"
        )
    paid = sum(getattr(step.mechanism, "number", 1) for step in steps.values() if _counts(step))
    assert len(fitted.kept) <= paid, "more marginals were kept than were paid for"


def _counts(step: object) -> bool:
    mechanism = getattr(step, "mechanism", None)
    return hasattr(mechanism, "standard_deviation") or hasattr(mechanism, "histogram")


def _is_part(figures: np.ndarray, noisy: np.ndarray) -> bool:
    """Whether figures are a run of a mechanism's output."""
    if len(figures) > len(noisy):
        return False
    starts = np.flatnonzero(noisy[: len(noisy) - len(figures) + 1] == figures[0])
    return any(np.array_equal(noisy[at : at + len(figures)], figures) for at in starts)


def noise_that_is_not_there_shows() -> None:
    """Exact counts in place of noisy ones, and understated noise, show in the figures alone."""
    fitted, _ = _fitted(4)
    assert not list(noise_check.noise_problems(fitted.kept, fitted.encoder))
    exact = [_exact(found, fitted) for found in fitted.kept]
    assert list(noise_check.noise_problems(exact, fitted.encoder)), "exact counts pass unseen"
    stated = [replace(found, noise=found.noise / 3) for found in fitted.kept]
    assert list(noise_check.noise_problems(stated, fitted.encoder)), "less noise passes unseen"


def _exact(found: NoisyCounts, fitted: Fitted) -> NoisyCounts:
    """A marginal over codes without its noise."""
    if found.counted is not Counted.CODES:
        return found
    encoder = fitted.encoder
    codes = encoder.encode(world.table())
    counts = exact_counts(codes, found.clique(encoder), encoder.sizes)
    return replace(found, figures=counts)

"""Ways of breaking noise, coins, clipping, batches and steps."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from torch import Tensor

from privgan.generator.dpsgd import PrivateTrainer, _SecretNoiseOptimizer
from privgan.pipeline import canaries, fitting
from privgan.privacy.randomness import SecretStream
from tests.coins import RepeatableStream
from tests.sabotage import checks
from tests.sabotage.registry import Patch, variant


@variant("L11", checks.noise_has_the_plans_scale, "off its scale at step 0")
def noise_off(patch: Patch) -> None:
    """The gradient gets no noise."""
    patch.setattr(SecretStream, "gaussian_noise", lambda self, count: np.zeros(count))


@variant("L18", checks.no_seed_moves_a_coin, "gradient noise")
def noise_seeded(patch: Patch) -> None:
    """Gradient noise from a generator with a fixed seed."""
    patch.setattr(
        SecretStream,
        "gaussian_noise",
        lambda self, count: np.random.default_rng(0).standard_normal(count),
    )


@variant("L18", checks.noise_has_the_plans_scale, "repeats between steps or runs")
def noise_repeated(patch: Patch) -> None:
    """The same noise at every step, at the right scale."""
    noise = np.random.default_rng(12).standard_normal(2_000)
    patch.setattr(SecretStream, "gaussian_noise", lambda self, count: np.resize(noise, count))


@variant("L18, L20", checks.no_seed_moves_a_coin, "gradient noise")
def noise_of_torch(patch: Patch) -> None:
    """Gradient noise from torch's global generator."""
    patch.setattr(
        SecretStream,
        "gaussian_noise",
        lambda self, count: torch.normal(0.0, 1.0, (count,)).double().numpy(),
    )


@variant("L18", checks.no_seed_moves_a_coin, "histogram")
def count_noise_of_numpy(patch: Patch) -> None:
    """Noise on counts from numpy's global generator."""

    def noisy(self: SecretStream, counts: np.ndarray, sigma: float) -> np.ndarray:
        return counts + np.rint(np.random.normal(0, sigma, len(counts))).astype(int)  # noqa: NPY002 - broken on purpose

    patch.setattr(SecretStream, "discrete_gaussian", noisy)


@variant("L19", checks.a_key_holds_at_least_128_bits, "a key of 32 bits")
def noise_low_entropy(patch: Patch) -> None:
    """A stream keyed with 32 bits."""
    patch.setattr(
        SecretStream, "__init__", lambda self: self._start(os.urandom(4).ljust(32, b"\0"))
    )


@variant("L19", checks.a_key_holds_at_least_128_bits, "moves nothing")
def noise_low_entropy_in_disguise(patch: Patch) -> None:
    """256 bits are asked for and 32 are used."""
    patch.setattr(
        SecretStream, "__init__", lambda self: self._start(os.urandom(32)[:4].ljust(32, b"\0"))
    )


@variant("L19", checks.coins_cannot_be_kept, "DID NOT RAISE")
def coins_pickled(patch: Patch) -> None:
    """A stream can be copied, and with it the noise to come."""
    patch.setattr(SecretStream, "__reduce__", lambda self: (SecretStream, ()))


@variant("L18", checks.no_seed_moves_a_coin, "batch")
def poisson_seeded(patch: Patch) -> None:
    """Batch membership from the seed of --seed."""

    def members(self: PrivateTrainer, units: int) -> Tensor:
        return torch.nonzero(torch.rand(units) < self.settings.sample_rate)[:, 0]

    patch.setattr(PrivateTrainer, "batch_members", members)


@variant("L18", checks.no_seed_moves_a_coin, "canaries")
def canaries_seeded(patch: Patch) -> None:
    """Canaries from the seed of --seed."""
    drawn = canaries.draw_canaries

    def draw(who: Any, probability: float, coins: SecretStream) -> canaries.Canaries:
        return drawn(who, probability, RepeatableStream(0))

    patch.setattr(fitting, "draw_canaries", draw)


@variant("L35", checks.repeatable_coins_promise_nothing, "counted as private")
def dp_label_no_dp(patch: Patch) -> None:
    """A run with coins that can be drawn again claims its ε."""
    patch.setattr(RepeatableStream, "secret", True)


@variant("L25", checks.noise_has_the_plans_scale, "off its scale")
def double_normalise(patch: Patch) -> None:
    """The noise is divided by the batch before it is added, and again with the sum."""
    drawn = SecretStream.gaussian_noise
    patch.setattr(SecretStream, "gaussian_noise", lambda self, count: drawn(self, count) / 15)


@variant("L30", checks.noise_has_the_plans_scale, r"off its scale at step \d")
def noise_annealed(patch: Patch) -> None:
    """The gradient noise shrinks as training goes on."""
    add = _SecretNoiseOptimizer.add_noise

    def annealed(self: Any) -> None:
        self.noise_multiplier *= 0.9
        add(self)

    patch.setattr(_SecretNoiseOptimizer, "add_noise", annealed)


@variant("L24", checks.each_row_is_clipped_alone, r"moves the sum by [\d.]+ clips")
def clip_off(patch: Patch) -> None:
    """No row is clipped; the noise is as before."""
    _unclipped(patch)


@variant("L24", checks.clipping_bounds_extreme_rows, "by more than the clip norm")
def clip_off_at_extreme_rows(patch: Patch) -> None:
    """As above, seen by rows that are far out."""
    _unclipped(patch)


def _unclipped(patch: Patch) -> None:
    def weights(self: Any) -> Tensor:
        return torch.ones_like(self.get_norm_sample())

    patch.setattr(
        "opacus.grad_sample.GradSampleModuleFastGradientClipping.get_clipping_coef", weights
    )


@variant("L24", checks.each_row_is_clipped_alone, "clips|beside it")
def clip_per_batch(patch: Patch) -> None:
    """The whole batch's gradient is clipped instead of each row's."""
    _unclipped(patch)
    add = _SecretNoiseOptimizer.add_noise

    def clipped(self: Any) -> None:
        whole = torch.sqrt(sum(part.summed_grad.square().sum() for part in self.params))
        for part in self.params:
            part.summed_grad = part.summed_grad * min(1.0, self.max_grad_norm / float(whole))
        add(self)

    patch.setattr(_SecretNoiseOptimizer, "add_noise", clipped)


@variant("L24", checks.each_row_is_clipped_alone, "clips|beside it")
def clip_norm_from_the_batch(patch: Patch) -> None:
    """The clip norm is the median of the batch's norms."""

    def weights(self: Any) -> Tensor:
        norms = self.get_norm_sample()
        return (norms.median() / norms).clamp(max=1.0)

    patch.setattr(
        "opacus.grad_sample.GradSampleModuleFastGradientClipping.get_clipping_coef", weights
    )


@variant("L8", checks.batches_are_poisson_samples, "twice|rate")
def category_sampling(patch: Patch) -> None:
    """Half of a batch is drawn from the rows of a rare category, with replacement."""
    rng = np.random.default_rng(0)

    def members(self: PrivateTrainer, units: int) -> Tensor:
        half = self.settings.expected_batch_size // 2
        return torch.from_numpy(
            np.concatenate([rng.integers(0, units, half), rng.integers(units - 2, units, half)])
        )

    patch.setattr(PrivateTrainer, "batch_members", members)


@variant("L9", checks.batches_are_poisson_samples, "do not vary")
def shuffle_as_poisson(patch: Patch) -> None:
    """Shuffled batches of a fixed size, at the right rate."""
    rng = np.random.default_rng(0)

    def members(self: PrivateTrainer, units: int) -> Tensor:
        return torch.from_numpy(rng.permutation(units)[: round(self.settings.sample_rate * units)])

    patch.setattr(PrivateTrainer, "batch_members", members)


@variant("L6", checks.batches_are_poisson_samples, "rate is not the plan's")
def rate_from_the_length(patch: Patch) -> None:
    """The sampling rate is the expected batch divided by the table's length."""

    def members(self: PrivateTrainer, units: int) -> Tensor:
        coins = self._coins.bernoulli(self.settings.expected_batch_size / units, units)
        return torch.from_numpy(coins.nonzero()[0])

    patch.setattr(PrivateTrainer, "batch_members", members)

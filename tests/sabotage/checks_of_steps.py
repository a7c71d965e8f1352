"""Check noise, coins, batches, clipping and steps; AssertionError on failure."""

from __future__ import annotations

import os
import pickle
import random
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from privgan.errors import InternalError
from privgan.generator.dpsgd import PrivateTrainer
from privgan.ledger.ledger import PrivacyLedger
from privgan.privacy import accountant
from privgan.privacy.mechanisms import CategoryDiscovery, CountHistogram, Selection, TotalCount
from privgan.privacy.randomness import SecretStream
from tests.coins import RepeatableStream
from tests.sabotage import world

ALPHA = 1e-8
SIZES = (4, 3)


def noise_has_the_plans_scale() -> None:
    """At every step, whatever came before.

    A row of zeros has no gradient, so that all of it is noise.
    """
    settings = world.critic_settings(steps=12)
    scale = settings.noise_multiplier * settings.max_grad_norm / settings.expected_batch_size
    draws = []
    for _ in range(2):
        critic = world.Flat(2_000)
        trainer = world.trainer(critic, settings, SecretStream())
        with world.caught_gradients(critic) as caught:
            for _ in range(settings.steps):
                trainer.step(torch.zeros(4, 2_000), world.kinds(2, 2))
        draws += [part.numpy().astype(float) / scale for part in caught]
    for step, noise in enumerate(draws):
        low, high = stats.chi2.ppf([ALPHA / 2, 1 - ALPHA / 2], len(noise))
        assert low < (noise**2).sum() < high, f"noise is off its scale at step {step}"
    assert stats.kstest(np.concatenate(draws), "norm").pvalue > ALPHA, "noise is not normal"
    alike = np.abs(np.corrcoef(draws) - np.eye(len(draws))).max()
    assert alike < 7 / np.sqrt(2_000), "noise repeats between steps or runs"


def no_seed_moves_a_coin() -> None:
    """All of a run's coins, drawn twice after the same seeds were set everywhere.

    Nothing may agree.
    """

    def drawn(after: int) -> dict[str, Any]:
        random.seed(after)
        np.random.seed(after)  # noqa: NPY002 - the global generator is what must not matter
        torch.manual_seed(after)
        coins = SecretStream()
        critic, settings = world.Flat(50), world.critic_settings()
        trainer = world.trainer(critic, settings, coins)
        with world.caught_gradients(critic) as caught:
            trainer.step(torch.zeros(2, 50), world.kinds(1, 1))
        counts = np.zeros(40, dtype=np.int64)
        total, choice = (
            TotalCount(epsilon=1e-6, sensitivity=1),
            Selection(epsilon=1e-3, sensitivity=1.0),
        )
        return {
            "gradient noise": caught[0].tolist(),
            "batch": trainer.batch_members(400).tolist(),
            "canaries": world.left_out(400, coins).tolist(),
            "histogram": (
                CountHistogram(standard_deviation=1e3, sensitivity=1)
                .release(counts, coins)
                .tolist()
            ),
            "row count": [total.release(0, coins) for _ in range(4)],
            "choice": [choice.choose(np.zeros(1_000), coins) for _ in range(6)],
        }

    one, two = drawn(3), drawn(3)
    assert not (same := [name for name in one if one[name] == two[name]]), (
        f"a seed moves coins: {', '.join(same)}"
    )


def a_key_holds_at_least_128_bits() -> None:
    """Each of at least 16 bytes that the operating system gives moves the stream."""
    real, asked = os.urandom, list[int]()
    with mock.patch.object(os, "urandom", lambda count: asked.append(count) or real(count)):
        SecretStream()
    assert sum(asked) >= 16, f"a key of {8 * sum(asked)} bits was asked for"

    def words(changed: int | None) -> list[int]:
        given = bytearray(sum(asked))
        if changed is not None:
            given[changed] = 1
        taken = iter(given)
        with mock.patch.object(
            os, "urandom", lambda count: bytes(next(taken) for _ in range(count))
        ):
            return SecretStream().words(4).tolist()

    plain = words(None)
    assert all(words(byte) != plain for byte in range(sum(asked))), (
        "a byte of the key moves nothing"
    )


def coins_cannot_be_kept() -> None:
    """Not pickled, copied or printed."""
    import copy

    for keep in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            keep(SecretStream())
    assert repr(SecretStream()) == str(SecretStream()) == "SecretStream(…)", (
        "a stream prints what is in it"
    )


def repeatable_coins_promise_nothing() -> None:
    """A run with a test stream costs ε = ∞ in the ledger and makes no claim."""
    with tempfile.TemporaryDirectory() as folder:
        fitted = world.fit(world.table(), RepeatableStream(1), Path(folder))
        spent = PrivacyLedger.open(f"{folder}/ledger.sqlite").account("small").epsilon
    assert spent == float("inf"), "a run with repeatable coins was counted as private"
    assert not fitted.secret, "a run with repeatable coins makes a claim"


def each_row_is_clipped_alone() -> None:
    """One row more moves the sum by that row's clipped gradient, whatever else is in the batch.

    By the clip norm exactly.

    The loop's own critic, losses and batches, every row in the batch, without noise; a clip norm
    that every row exceeds.
    """
    clip, sums = 0.05, partial(world.first_critic_sum, sizes=SIZES, max_grad_norm=0.05)
    rng = np.random.default_rng(0)
    for others in (1, 2, 11):
        batch = np.stack([rng.integers(0, size, others) for size in SIZES], axis=1)
        row = np.stack([rng.integers(0, size, 1) for size in SIZES], axis=1)
        alone = sums(row) - sums(row[:0])
        among = sums(np.vstack([batch, row])) - sums(batch)
        for moved in (alone, among):
            assert 0.99 * clip < float(moved.norm()) < clip * (1 + 1e-4), (
                f"one row moves the sum by {moved.norm() / clip:.3g} clips"
            )
        assert float((among - alone).norm()) < 1e-3 * clip, (
            "a row's gradient depends on the rows beside it"
        )


def each_customer_is_clipped_as_one() -> None:
    """A customer with three rows moves the sum by the clip norm, as one with one row does."""
    clip, sums = 0.05, partial(world.first_customer_sum, sizes=SIZES, max_grad_norm=0.05)
    codes = _codes(20)
    for rows in (1, 3):
        more = np.vstack([codes, np.repeat(codes[:1], rows, axis=0)])
        others = np.arange(20) // 2
        moved = sums(more, np.append(others, [10] * rows)) - sums(codes, others)
        clips = float(moved.norm()) / clip
        assert 0.99 < clips < 1 + 1e-4, (
            f"a customer with {rows} rows moves the sum by {clips:.3g} clips"
        )


def contributions_are_bounded() -> None:
    """No private table of a fit holds more rows of a customer than the unit allows."""
    with tempfile.TemporaryDirectory() as folder:
        most = world.fit_customers(2, Path(folder))
    assert most, "no private table was made"
    assert max(most) == 2, f"a customer has {max(most)} rows where 2 are allowed"


def discoveries_keep_their_delta() -> None:
    """One customer's own value is discovered no more often than the charged δ allows."""
    mechanism, customers = CategoryDiscovery(standard_deviation=4.0, max_rows=1, delta=0.02), 4_000
    found = len(
        mechanism.release({str(customer): 1 for customer in range(customers)}, SecretStream())
    )
    charged = accountant.discovery_delta(mechanism.event)
    most = stats.binom.isf(ALPHA, customers, charged)
    assert found <= most, (
        f"{found} of {customers} lone values appear; the charged δ = {charged:g} allows {most:.0f}"
    )


def clipping_bounds_extreme_rows() -> None:
    """Rows of any size, through the trainer alone."""
    settings = world.critic_settings(steps=1)

    def total(rows: Tensor) -> Tensor:
        critic = world.Flat(8)
        nn.init.constant_(critic.linear.weight, 0.1)
        with world.caught_gradients(critic) as caught:
            world.trainer(critic, settings, world.Still()).step(rows, world.kinds(len(rows), 0))
        return caught[0] * settings.expected_batch_size

    few = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    for size in (1e-3, 1.0, 1e4):
        moved = total(torch.cat([few, torch.full((1, 8), -size)])) - total(few)
        assert float(moved.norm()) < settings.max_grad_norm * (1 + 1e-4), (
            "a row moves the sum by more than the clip norm"
        )


def batches_are_poisson_samples() -> None:
    """Each row is in each batch by a coin of its own, at the plan's rate.

    Through the loop; rare categories as all others.
    """
    rows, steps = 64, 200
    codes = np.stack([np.arange(rows), (np.arange(rows) >= 62).astype(int)], axis=1)
    settings = world.critic_settings(steps=steps, steps_per_generator_step=1_000)
    seen = world.batches(codes, (rows, 2), settings)
    member = np.array([np.bincount(batch[:, 0], minlength=rows) for batch in seen])
    assert member.shape == (steps, rows), "the loop made another number of batches than planned"
    assert member.max() <= 1, "a row is in a batch twice"
    rate = settings.sample_rate
    assert stats.binomtest(int(member.sum()), member.size, rate).pvalue > ALPHA, (
        "the rate is not the plan's"
    )
    for row in (0, 62, 63):
        assert stats.binomtest(int(member[:, row].sum()), steps, rate).pvalue > ALPHA, (
            "a row's rate is not the plan's"
        )
    spread = member.sum(1).var(ddof=1) * (steps - 1) / (rows * rate * (1 - rate))
    low, high = stats.chi2.ppf([ALPHA, 1 - ALPHA], steps - 1)
    assert low < spread < high, "batch sizes do not vary as Poisson samples do"


def private_steps_are_the_plans() -> None:
    """As many noisy sums as planned, whatever the ratio of critic to generator steps.

    One more is refused.
    """
    for every in (1, 2, 3):
        coins = world.Counting(0)
        world.refined(
            _codes(40), SIZES, world.critic_settings(steps=6, steps_per_generator_step=every), coins
        )
        assert len(coins.drawn) == 6 * 6, (
            f"the critic of 6 tensors drew noise {len(coins.drawn)} times in 6 steps"
        )
    critic, settings = world.Flat(4), world.critic_settings(steps=2)
    trainer = world.trainer(critic, settings, SecretStream())
    for _ in range(settings.steps):
        trainer.step(torch.zeros(2, 4), world.kinds(1, 1))
    with pytest.raises(InternalError, match="one more"):
        trainer.step(torch.zeros(2, 4), world.kinds(1, 1))


def what_runs_is_what_was_charged() -> None:
    """Other noise, rate or steps than in the receipt are refused."""
    settings = world.critic_settings()
    for change in ({"noise_multiplier": 0.9}, {"sample_rate": 0.5}, {"steps": 8}):
        with pytest.raises(InternalError, match="what was charged"):
            PrivateTrainer(
                world.Flat(4), replace(settings, **change), settings.event, None, SecretStream()
            )


def only_noisy_gradients_move_the_critic() -> None:
    """The noisy gradients that reached Adam, given to another Adam, make the same critic."""
    settings = world.critic_settings(steps=3)
    critic, twin = world.Flat(8), world.Flat(8)
    twin.load_state_dict(critic.state_dict())
    trainer = world.trainer(critic, settings, SecretStream())
    rows = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    with world.caught_gradients(critic) as caught:
        for _ in range(settings.steps):
            trainer.step(rows, world.kinds(3, 3))
    adam = torch.optim.Adam(twin.parameters(), settings.learning_rate, betas=(0.5, 0.9))
    for gradient in caught:
        twin.linear.weight.grad = gradient.view_as(twin.linear.weight)
        adam.step()
    assert torch.equal(critic.linear.weight, twin.linear.weight), (
        "something else than noisy gradients moved the critic"
    )


def _codes(rows: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, rows) for size in SIZES], axis=1)

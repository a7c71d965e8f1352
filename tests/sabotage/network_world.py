"""Provide the network's part of the small world: its phase of DP-SGD alone, and a whole fit.

Beside ``world.py``, the only module of the suite that calls the network's loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from privgan.generator import adversarial, network_fit
from privgan.generator.autoregressive import Autoregressive, one_hot
from privgan.generator.dpsgd import PrivateTrainer
from privgan.generator.likelihood import LikelihoodTraining
from privgan.generator.private_phase import Told
from privgan.generator.refine import Training
from privgan.owner.private_table import Samples
from privgan.pipeline import private_training
from privgan.planning.dpsgd_settings import NetworkSettings
from privgan.planning.plan import GeneratorKind, Plan
from privgan.planning.planner import PlanOptions, make_plan
from privgan.privacy.randomness import SecretStream
from tests.sabotage import world

SIZES = (4, 3)
WIDTH = 6
# Two weights and two biases: the hidden layer's and the last layer's.
TENSORS = 4


class Idle(world.Deaf):
    """Coins under which no customer is in a batch, so that all of a step is noise of usual size.

    All that moves the network then is not DP-SGD.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._rng = np.random.default_rng(seed)

    def bernoulli(self, probability: float, count: int) -> np.ndarray:
        return np.zeros(count, dtype=bool)

    def gaussian_noise(self, count: int) -> np.ndarray:
        return self._rng.standard_normal(count)


def settings(**changes: Any) -> NetworkSettings:
    """Settings of a small network."""
    made = NetworkSettings(
        steps=4,
        sample_rate=0.3,
        expected_batch_size=15,
        noise_multiplier=1.3,
        max_grad_norm=0.05,
        width=WIDTH,
        learning_rate=0.02,
        distil_steps=2,
        distil_rows=10,
        distil_learning_rate=0.01,
        raking_rounds=1,
    )
    return replace(made, **changes)


def network(sizes: Sequence[int] = SIZES) -> Autoregressive:
    """A small network with strong random weights, scaled by even synthetic rows."""
    made, random = Autoregressive(sizes, width=WIDTH), torch.Generator().manual_seed(5)
    with torch.no_grad():
        for part in made.parameters():
            part.copy_(torch.randn(part.shape, generator=random))
    codes = np.random.default_rng(6).integers(0, sizes, (200, len(sizes)))
    made.precondition(one_hot(torch.from_numpy(codes), sizes))
    return made


def phase(
    the_settings: NetworkSettings,
    coins: SecretStream,
    *,
    sizes: tuple[int, ...] = SIZES,
    several: bool = False,
) -> LikelihoodTraining:
    """The network's phase before its first step; for customers of up to three rows, or of one."""
    shares = (1 / 3, 1 / 3, 1 / 3) if several else (1.0,)
    training = Training(coins=coins, seed=0, rows_of_each=shares)
    model, _ = world.model_of(sizes)
    return LikelihoodTraining(model, network(sizes), the_settings.event, the_settings, training)


def trained(
    codes: np.ndarray,
    the_settings: NetworkSettings,
    coins: SecretStream,
    customers: np.ndarray | None = None,
    told: Told | None = None,
) -> LikelihoodTraining:
    """The whole phase on private codes; customers of several rows where they are given."""
    sizes = SIZES if codes.max(initial=0) < max(SIZES) else (int(codes.max()) + 1, 2)
    made = phase(the_settings, coins, sizes=sizes, several=customers is not None)
    own = np.arange(len(codes)) if customers is None else customers
    made.run(Samples(codes, own), the_settings.steps, told)
    return made


@contextmanager
def caught_gradients() -> Iterator[list[list[Tensor]]]:
    """The gradients that reach the optimiser, by step and tensor; it does its work."""
    caught: list[list[Tensor]] = []
    step = torch.optim.SGD.step

    def catching(self: torch.optim.SGD, *arguments: Any, **more: Any) -> Any:
        (group,) = self.param_groups
        caught.append([part.grad.detach().clone() for part in group["params"]])
        return step(self, *arguments, **more)

    with mock.patch.object(torch.optim.SGD, "step", catching):
        yield caught


def first_sum(
    codes: np.ndarray, max_grad_norm: float, customers: np.ndarray | None = None
) -> Tensor:
    """The sum of clipped gradients of the loop's first step, without noise, flat.

    Every customer is in the batch.
    """
    one = settings(steps=1, sample_rate=1.0, max_grad_norm=max_grad_norm)
    with caught_gradients() as caught:
        trained(codes, one, world.Still(), customers)
    return torch.cat([part.flatten() for part in caught[0]]) * one.expected_batch_size


def batches(codes: np.ndarray, the_settings: NetworkSettings) -> list[np.ndarray]:
    """Codes of the first column of the rows at each step, with real coins for membership."""
    seen: list[np.ndarray] = []
    step, first = PrivateTrainer.step, int(codes[:, 0].max()) + 1

    def recording(self: PrivateTrainer, rows: Tensor, kinds: Tensor) -> None:
        seen.append(rows[:, :first].argmax(1).numpy())
        step(self, rows, kinds)

    with mock.patch.object(PrivateTrainer, "step", recording):
        trained(codes, the_settings, world.Still())
    return seen


def gan_plan(rows: int | None = None) -> Plan:
    """A plan that trains a GAN's critic; without a row count it begins with stage 1."""
    return plan(rows, GeneratorKind.GAN)


def plan(rows: int | None = None, kind: GeneratorKind = GeneratorKind.NETWORK) -> Plan:
    """A plan that trains a network; without a row count it begins with stage 1."""
    options = PlanOptions(canary_probability=0.2)
    return make_plan(
        world.SCHEMA,
        world.BUDGET,
        public_rows=rows,
        effort="tiny",
        kind=kind,
        options=options,
    )


@contextmanager
def small_pools() -> Iterator[None]:
    """Few synthetic rows and free steps around the phase."""
    with (
        mock.patch.object(private_training, "_POOL", 3_000),
        mock.patch.object(private_training, "_JUDGED_BY", 2_000),
        mock.patch.multiple(network_fit, _POOL=3_000, _STEPS=60, _ROWS=300),
    ):
        yield


@contextmanager
def any_critic() -> Iterator[None]:
    """A GAN's generator is trained and kept, however little its critic learnt."""
    with (
        mock.patch.multiple(network_fit, _FAR_OF_SINGLES=1.0, _COMMON=1.0),
        mock.patch.object(adversarial, "_CLEARLY", np.inf),
    ):
        yield


def what_leaves(frame: pd.DataFrame, the_plan: Plan | None = None) -> dict[str, bytes]:
    """Every file that a release is made from, with coins that hide all outcomes."""
    with small_pools():
        return world.what_leaves(frame, Idle(1), the_plan or plan())

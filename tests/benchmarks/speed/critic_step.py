"""Measure one DP-SGD step of the critic against the same step without privacy.

Rows, losses and optimiser are the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import torch
from torch import Tensor

from privgan.demo import demo_schema_yaml
from privgan.domain.cells import cells_of
from privgan.generator.dpsgd import PrivateTrainer
from privgan.generator.losses import FAKE, REAL, critic_losses
from privgan.generator.networks import Critic
from privgan.planning.dpsgd_settings import CriticSettings
from privgan.planning.planner import make_plan
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.randomness import SecretStream
from privgan.table.schema_file import parse_schema

MOST = 1.5
ROWS, EPSILON, CRITIC_SHARE = 50_000, 3.0, 0.5
WARM, ROUNDS, STEPS = 10, 7, 20


def measure_critic_step() -> dict[str, Any]:
    """Processor seconds of either step, and their ratio, for the demo's schema.

    The median over rounds that take turns.
    """
    schema = parse_schema(demo_schema_yaml())
    plan = make_plan(
        schema, PrivacyBudget(epsilon=EPSILON), public_rows=ROWS, marginal_share=1 - CRITIC_SHARE
    )
    assert plan.critic is not None
    settings = replace(plan.critic, steps=WARM + ROUNDS * STEPS)
    sizes = [
        min(cells_of(column, plan.marginals.max_cells).size, plan.marginals.largest_identity)
        for column in schema.modelled
    ]
    rows, kinds = _batch(settings, sizes)
    torch.set_num_threads(1)
    private, plain = _private_step(settings, rows, kinds), _plain_step(settings, rows, kinds)
    for step in (private, plain):
        _seconds(step, WARM)
    times = [(_seconds(private, STEPS), _seconds(plain, STEPS)) for _ in range(ROUNDS)]
    return {
        "private_s": median(pair[0] for pair in times),
        "plain_s": median(pair[1] for pair in times),
        "ratio": median(pair[0] / pair[1] for pair in times),
        "batch": len(rows),
        "inputs": rows.shape[1],
        "width": settings.width,
    }


def _batch(settings: CriticSettings, sizes: list[int]) -> tuple[Tensor, Tensor]:
    """As many real as fake rows of one-hot codes and marks."""
    generator = torch.Generator().manual_seed(0)
    count = settings.expected_batch_size
    codes = [
        torch.randint(size, (2 * count,), generator=generator) for size in (*sizes, len(sizes))
    ]
    parts = [
        torch.nn.functional.one_hot(code, size)
        for code, size in zip(codes, (*sizes, len(sizes)), strict=True)
    ]
    return torch.cat(parts, 1).float(), torch.cat(
        [torch.full((count,), REAL), torch.full((count,), FAKE)]
    )


def _private_step(settings: CriticSettings, rows: Tensor, kinds: Tensor) -> Callable[[], None]:
    critic = Critic(rows.shape[1], width=settings.width)
    trainer = PrivateTrainer(critic, settings, settings.event, critic_losses, SecretStream())
    return lambda: trainer.step(rows, kinds)


def _plain_step(settings: CriticSettings, rows: Tensor, kinds: Tensor) -> Callable[[], None]:
    critic = Critic(rows.shape[1], width=settings.width)
    optimiser = torch.optim.Adam(critic.parameters(), settings.learning_rate, betas=(0.5, 0.9))

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(critic_losses(critic(rows), kinds).mean())
        optimiser.step()

    return step


def _seconds(step: Callable[[], None], times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        step()
    return (time.process_time() - started) / times

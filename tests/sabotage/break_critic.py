"""Ways of breaking customers, gradients and steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from privgan.generator import refine as refining
from privgan.generator.dpsgd import PrivateTrainer
from privgan.generator.networks import Critic
from privgan.owner import owners_table
from privgan.owner.private_table import Samples
from privgan.planning.dpsgd_settings import CriticSettings
from privgan.privacy import events
from privgan.privacy.mechanisms import CategoryDiscovery
from tests.sabotage import checks
from tests.sabotage.registry import Patch, variant


@variant("L37", checks.each_customer_is_clipped_as_one, "with 3 rows moves the sum by 3 clips")
def rows_clipped_one_by_one(patch: Patch) -> None:
    """Each row of a customer is a sample of its own."""
    made = Samples.__init__
    patch.setattr(
        Samples, "__init__", lambda self, codes, customers: made(self, codes, np.arange(len(codes)))
    )


@variant("L37", checks.contributions_are_bounded, "contributions were not bounded")
def contributions_not_bounded(patch: Patch) -> None:
    """All rows of a customer are used, however many."""
    patch.setattr(
        owners_table,
        "bounded",
        lambda customers, max_rows, coins: np.ones(len(customers), dtype=bool),
    )


@variant("L3", checks.discoveries_keep_their_delta, "lone values appear")
def vocab_no_delta(patch: Patch) -> None:
    """Categories are found by noisy counts with a fixed threshold, and no δ is charged."""
    patch.setattr(CategoryDiscovery, "threshold", 5)
    patch.setattr(
        CategoryDiscovery,
        "event",
        property(lambda self: events.DiscreteGaussian(self.standard_deviation)),
    )


@variant("L22", checks.each_row_is_clipped_alone, "beside it|clips")
def pack_clip(patch: Patch) -> None:
    """The critic judges packs of neighbouring rows."""
    plain = Critic.forward
    patch.setattr(Critic, "forward", lambda self, rows: plain(self, (rows + rows.roll(1, 0)) / 2))


@variant("L22", checks.each_row_is_clipped_alone, "mixes rows")
def batchnorm_critic(patch: Patch) -> None:
    """The critic holds batch normalisation."""

    class Normalising(Critic):
        def __init__(self, inputs: int, *, width: int) -> None:
            super().__init__(inputs, width=width)
            self.norm = nn.BatchNorm1d(inputs)

    patch.setattr(refining, "Critic", Normalising)


@variant("L22", checks.each_row_is_clipped_alone, "beside it|clips")
def batchnorm_by_hand(patch: Patch) -> None:
    """The critic subtracts the batch's mean, without a layer that could be refused by name."""
    plain = Critic.forward
    patch.setattr(
        Critic, "forward", lambda self, rows: plain(self, rows - rows.mean(0, keepdim=True))
    )


@variant("L22", checks.each_row_is_clipped_alone, "beside it|clips")
def relativistic_loss(patch: Patch) -> None:
    """Each score is taken relative to the batch's mean."""
    plain = refining.critic_losses
    patch.setattr(
        refining, "critic_losses", lambda scores, real: plain(scores - scores.mean(), real)
    )


@variant("L23", checks.each_row_is_clipped_alone, "beside it|clips")
def gp_on_real(patch: Patch) -> None:
    """A penalty on the slope between neighbouring rows of the batch, real and fake."""
    plain = refining.critic_losses
    patch.setattr(
        refining,
        "critic_losses",
        lambda scores, real: plain(scores, real) + 100 * (scores - scores.roll(1)).square(),
    )


@variant("L10", checks.private_steps_are_the_plans, "DID NOT RAISE")
def check_after_spend(patch: Patch) -> None:
    """One step more than planned is done before anybody counts."""
    step = PrivateTrainer.step

    def late(self: PrivateTrainer, *arguments: Any) -> None:
        done, self.steps_done = self.steps_done, max(0, self.steps_done - 1)
        step(self, *arguments)
        self.steps_done = done + 1

    patch.setattr(PrivateTrainer, "step", late)


@variant("L14", checks.private_steps_are_the_plans, "drew noise 72 times")
def steps_times_k(patch: Patch) -> None:
    """Two critic steps where one was planned."""
    step = PrivateTrainer.step

    def twice(self: PrivateTrainer, *arguments: Any) -> None:
        step(self, *arguments)
        self.steps_done -= 1
        step(self, *arguments)

    patch.setattr(PrivateTrainer, "step", twice)


@variant("L30", checks.private_steps_are_the_plans, "drew noise")
def holdout_stop(patch: Patch) -> None:
    """Training stops when real rows are no longer scored better."""
    step, best = PrivateTrainer.step, {"score": -np.inf}

    def patient(self: PrivateTrainer, rows: Tensor, real: Tensor) -> None:
        score = float(self.scores(rows[real > 0]).mean())
        if self.steps_done == 0 or score > best["score"] + 1:
            best["score"] = score
            step(self, rows, real)
        else:
            self.steps_done += 1

    patch.setattr(PrivateTrainer, "step", patient)


def _settings_patched(patch: Patch, change: Callable[[CriticSettings], dict[str, Any]]) -> None:
    """The trainer works with other settings than given, and is told that these were charged."""
    made = PrivateTrainer.__init__

    def other(
        self: Any, critic: Any, settings: CriticSettings, charged: Any, criterion: Any, coins: Any
    ) -> None:
        changed = replace(settings, **change(settings))
        made(self, critic, changed, changed.event, criterion, coins)

    patch.setattr(PrivateTrainer, "__init__", other)


@variant("L11, L24", checks.what_runs_is_what_was_charged, "DID NOT RAISE")
def charged_as_told(patch: Patch) -> None:
    """The trainer does not compare its settings with what was charged."""
    _settings_patched(patch, lambda settings: {})


@variant("L27", checks.only_noisy_gradients_move_the_critic, "something else")
def shared_critic(patch: Patch) -> None:
    """The critic is also trained on the raw rows, without noise."""
    step = PrivateTrainer.step

    def also_plain(self: PrivateTrainer, rows: Tensor, real: Tensor) -> None:
        step(self, rows, real)
        network = self.module._module
        with torch.enable_grad():
            loss = torch.nn.functional.softplus(-network(rows)).mean()
        for part, gradient in zip(
            network.parameters(), torch.autograd.grad(loss, list(network.parameters())), strict=True
        ):
            part.data -= 1e-3 * gradient

    patch.setattr(PrivateTrainer, "step", also_plain)

"""Refine the generator adversarially: only DP-SGD on the critic reads real rows.

The generator reads the critic and the noisy marginals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from privgan.generator.conditions import marks_for_rows, unconditioned_share
from privgan.generator.dpsgd import PrivateTrainer
from privgan.generator.losses import ABSENT, FAKE, REAL, FitLoss, critic_losses, generator_loss
from privgan.generator.mixture import GeneratorModel
from privgan.generator.networks import Critic
from privgan.generator.private_phase import Told
from privgan.measurement.marginals import Measurements
from privgan.owner.private_table import Samples
from privgan.planning.dpsgd_settings import CriticSettings
from privgan.privacy.events import DpEvent
from privgan.privacy.randomness import SecretStream

_AVERAGE_DECAY = 0.995


@dataclass(frozen=True, kw_only=True)
class Training:
    """How critic and generator are trained.

    Attributes:
        coins: Secret coins.
        seed: Moves the critic's initial weights.
        rows_of_each: Noisy share of the customers with 1, 2, … rows: fake customers have as many.
        trainer: Makes the critic's trainer; another one than the usual only in the audit's test
            runs.
    """

    coins: SecretStream
    seed: int
    rows_of_each: Sequence[float] = (1.0,)
    trainer: Callable[..., PrivateTrainer] = PrivateTrainer


class Refinement:
    """Train critic and generator against each other, in resumable steps.

    Args:
        model: The generator, warm-started; changed in place.
        measurements: Noisy marginals, which the generator keeps to.
        charged: The receipt's event.
        settings: The plan's critic settings.
        training: Coins, seed and trainer.
    """

    def __init__(
        self,
        model: GeneratorModel,
        measurements: Measurements,
        charged: DpEvent,
        settings: CriticSettings,
        training: Training,
    ) -> None:
        self.model, self.settings = model, settings
        coins, rows_of_each = training.coins, training.rows_of_each
        self._coins, self._rows_of_each = coins, np.asarray(rows_of_each) / np.sum(rows_of_each)
        # The norm of a sample of several rows is a difference of large sums: it needs double
        # precision.
        self._type = torch.float64 if len(rows_of_each) > 1 else torch.float32
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(training.seed + 1)
            critic = Critic(sum(model.sizes) + len(model.sizes), width=settings.width)
        self.critic = critic.to(model.device, self._type)
        self.trainer = training.trainer(self.critic, settings, charged, critic_losses, coins)
        self._loss_of = FitLoss(measurements.targets(), model.device)
        self.optimiser = torch.optim.Adam(
            model.network.parameters(),
            settings.generator_learning_rate,
            betas=(0.5, 0.9),
            fused=True,
        )
        self.loss = 0.0
        model.restart_average()

    @property
    def step(self) -> int:
        """The number of private steps done so far."""
        return self.trainer.steps_done

    def networks(self) -> Mapping[str, nn.Module]:
        """The networks by their names in a checkpoint."""
        return {
            "generator": self.model.network,
            "average": self.model.average,
            "critic": self.trainer.network,
        }

    def optimisers(self) -> Mapping[str, torch.optim.Optimizer]:
        """The optimisers by their names in a checkpoint."""
        return {"generator-adam": self.optimiser, "critic-adam": self.trainer.optimiser}

    def run(self, samples: Samples, until: int, progress: Told | None = None) -> None:
        """Train until a given step.

        Args:
            samples: Private rows as codes by customer, handed out against a receipt.
            until: The last step of this part.
            progress: Called with the step, the number of steps and the generator's loss (on fake
                rows only).
        """
        components = _frozen_components(self.model)
        while self.step < until:
            self._critic_step(samples, components)
            if self.step % self.settings.steps_per_generator_step == 0:
                self.loss = self._generator_step()
                components = _frozen_components(self.model)
                self.model.update_ema(_AVERAGE_DECAY)
            if progress and (self.step % 10 == 0 or self.step == self.settings.steps):
                progress(self.step, self.settings.steps, self.loss)

    def _critic_step(self, samples: Samples, components: Sequence[Tensor]) -> None:
        fakes, fake_kinds = self._fake_samples(components)
        members = self.trainer.batch_members(len(samples)).numpy()
        codes, place = samples.batch(members)
        reals = _real_rows(
            torch.as_tensor(codes, device=self.model.device), self.model.sizes, self._coins
        )
        rows, kinds = stacked(reals, place, len(members), REAL, wide=len(self._rows_of_each) > 1)
        width = max(rows.shape[1], fakes.shape[1]) if rows.dim() > 2 else 0
        both = torch.cat([_widened(rows, width, 0.0), _widened(fakes, width, 0.0)])
        self.trainer.step(
            both.to(self._type),
            torch.cat([_widened(kinds, width, ABSENT), _widened(fake_kinds, width, ABSENT)]),
        )

    def _fake_samples(self, components: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Draw as many fake customers as the expected batch, with rows by the noisy counts."""
        customers = self.settings.expected_batch_size
        if len(self._rows_of_each) == 1:
            return stacked(
                self.model.fake_rows(components, customers),
                np.arange(customers),
                customers,
                FAKE,
                wide=False,
            )
        rows = (
            self.model.rng.choice(len(self._rows_of_each), size=customers, p=self._rows_of_each) + 1
        )
        fakes = self.model.fake_rows(components, int(rows.sum()))
        return stacked(fakes, np.repeat(np.arange(customers), rows), customers, FAKE, wide=True)

    def _generator_step(self) -> float:
        model = self.model
        logits = model.logits()
        fakes = model.fake_rows(logits.split(model.sizes, 1), model.settings.fake_rows).to(
            self._type
        )
        loss = generator_loss(self.trainer.scores(fakes)).float()
        loss = loss + self.settings.marginal_weight * self._loss_of(logits, model.rng)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return float(loss.detach())


@torch.no_grad()
def _frozen_components(model: GeneratorModel) -> tuple[Tensor, ...]:
    """The mixture's components, without gradients, until the generator's next step."""
    return model.components()


def stacked(
    rows: Tensor, place: np.ndarray, samples: int, kind: float, *, wide: bool
) -> tuple[Tensor, Tensor]:
    """Gather rows [rows, inputs] into samples, with the kind of each score.

    Args:
        rows: The rows, those of one sample next to each other.
        place: The sample of each row [rows], ascending.
        samples: The number of samples.
        kind: REAL or FAKE.
        wide: Whether samples have several rows; else each row is a sample.

    Returns:
        [samples, inputs] and [samples]; or [samples, most rows, inputs] and [samples, most rows],
        ABSENT where one has fewer.
    """
    if not wide:
        return rows, torch.full((len(rows),), kind, device=rows.device)
    counts = np.bincount(place, minlength=samples)
    offset = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
    most = int(counts.max(initial=1))
    held = torch.zeros(samples, most, rows.shape[1], device=rows.device)
    kinds = torch.full((samples, most), ABSENT, device=rows.device)
    where = torch.from_numpy(place).to(rows.device), torch.from_numpy(offset).to(rows.device)
    held[where], kinds[where] = rows, kind
    return held, kinds


def _widened(part: Tensor, width: int, value: float) -> Tensor:
    """Pad a part [samples, rows, …] to a number of rows; unchanged where ``width`` is 0."""
    if not width or part.shape[1] == width:
        return part
    shape = (part.shape[0], width - part.shape[1], *part.shape[2:])
    return torch.cat([part, torch.full(shape, value, device=part.device)], 1)


def _real_rows(codes: Tensor, sizes: Sequence[int], coins: SecretStream) -> Tensor:
    """One-hot real rows with their marks [batch, inputs].

    Each depends on its own codes and its own coin.
    """
    parts = [F.one_hot(codes[:, column], size) for column, size in enumerate(sizes)]
    picks = _column_picks(len(codes), len(sizes), coins).to(codes.device)
    return torch.cat([*(part.float() for part in parts), marks_for_rows(len(sizes), picks)], 1)


def _column_picks(rows: int, columns: int, coins: SecretStream) -> Tensor:
    """Draw each row's condition column, or ``columns`` for none, in the fake rows' shares."""
    uniform, unconditioned = coins.uniform(rows), unconditioned_share(columns)
    if unconditioned == 1:
        return torch.full((rows,), columns)
    picks = np.floor(uniform / (1 - unconditioned) * columns)
    return torch.from_numpy(np.minimum(picks, columns).astype(np.int64))

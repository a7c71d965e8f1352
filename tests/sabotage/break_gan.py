"""Ways of breaking what is done around a GAN's critic."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from privgan.generator import adversarial
from privgan.generator.autoregressive import Autoregressive, one_hot
from privgan.generator.mixture import GeneratorModel
from privgan.generator.warm_start import Steps
from privgan.pipeline import fitting, private_training
from privgan.pipeline.job import Fitted, Job
from privgan.privacy.receipts import mint
from tests.sabotage import checks
from tests.sabotage.break_looks import _stash_frame
from tests.sabotage.break_network import _exact, _real_codes
from tests.sabotage.registry import Patch, variant

_AROUND = checks.nothing_around_the_gans_critic_sees_a_row


def _with_real_codes(
    patch: Patch, broken: Callable[[np.ndarray], AbstractContextManager[object]]
) -> None:
    """The generator's training runs inside what ``broken`` makes of the private codes."""
    kept, plain = _stash_frame(patch), private_training._against_critic

    def with_them(job: Job, fitted: Fitted, *more: Any) -> Fitted:
        with broken(_real_codes(fitted, kept)):
            return plain(job, fitted, *more)

    patch.setattr(private_training, "_against_critic", with_them)


@variant("L26", _AROUND, r"reach .*model/model\.safetensors.* around")
def generator_kept_to_exact_counts(patch: Patch) -> None:
    """The generator keeps to the table's exact marginals."""
    plain = private_training.fit_against_critic

    def exactly(codes: np.ndarray) -> AbstractContextManager[object]:
        def fit(model: GeneratorModel, critic: Autoregressive, targets: Any, *more: Any) -> None:
            plain(model, critic, _exact(targets, codes, model.sizes), *more)

        return mock.patch.object(private_training, "fit_against_critic", fit)

    _with_real_codes(patch, exactly)


@variant("L26", _AROUND, r"reach .*model/model\.safetensors.* around")
def real_rows_among_the_fakes(patch: Patch) -> None:
    """The generator learns from the scores of a few real rows too."""
    plain = adversarial.draw_rows

    def mixed(codes: np.ndarray) -> AbstractContextManager[object]:
        def drawn(shares: Tensor, layout: Any, rows: int, rng: np.random.Generator) -> Tensor:
            real = one_hot(torch.from_numpy(codes[:5]), layout.sizes)
            return torch.cat([plain(shares, layout, rows, rng), real])

        return mock.patch.object(adversarial, "draw_rows", drawn)

    _with_real_codes(patch, mixed)


@variant("L30", _AROUND, r"reach .*model/model\.safetensors.* around")
def generator_stops_by_real_rows(patch: Patch) -> None:
    """How long the generator is trained follows from the real rows."""
    plain = adversarial.minimise

    def stopping(codes: np.ndarray) -> AbstractContextManager[object]:
        def minimise(model: Any, loss: Any, optimiser: Any, steps: Steps, *more: Any) -> float:
            number = steps.number // 2 + int(codes.sum()) % 3
            return plain(model, loss, optimiser, Steps(number, steps.decay_from), *more)

        return mock.patch.object(adversarial, "minimise", minimise)

    _with_real_codes(patch, stopping)


@variant("L30, L31", _AROUND, "rows reach .*log.* around")
def critic_judged_by_real_rows(patch: Patch) -> None:
    """The critic is judged by how likely real rows are, and the log tells it."""

    def judged(codes: np.ndarray) -> AbstractContextManager[object]:
        def ill(critic: Autoregressive, *more: Any) -> str:
            return f"real rows have {adversarial.likelihoods(critic, codes).mean():.3f} nats"

        return mock.patch.object(private_training, "illness", ill)

    _with_real_codes(patch, judged)


@variant("L10, L13", checks.the_gans_rows_are_charged_before, "before its charge")
def critics_rows_before_their_charge(patch: Patch) -> None:
    """The critic's rows are taken with a receipt made on the way, and charged afterwards."""
    plain = fitting._refined

    def early(job: Job, fitted: Fitted) -> Fitted:
        event = job.plan.step("critic").event
        job.table.samples(
            mint(dataset=job.plan.dataset, step="critic", event=event), fitted.encoder.encode
        )
        return plain(job, fitted)

    patch.setattr(fitting, "_refined", early)

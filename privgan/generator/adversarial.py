"""Train a GAN's generator against a private critic that is a likelihood; no row is read.

The critic's score of a row is log p(row) − log g(row). p is the network that DP-SGD trained on
customers, g the generator's own likelihood, which is exact. A generator that raises its rows' mean
score lowers the reverse Kullback-Leibler divergence (Nowozin, Cseke and Tomioka 2016, f-GAN,
table 1). p does not depend on the generator: all steps of the critic come before the generator's
first, the limit of many critic steps to one (Bie, Kamath and Zhang 2023, Private GANs, Revisited).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from privgan.generator.autoregressive import Autoregressive
from privgan.generator.losses import MarginalLoss
from privgan.generator.mixture import GeneratorModel, Mixture
from privgan.generator.network_fit import illness_of_rows
from privgan.generator.one_hot import shares_of
from privgan.generator.sampling import draw_rows
from privgan.generator.warm_start import Progress, Steps, minimise
from privgan.measurement.marginals import Target
from privgan.planning.dpsgd_settings import RatioCriticSettings

_BETAS = (0.9, 0.99)
_DECAY_FROM = 0.5
_TINY = 1e-12
_CHUNK = 10_000
_JUDGED_BY, _CLEARLY = 20_000, 4.0


def fit_against_critic(
    model: GeneratorModel,
    critic: Autoregressive,
    targets: Sequence[Target],
    settings: RatioCriticSettings,
    progress: Progress | None = None,
) -> None:
    """Train the generator, its network and its offsets, against the critic.

    Args:
        model: The generator, fitted to noisy 1-way marginals; changed in place.
        critic: After DP-SGD, its scales folded in.
        targets: Noisy marginals, which the generator keeps to.
        settings: The plan's.
        progress: Called with the step, the number of steps and the loss (no row is in it).
    """
    marginals, network = MarginalLoss(targets, model.device), model.network

    def loss_now() -> Tensor:
        shares = shares_of(model.logits(), marginals.layout)
        fakes = draw_rows(shares.detach(), marginals.layout, settings.generator_rows, model.rng)
        kept = settings.marginal_weight * marginals(shares, model.rng)
        return adversarial_loss(shares, fakes, critic) + kept

    optimiser = torch.optim.Adam(
        [
            {"params": [network.offsets], "lr": model.settings.offset_learning_rate},
            {"params": network.weights, "lr": model.settings.learning_rate},
        ],
        betas=_BETAS,
        fused=True,
    )
    steps = Steps(settings.generator_steps, _DECAY_FROM)
    minimise(model, loss_now, optimiser, steps, progress)
    model.use_average()


def adversarial_loss(shares: Tensor, fakes: Tensor, critic: Autoregressive) -> Tensor:
    """A loss whose gradient is that of the fakes' negative mean score.

    Rows are discrete: the gradient is the score function's (Williams 1992, Simple Statistical
    Gradient-Following Algorithms, section 2). The mean score is a baseline. Where the generator
    has the critic's distribution all scores are alike, and nothing is left to chance.

    Args:
        shares: Probabilities of all codes [entries, codes].
        fakes: One-hot rows drawn from them [rows, codes].
        critic: Trained already.
    """
    own = (fakes @ shares.clamp_min(_TINY).log().T).logsumexp(1) - math.log(len(shares))
    with torch.no_grad():
        scores = critic(fakes.cpu()).to(own.device) - own
    return -((scores - scores.mean()) * own).mean()


@torch.no_grad()
def likelihoods(critic: Autoregressive, codes: np.ndarray) -> np.ndarray:
    """The critic's log-likelihood [rows], in nats, of codes [rows, columns]."""
    found = [
        critic(critic.inputs(part)) for part in np.array_split(codes, max(1, len(codes) // _CHUNK))
    ]
    return torch.cat(found).double().numpy()


def failure(
    before: Mixture,
    after: Mixture,
    critic: Autoregressive,
    targets: Sequence[Target],
    rng: np.random.Generator,
) -> str | None:
    """Why a critic is of no use for its generator, in words; None where it is of use.

    Noisy marginals and synthetic rows alone tell.

    Args:
        before: The generator before its training: independent columns.
        after: The generator now.
        critic: What it was trained against.
        targets: Noisy 1-way marginals.
        rng: Public randomness.
    """
    if not all(np.isfinite(part).all() for part in after.probabilities):
        return "the generator diverged"
    rows, others = after.sample(_JUDGED_BY, rng), before.sample(_JUDGED_BY, rng)
    ill = illness_of_rows(rows, others, after.sizes, targets)
    if ill is not None:
        return f"of the generator that it trained, {ill}"
    now, then = (
        likelihoods(critic, part) - mixture.log_likelihood(part)
        for part, mixture in ((rows, after), (others, before))
    )
    chance = float(np.sqrt((now.var() + then.var()) / len(now)))
    if now.mean() < then.mean() - _CLEARLY * chance:
        return "it scores the generator's rows below independent ones"
    return None

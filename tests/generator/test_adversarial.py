"""A GAN's generator against a critic that is a likelihood: its loss, its fit, and its failures."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest
import torch

from privgan.generator import warm_start
from privgan.generator.adversarial import (
    adversarial_loss,
    failure,
    fit_against_critic,
    likelihoods,
)
from privgan.generator.autoregressive import Autoregressive, one_hot
from privgan.generator.likelihood import fit_likelihood
from privgan.generator.mixture import GeneratorModel, Mixture
from privgan.generator.one_hot import Layout, shares_of
from privgan.generator.sampling import draw_rows
from privgan.measurement.marginals import Marginal, Measurements, exact_counts
from privgan.planning.dpsgd_settings import RatioCriticSettings
from privgan.planning.model_settings import GeneratorSettings

CPU = torch.device("cpu")
SIZES = (4, 3, 2)
ROWS = np.array(list(itertools.product(*map(range, SIZES))))
SETTINGS = RatioCriticSettings(
    steps=1,
    sample_rate=0.1,
    expected_batch_size=1,
    noise_multiplier=1.0,
    max_grad_norm=1.0,
    width=16,
    learning_rate=0.01,
    distil_steps=1,
    distil_rows=1,
    distil_learning_rate=0.01,
    generator_steps=300,
    generator_rows=500,
    marginal_weight=10.0,
)
_GENERATOR = GeneratorSettings(
    latent=8,
    width=16,
    entries=60,
    fake_rows=10,
    network_steps=60,
    round_steps=1,
    final_steps=100,
    learning_rate=2e-3,
    offset_learning_rate=0.03,
)


@cache
def _joint() -> np.ndarray:
    """Shares of all rows: the first two columns go together, the third follows from both."""
    rng = np.random.default_rng(0)
    joint = np.zeros(SIZES)
    for weight in rng.dirichlet(np.full(5, 9.0)):
        joint += weight * np.einsum("a,b,c->abc", *(rng.dirichlet(np.full(n, 0.3)) for n in SIZES))
    return joint


@cache
def _rows() -> np.ndarray:
    cells = np.random.default_rng(1).choice(_joint().size, size=40_000, p=_joint().ravel())
    return np.stack(np.unravel_index(cells, SIZES), 1)


@cache
def _critic() -> Autoregressive:
    """A network that has learnt the shares closely."""
    network, rng = Autoregressive(SIZES, width=16), np.random.default_rng(2)
    fit_likelihood(
        network,
        lambda rows: _rows()[rng.integers(len(_rows()), size=rows)],
        steps=400,
        rows=1_000,
        learning_rate=0.03,
    )
    return network.requires_grad_(False)


def _measurements() -> Measurements:
    """The columns' shares alone."""
    counts = (exact_counts(_rows(), (column,), SIZES) for column in range(len(SIZES)))
    marginals = [
        Marginal(clique=(column,), counts=part.astype(float), standard_deviation=20.0)
        for column, part in enumerate(counts)
    ]
    return Measurements(SIZES, marginals)


def _model() -> GeneratorModel:
    """A generator of independent columns."""
    known = _measurements()
    model = GeneratorModel(known, _GENERATOR, seed=0, device=CPU)
    warm_start.fit_network(model, known, steps=60, learning_rate=2e-3)
    warm_start.fit_offsets(model, known, steps=100, learning_rate=0.03, settle=True)
    return model


def _distance(mixture: Mixture, clique: tuple[int, ...]) -> float:
    wanted = exact_counts(_rows(), clique, SIZES) / len(_rows())
    return float(0.5 * np.abs(mixture.marginal(clique) - wanted).sum())


def test_the_losss_gradient_is_that_of_the_divergence() -> None:
    """Against the reverse Kullback-Leibler divergence, counted out over all rows."""
    layout, random = Layout(SIZES, CPU), torch.Generator().manual_seed(3)
    logits = torch.randn(5, sum(SIZES), generator=random).requires_grad_()
    every = one_hot(torch.from_numpy(ROWS), SIZES)
    own = (every @ shares_of(logits, layout).log().T).logsumexp(1) - np.log(5)
    divergence = (own.exp() * (own - _critic()(every))).sum()
    (wanted,) = torch.autograd.grad(divergence, logits)
    rng, found = np.random.default_rng(4), torch.zeros_like(wanted)
    for _ in range(40):
        shares = shares_of(logits, layout)
        fakes = draw_rows(shares.detach(), layout, 5_000, rng)
        found += torch.autograd.grad(adversarial_loss(shares, fakes, _critic()), logits)[0] / 40
    assert float(wanted.norm()) > 0.1
    assert float((found - wanted).norm()) < 0.05 * float(wanted.norm())


def test_a_generator_that_is_as_the_critic_is_left_alone() -> None:
    """Whatever its fakes are: all scores are alike, so that chance moves nothing."""
    critic, layout = Autoregressive(SIZES, width=8), Layout(SIZES, CPU)
    with torch.no_grad():
        for part in critic.parameters():
            part.zero_()
    logits = torch.zeros(3, sum(SIZES), requires_grad=True)
    shares = shares_of(logits, layout)
    fakes = draw_rows(shares.detach(), layout, 7, np.random.default_rng(0))
    (gradient,) = torch.autograd.grad(adversarial_loss(shares, fakes, critic), logits)
    assert float(gradient.abs().max()) < 1e-6


def test_the_generator_learns_from_scores_how_columns_go_together() -> None:
    model, known = _model(), _measurements()
    before = model.mixture()
    fit_against_critic(model, _critic(), known.targets(), SETTINGS)
    after = model.mixture()
    assert _distance(before, (0, 1, 2)) > 0.09
    assert _distance(after, (0, 1, 2)) < 0.03
    assert max(_distance(after, (column,)) for column in range(len(SIZES))) < 0.02
    rng = np.random.default_rng(0)
    assert failure(before, after, _critic(), known.targets(), rng) is None
    assert "below independent ones" in str(failure(after, before, _critic(), known.targets(), rng))


def _diverged(model: GeneratorModel) -> None:
    model.network.offsets[0, 0] = float("nan")


def _collapsed(model: GeneratorModel) -> None:
    model.network.offsets[:, 0] += 5e4


@pytest.mark.parametrize(
    ("ruin", "told"),
    [
        (_diverged, "diverged"),
        (_collapsed, "lost a common code"),
    ],
)
def test_a_generator_that_failed_is_found(ruin: object, told: str) -> None:
    model = _model()
    before = model.mixture()
    with torch.no_grad():
        ruin(model)  # type: ignore[operator]
    targets, rng = _measurements().targets(), np.random.default_rng(0)
    assert failure(before, before, _critic(), targets, rng) is None
    assert told in str(failure(before, model.mixture(), _critic(), targets, rng))


def test_likelihoods_of_all_rows_sum_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunk by chunk as at once."""
    whole = likelihoods(_critic(), ROWS)
    assert np.exp(whole).sum() == pytest.approx(1.0, abs=1e-5)
    monkeypatch.setattr("privgan.generator.adversarial._CHUNK", 5)
    np.testing.assert_allclose(likelihoods(_critic(), ROWS), whole, rtol=1e-5)

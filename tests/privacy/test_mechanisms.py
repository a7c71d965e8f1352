"""Noise at the right scale, from the right source. Statistical tests on real coins fail by chance below 1e-6."""

import os
import pickle
import random

import numpy as np
import pytest
import torch
from scipy import stats

from privgan.privacy.mechanisms import CountHistogram, Selection, TotalCount
from privgan.privacy.randomness import RepeatableStream, SecretStream

ALPHA = 1e-7
DRAWS = 6_000


def _scale_passes(noise: np.ndarray, standard_deviation: float) -> bool:
    """Two-sided chi-square test of the variance of integer-valued Gaussian noise."""
    statistic = float((noise.astype(float) ** 2).sum()) / standard_deviation**2
    low, high = stats.chi2.ppf([ALPHA / 2, 1 - ALPHA / 2], len(noise))
    return bool(low < statistic < high)


@pytest.mark.parametrize("make", [SecretStream, lambda: RepeatableStream(3)])
def test_histogram_noise_has_its_scale_and_no_other(make: type[SecretStream]) -> None:
    noise = CountHistogram(standard_deviation=30.0, sensitivity=1).release(np.zeros(DRAWS, dtype=int), make())
    assert noise.dtype == np.int64
    assert _scale_passes(noise, 30.0)
    assert not _scale_passes(noise, 20.0)
    assert not _scale_passes(noise, 45.0)


def test_gradient_noise_is_standard_normal_and_fails_at_other_scales() -> None:
    noise = SecretStream().gaussian_noise(DRAWS)
    assert stats.kstest(noise, "norm").pvalue > ALPHA
    assert stats.kstest(noise / 1.5, "norm").pvalue < ALPHA
    assert stats.kstest(noise * 1.5, "norm").pvalue < ALPHA
    assert len(np.unique(noise)) == DRAWS


def test_row_count_noise_is_discrete_laplace() -> None:
    coins, mechanism = SecretStream(), TotalCount(epsilon=0.1, sensitivity=1)
    noise = np.abs([mechanism.release(1_000, coins) - 1_000 for _ in range(DRAWS)])
    ratio = np.exp(-0.1)
    mean = 2 * ratio / (1 - ratio**2)
    assert abs(noise.mean() - mean) < 5.5 * noise.std() / np.sqrt(DRAWS)


def test_choice_follows_the_exponential_mechanism() -> None:
    coins, mechanism = SecretStream(), Selection(epsilon=1.0, sensitivity=2.0)
    scores = np.array([0.0, 2.0, 5.0, 6.0])
    expected = np.exp(1.0 * scores / (2 * 2.0))
    chosen = np.bincount([mechanism.choose(scores, coins) for _ in range(4_000)], minlength=4)
    assert stats.chisquare(chosen, 4_000 * expected / expected.sum()).pvalue > ALPHA


def test_membership_coins_are_independent_bernoulli() -> None:
    coins = SecretStream()
    draws = np.stack([coins.bernoulli(0.05, 500) for _ in range(400)])
    assert stats.binomtest(int(draws.sum()), draws.size, 0.05).pvalue > ALPHA
    sizes = draws.sum(axis=1)
    statistic = sizes.var(ddof=1) * (len(sizes) - 1) / (500 * 0.05 * 0.95)
    assert stats.chi2.sf(statistic, len(sizes) - 1) > ALPHA
    assert stats.chi2.cdf(statistic, len(sizes) - 1) > ALPHA
    assert not coins.bernoulli(0.0, 1_000).any()
    assert coins.bernoulli(1.0, 1_000).all()


def test_no_seed_moves_the_coins() -> None:
    def draw() -> bytes:
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002 - the global generator is what must not matter
        torch.manual_seed(0)
        return SecretStream().words(4).tobytes()

    assert draw() != draw()


def test_the_key_comes_whole_from_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = os.urandom
    monkeypatch.setattr(os, "urandom", lambda count: asked.append(count) or real(count))
    SecretStream()
    assert asked == [32]


def test_a_stream_says_nothing_and_cannot_be_copied() -> None:
    stream = SecretStream()
    assert repr(stream) == "SecretStream(…)"
    with pytest.raises(TypeError):
        pickle.dumps(stream)


def test_a_repeatable_stream_repeats_and_is_not_secret() -> None:
    assert RepeatableStream(1).words(3).tolist() == RepeatableStream(1).words(3).tolist()
    assert RepeatableStream(1).words(3).tolist() != RepeatableStream(2).words(3).tolist()
    assert SecretStream.secret
    assert not RepeatableStream.secret

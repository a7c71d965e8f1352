"""What is free around the network's DP-SGD: distilling, going back to the margins, health."""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
import pytest
import torch

from privgan.generator import network_fit
from privgan.generator.autoregressive import Autoregressive, one_hot
from privgan.generator.network_fit import distilled, drawn, illness, refitted
from privgan.measurement.marginals import Target, exact_counts
from privgan.planning.dpsgd_settings import NetworkSettings

SIZES = (4, 3, 5, 2)
PAIRS = tuple((a, b) for a in range(4) for b in range(a + 1, 4))
CLIQUES = ((0,), (1,), (2,), (3,), *PAIRS)
SETTINGS = NetworkSettings(
    steps=1,
    sample_rate=0.1,
    expected_batch_size=1,
    noise_multiplier=1.0,
    max_grad_norm=1.0,
    width=16,
    learning_rate=0.01,
    distil_steps=300,
    distil_rows=500,
    distil_learning_rate=0.02,
    raking_rounds=2,
)


@pytest.fixture(autouse=True)
def _small_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"_POOL": 20_000, "_STEPS": 120, "_ROWS": 1_000}.items():
        monkeypatch.setattr(network_fit, name, value)


@cache
def _truth() -> tuple[np.ndarray, np.ndarray]:
    """Shares of all rows of a mixture of a few products, and rows of it."""
    rng = np.random.default_rng(0)
    joint = np.zeros(SIZES)
    for weight in rng.dirichlet(np.full(6, 3.0)):
        parts = [rng.dirichlet(np.full(size, 0.6)) for size in SIZES]
        joint += weight * np.einsum("a,b,c,d->abcd", *parts)
    cells = rng.choice(joint.size, size=60_000, p=joint.ravel())
    return joint, np.stack(np.unravel_index(cells, SIZES), 1)


@cache
def _made() -> Autoregressive:
    return distilled(_truth()[1], SIZES, SETTINGS, seed=1)


def _targets(codes: np.ndarray, precision: float = 1e7) -> list[Target]:
    return [
        Target(clique=one, shares=exact_counts(codes, one, SIZES) / len(codes), precision=precision)
        for one in CLIQUES
    ]


# Nothing of these networks is given.
ANY = np.zeros((1, len(SIZES)), dtype=np.int64)


def _distance(network: Autoregressive) -> float:
    codes = drawn(network, np.repeat(ANY, 40_000, axis=0), np.random.default_rng(5))
    gaps = [
        exact_counts(codes, target.clique, SIZES) / len(codes) - target.shares
        for target in _targets(_truth()[1])
        if len(target.clique) == 2
    ]
    return float(np.mean([0.5 * np.abs(gap).sum() for gap in gaps]))


def _perturbed(size: float, seed: int = 0) -> Autoregressive:
    """The distilled network as noise leaves it."""
    made, random = copy.deepcopy(_made()), torch.Generator().manual_seed(seed)
    made.fold()
    with torch.no_grad():
        for part in made.parameters():
            part.add_(size * torch.randn(part.shape, generator=random))
    made.fold()
    return made.requires_grad_(False)


def _folded() -> Autoregressive:
    made = copy.deepcopy(_made())
    made.fold()
    return made


def _ill(network: Autoregressive, targets: list[Target] | None = None) -> str | None:
    mixtures = _truth()[1][:20_000]
    wanted = _targets(_truth()[1]) if targets is None else targets
    return illness(network, mixtures, wanted, np.random.default_rng(7))


def test_a_distilled_network_reaches_the_mixtures_likelihood() -> None:
    joint, rows = _truth()
    reached = float(_made()(one_hot(torch.from_numpy(rows), SIZES)).detach().mean())
    entropy = float(np.log(joint[tuple(rows.T)]).mean())
    assert entropy - 0.03 < reached < entropy + 0.01


def test_a_distilled_network_is_scaled_and_its_rows_are_the_mixtures() -> None:
    assert any(bool((part != 1).any()) for part in _made().buffers())
    assert _distance(_folded()) < 0.03


def test_the_seed_alone_moves_it() -> None:
    few = _truth()[1][:3_000]
    one, again, other = (distilled(few, SIZES, SETTINGS, seed=seed) for seed in (1, 1, 2))
    for first, second, third in zip(
        one.parameters(), again.parameters(), other.parameters(), strict=True
    ):
        assert torch.equal(first, second)
        assert not torch.equal(first, third)


def test_a_perturbed_network_comes_back_to_its_pairs() -> None:
    noisy = _perturbed(0.25)
    before = copy.deepcopy(noisy.state_dict())
    told: list[tuple[int, int]] = []
    back = refitted(
        noisy,
        _targets(_truth()[1]),
        contexts=ANY,
        rounds=2,
        rng=np.random.default_rng(0),
        progress=lambda *now: told.append(now),
    )
    assert _distance(noisy) > 0.1
    assert _distance(back) < 0.5 * _distance(noisy)
    assert told == [(1, 2), (2, 2)]
    # The one that DP-SGD left is not changed.
    assert all(torch.equal(part, before[name]) for name, part in noisy.state_dict().items())


def test_no_rounds_leave_the_network_as_it_is() -> None:
    noisy = _perturbed(0.25)
    targets, rng = _targets(_truth()[1]), np.random.default_rng(0)
    same = refitted(noisy, targets, contexts=ANY, rounds=0, rng=rng)
    for one, other in zip(noisy.parameters(), same.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_good_network_is_not_ill() -> None:
    assert _ill(_folded()) is None
    assert _ill(_folded(), []) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("place", range(4))
def test_a_weight_that_is_no_number_is_an_illness(value: float, place: int) -> None:
    made = _folded().requires_grad_(False)
    list(made.parameters())[place].view(-1)[-1] = value
    assert _ill(made, []) == "its weights diverged"


def test_weights_beyond_all_are_an_illness() -> None:
    made = _folded().requires_grad_(False)
    made.out.bias.mul_(1e9)
    assert _ill(made, []) == "its weights diverged"


def test_a_lost_code_is_an_illness() -> None:
    made = _folded().requires_grad_(False)
    shares = exact_counts(_truth()[1], (3,), SIZES) / len(_truth()[1])
    assert shares.min() > 0.05
    made.out.bias[-1] -= 30.0
    assert _ill(made) == "it lost a common code of a column"


def test_a_code_that_noise_hides_is_not_missed() -> None:
    """Its share does not stand out of the noise, so that nobody can say that it was lost."""
    made = _folded().requires_grad_(False)
    made.out.bias[-1] -= 30.0
    single = [one for one in _targets(_truth()[1], precision=4.0) if len(one.clique) == 1]
    assert _ill(made, single) is None


def test_single_columns_far_from_the_noisy_ones_are_an_illness() -> None:
    """All that is known of a GAN's critic."""
    single = [one for one in _targets(_truth()[1]) if len(one.clique) == 1]
    assert _ill(_folded(), single) is None
    told = _ill(_perturbed(0.6), single)
    assert told is not None
    assert told.startswith("its columns are 0.")


def test_pairs_far_from_the_noisy_ones_are_an_illness() -> None:
    told = _ill(_perturbed(0.6))
    assert told is not None
    assert "from the noisy ones, the mixture's 0.0" in told

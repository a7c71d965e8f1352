"""The generator learns from the critic and from noisy marginals alone.

No real row reaches it, and no seed moves a coin.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from privgan.errors import InternalError
from privgan.generator import refine as refining
from privgan.generator import warm_start
from privgan.generator.conditions import condition_codes, conditions_of, unconditioned_share
from privgan.generator.losses import MarginalLoss, critic_losses, price_of, weights_by_dependence
from privgan.generator.mixture import GeneratorModel, Mixture
from privgan.generator.networks import Critic, Generator
from privgan.generator.refine import Refinement, Training
from privgan.measurement.marginals import Marginal, Measurements, exact_counts
from privgan.owner.private_table import Samples
from privgan.planning.dpsgd_settings import CriticSettings
from privgan.planning.planner import make_plan
from privgan.privacy.budget import PrivacyBudget, PrivacyUnit
from privgan.privacy.randomness import SecretStream
from privgan.schema.columns import Discrete, Kind
from privgan.schema.schema import Schema
from tests.coins import RepeatableStream

SIZES = (3, 4, 2)
CPU = torch.device("cpu")
_COLUMNS = tuple(
    Discrete(name=f"c{i}", kind=Kind.CATEGORICAL, categories=tuple("abcdef"[:n]))
    for i, n in enumerate(SIZES)
)
_PLAN = make_plan(
    Schema(dataset="d", unit=PrivacyUnit(), columns=_COLUMNS),
    PrivacyBudget(epsilon=2),
    public_rows=None,
)
GENERATOR = replace(_PLAN.generator, latent=4, width=8, entries=24)
CRITIC = CriticSettings(
    steps=8,
    sample_rate=0.3,
    expected_batch_size=20,
    noise_multiplier=1.5,
    max_grad_norm=1.0,
    width=6,
    steps_per_generator_step=2,
    learning_rate=1e-2,
    generator_learning_rate=1e-2,
    marginal_weight=1.0,
)


class Coupled(SecretStream):
    """No noise, and the same coin for a row whatever rows come after it."""

    def gaussian_noise(self, count: int) -> np.ndarray:
        return np.zeros(count)

    def uniform(self, count: int) -> np.ndarray:
        return np.random.default_rng(0).random(10_000)[:count]


def _codes(seed: int, rows: int = 70) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack(
        [rng.choice(size, rows, p=rng.dirichlet(np.ones(size))) for size in SIZES], axis=1
    )


def _measurements() -> Measurements:
    codes = _codes(0, 500)
    cliques = [(0,), (1,), (2,), (0, 2)]
    return Measurements(
        SIZES,
        [
            Marginal(
                clique=c, counts=exact_counts(codes, c, SIZES).astype(float), standard_deviation=2.0
            )
            for c in cliques
        ],
    )


def _model(seed: int = 0) -> GeneratorModel:
    return GeneratorModel(_measurements(), GENERATOR, seed=seed, device=CPU)


def _refined(
    codes: np.ndarray, coins: SecretStream, plan: CriticSettings = CRITIC, seed: int = 0
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Weights of the generator and of the critic after refinement."""
    model = _model(seed)
    refinement = Refinement(
        model, _measurements(), plan.event, plan, Training(coins=coins, seed=seed)
    )
    refinement.run(Samples(codes, np.arange(len(codes))), plan.steps)
    model.use_average()
    networks = model.network, refinement.trainer.network
    first, second = (
        [part.detach().clone() for part in network.parameters()] for network in networks
    )
    return first, second


def _equal(one: list[torch.Tensor], two: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


# --- real rows and the generator


def test_the_price_follows_the_noise_and_grows_faster_where_hardly_anything_is_seen() -> None:
    assert price_of(200, 300.0) == pytest.approx(2 * price_of(200, 600.0))
    assert price_of(800, 300.0) == pytest.approx(2 * price_of(200, 300.0))
    assert price_of(200, 30.0) == pytest.approx(2**0.6 * 2 * price_of(200, 60.0))
    assert price_of(200, 5.0) == pytest.approx(2 * 12 * price_of(200, 60.0))


def test_a_critic_that_learns_nothing_tells_the_generator_nothing() -> None:
    """The only way from rows to the generator is the critic's weights.

    With these frozen, other rows, same generator.
    """
    deaf = replace(CRITIC, learning_rate=0.0)
    one, two = (
        _refined(_codes(1), RepeatableStream(5), deaf),
        _refined(_codes(2), RepeatableStream(5), deaf),
    )
    assert _equal(one[0], two[0])
    loud = _refined(_codes(1), RepeatableStream(5)), _refined(_codes(2), RepeatableStream(5))
    assert not _equal(loud[0][0], loud[1][0])


def test_real_rows_get_no_gradient_and_the_generator_none_from_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Real rows that record gradients: the generator's step leaves theirs empty."""
    seen: list[torch.Tensor] = []
    plain = refining._real_rows

    def recording(*arguments: object) -> torch.Tensor:
        rows = plain(*arguments).requires_grad_(True)  # type: ignore[arg-type]
        rows.retain_grad()
        seen.append(rows)
        return rows

    steps: list[list[torch.Tensor | None]] = []
    step = Refinement._generator_step

    def watched(*arguments: object) -> float:
        for rows in seen:
            rows.grad = None
        loss = step(*arguments)  # type: ignore[arg-type]
        steps.append([rows.grad for rows in seen])
        return loss

    monkeypatch.setattr(refining, "_real_rows", recording)
    monkeypatch.setattr(Refinement, "_generator_step", watched)
    _refined(_codes(1), RepeatableStream(5))
    assert len(seen) == CRITIC.steps
    assert len(steps) == CRITIC.steps // CRITIC.steps_per_generator_step
    assert all(gradient is None for gradients in steps for gradient in gradients)


def test_rows_that_are_not_numbers_do_not_reach_the_generator_but_by_the_critic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A batch of NaN in the last step, after the generator's own.

    Every weight of the generator stays finite.
    """
    plain, calls = refining._real_rows, [0]

    def poisoned(*arguments: object) -> torch.Tensor:
        calls[0] += 1
        rows = plain(*arguments)  # type: ignore[arg-type]
        return rows * float("nan") if calls[0] == 3 else rows

    monkeypatch.setattr(refining, "_real_rows", poisoned)
    generator, critic = _refined(_codes(1), RepeatableStream(5), replace(CRITIC, steps=3))
    assert all(torch.isfinite(part).all() for part in generator)
    assert any(torch.isnan(part).any() for part in critic)


def test_fakes_and_their_number_do_not_depend_on_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the critic moves the generator, fakes depend on the plan alone, not on the table."""
    drawn: list[list[torch.Tensor]] = []
    plain = GeneratorModel.fake_rows

    def recording(self: GeneratorModel, *arguments: object) -> torch.Tensor:
        rows = plain(self, *arguments)  # type: ignore[arg-type]
        drawn[-1].append(rows.detach().clone())
        return rows

    monkeypatch.setattr(GeneratorModel, "fake_rows", recording)
    silent = replace(CRITIC, steps=3, steps_per_generator_step=5)
    for rows in (5, 70, 400):
        drawn.append([])
        _refined(_codes(rows, rows), RepeatableStream(rows), silent)
    assert [len(part) for part in drawn[0]] == [CRITIC.expected_batch_size] * 3
    assert _equal(drawn[0], drawn[1])
    assert _equal(drawn[0], drawn[2])


def test_one_row_more_moves_the_critic_by_its_clip_only() -> None:
    """Through the whole loop.

    One critic step without noise, one row added, the same coins for the others.
    """
    plan = replace(CRITIC, steps=1, sample_rate=1.0, steps_per_generator_step=9, learning_rate=1.0)

    def moved(codes: np.ndarray) -> torch.Tensor:
        caught: list[torch.Tensor] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                torch.optim.Adam,
                "step",
                lambda self: caught.append(
                    torch.cat(
                        [p.grad.flatten() for group in self.param_groups for p in group["params"]]
                    ).clone()
                ),
            )
            _refined(codes, Coupled(), plan)
        return caught[0] * plan.expected_batch_size

    codes = _codes(1, 30)
    for extra in _codes(7, 6):
        difference = moved(np.vstack([codes, extra])) - moved(codes)
        assert 1e-4 < float(difference.norm()) <= plan.max_grad_norm * (1 + 1e-4)


def test_an_empty_batch_is_a_step_like_any_other() -> None:
    """Poisson sampling may draw nobody; the noise is added all the same."""
    nobody = replace(CRITIC, sample_rate=1e-9, expected_batch_size=1)
    one, two = (
        _refined(_codes(1), SecretStream(), nobody),
        _refined(_codes(1), SecretStream(), nobody),
    )
    assert not _equal(one[1], two[1])
    assert all(torch.isfinite(part).all() for part in one[1])


def test_what_was_charged_is_checked_before_any_row_is_used() -> None:
    model = _model()
    before = [p.detach().clone() for p in model.network.parameters()]
    with pytest.raises(InternalError, match="charged"):
        Refinement(
            model,
            _measurements(),
            CRITIC.event,
            replace(CRITIC, steps=9),
            Training(coins=SecretStream(), seed=0),
        )
    assert _equal(before, list(model.network.parameters()))


# --- seeds and coins


def test_a_seed_fixes_initial_weights_and_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    one, two, other = _model(4), _model(4), _model(5)
    assert torch.equal(torch.rand(3), expected)
    assert _equal(list(one.network.parameters()), list(two.network.parameters()))
    assert torch.equal(one.latents, two.latents)
    assert not _equal(list(one.network.parameters()), list(other.network.parameters()))


def test_no_seed_moves_membership_or_noise() -> None:
    """The same --seed and the same global seeds twice, with real coins: the critics differ."""
    results = []
    for _ in range(2):
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002 - the global generator is what must not matter
        results.append(_refined(_codes(1), SecretStream(), seed=3))
    assert not _equal(results[0][1], results[1][1])
    repeat = [_refined(_codes(1), RepeatableStream(2), seed=3) for _ in range(2)]
    assert _equal(repeat[0][0], repeat[1][0])
    assert _equal(repeat[0][1], repeat[1][1])


# --- conditions


def test_conditions_have_the_noisy_shares_and_half_have_none() -> None:
    found = condition_codes(_measurements(), 6_000)
    assert (found[:, 0] < 0).mean() == 0.5
    for column, shares in enumerate(_measurements().frequencies()):
        codes = found[found[:, 0] == column, 1]
        assert len(codes) == 1_000
        assert np.abs(np.bincount(codes, minlength=len(shares)) / 1_000 - shares).max() <= 2 / 1_000
    vectors = conditions_of(found, SIZES)
    assert set(vectors.sum(1).tolist()) == {0.0, 1.0}
    offsets = np.cumsum([0, *SIZES[:-1]])
    fixed = found[:, 0] >= 0
    assert (
        vectors.argmax(1).numpy()[fixed].tolist()
        == (offsets[found[fixed, 0]] + found[fixed, 1]).tolist()
    )


def test_above_forty_columns_neither_entries_nor_real_rows_have_conditions() -> None:
    assert [unconditioned_share(columns) for columns in (3, 40, 41, 200)] == [0.5, 0.5, 1.0, 1.0]
    sizes = (2,) * 41
    known = Measurements(
        sizes,
        [
            Marginal(clique=(column,), counts=np.full(2, 50.0), standard_deviation=1.0)
            for column in range(41)
        ],
    )
    assert (condition_codes(known, 100) == -1).all()
    codes = torch.zeros((7, 41), dtype=torch.long)
    rows = refining._real_rows(codes, sizes, RepeatableStream(1))
    assert rows[:, sum(sizes) :].sum() == 0


def test_a_condition_holds_in_every_fake_row_and_is_marked() -> None:
    model = _model()
    rows = model.fake_rows(model.components(), 500).detach()
    parts, marks = rows[:, : sum(SIZES)].split(list(SIZES), 1), rows[:, sum(SIZES) :]
    assert all(torch.allclose(part.sum(1), torch.ones(500)) for part in parts)
    assert set(marks.flatten().tolist()) == {0.0, 1.0}
    assert marks.sum(1).max() == 1


def test_a_real_rows_mark_comes_from_its_own_coin() -> None:
    codes = torch.as_tensor(_codes(1, 4_000))
    rows = refining._real_rows(codes, SIZES, RepeatableStream(1))
    marks = rows[:, sum(SIZES) :].sum(0).numpy()
    expected = np.full(3, 4_000 * 0.5 / 3)
    spread = np.sqrt(expected * (1 - expected / 4_000))
    assert (np.abs(marks - expected) < 5.5 * spread).all()
    changed = codes.clone()
    changed[1:] = 0
    assert torch.equal(refining._real_rows(changed, SIZES, RepeatableStream(1))[0], rows[0])
    assert torch.equal(
        refining._real_rows(changed, SIZES, RepeatableStream(1))[:, sum(SIZES) :],
        rows[:, sum(SIZES) :],
    )


# --- losses, networks, mixture


def test_the_marginal_loss_is_zero_at_the_targets_and_only_there() -> None:
    codes = torch.as_tensor(_codes(0, 500))
    rows = [torch.nn.functional.one_hot(codes[:, c], size).float() for c, size in enumerate(SIZES)]
    loss = MarginalLoss(_measurements().targets(), CPU)
    assert float(loss(torch.cat(rows, 1), np.random.default_rng(0))) < 1e-9
    rows[0] = rows[0].roll(1, 1)
    assert float(loss(torch.cat(rows, 1), np.random.default_rng(0))) > 1e-4


@given(st.lists(st.floats(0, 5), min_size=1, max_size=9))
def test_columns_that_tell_more_pay_less_and_all_together_as_much(told: list[float]) -> None:
    weights = weights_by_dependence(torch.tensor(told))
    assert float(weights.mean()) == pytest.approx(1.0, rel=1e-5)
    order = np.argsort(told)
    assert (np.diff(weights.numpy()[order]) <= 1e-6).all()


def test_the_fit_does_not_follow_noise() -> None:
    """Two independent columns, measured with noise.

    The fitted mixture is nearer to the truth than what was measured.
    """
    rng, sizes, rows, noise = np.random.default_rng(3), (8, 8), 1_000, 12.0
    truth = rows * np.outer(*(rng.dirichlet(np.full(8, 5.0)) for _ in range(2)))
    noisy = [(truth.sum(1), (0,)), (truth.sum(0), (1,)), (truth.ravel(), (0, 1))]
    known = Measurements(
        sizes,
        [
            Marginal(
                clique=c, counts=part + rng.normal(0, noise, len(part)), standard_deviation=noise
            )
            for part, c in noisy
        ],
    )
    model = GeneratorModel(known, GENERATOR, seed=0, device=CPU)
    warm_start.fit_network(model, known, steps=50, learning_rate=2e-3)
    warm_start.fit_offsets(model, known, steps=200, learning_rate=0.03, settle=True)
    errors = [
        np.abs(shares - truth.ravel() / rows).sum()
        for shares in (model.marginals()((0, 1)), known.targets()[2].shares)
    ]
    assert errors[0] < 0.7 * errors[1]


def test_losses_are_per_row() -> None:
    scores, real = torch.tensor([0.3, -2.0, 5.0]), torch.tensor([True, True, False])
    together = critic_losses(scores, real)
    alone = [critic_losses(scores[i : i + 1], real[i : i + 1]) for i in range(3)]
    assert torch.equal(together, torch.cat(alone))
    np.testing.assert_allclose(together.numpy(), np.log1p(np.exp([-0.3, 2.0, 5.0])), rtol=1e-6)


def test_networks_hold_no_state_of_past_batches() -> None:
    for network in (Generator(SIZES, latent=4, width=8, entries=3), Critic(12, width=5)):
        assert list(network.buffers()) == []


def test_the_warm_start_reaches_the_marginals() -> None:
    model = _model()
    first = warm_start.fit_network(model, _measurements(), steps=1, learning_rate=1e-3)
    middle = warm_start.fit_network(model, _measurements(), steps=100, learning_rate=1e-2)
    last = warm_start.fit_offsets(
        model, _measurements(), steps=150, learning_rate=0.03, settle=True
    )
    assert last < middle < first
    for target in _measurements().targets():
        np.testing.assert_allclose(model.marginals()(target.clique), target.shares, atol=0.05)


def test_sampling_is_spread_evenly_and_every_row_follows_the_mixture() -> None:
    """Counts of 1,000 rows lie within a few of the expected.

    Over many draws of 3 rows each row's law is the mixture's.

    Chi-square at 1e-6 for the second.
    """
    rng = np.random.default_rng(4)
    mixture = Mixture([rng.dirichlet(np.ones(size), 10) for size in SIZES])
    drawn = mixture.sample(1_000, rng)
    for column, size in enumerate(SIZES):
        expected = 1_000 * mixture.marginal((column,))
        assert np.abs(np.bincount(drawn[:, column], minlength=size) - expected).max() <= 10
    few = np.stack([mixture.sample(3, rng) for _ in range(4_000)])
    for row in range(3):
        expected = 4_000 * mixture.marginal((0, 1, 2))
        statistic = ((exact_counts(few[:, row], (0, 1, 2), SIZES) - expected) ** 2 / expected).sum()
        assert statistic < stats.chi2.isf(1e-6, len(expected) - 1)


@settings(max_examples=15)
@given(st.integers(0, 99))
def test_a_mixture_samples_its_conditional_distribution(seed: int) -> None:
    """Against Bayes' rule over all cells; chi-square at 1e-9 for 15 draws."""
    rng = np.random.default_rng(seed)
    mixture = Mixture([rng.dirichlet(np.ones(size) * 0.7, 5) for size in SIZES])
    allowed = {0: np.array([1.0, 0.0, 0.4]), 2: np.array([0.3, 1.0])}
    found = mixture.sample(4_000, rng, allowed)
    assert not (found[:, 0] == 1).any()
    joint = (
        np.einsum("ei,ej,ek->ijk", *mixture.probabilities)
        * allowed[0][:, None, None]
        * allowed[2][None, None, :]
    )
    expected = joint.ravel() / joint.sum() * 4_000
    counts = exact_counts(found, (0, 1, 2), SIZES)
    large = expected > 5
    assert counts[expected == 0].sum() == 0
    seen = np.append(counts[large], counts[~large].sum() + 1e-9)
    wanted = np.append(expected[large], expected[~large].sum() + 1e-9)
    assert stats.chi2.sf(((seen - wanted) ** 2 / np.maximum(wanted, 1)).sum(), len(seen)) > 1e-9

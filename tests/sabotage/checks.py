"""What must hold of the training, measuring and recording code: each check raises AssertionError where it does not.

A statistical check with real coins fails by chance with probability below 1e-6.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import sqlite3
import tempfile
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from privgan.errors import BudgetExceededError, InternalError, UsageError
from privgan.gan.dpsgd import PrivateTrainer
from privgan.pipeline.candidate import AUDIT_FILE
from privgan.pipeline.judging import judge, release_candidate
from privgan.pipeline.scanning import scan_candidate
from privgan.planning.plan import StepKind
from privgan.policy.context import Context
from privgan.policy.document import load_policy
from privgan.privacy import accountant, events
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.ledger import PrivacyLedger
from privgan.privacy.ledger_runs import RunLedger
from privgan.privacy.mechanisms import CategoryDiscovery, CountHistogram, Selection, TotalCount
from privgan.privacy.randomness import RepeatableStream, SecretStream
from privgan.privacy.receipts import Receipt, mint
from privgan.progress import Progress
from privgan.synthesizer import load_synthesizer
from privgan.table.private import PrivateTable
from tests.sabotage import world

ALPHA = 1e-8
SIZES = (4, 3)


# --- noise and coins ----------------------------------------------------------------------------------------------


def noise_has_the_plans_scale() -> None:
    """At every step, whatever came before; a row of zeros has no gradient, so that all of it is noise."""
    settings = world.critic_settings(steps=12)
    scale = settings.noise_multiplier * settings.max_grad_norm / settings.expected_batch_size
    draws = []
    for _ in range(2):
        critic = world.Flat(2_000)
        trainer = world.trainer(critic, settings, SecretStream())
        with world.caught_gradients(critic) as caught:
            for _ in range(settings.steps):
                trainer.step(torch.zeros(4, 2_000), world.kinds(2, 2))
        draws += [part.numpy().astype(float) / scale for part in caught]
    for step, noise in enumerate(draws):
        low, high = stats.chi2.ppf([ALPHA / 2, 1 - ALPHA / 2], len(noise))
        assert low < (noise**2).sum() < high, f"noise is off its scale at step {step}"
    assert stats.kstest(np.concatenate(draws), "norm").pvalue > ALPHA, "noise is not normal"
    alike = np.abs(np.corrcoef(draws) - np.eye(len(draws))).max()
    assert alike < 7 / np.sqrt(2_000), "noise repeats between steps or runs"


def no_seed_moves_a_coin() -> None:
    """All of a run's coins, drawn twice after the same seeds were set everywhere: nothing may agree."""

    def drawn(after: int) -> dict[str, Any]:
        random.seed(after)
        np.random.seed(after)  # noqa: NPY002 - the global generator is what must not matter
        torch.manual_seed(after)
        coins = SecretStream()
        critic, settings = world.Flat(50), world.critic_settings()
        trainer = world.trainer(critic, settings, coins)
        with world.caught_gradients(critic) as caught:
            trainer.step(torch.zeros(2, 50), world.kinds(1, 1))
        counts = np.zeros(40, dtype=np.int64)
        total, choice = TotalCount(epsilon=1e-6, sensitivity=1), Selection(epsilon=1e-3, sensitivity=1.0)
        return {
            "gradient noise": caught[0].tolist(),
            "batch": trainer.batch_members(400).tolist(),
            "canaries": world.left_out(400, coins).tolist(),
            "histogram": CountHistogram(standard_deviation=1e3, sensitivity=1).release(counts, coins).tolist(),
            "row count": [total.release(0, coins) for _ in range(4)],
            "choice": [choice.choose(np.zeros(1_000), coins) for _ in range(6)],
        }

    one, two = drawn(3), drawn(3)
    assert not (same := [name for name in one if one[name] == two[name]]), f"a seed moves coins: {', '.join(same)}"


def a_key_holds_at_least_128_bits() -> None:
    """Each of at least 16 bytes that the operating system gives moves the stream."""
    real, asked = os.urandom, list[int]()
    with mock.patch.object(os, "urandom", lambda count: asked.append(count) or real(count)):
        SecretStream()
    assert sum(asked) >= 16, f"a key of {8 * sum(asked)} bits was asked for"

    def words(changed: int | None) -> list[int]:
        given = bytearray(sum(asked))
        if changed is not None:
            given[changed] = 1
        taken = iter(given)
        with mock.patch.object(os, "urandom", lambda count: bytes(next(taken) for _ in range(count))):
            return SecretStream().words(4).tolist()

    plain = words(None)
    assert all(words(byte) != plain for byte in range(sum(asked))), "a byte of the key moves nothing"


def coins_cannot_be_kept() -> None:
    """Not pickled, copied or printed."""
    import copy

    for keep in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            keep(SecretStream())
    assert repr(SecretStream()) == str(SecretStream()) == "SecretStream(…)", "a stream prints what is in it"


def repeatable_coins_promise_nothing() -> None:
    """A run with a test stream costs ε = ∞ in the ledger and makes no claim."""
    with tempfile.TemporaryDirectory() as folder:
        fitted = world.fit(world.table(), RepeatableStream(1), Path(folder))
        spent = PrivacyLedger.open(f"{folder}/ledger.sqlite").account("small").epsilon
    assert spent == float("inf"), "a run with repeatable coins was counted as private"
    assert not fitted.secret, "a run with repeatable coins makes a claim"


# --- the DP-SGD step ----------------------------------------------------------------------------------------------


def each_row_is_clipped_alone() -> None:
    """One row more moves the sum by that row's clipped gradient, whatever else is in the batch: by the clip norm exactly.

    The loop's own critic, losses and batches, every row in the batch, without noise; a clip norm that every row exceeds.
    """
    clip, sums = 0.05, partial(world.first_critic_sum, sizes=SIZES, max_grad_norm=0.05)
    rng = np.random.default_rng(0)
    for others in (1, 2, 11):
        batch = np.stack([rng.integers(0, size, others) for size in SIZES], axis=1)
        row = np.stack([rng.integers(0, size, 1) for size in SIZES], axis=1)
        alone = sums(row) - sums(row[:0])
        among = sums(np.vstack([batch, row])) - sums(batch)
        for moved in (alone, among):
            assert 0.99 * clip < float(moved.norm()) < clip * (1 + 1e-4), (
                f"one row moves the sum by {moved.norm() / clip:.3g} clips"
            )
        assert float((among - alone).norm()) < 1e-3 * clip, "a row's gradient depends on the rows beside it"


def each_customer_is_clipped_as_one() -> None:
    """A customer with three rows moves the sum by the clip norm, as one with one row does."""
    clip, sums = 0.05, partial(world.first_customer_sum, sizes=SIZES, max_grad_norm=0.05)
    codes = _codes(20)
    for rows in (1, 3):
        more = np.vstack([codes, np.repeat(codes[:1], rows, axis=0)])
        others = np.arange(20) // 2
        moved = sums(more, np.append(others, [10] * rows)) - sums(codes, others)
        clips = float(moved.norm()) / clip
        assert 0.99 < clips < 1 + 1e-4, f"a customer with {rows} rows moves the sum by {clips:.3g} clips"


def contributions_are_bounded() -> None:
    """No private table of a fit holds more rows of a customer than the unit allows."""
    with tempfile.TemporaryDirectory() as folder:
        most = world.fit_customers(2, Path(folder))
    assert most, "no private table was made"
    assert max(most) == 2, f"a customer has {max(most)} rows where 2 are allowed"


def discoveries_keep_their_delta() -> None:
    """What one customer alone holds is discovered no more often than the δ that is charged allows."""
    mechanism, customers = CategoryDiscovery(standard_deviation=4.0, max_rows=1, delta=0.02), 4_000
    found = len(mechanism.release({str(customer): 1 for customer in range(customers)}, SecretStream()))
    charged = accountant.discovery_delta(mechanism.event)
    most = stats.binom.isf(ALPHA, customers, charged)
    assert found <= most, f"{found} of {customers} lone values appear; the charged δ = {charged:g} allows {most:.0f}"


def clipping_bounds_extreme_rows() -> None:
    """Rows of any size, through the trainer alone."""
    settings = world.critic_settings(steps=1)

    def total(rows: Tensor) -> Tensor:
        critic = world.Flat(8)
        nn.init.constant_(critic.linear.weight, 0.1)
        with world.caught_gradients(critic) as caught:
            world.trainer(critic, settings, world.Still()).step(rows, world.kinds(len(rows), 0))
        return caught[0] * settings.expected_batch_size

    few = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    for size in (1e-3, 1.0, 1e4):
        moved = total(torch.cat([few, torch.full((1, 8), -size)])) - total(few)
        assert float(moved.norm()) < settings.max_grad_norm * (1 + 1e-4), "a row moves the sum by more than the clip norm"


def batches_are_poisson_samples() -> None:
    """Through the loop: each row in each batch by a coin of its own, at the plan's rate, rare categories as all others."""
    rows, steps = 64, 200
    codes = np.stack([np.arange(rows), (np.arange(rows) >= 62).astype(int)], axis=1)
    settings = world.critic_settings(steps=steps, steps_per_generator_step=1_000)
    seen = world.batches(codes, (rows, 2), settings)
    member = np.array([np.bincount(batch[:, 0], minlength=rows) for batch in seen])
    assert member.shape == (steps, rows), "the loop made another number of batches than planned"
    assert member.max() <= 1, "a row is in a batch twice"
    rate = settings.sample_rate
    assert stats.binomtest(int(member.sum()), member.size, rate).pvalue > ALPHA, "the rate is not the plan's"
    for row in (0, 62, 63):
        assert stats.binomtest(int(member[:, row].sum()), steps, rate).pvalue > ALPHA, "a row's rate is not the plan's"
    spread = member.sum(1).var(ddof=1) * (steps - 1) / (rows * rate * (1 - rate))
    low, high = stats.chi2.ppf([ALPHA, 1 - ALPHA], steps - 1)
    assert low < spread < high, "batch sizes do not vary as Poisson samples do"


def private_steps_are_the_plans() -> None:
    """As many noisy sums as planned, whatever the ratio of critic to generator steps; one more is refused."""
    for every in (1, 2, 3):
        coins = world.Counting(0)
        world.refined(_codes(40), SIZES, world.critic_settings(steps=6, steps_per_generator_step=every), coins)
        assert len(coins.drawn) == 6 * 6, f"the critic of 6 tensors drew noise {len(coins.drawn)} times in 6 steps"
    critic, settings = world.Flat(4), world.critic_settings(steps=2)
    trainer = world.trainer(critic, settings, SecretStream())
    for _ in range(settings.steps):
        trainer.step(torch.zeros(2, 4), world.kinds(1, 1))
    with pytest.raises(InternalError, match="one more"):
        trainer.step(torch.zeros(2, 4), world.kinds(1, 1))


def what_runs_is_what_was_charged() -> None:
    """Other noise, rate or steps than in the receipt are refused."""
    settings = world.critic_settings()
    for change in ({"noise_multiplier": 0.9}, {"sample_rate": 0.5}, {"steps": 8}):
        with pytest.raises(InternalError, match="what was charged"):
            PrivateTrainer(world.Flat(4), replace(settings, **change), settings.event, None, SecretStream())


def only_noisy_gradients_move_the_critic() -> None:
    """The noisy gradients that reached Adam, given to another Adam, make the same critic."""
    settings = world.critic_settings(steps=3)
    critic, twin = world.Flat(8), world.Flat(8)
    twin.load_state_dict(critic.state_dict())
    trainer = world.trainer(critic, settings, SecretStream())
    rows = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    with world.caught_gradients(critic) as caught:
        for _ in range(settings.steps):
            trainer.step(rows, world.kinds(3, 3))
    adam = torch.optim.Adam(twin.parameters(), settings.learning_rate, betas=(0.5, 0.9))
    for gradient in caught:
        twin.linear.weight.grad = gradient.view_as(twin.linear.weight)
        adam.step()
    assert torch.equal(critic.linear.weight, twin.linear.weight), "something else than noisy gradients moved the critic"


# --- real rows and everything else --------------------------------------------------------------------------------


def the_generator_sees_no_row() -> None:
    """With a critic that learns nothing, other rows make the same generator."""
    deaf = world.critic_settings(steps=6, learning_rate=0.0)
    one, two = (world.refined(_codes(rows, seed), SIZES, deaf, RepeatableStream(1))[0] for rows, seed in ((40, 1), (90, 2)))
    assert all(map(torch.equal, one, two)), "real rows reach the generator beside the critic"


def nothing_but_mechanisms_sees_the_rows() -> None:
    """Two tables that differ in size, range and shares; coins that hide all that mechanisms tell: equal files."""
    one, two = (world.what_leaves(world.table(seed, rows)) for seed, rows in ((0, 700), (1, 950)))
    differ = sorted(name for name in {*one, *two} if one.get(name) != two.get(name))
    assert not differ, f"rows reach {', '.join(differ)} past the mechanisms"


def one_row_moves_counts_by_its_sensitivity() -> None:
    """One row's value of one column changed, the same coins: that column's counts move by one down and one up, no others do."""
    plan, frame = world.plan(700, canaries=0.0), world.table(0, 700)
    other = frame.copy()
    other.loc[699, "left"] = "yes" if frame.loc[699, "left"] == "no" else "no"
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        made = [world.fit(rows, RepeatableStream(4), Path(folder), plan) for rows, folder in ((frame, first), (other, second))]
    marginals = [{part.clique: part.counts for part in fitted.measurements.marginals} for fitted in made]
    for column, most in ((0, 0), (1, 0), (2, 2)):
        one, two = (counts[column,] for counts in marginals)
        moved = np.abs(one - two).sum()
        assert moved <= most, f"changing one row moves the counts of column {column} by {moved:g}"
    assert made[0].plan.to_json() == made[1].plan.to_json(), "one row moves the plan"


def sampling_needs_no_row() -> None:
    """A saved model samples when no table is left to look at."""
    with tempfile.TemporaryDirectory() as folder:
        made, _ = world.candidate(world.table(), world.Deaf(1), Path(folder))
        (Path(folder) / "table.csv").unlink()
        with mock.patch.object(PrivateTable, "_redeem", side_effect=AssertionError("sampling looked at rows")):
            assert len(load_synthesizer(made.model).sample(20, seed=1)) == 20


# --- charges ------------------------------------------------------------------------------------------------------


def every_look_is_charged_before() -> None:
    """When rows come out their charge is on the disk, as another connection to the ledger sees it; no look is unpaid."""
    looks: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        redeem = PrivateTable._redeem

        def spying(self: PrivateTable, receipt: Receipt) -> None:
            with sqlite3.connect(f"file:{folder}/ledger.sqlite?mode=ro", uri=True) as other:
                bodies = [json.loads(body) for (body,) in other.execute("select body from entries where kind = 'charge'")]
            assert receipt.step in [body["step"] for body in bodies], f"rows came out before {receipt.step} was charged"
            looks.append(receipt.step)
            redeem(self, receipt)

        unpaid = mock.patch.object(PrivateTable, "uncharged_rows", side_effect=AssertionError("an unpaid look"))
        with mock.patch.object(PrivateTable, "_redeem", spying), unpaid:
            fitted = world.fit(world.table(), RepeatableStream(1), Path(folder))
    planned = Counter(step.name for step in fitted.plan.steps)
    assert Counter(name for name in looks if name in planned) == planned, "looks and planned steps differ"


def noise_drawn_is_noise_charged() -> None:
    """The coins of a whole fit drew, event for event, what was charged."""
    charged: list[events.DpEvent] = []
    charge = RunLedger.charge

    def spying(self: RunLedger, step: str, event: events.DpEvent) -> Receipt:
        charged.append(event)
        return charge(self, step, event)

    coins = world.Counting(1)
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(RunLedger, "charge", spying):
        world.fit(world.table(), coins, Path(folder))
    expected = Counter(draw for event in charged for draw in _draws(event))
    assert Counter(coins.drawn) == expected, f"drawn {Counter(coins.drawn)}, charged {expected}"


def _draws(event: events.DpEvent) -> list[tuple[str, float]]:
    """The noise that an event stands for."""
    if isinstance(event, events.DiscreteGaussian):
        return [("discrete Gaussian", round(event.standard_deviation, 9))]
    if isinstance(event, events.DiscreteLaplace):
        return [("discrete Laplace", round(1 / event.noise_parameter, 9))]
    if isinstance(event, events.ExponentialMechanism):
        return [("choice", round(2 / event.epsilon, 9))]
    assert isinstance(event, events.SelfComposed), f"an event of another kind: {type(event).__name__}"
    return [("gradient", 1.0)] * (6 * event.count)


def events_dominate_their_mechanisms() -> None:
    """The exact privacy loss of each mechanism of the plan, in its worst case, is below what its event accounts for."""
    found = {type(step.mechanism): step.mechanism for step in world.planned().steps if step.mechanism}
    for sensitivity in (1, 3):
        for mechanism in (
            replace(found[CountHistogram], sensitivity=sensitivity, standard_deviation=2.0 * sensitivity),
            replace(found[Selection], sensitivity=float(sensitivity), epsilon=0.7),
            TotalCount(epsilon=0.7, sensitivity=sensitivity),
        ):
            with_one, without = _outputs(mechanism)
            reckoned = accountant.loss_distribution(mechanism.event)
            for epsilon in (0.0, 0.1, 0.25, 0.4, 0.6):
                actual = np.maximum(with_one - np.exp(epsilon) * without, 0).sum()
                bound = reckoned.get_delta_for_epsilon(epsilon)
                assert actual <= bound + 1e-9, f"{type(mechanism).__name__} costs more than its event: {actual:.4g} > {bound:.4g}"


def _outputs(mechanism: Any) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the outputs with and without one unit of the mechanism's whole sensitivity."""
    points = np.arange(-400, 401)
    if isinstance(mechanism, Selection):
        scores = np.array([[mechanism.sensitivity, 0.0], [0.0, mechanism.sensitivity]])
        weights = np.exp(mechanism.epsilon * scores / (2 * mechanism.sensitivity))
    elif isinstance(mechanism, CountHistogram):
        weights = np.exp(-((points - np.array([[mechanism.sensitivity], [0]])) ** 2) / (2 * mechanism.standard_deviation**2))
    else:
        weights = np.exp(-np.abs(points - np.array([[mechanism.sensitivity], [0]])) * mechanism.epsilon / mechanism.sensitivity)
    with_one, without = weights / weights.sum(axis=1, keepdims=True)
    return with_one, without


def sensitivities_come_from_the_unit() -> None:
    """With up to three rows a customer every mechanism and every event of the plan has sensitivity 3."""
    steps = [step for step in world.planned_for(3).steps if step.kind is not StepKind.CRITIC]
    assert {step.kind for step in steps} == {
        StepKind.CELL_HISTOGRAM,
        StepKind.MARGINAL,
        StepKind.SELECTION,
        StepKind.CHOSEN_MARGINAL,
    }
    for step in steps:
        assert step.mechanism is not None
        assert step.mechanism.sensitivity == 3, f"{step.name} has sensitivity {step.mechanism.sensitivity} where k is 3"
        assert step.event == step.mechanism.event
        assert getattr(step.event, "sensitivity", 3) == 3, f"the event of {step.name} has another sensitivity"


def a_plan_costs_at_most_its_budget() -> None:
    """What the planner makes fits; what does not fit is refused before any look."""
    plan = world.planned()
    zcdp = sum(_zcdp(step.event) for step in plan.steps if step.kind is not StepKind.CRITIC)
    plain = zcdp + 2 * np.sqrt(zcdp * np.log(1 / plan.model_budget.delta))
    assert plain < 1.1 * plan.model_budget.epsilon, f"the marginals alone cost ε = {plain:.3g}"
    with tempfile.TemporaryDirectory() as folder:
        ledger = PrivacyLedger.open(f"{folder}/ledger.sqlite")
        with ledger.run("small", PrivacyBudget(epsilon=1), secret=True) as run:
            with pytest.raises(BudgetExceededError):
                run.approve("model", {"one": events.DiscreteGaussian(1.0)}, PrivacyBudget(epsilon=1))
        account = accountant.spent([step.event for step in plan.steps], plan.model_budget.delta)
        assert account.epsilon <= plan.model_budget.epsilon, "the plan costs more than its budget"


def _zcdp(event: events.DpEvent) -> float:
    """ρ by hand: Δ²/2σ² and ε²/8."""
    if isinstance(event, events.DiscreteGaussian):
        return event.sensitivity**2 / (2 * event.standard_deviation**2)
    assert isinstance(event, events.ExponentialMechanism)
    return event.epsilon**2 / 8


def receipts_work_once() -> None:
    """The same receipt gives no second look."""
    used = mint(dataset="d", step="s", event=events.NonPrivate())
    used.redeem()
    with pytest.raises(InternalError, match="used before"):
        used.redeem()


def runs_add_up() -> None:
    """What runs spent is never forgotten, that of a run that died neither; the lifetime budget holds."""
    with tempfile.TemporaryDirectory() as folder:
        ledger, budget = PrivacyLedger.open(f"{folder}/ledger.sqlite"), PrivacyBudget(epsilon=1, delta=1e-7)
        ledger.set_lifetime("small", PrivacyBudget(epsilon=2.5, delta=1e-6))
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt), ledger.run("small", budget, secret=True):
                raise KeyboardInterrupt
        assert ledger.account("small").epsilon >= 2, "a run that died was forgotten"
        with pytest.raises(BudgetExceededError), ledger.run("small", budget, secret=True):
            pass
        assert PrivacyLedger.open(f"{folder}/ledger.sqlite").account("small").epsilon >= 2, "the ledger forgot"


def a_checkpoint_resumes_once_and_pays() -> None:
    """The steps run again are charged; the same checkpoint is refused the second time."""
    again, budget = events.dp_sgd(noise_multiplier=5.0, sample_rate=0.1, steps=2), PrivacyBudget(epsilon=4)
    steps = {"critic": events.dp_sgd(noise_multiplier=5.0, sample_rate=0.1, steps=6), "critic:reserve": again}
    with tempfile.TemporaryDirectory() as folder:
        ledger = PrivacyLedger.open(f"{folder}/ledger.sqlite")
        with ledger.run("small", budget, secret=True) as run:
            run.approve("model", steps, budget)
            run.charge("critic", steps["critic"])
            run.checkpoint(lineage=1, step=2, digest="d", clean=False)

        def resume() -> RunLedger:
            return ledger.resume("small", run.identity, lineage=1, digest="d", reserve="critic:reserve")

        resumed = resume()
        assert resumed.charged.get("critic:reserve") == again, "steps run again were not charged"
        charges = [entry.body["step"] for entry in ledger.entries("small") if entry.kind == "charge"]
        assert charges == ["critic", "critic:reserve"], "steps run again were not charged"
        for once_more in (resume, lambda: run.checkpoint(lineage=2, step=3, digest="e", clean=False)):
            with pytest.raises(UsageError):
                once_more()


# --- what is written ----------------------------------------------------------------------------------------------


def loading_runs_no_code() -> None:
    """Files that are pickles in disguise are refused, and nothing of them runs."""
    with tempfile.TemporaryDirectory() as folder:
        made, _ = world.candidate(world.table(), world.Deaf(1), Path(folder))
        mark = Path(folder) / "ran"

        class Trap:
            def __reduce__(self) -> Any:
                return os.mkdir, (str(mark),)

        for name in ("model.safetensors", "model.json"):
            whole = (made.model / name).read_bytes()
            (made.model / name).write_bytes(pickle.dumps(Trap()))
            refused: Exception | None = None
            try:
                load_synthesizer(made.model)
            except Exception as error:
                refused = error
            assert not mark.exists(), "loading a model ran code from it"
            assert isinstance(refused, UsageError), f"a pickle in place of {name} was not refused"
            (made.model / name).write_bytes(whole)


def no_internal_figure_leaves() -> None:
    """A release, with an audit beside it: neither names nor values of INTERNAL figures are in any of its bytes."""
    secret = 0.0123456789
    names = ("attack.membership.advantage", "fidelity.tvd1")
    audit = {
        "format": "privgan.audit/1",
        "verdict": "NOT_REFUTED",
        "metrics": [{"name": name, "value": secret, "low": 0.0, "high": 0.05} for name in names],
    }
    with tempfile.TemporaryDirectory() as folder:
        made, ledger = world.candidate(world.table(), world.Deaf(1), Path(folder))
        scan_candidate(made, world.table(), Progress(quiet=True))
        made.write_internal(AUDIT_FILE, json.dumps(audit))
        verdict = judge(made, load_policy("internal-analytics"), ledger, Context())
        release = release_candidate(made, verdict, ledger, Context(), Path(folder) / "out")
        for path in release.rglob("*"):
            held = path.read_bytes() if path.is_file() else b""
            found = [needle for needle in (*names, str(secret)) if needle.encode() in held]
            assert not found, f"{path.name} holds the internal {found[0]}"


def _codes(rows: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, rows) for size in SIZES], axis=1)


ALL = (
    noise_has_the_plans_scale,
    no_seed_moves_a_coin,
    a_key_holds_at_least_128_bits,
    coins_cannot_be_kept,
    repeatable_coins_promise_nothing,
    each_row_is_clipped_alone,
    each_customer_is_clipped_as_one,
    contributions_are_bounded,
    discoveries_keep_their_delta,
    clipping_bounds_extreme_rows,
    batches_are_poisson_samples,
    private_steps_are_the_plans,
    what_runs_is_what_was_charged,
    only_noisy_gradients_move_the_critic,
    the_generator_sees_no_row,
    nothing_but_mechanisms_sees_the_rows,
    one_row_moves_counts_by_its_sensitivity,
    sampling_needs_no_row,
    every_look_is_charged_before,
    noise_drawn_is_noise_charged,
    events_dominate_their_mechanisms,
    sensitivities_come_from_the_unit,
    a_plan_costs_at_most_its_budget,
    receipts_work_once,
    runs_add_up,
    a_checkpoint_resumes_once_and_pays,
    loading_runs_no_code,
    no_internal_figure_leaves,
)

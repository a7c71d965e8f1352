"""Ways of breaking the code, one leak pattern at a time, and the check that must catch each."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from privgan import synthesizer
from privgan.gan import refine as refining
from privgan.gan.dpsgd import PrivateTrainer, _SecretNoiseOptimizer
from privgan.gan.model import GeneratorModel
from privgan.gan.networks import Critic
from privgan.measurement import measure
from privgan.pipeline import canaries, fitting, judging
from privgan.planning import planner
from privgan.planning.plan import CriticSettings
from privgan.privacy import accountant, events, ledger_account, ledger_runs
from privgan.privacy.ledger_runs import RunLedger
from privgan.privacy.ledger_store import Entry
from privgan.privacy.mechanisms import CategoryDiscovery, CountHistogram, Selection, TotalCount
from privgan.privacy.randomness import RepeatableStream, SecretStream
from privgan.privacy.receipts import Receipt, mint
from privgan.privacy.unit import PrivacyUnit
from privgan.table.cells import Cells
from privgan.table.encoding import Encoder
from privgan.table.private import PrivateTable, Samples, UnpaidLook
from tests.sabotage import checks

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way of breaking the code.

    Attributes:
        name: Its name.
        what: What is broken.
        patterns: The leak patterns that it stands for.
        check: The check that must catch it.
        tells: What the check, or the code itself, says then.
        break_it: Breaks the code.
    """

    name: str
    what: str
    patterns: str
    check: Callable[[], None]
    tells: str
    break_it: Callable[[Patch], None]


ALL: list[Variant] = []


def variant(patterns: str, check: Callable[[], None], tells: str) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Register a way of breaking the code; its name is the function's."""

    def register(break_it: Callable[[Patch], None]) -> Callable[[Patch], None]:
        name = break_it.__name__.replace("_", "-")
        what = (break_it.__doc__ or "").strip()
        ALL.append(Variant(name=name, what=what, patterns=patterns, check=check, tells=tells, break_it=break_it))
        return break_it

    return register


# --- noise and coins ----------------------------------------------------------------------------------------------


@variant("L11", checks.noise_has_the_plans_scale, "off its scale at step 0")
def noise_off(patch: Patch) -> None:
    """The gradient gets no noise."""
    patch.setattr(SecretStream, "gaussian_noise", lambda self, count: np.zeros(count))


@variant("L18", checks.no_seed_moves_a_coin, "gradient noise")
def noise_seeded(patch: Patch) -> None:
    """Gradient noise from a generator with a fixed seed."""
    patch.setattr(SecretStream, "gaussian_noise", lambda self, count: np.random.default_rng(0).standard_normal(count))


@variant("L18", checks.noise_has_the_plans_scale, "repeats between steps or runs")
def noise_repeated(patch: Patch) -> None:
    """The same noise at every step, at the right scale."""
    noise = np.random.default_rng(12).standard_normal(2_000)
    patch.setattr(SecretStream, "gaussian_noise", lambda self, count: np.resize(noise, count))


@variant("L18, L20", checks.no_seed_moves_a_coin, "gradient noise")
def noise_of_torch(patch: Patch) -> None:
    """Gradient noise from torch's global generator."""
    patch.setattr(SecretStream, "gaussian_noise", lambda self, count: torch.normal(0.0, 1.0, (count,)).double().numpy())


@variant("L18", checks.no_seed_moves_a_coin, "histogram")
def count_noise_of_numpy(patch: Patch) -> None:
    """Noise on counts from numpy's global generator."""

    def noisy(self: SecretStream, counts: np.ndarray, sigma: float) -> np.ndarray:
        return counts + np.rint(np.random.normal(0, sigma, len(counts))).astype(int)  # noqa: NPY002 - broken on purpose

    patch.setattr(SecretStream, "discrete_gaussian", noisy)


@variant("L19", checks.a_key_holds_at_least_128_bits, "a key of 32 bits")
def noise_low_entropy(patch: Patch) -> None:
    """A stream keyed with 32 bits."""
    patch.setattr(SecretStream, "__init__", lambda self: self._start(os.urandom(4).ljust(32, b"\0")))


@variant("L19", checks.a_key_holds_at_least_128_bits, "moves nothing")
def noise_low_entropy_in_disguise(patch: Patch) -> None:
    """256 bits are asked for and 32 are used."""
    patch.setattr(SecretStream, "__init__", lambda self: self._start(os.urandom(32)[:4].ljust(32, b"\0")))


@variant("L19", checks.coins_cannot_be_kept, "DID NOT RAISE")
def coins_pickled(patch: Patch) -> None:
    """A stream can be copied, and with it the noise to come."""
    patch.setattr(SecretStream, "__reduce__", lambda self: (SecretStream, ()))


@variant("L18", checks.no_seed_moves_a_coin, "batch")
def poisson_seeded(patch: Patch) -> None:
    """Batch membership from the seed of --seed."""

    def members(self: PrivateTrainer, units: int) -> Tensor:
        return torch.nonzero(torch.rand(units) < self.settings.sample_rate)[:, 0]

    patch.setattr(PrivateTrainer, "batch_members", members)


@variant("L18", checks.no_seed_moves_a_coin, "canaries")
def canaries_seeded(patch: Patch) -> None:
    """Canaries from the seed of --seed."""
    drawn = canaries.draw_canaries

    def draw(who: Any, probability: float, coins: SecretStream) -> canaries.Canaries:
        return drawn(who, probability, RepeatableStream(0))

    patch.setattr(fitting, "draw_canaries", draw)


@variant("L35", checks.repeatable_coins_promise_nothing, "counted as private")
def dp_label_no_dp(patch: Patch) -> None:
    """A run with coins that can be drawn again claims its ε."""
    patch.setattr(RepeatableStream, "secret", True)


@variant("L25", checks.noise_has_the_plans_scale, "off its scale")
def double_normalise(patch: Patch) -> None:
    """The noise is divided by the batch before it is added, and again with the sum."""
    drawn = SecretStream.gaussian_noise
    patch.setattr(SecretStream, "gaussian_noise", lambda self, count: drawn(self, count) / 15)


@variant("L30", checks.noise_has_the_plans_scale, r"off its scale at step \d")
def noise_annealed(patch: Patch) -> None:
    """The gradient noise shrinks as training goes on."""
    add = _SecretNoiseOptimizer.add_noise

    def annealed(self: Any) -> None:
        self.noise_multiplier *= 0.9
        add(self)

    patch.setattr(_SecretNoiseOptimizer, "add_noise", annealed)


# --- clipping and batches -----------------------------------------------------------------------------------------


def _settings_patched(patch: Patch, change: Callable[[CriticSettings], dict[str, Any]]) -> None:
    """The trainer works with other settings than it was given, and is told that these were charged."""
    made = PrivateTrainer.__init__

    def other(self: Any, critic: Any, settings: CriticSettings, charged: Any, criterion: Any, coins: Any) -> None:
        changed = replace(settings, **change(settings))
        made(self, critic, changed, changed.event, criterion, coins)

    patch.setattr(PrivateTrainer, "__init__", other)


@variant("L24", checks.each_row_is_clipped_alone, r"moves the sum by [\d.]+ clips")
def clip_off(patch: Patch) -> None:
    """No row is clipped; the noise is as before."""
    _unclipped(patch)


@variant("L24", checks.clipping_bounds_extreme_rows, "by more than the clip norm")
def clip_off_at_extreme_rows(patch: Patch) -> None:
    """As above, seen by rows that are far out."""
    _unclipped(patch)


def _unclipped(patch: Patch) -> None:
    def weights(self: Any) -> Tensor:
        return torch.ones_like(self.get_norm_sample())

    patch.setattr("opacus.grad_sample.GradSampleModuleFastGradientClipping.get_clipping_coef", weights)


@variant("L24", checks.each_row_is_clipped_alone, "clips|beside it")
def clip_per_batch(patch: Patch) -> None:
    """The whole batch's gradient is clipped instead of each row's."""
    _unclipped(patch)
    add = _SecretNoiseOptimizer.add_noise

    def clipped(self: Any) -> None:
        whole = torch.sqrt(sum(part.summed_grad.square().sum() for part in self.params))
        for part in self.params:
            part.summed_grad = part.summed_grad * min(1.0, self.max_grad_norm / float(whole))
        add(self)

    patch.setattr(_SecretNoiseOptimizer, "add_noise", clipped)


@variant("L24", checks.each_row_is_clipped_alone, "clips|beside it")
def clip_norm_from_the_batch(patch: Patch) -> None:
    """The clip norm is the median of the batch's norms."""

    def weights(self: Any) -> Tensor:
        norms = self.get_norm_sample()
        return (norms.median() / norms).clamp(max=1.0)

    patch.setattr("opacus.grad_sample.GradSampleModuleFastGradientClipping.get_clipping_coef", weights)


@variant("L8", checks.batches_are_poisson_samples, "twice|rate")
def category_sampling(patch: Patch) -> None:
    """Half of a batch is drawn from the rows of a rare category, with replacement."""
    rng = np.random.default_rng(0)

    def members(self: PrivateTrainer, units: int) -> Tensor:
        half = self.settings.expected_batch_size // 2
        return torch.from_numpy(np.concatenate([rng.integers(0, units, half), rng.integers(units - 2, units, half)]))

    patch.setattr(PrivateTrainer, "batch_members", members)


@variant("L9", checks.batches_are_poisson_samples, "do not vary")
def shuffle_as_poisson(patch: Patch) -> None:
    """Shuffled batches of a fixed size, at the right rate."""
    rng = np.random.default_rng(0)

    def members(self: PrivateTrainer, units: int) -> Tensor:
        return torch.from_numpy(rng.permutation(units)[: round(self.settings.sample_rate * units)])

    patch.setattr(PrivateTrainer, "batch_members", members)


@variant("L6", checks.batches_are_poisson_samples, "rate is not the plan's")
def rate_from_the_length(patch: Patch) -> None:
    """The sampling rate is the expected batch divided by the table's length."""

    def members(self: PrivateTrainer, units: int) -> Tensor:
        coins = self._coins.bernoulli(self.settings.expected_batch_size / units, units)
        return torch.from_numpy(coins.nonzero()[0])

    patch.setattr(PrivateTrainer, "batch_members", members)


# --- customers with several rows, discoveries ----------------------------------------------------------------------


@variant("L37", checks.each_customer_is_clipped_as_one, "with 3 rows moves the sum by 3 clips")
def rows_clipped_one_by_one(patch: Patch) -> None:
    """Each row of a customer is a sample of its own."""
    made = Samples.__init__
    patch.setattr(Samples, "__init__", lambda self, codes, customers: made(self, codes, np.arange(len(codes))))


@variant("L37", checks.contributions_are_bounded, "contributions were not bounded")
def contributions_not_bounded(patch: Patch) -> None:
    """All rows of a customer are used, however many."""
    patch.setattr(fitting, "bounded", lambda customers, max_rows, coins: np.ones(len(customers), dtype=bool))


@variant("L3", checks.discoveries_keep_their_delta, "lone values appear")
def vocab_no_delta(patch: Patch) -> None:
    """Categories are found by noisy counts with a fixed threshold, and no δ is charged."""
    patch.setattr(CategoryDiscovery, "threshold", 5)
    patch.setattr(CategoryDiscovery, "event", property(lambda self: events.DiscreteGaussian(self.standard_deviation)))


# --- gradients across rows ----------------------------------------------------------------------------------------


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
    patch.setattr(Critic, "forward", lambda self, rows: plain(self, rows - rows.mean(0, keepdim=True)))


@variant("L22", checks.each_row_is_clipped_alone, "beside it|clips")
def relativistic_loss(patch: Patch) -> None:
    """Each score is taken relative to the batch's mean."""
    plain = refining.critic_losses
    patch.setattr(refining, "critic_losses", lambda scores, real: plain(scores - scores.mean(), real))


@variant("L23", checks.each_row_is_clipped_alone, "beside it|clips")
def gp_on_real(patch: Patch) -> None:
    """A penalty on the slope between neighbouring rows of the batch, real and fake."""
    plain = refining.critic_losses
    patch.setattr(refining, "critic_losses", lambda scores, real: plain(scores, real) + (scores - scores.roll(1)).square())


# --- steps --------------------------------------------------------------------------------------------------------


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
        for part, gradient in zip(network.parameters(), torch.autograd.grad(loss, list(network.parameters())), strict=True):
            part.data -= 1e-3 * gradient

    patch.setattr(PrivateTrainer, "step", also_plain)


# --- rows past the mechanisms -------------------------------------------------------------------------------------


def _stash_frame(patch: Patch) -> list[pd.DataFrame]:
    """Where the private rows can be found by code that should not have them."""
    made, kept = PrivateTable.__init__, []

    def keeping(self: Any, dataset: str, unit: PrivacyUnit, frame: pd.DataFrame, *more: Any) -> None:
        kept[:] = [frame]
        made(self, dataset, unit, frame, *more)

    patch.setattr(PrivateTable, "__init__", keeping)
    return kept


@variant("L26", checks.the_generator_sees_no_row, "beside the critic")
def generator_sees_real(patch: Patch) -> None:
    """The generator's loss has a term with the real batch."""
    plain, loss, seen = refining._real_rows, refining.generator_loss, []

    def keeping(*arguments: Any) -> Tensor:
        rows = plain(*arguments)
        seen[:] = [rows.mean()]
        return rows

    patch.setattr(refining, "_real_rows", keeping)
    patch.setattr(refining, "generator_loss", lambda scores: loss(scores) * (1 + seen[0]))


@variant("L26", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def fakes_as_many_as_reals(patch: Patch) -> None:
    """The number of fake rows is that of the real batch, so that the fakes drawn next depend on it."""
    members, fakes, last = PrivateTrainer.batch_members, GeneratorModel.fake_rows, [40]

    def noting(self: PrivateTrainer, units: int) -> Tensor:
        found = members(self, units)
        last[0] = max(1, len(found))
        return found

    patch.setattr(PrivateTrainer, "batch_members", noting)
    patch.setattr(GeneratorModel, "fake_rows", lambda self, components, batch: fakes(self, components, last[0]))


@variant("L4, L5, L7", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def bounds_from_data(patch: Patch) -> None:
    """A numeric column has bins only between the table's smallest and largest value."""
    kept, bins = _stash_frame(patch), measure.merged_code

    def fitted(cells: Cells, shares: np.ndarray, *, max_codes: int) -> Any:
        seen = cells.encode(kept[0][cells.column.name])
        inside = np.zeros(cells.size)
        inside[seen.min() : seen.max() + 1] = 1
        return bins(cells, shares * inside, max_codes=max_codes)

    patch.setattr(measure, "merged_code", fitted)


@variant("L2, L7", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def vocab_from_data(patch: Patch) -> None:
    """Only categories that occur get a share."""
    kept, one_way = _stash_frame(patch), fitting.measure_one_way

    def seen_only(table: PrivateTable, encoder: Encoder, *more: Any) -> Any:
        found = one_way(table, encoder, *more)
        for index, part in enumerate(found.marginals):
            occurs = np.bincount(encoder.encode(kept[0])[:, index], minlength=len(part.counts)) > 0
            part.counts[~occurs] = 0
        return type(found)(found.sizes, found.marginals)

    patch.setattr(fitting, "measure_one_way", seen_only)


@variant("L5", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def encoder_fit_raw(patch: Patch) -> None:
    """Bins are merged by the exact counts of their cells."""
    kept, bins = _stash_frame(patch), measure.merged_code

    def fitted(cells: Cells, shares: np.ndarray, *, max_codes: int) -> Any:
        exact = np.bincount(cells.encode(kept[0][cells.column.name]), minlength=cells.size)
        return bins(cells, exact / exact.sum(), max_codes=max_codes)

    patch.setattr(measure, "merged_code", fitted)


@variant("L1", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def condvec_exact(patch: Patch) -> None:
    """The frequencies of the conditions are the table's own."""
    kept, train = _stash_frame(patch), fitting.GeneratorModel

    def exact(measurements: Any, settings: Any, **more: Any) -> Any:
        shares = kept[0]["left"].value_counts(normalize=True).sort_index().to_numpy()
        measurements._one_way[2] = shares
        return train(measurements, settings, **more)

    patch.setattr(fitting, "GeneratorModel", exact)


@variant("L6", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def n_exact(patch: Patch) -> None:
    """Stage 2 is planned for the exact row count."""
    kept = _stash_frame(patch)
    patch.setattr(fitting, "measure_row_count", lambda table, plan, run, coins: run.charge(*_row_count(plan)) and len(kept[0]))


def _row_count(plan: Any) -> tuple[str, events.DpEvent]:
    step = plan.step("row-count")
    return step.name, step.event


@variant("L6", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def delta_from_the_length(patch: Patch) -> None:
    """δ is 1/n of the table."""
    fit = fitting.fit

    def with_own_delta(frame: pd.DataFrame, schema: Any, plan: Any, *more: Any, **others: Any) -> Any:
        made = fit(frame, schema, plan, *more, **others)
        budget = replace(plan.budget, delta=1 / len(frame))
        return replace(made, plan=replace(made.plan, budget=budget))

    patch.setattr("privgan.pipeline.run.fit", with_own_delta)


@variant("L28", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def epsilon_from_data(patch: Patch) -> None:
    """The published ε depends on the rows."""
    fit = fitting.fit

    def with_own_epsilon(frame: pd.DataFrame, schema: Any, plan: Any, *more: Any, **others: Any) -> Any:
        made = fit(frame, schema, plan, *more, **others)
        budget = replace(plan.budget, epsilon=float((frame["left"] == "yes").mean()))
        return replace(made, plan=replace(made.plan, budget=budget))

    patch.setattr("privgan.pipeline.run.fit", with_own_epsilon)


@variant("L30", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def best_by_real_rows(patch: Patch) -> None:
    """How long the generator is fitted depends on real rows."""
    kept, warm = _stash_frame(patch), fitting.warm_start.fit

    def chosen(model: Any, measurements: Any, *, steps: int, **more: Any) -> float:
        share = float((kept[0]["left"] == "yes").mean())
        return warm(model, measurements, steps=steps + round(20 * share), **more)

    patch.setattr(fitting.warm_start, "fit", chosen)


@variant("L32", checks.nothing_but_mechanisms_sees_the_rows, "reach model/model.json past")
def rows_in_artefact(patch: Patch) -> None:
    """The model's file holds rows."""
    kept, save = _stash_frame(patch), synthesizer.Synthesizer.save

    def with_seen(self: Any, folder: Any) -> None:
        save(self, folder)
        facts = json.loads((folder / synthesizer.FACTS).read_text()) | {"seen": kept[0].head(20).to_json()}
        (folder / synthesizer.FACTS).write_text(json.dumps(facts))

    patch.setattr(synthesizer.Synthesizer, "save", with_seen)


@variant("L17, L29", checks.nothing_but_mechanisms_sees_the_rows, r"reach .*synthetic\.csv")
def remeasure_on_sample(patch: Patch) -> None:
    """Sampling mixes real rows in."""
    kept, chunk = _stash_frame(patch), synthesizer._Sampler.chunk

    def mixed(self: Any, rows: int, first: int) -> pd.DataFrame:
        made = chunk(self, rows, first)
        made["left"] = np.resize(kept[0]["left"].to_numpy(), len(made))
        return made

    patch.setattr(synthesizer._Sampler, "chunk", mixed)


@variant("L17", checks.sampling_needs_no_row, "sampling looked at rows")
def look_on_sample(patch: Patch) -> None:
    """Sampling looks at the table again."""
    chunk = synthesizer._Sampler.chunk

    def looking(self: Any, rows: int, first: int) -> pd.DataFrame:
        table = PrivateTable("small", PrivacyUnit(), pd.DataFrame())
        table.rows(mint(dataset="small", step="again", event=events.NonPrivate()))
        return chunk(self, rows, first)

    patch.setattr(synthesizer._Sampler, "chunk", looking)


# --- charges ------------------------------------------------------------------------------------------------------


@variant("L10, L15", checks.every_look_is_charged_before, "before .* was charged")
def ledger_after_the_look(patch: Patch) -> None:
    """A charge is written when the next one is made."""
    charge, late = RunLedger.charge, list[tuple[str, events.DpEvent]]()

    def lazy(self: RunLedger, step: str, event: events.DpEvent) -> Receipt:
        for owed in late:
            charge(self, *owed)
        late[:] = [(step, event)]
        return mint(dataset=self.dataset, step=step, event=event)

    patch.setattr(RunLedger, "charge", lazy)


@variant("L13", checks.every_look_is_charged_before, "an unpaid look")
def unpaid_look(patch: Patch) -> None:
    """Measuring uses the audit's free look."""
    patch.setattr(PrivateTable, "rows", lambda self, receipt: self.uncharged_rows(UnpaidLook.AUDIT))


@variant("L12", checks.noise_drawn_is_noise_charged, "drawn")
def charge_once_spend_twice(patch: Patch) -> None:
    """A histogram is released twice for one charge, and the mean kept."""
    release = CountHistogram.release

    def twice(self: CountHistogram, counts: np.ndarray, coins: SecretStream) -> np.ndarray:
        return (release(self, counts, coins) + release(self, counts, coins)) // 2

    patch.setattr(CountHistogram, "release", twice)


@variant("L13", checks.noise_drawn_is_noise_charged, "drawn")
def uncharged_measurement(patch: Patch) -> None:
    """One marginal more than planned is measured on the way."""
    one_way = fitting.measure_one_way

    def more(table: PrivateTable, encoder: Encoder, plan: Any, ledger: Any, coins: SecretStream) -> Any:
        found = one_way(table, encoder, plan, ledger, coins)
        exact = measure.exact_counts(encoder.encode(table._frame), (0, 2), encoder.sizes)
        noisy = CountHistogram(standard_deviation=5.0, sensitivity=1).release(exact, coins)
        return found.with_marginal(measure.Marginal(clique=(0, 2), counts=noisy.astype(float), standard_deviation=5.0))

    patch.setattr(fitting, "measure_one_way", more)


@variant("L25", checks.noise_drawn_is_noise_charged, "drawn")
def noise_below_its_charge(patch: Patch) -> None:
    """Counts get two thirds of the noise that was charged."""

    def less(self: CountHistogram, counts: np.ndarray, coins: SecretStream) -> np.ndarray:
        return coins.discrete_gaussian(counts, self.standard_deviation * 2 / 3)

    patch.setattr(CountHistogram, "release", less)


@variant("L25", checks.noise_drawn_is_noise_charged, "drawn")
def choice_sharper_than_its_charge(patch: Patch) -> None:
    """The exponential mechanism without the 2 in its exponent's denominator."""
    patch.setattr(Selection, "choose", lambda self, scores, coins: coins.exponential_choice(scores, 1.0 / self.epsilon))


@variant("L25, L37", checks.one_row_moves_counts_by_its_sensitivity, "moves the counts of column 2 by 4")
def rows_counted_twice(patch: Patch) -> None:
    """A row adds two to its cell; sensitivity and noise are those of one."""
    exact = measure.exact_counts
    patch.setattr(measure, "exact_counts", lambda *arguments: 2 * exact(*arguments))


@variant("L20", checks.events_dominate_their_mechanisms, "Selection costs more than its event")
def gaussian_for_the_choice(patch: Patch) -> None:
    """The exponential mechanism is accounted as the Gaussian of equal zCDP."""
    gaussian = events.dp_event.GaussianDpEvent
    patch.setattr(Selection, "event", property(lambda self: gaussian(2 / self.epsilon)))


@variant("L25, L37", checks.events_dominate_their_mechanisms, "CountHistogram costs more than its event")
def event_without_sensitivity(patch: Patch) -> None:
    """The event of a histogram forgets how many rows a customer has."""
    patch.setattr(CountHistogram, "event", property(lambda self: events.DiscreteGaussian(self.standard_deviation, 1)))


@variant("L36, L37", checks.events_dominate_their_mechanisms, "TotalCount costs more than its event")
def row_count_without_sensitivity(patch: Patch) -> None:
    """So does that of the row count."""
    patch.setattr(TotalCount, "event", property(lambda self: events.DiscreteLaplace(self.epsilon / self.sensitivity, 1)))


@variant("L37", checks.sensitivities_come_from_the_unit, "has sensitivity 1.* where k is 3")
def unit_ignored(patch: Patch) -> None:
    """Sensitivities are a literal 1."""
    patch.setattr(PrivacyUnit, "count_sensitivity", 1)


@variant("L37", checks.sensitivities_come_from_the_unit, "choice:1 has sensitivity 1")
def literal_sensitivity_of_a_choice(patch: Patch) -> None:
    """Only the choices' sensitivity is a literal 1."""
    patch.setattr(planner, "Selection", lambda *, epsilon, sensitivity: Selection(epsilon=epsilon, sensitivity=1.0))


@variant("L10", checks.a_plan_costs_at_most_its_budget, "DID NOT RAISE")
def stage_not_checked(patch: Patch) -> None:
    """The ledger does not compare a stage's cost with its budget."""
    nothing = accountant.PrivacySpent(epsilon=0.0, delta=0.0, epsilon_pld=0.0, epsilon_rdp=0.0)
    patch.setattr(ledger_runs.accountant, "spent", lambda events, delta: nothing)


@variant("L12", checks.receipts_work_once, "DID NOT RAISE")
def receipt_used_twice(patch: Patch) -> None:
    """A receipt works again and again."""
    patch.setattr(Receipt, "redeem", lambda self: None)


@variant("L15, L16", checks.runs_add_up, "forgot|DID NOT RAISE")
def ledger_reset(patch: Patch) -> None:
    """Runs that did not end are not counted."""
    account = ledger_account.account_of

    def forgetful(dataset: str, entries: Sequence[Entry]) -> ledger_account.DatasetAccount:
        ended = {entry.run for entry in entries if entry.kind == "candidate"}
        return account(dataset, [entry for entry in entries if entry.kind != "run" or entry.run in ended])

    patch.setattr("privgan.privacy.ledger.account_of", forgetful)


@variant("L15", checks.a_checkpoint_resumes_once_and_pays, "DID NOT RAISE")
def checkpoint_resumed_twice(patch: Patch) -> None:
    """A checkpoint may be resumed as often as one likes."""

    def lax(dataset: str, run: str, own: Sequence[Entry], *checkpoint: Any) -> bool:
        return any(entry.kind == "resume" for entry in own)

    patch.setattr(ledger_runs, "_refuse_checkpoint", lax)


@variant("L15", checks.a_checkpoint_resumes_once_and_pays, "not charged")
def resume_forgets(patch: Patch) -> None:
    """Steps that are run again are not charged again."""
    refuse = ledger_runs._refuse_checkpoint
    patch.setattr(ledger_runs, "_refuse_checkpoint", lambda *arguments: refuse(*arguments) or True)


# --- artefacts ----------------------------------------------------------------------------------------------------


@variant("L33", checks.loading_runs_no_code, "ran code")
def pickle_model(patch: Patch) -> None:
    """Weights are loaded by pickle."""
    patch.setattr(synthesizer, "load_file", lambda path: pickle.loads(path.read_bytes()))


@variant("L31, L34", checks.no_internal_figure_leaves, "holds the internal|name of an internal figure")
def report_unlabelled(patch: Patch) -> None:
    """The shareable report shows the audit."""
    report = judging.shareable_report

    def telling(candidate: Any, *more: Any) -> str:
        return report(candidate, *more) + f"<pre>{json.dumps(candidate.audit())}</pre>"

    patch.setattr(judging, "shareable_report", telling)


@variant("L31, L34", checks.no_internal_figure_leaves, "holds the internal|does not follow its JSON Schema|no declared source")
def loss_in_bundle(patch: Patch) -> None:
    """The manifest has a field for the audit."""
    facts = judging.release_facts

    def telling(candidate: Any, *more: Any) -> Any:
        made = facts(candidate, *more)
        return replace(made, plan=dict(made.plan) | {"audit": candidate.audit()})

    patch.setattr(judging, "release_facts", telling)

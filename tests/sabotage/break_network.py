"""Ways of breaking the network's DP-SGD, and what is done around it for free."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn

from privgan.generator import dpsgd, likelihood, network_fit
from privgan.generator.autoregressive import Autoregressive, MaskedLinear, one_hot
from privgan.generator.dpsgd import PrivateTrainer, _SecretNoiseOptimizer
from privgan.generator.likelihood import LikelihoodTraining
from privgan.measurement.marginals import Target, exact_counts
from privgan.owner.private_table import Samples
from privgan.pipeline import fitting, private_training
from privgan.pipeline.job import Fitted, Job
from privgan.privacy.receipts import mint
from tests.sabotage import checks, network_world
from tests.sabotage.break_looks import _stash_frame
from tests.sabotage.break_steps import _unclipped
from tests.sabotage.registry import Patch, variant

_NORM_SAMPLERS = dpsgd._BookKeeping.NORM_SAMPLERS
_ROW, _CUSTOMER = (
    checks.each_row_moves_the_network_by_its_clipped_gradient,
    checks.each_customer_moves_the_network_by_one_clip_norm,
)
_BESIDE = r"moves the sum by [\d.]+ clips|beside it"


# --- one sum --------------------------------------------------------------------------------------


@variant("L22", _ROW, _BESIDE)
def likelihood_beside_the_batchs_mean(patch: Patch) -> None:
    """A row's likelihood is taken relative to the batch's mean."""
    plain = likelihood.likelihood_losses
    patch.setattr(
        likelihood,
        "likelihood_losses",
        lambda found, kinds: plain(-torch.nn.functional.softplus(found.mean() - found), kinds),
    )


@variant("L6, L25", _ROW, _BESIDE)
def sum_divided_by_the_batch(patch: Patch) -> None:
    """Sum and noise are divided by the batch's own size."""
    step = PrivateTrainer.step

    def divided(self: PrivateTrainer, rows: Tensor, kinds: Tensor) -> None:
        self._optimizer.expected_batch_size = max(1, len(rows))
        step(self, rows, kinds)

    patch.setattr(PrivateTrainer, "step", divided)


@variant("L22, L25", _ROW, _BESIDE)
def sum_divided_by_its_norm(patch: Patch) -> None:
    """The batch's sum is brought to one norm before the noise is added."""
    add = _SecretNoiseOptimizer.add_noise

    def normalised(self: Any) -> None:
        whole = torch.sqrt(sum(part.summed_grad.square().sum() for part in self.params))
        for part in self.params:
            part.summed_grad = part.summed_grad * (self.max_grad_norm / (whole + 1e-12))
        add(self)

    patch.setattr(_SecretNoiseOptimizer, "add_noise", normalised)


@variant("L24", _ROW, r"moves the sum by [\d.]+ clips")
def network_rows_unclipped(patch: Patch) -> None:
    """No row is clipped; the noise is as before."""
    _unclipped(patch)


@variant("L24", _ROW, r"moves the sum by 1\.\d+ clips")
def masked_weights_in_the_sum_alone(patch: Patch) -> None:
    """Weights that a mask leaves out get a gradient, which the norm does not know."""
    written = dpsgd._BookKeeping.write_clipped_sums

    def unmasked(self: Any) -> None:
        ones = property(lambda layer: torch.ones_like(layer.weight))
        with mock.patch.object(MaskedLinear, "mask", ones):
            written(self)

    patch.setattr(dpsgd._BookKeeping, "write_clipped_sums", unmasked)


@variant("L24", _ROW, r"moves the sum by [\d.]+ clips")
def norm_without_the_hidden_layer(patch: Patch) -> None:
    """A row's norm is that of the last layer's gradient alone."""
    _norms_patched(patch, lambda layer, place: layer.out_features == network_world.WIDTH)


@variant("L24", _ROW, r"moves the sum by [\d.]+ clips")
def norm_without_the_biases(patch: Patch) -> None:
    """A row's norm is that of the weights' gradient alone."""
    _norms_patched(patch, lambda layer, place: place == 1)


def _norms_patched(patch: Patch, forgotten: Callable[[MaskedLinear, int], bool]) -> None:
    """Some of a masked layer's tensors have norm 0; ``forgotten`` is told layer and place."""

    def norms(layer: MaskedLinear, *given: Any) -> Mapping[nn.Parameter, Tensor]:
        found = dpsgd._masked_norms(layer, *given)
        return {
            part: norm * (0.0 if forgotten(layer, place) else 1.0)
            for place, (part, norm) in enumerate(found.items())
        }

    patch.setitem(_NORM_SAMPLERS, MaskedLinear, norms)


@variant("L22", _ROW, _BESIDE)
def batch_padded_to_its_expected_size(patch: Patch) -> None:
    """Empty rows fill the batch up and count as rows; so their number tells the batch's."""
    plain = likelihood.stacked

    def padded(*given: Any, **more: Any) -> tuple[Tensor, Tensor]:
        rows, kinds = plain(*given, **more)
        missing = max(0, network_world.settings().expected_batch_size - len(rows))
        empty = torch.zeros(missing, rows.shape[1])
        return torch.cat([rows, empty]), torch.cat([kinds, torch.ones(missing)])

    patch.setattr(likelihood, "stacked", padded)


@variant("L37", _CUSTOMER, "with 3 rows moves the sum by 3 clips")
def network_rows_clipped_one_by_one(patch: Patch) -> None:
    """Each row of a customer is a sample of its own."""
    plain = likelihood.stacked
    patch.setattr(likelihood, "stacked", lambda *given, wide: plain(*given, wide=False))


# --- noise, steps and batches ---------------------------------------------------------------------


@variant("L11", checks.every_tensor_of_the_network_gets_noise, "tensor 1 is off its scale")
def biases_without_noise(patch: Patch) -> None:
    """Weights get noise, biases do not."""
    add = _SecretNoiseOptimizer.add_noise

    def some(self: Any) -> None:
        add(self)
        for part in self.params:
            if part.dim() == 1:
                part.grad = (part.summed_grad / self.expected_batch_size).to(part.dtype)

    patch.setattr(_SecretNoiseOptimizer, "add_noise", some)


@variant("L30", checks.the_network_takes_the_plans_steps, "drew noise")
def stop_when_rows_get_no_likelier(patch: Patch) -> None:
    """Training stops when real rows get no likelier."""
    step, best = PrivateTrainer.step, {"likelihood": -np.inf}

    def patient(self: PrivateTrainer, rows: Tensor, kinds: Tensor) -> None:
        found = float(self.scores(rows).mean())
        if self.steps_done and found < best["likelihood"] + 0.5:
            self.steps_done += 1
            return
        best["likelihood"] = found
        step(self, rows, kinds)

    patch.setattr(PrivateTrainer, "step", patient)


@variant("L14", checks.the_network_takes_the_plans_steps, "drew noise 8 times in 1 steps")
def network_steps_taken_twice(patch: Patch) -> None:
    """Two private steps where one was planned."""
    plain = LikelihoodTraining._private_step

    def twice(self: LikelihoodTraining, samples: Samples) -> None:
        plain(self, samples)
        self.trainer.steps_done -= 1
        plain(self, samples)

    patch.setattr(LikelihoodTraining, "_private_step", twice)


@variant("L9", checks.the_networks_batches_are_poisson_samples, "do not vary|rate")
def epochs_of_shuffled_rows(patch: Patch) -> None:
    """Batches are pieces of a shuffled table, one after the other."""
    rng, left = np.random.default_rng(0), list[int]()

    def members(self: PrivateTrainer, customers: int) -> Tensor:
        size = round(self.settings.sample_rate * customers)
        if len(left) < size:
            left[:] = rng.permutation(customers).tolist()
        piece, left[:] = left[:size], left[size:]
        return torch.tensor(piece)

    patch.setattr(PrivateTrainer, "batch_members", members)


# --- looks past the noisy sums --------------------------------------------------------------------


_ALONE = checks.the_network_sees_rows_by_their_noisy_sums_alone


def _likelihood_of(phase: LikelihoodTraining, samples: Samples) -> float:
    """What nobody may use: how likely the private rows are under a network before DP-SGD."""
    sizes = phase.network.sizes
    rows = one_hot(torch.from_numpy(samples._codes.astype(np.int64)), sizes)
    with torch.no_grad():
        return float(network_world.network(sizes)(rows).mean())


@variant("L30", _ALONE, "rows move the rates past")
def rate_by_real_likelihood(patch: Patch) -> None:
    """The learning rate follows how likely real rows are."""
    plain = LikelihoodTraining._private_step

    def followed(self: LikelihoodTraining, samples: Samples) -> None:
        self._group["lr"] *= 1 + 0.1 * _likelihood_of(self, samples)
        plain(self, samples)

    patch.setattr(LikelihoodTraining, "_private_step", followed)


@variant("L30", _ALONE, "rows move the checkpoint past")
def average_by_real_likelihood(patch: Patch) -> None:
    """Weights of steps after which real rows are likelier count more in the average."""
    plain, updated, seen = (
        LikelihoodTraining._private_step,
        LikelihoodTraining._update_average,
        list[float](),
    )

    def noting(self: LikelihoodTraining, samples: Samples) -> None:
        plain(self, samples)
        seen.append(_likelihood_of(self, samples))

    @torch.no_grad()
    def weighted(self: LikelihoodTraining) -> None:
        updated(self)
        for mean, now in zip(self.average.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(now, 0.1 * abs(seen[-1]))

    patch.setattr(LikelihoodTraining, "_private_step", noting)
    patch.setattr(LikelihoodTraining, "_update_average", weighted)


@variant("L31", _ALONE, "rows move what the owner is told past")
def real_loss_in_progress(patch: Patch) -> None:
    """The progress line tells how likely real rows are."""
    plain = LikelihoodTraining.run

    def telling(self: LikelihoodTraining, samples: Samples, until: int, told: Any = None) -> None:
        plain(
            self,
            samples,
            until,
            lambda step, total: told(step, total, -_likelihood_of(self, samples)),
        )

    patch.setattr(LikelihoodTraining, "run", telling)


@variant("L32", _ALONE, "rows move the checkpoint past")
def last_batch_in_the_checkpoint(patch: Patch) -> None:
    """A checkpoint holds the rows of the last batch."""
    plain, named, last = LikelihoodTraining._private_step, LikelihoodTraining.networks, nn.Module()

    def noting(self: LikelihoodTraining, samples: Samples) -> None:
        plain(self, samples)
        last.register_buffer("rows", torch.from_numpy(samples.batch(np.arange(5))[0]))

    patch.setattr(LikelihoodTraining, "_private_step", noting)
    patch.setattr(LikelihoodTraining, "networks", lambda self: {**named(self), "batch": last})


# --- around the phase -----------------------------------------------------------------------------


_AROUND = checks.nothing_around_the_network_sees_a_row


def _real_codes(fitted: Fitted, kept: Sequence[Any]) -> np.ndarray:
    return fitted.encoder.encode(kept[0]).astype(np.int64)


@variant("L5, L30", _AROUND, r"reach .*model/model\.safetensors.* around")
def scales_from_real_rows(patch: Patch) -> None:
    """The weights are scaled by the gradients of real rows."""
    kept, plain = _stash_frame(patch), fitting.with_network

    def scaled(job: Job, fitted: Fitted) -> Fitted:
        found = plain(job, fitted)
        assert found.network is not None
        found.network.fold()
        rows = torch.from_numpy(_real_codes(fitted, kept))
        found.network.precondition(one_hot(rows, found.network.sizes))
        return found

    patch.setattr(fitting, "with_network", scaled)


@variant("L26", _AROUND, r"reach .*model/model\.safetensors.* around")
def distilled_from_real_rows_too(patch: Patch) -> None:
    """A few real rows are among those that the network is distilled from."""
    kept, plain = _stash_frame(patch), fitting.with_network

    def mixed(job: Job, fitted: Fitted) -> Fitted:
        real, distil = _real_codes(fitted, kept)[:300], private_training.distilled
        with mock.patch.object(
            private_training,
            "distilled",
            lambda rows, *more, **named: distil(np.vstack([rows, real]), *more, **named),
        ):
            return plain(job, fitted)

    patch.setattr(fitting, "with_network", mixed)


@variant("L5, L6", _AROUND, r"reach .*model/model\.json.* around")
def width_from_the_rows(patch: Patch) -> None:
    """The network is as wide as the table has rows for."""
    kept, plain = _stash_frame(patch), private_training.distilled
    patch.setattr(
        private_training,
        "distilled",
        lambda rows, sizes, settings, **more: plain(
            rows, sizes, replace(settings, width=len(kept[0]) // 40), **more
        ),
    )


@variant("L5", _AROUND, r"reach .*model/model\.json.* around")
def columns_ordered_by_the_table(patch: Patch) -> None:
    """The columns are modelled in the order of their commonest value's share."""
    kept, plain = _stash_frame(patch), fitting._measured

    def ordered(job: Job, *more: Any) -> Fitted:
        def share(column: Any) -> float:
            return float(kept[0][column.name].value_counts(normalize=True).iloc[0])

        columns = tuple(sorted(job.schema.columns, key=share))
        return plain(replace(job, schema=replace(job.schema, columns=columns)), *more)

    patch.setattr(fitting, "_measured", ordered)


def _exact(targets: Sequence[Target], codes: np.ndarray, sizes: Sequence[int]) -> list[Target]:
    """The targets with the table's own shares."""
    return [
        replace(one, shares=exact_counts(codes, one.clique, sizes) / len(codes)) for one in targets
    ]


def _exact_in(name: str, patch: Patch) -> None:
    """A step back to the noisy marginals is given the table's exact ones."""
    kept, healthy = _stash_frame(patch), private_training._healthy

    def exactly(job: Job, fitted: Fitted, phase: LikelihoodTraining) -> Fitted:
        codes, plain = _real_codes(fitted, kept), getattr(private_training, name)

        def given(network: Autoregressive, *more: Any, **named: Any) -> Any:
            changed = [
                _exact(part, codes, network.sizes) if _are_targets(part) else part for part in more
            ]
            return plain(network, *changed, **named)

        with mock.patch.object(private_training, name, given):
            return healthy(job, fitted, phase)

    patch.setattr(private_training, "_healthy", exactly)


def _are_targets(part: object) -> bool:
    return isinstance(part, list | tuple) and bool(part) and isinstance(part[0], Target)


@variant("L26, L30", _AROUND, "rows reach .* around")
def raked_to_exact_counts(patch: Patch) -> None:
    """The network goes back to the table's exact marginals."""
    _exact_in("refitted", patch)


@variant("L30, L31", _AROUND, "rows reach .*log.* around")
def illness_by_exact_counts(patch: Patch) -> None:
    """The network is judged by the table's exact marginals, and the log tells its distance."""
    _exact_in("illness", patch)
    patch.setattr(network_fit, "_FAR", 0.0)
    patch.setattr(network_fit, "_FAR_OF_PAIRS", -1.0)


@variant("L10, L13", checks.the_networks_rows_are_charged_before, "before its charge")
def networks_rows_before_their_charge(patch: Patch) -> None:
    """The network's rows are taken with a receipt made on the way, and charged afterwards."""
    plain = fitting._refined

    def early(job: Job, fitted: Fitted) -> Fitted:
        event = job.plan.step("network").event
        receipt = mint(dataset=job.plan.dataset, step="network", event=event)
        job.table.samples(receipt, fitted.encoder.encode)
        return plain(job, fitted)

    patch.setattr(fitting, "_refined", early)

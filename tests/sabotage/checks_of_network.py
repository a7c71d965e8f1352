"""Check the network's DP-SGD through its own loop, and all that is done around it for free."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from privgan.generator import state
from privgan.generator.autoregressive import one_hot
from privgan.generator.dpsgd import CLIP_MARGIN
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.private_table import PrivateTable
from privgan.planning.plan import Plan
from privgan.privacy.randomness import SecretStream
from privgan.privacy.receipts import Receipt
from tests.coins import RepeatableStream
from tests.sabotage import network_world, world
from tests.sabotage.checks_of_steps import ALPHA

_CLIP = 0.05


def each_row_moves_the_network_by_its_clipped_gradient() -> None:
    """By that row's own gradient, scaled to the clip norm, whatever else is in the batch.

    The loop's own network, losses and batches, every row in the batch, without noise. The gradient
    of one row is autograd's, without any hook.
    """
    sums, row = partial(network_world.first_sum, max_grad_norm=_CLIP), _codes(1, seed=9)
    expected = _clipped_gradient(row)
    for others in (0, 1, 2, 11):
        batch = _codes(others)
        moved = sums(np.vstack([batch, row])) - sums(batch)
        clips = float(moved.norm()) / _CLIP
        assert 0.99 < clips < 1 + 1e-4, f"one row moves the sum by {clips:.3g} clips"
        assert float((moved - expected).norm()) < 1e-3 * _CLIP, (
            "what one row moves is not its own gradient: it depends on the rows beside it"
        )


def each_customer_moves_the_network_by_one_clip_norm() -> None:
    """A customer with three rows moves the sum by the clip norm, as one with one row does."""
    codes, others = _codes(20), np.arange(20) // 2
    for rows in (1, 3):
        more = np.vstack([codes, np.repeat(codes[:1], rows, axis=0)])
        customers = np.append(others, [10] * rows)
        moved = network_world.first_sum(more, _CLIP, customers) - network_world.first_sum(
            codes, _CLIP, others
        )
        clips = float(moved.norm()) / _CLIP
        assert 0.99 < clips < 1 + 1e-4, (
            f"a customer with {rows} rows moves the sum by {clips:.3g} clips"
        )


def every_tensor_of_the_network_gets_noise() -> None:
    """Of the plan's scale at every step.

    Nobody is in the batches, so that all of a gradient is noise.
    """
    settings = network_world.settings(steps=60, sample_rate=1e-9)
    scale = settings.noise_multiplier * settings.max_grad_norm / settings.expected_batch_size
    with network_world.caught_gradients() as caught:
        network_world.trained(_codes(40), settings, SecretStream())
    assert len(caught) == settings.steps, f"{len(caught)} noisy gradients in {settings.steps} steps"
    for place, parts in enumerate(zip(*caught, strict=True)):
        noise = torch.cat([part.flatten() for part in parts]).double().numpy() / scale
        low, high = stats.chi2.ppf([ALPHA / 2, 1 - ALPHA / 2], len(noise))
        assert low < (noise**2).sum() < high, f"the noise of tensor {place} is off its scale"


def the_network_takes_the_plans_steps() -> None:
    """As many noisy sums as planned, each step of every tensor, whatever the rows are."""
    for steps in (1, 6):
        coins = world.Counting(0)
        network_world.trained(_codes(40), network_world.settings(steps=steps), coins)
        planned = network_world.TENSORS * steps
        assert len(coins.drawn) == planned, (
            f"a network of {network_world.TENSORS} tensors drew noise {len(coins.drawn)} times in"
            f" {steps} steps"
        )


def the_networks_batches_are_poisson_samples() -> None:
    """Each row is in each batch by a coin of its own, at the plan's rate."""
    rows, steps = 64, 200
    codes = np.stack([np.arange(rows), np.arange(rows) % 2], axis=1)
    settings = network_world.settings(steps=steps)
    seen = network_world.batches(codes, settings)
    member = np.array([np.bincount(batch, minlength=rows) for batch in seen])
    assert member.shape == (steps, rows), "the loop made another number of batches than planned"
    assert member.max() <= 1, "a row is in a batch twice"
    rate = settings.sample_rate
    assert stats.binomtest(int(member.sum()), member.size, rate).pvalue > ALPHA, (
        "the rate is not the plan's"
    )
    spread = member.sum(1).var(ddof=1) * (steps - 1) / (rows * rate * (1 - rate))
    low, high = stats.chi2.ppf([ALPHA, 1 - ALPHA], steps - 1)
    assert low < spread < high, "batch sizes do not vary as Poisson samples do"


def the_network_sees_rows_by_their_noisy_sums_alone() -> None:
    """Two tables of other sizes and values, under noise so loud that a sum moves no bit.

    Weights, their average, the checkpoint, what is told, and every rate are the same.
    """
    found = [_phase_under_loud_noise(codes) for codes in (_codes(40), _codes(61, seed=1) // 2)]
    for name, one in found[0].items():
        assert one == found[1][name], f"rows move {name} past the noisy sums"


def _phase_under_loud_noise(codes: np.ndarray) -> dict[str, object]:
    """All that the phase leaves, and all that its optimiser was told."""
    settings, told, rates = network_world.settings(steps=10), list[object](), list[float]()
    step = torch.optim.SGD.step

    def noting(self: torch.optim.SGD, *arguments: object) -> object:
        rates.append(self.param_groups[0]["lr"])
        return step(self, *arguments)  # type: ignore[arg-type]

    with mock.patch.object(torch.optim.SGD, "step", noting):
        phase = network_world.trained(
            codes, settings, world.Deaf(1), told=lambda *now: told.append(now)
        )
    saved = {name: part.numpy().tobytes() for name, part in state.tensors_of(phase).items()}
    released = [part.detach().numpy().tobytes() for part in phase.averaged().parameters()]
    return {
        "the rates": rates,
        "the checkpoint": saved,
        "what the owner is told": told,
        "the average": released,
    }


def nothing_around_the_network_sees_a_row() -> None:
    """A whole fit of two tables, with coins that hide all outcomes: equal files, and a network.

    So distilling, scales, raking, the choice between network and mixture, and the log see none.
    """
    one, two = (
        network_world.what_leaves(world.table(seed, rows)) for seed, rows in ((0, 700), (1, 950))
    )
    differ = sorted(name for name in {*one, *two} if one.get(name) != two.get(name))
    assert not differ, f"rows reach {', '.join(differ)} around the network"
    assert b'"generator": "network"' in one["model/model.json"], "no network was released"


def the_networks_rows_are_charged_before() -> None:
    """The ledger has the charge of the network's steps when its rows come out, and they do once."""
    rows_come_out_after_the_charge("network", network_world.plan(900))


def rows_come_out_after_the_charge(step: str, plan: Plan) -> None:
    """Rows of a phase of DP-SGD come out once, and after its charge.

    The receipt is that of the planned steps, noise and sampling rate.
    """
    charged = list[bool]()
    redeem = PrivateTable._redeem
    with tempfile.TemporaryDirectory() as folder, network_world.small_pools():
        books = PrivacyLedger.open(f"{folder}/ledger.sqlite")

        def spying(self: PrivateTable, receipt: Receipt) -> None:
            if receipt.step == step:
                charged.append(step in _charged(books) and receipt.event == plan.step(step).event)
            redeem(self, receipt)

        with mock.patch.object(PrivateTable, "_redeem", spying):
            world.fit(world.table(), RepeatableStream(1), Path(folder), plan)
    assert charged == [True], f"rows of the {step} came out before its charge: {charged}"


def _charged(books: PrivacyLedger) -> list[str]:
    return [entry.body["step"] for entry in books.entries("small") if entry.kind == "charge"]


def _codes(rows: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, rows) for size in network_world.SIZES], axis=1)


def _clipped_gradient(codes: np.ndarray) -> Tensor:
    """The gradient of −log p of one row, by autograd, scaled to the norm of clipped rows."""
    network = network_world.network()
    loss = -network(one_hot(torch.from_numpy(codes), network_world.SIZES)).sum()
    found = _flat(torch.autograd.grad(loss, list(network.parameters())))
    return found * (_CLIP * (1 - CLIP_MARGIN) / found.norm())


def _flat(parts: Sequence[Tensor | nn.Parameter]) -> Tensor:
    return torch.cat([part.flatten() for part in parts])

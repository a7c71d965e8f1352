"""An interrupted fit of a network resumes once, with its scales, average and momentum."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from privgan.errors import BudgetExceededError, UsageError
from privgan.generator.likelihood import LikelihoodTraining
from privgan.generator.state import restore, tensors_of
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.private_table import Samples
from privgan.pipeline.interrupted import resume_candidate
from privgan.pipeline.judging import accounting_complete
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import fit_table
from privgan.progress import Progress
from tests.sabotage import network_world, world

QUIET = Progress(quiet=True)
STEPS = 40


class _Crash(BaseException):
    """Ends a process as a power failure does: nothing catches it."""


def _interrupt_at(
    monkeypatch: pytest.MonkeyPatch, step: int, stop: Callable[[], BaseException]
) -> None:
    plain = LikelihoodTraining._private_step

    def stopping(self: LikelihoodTraining, samples: Samples) -> None:
        if self.step == step:
            raise stop()
        plain(self, samples)

    monkeypatch.setattr(LikelihoodTraining, "_private_step", stopping)


def _stopped(
    request: RunRequest, folder: Path, step: int, stop: Callable[[], BaseException]
) -> tuple[PrivacyLedger, Path]:
    """A fit that was stopped before a step of the network."""
    ledger, out = PrivacyLedger.open(str(folder / "ledger.sqlite")), folder / "out"
    with pytest.MonkeyPatch.context() as patch:
        _interrupt_at(patch, step, stop)
        with pytest.raises((_Crash, KeyboardInterrupt)):
            fit_table(request, ledger, out)
    return ledger, out


def _charged(ledger: PrivacyLedger) -> list[str]:
    return [entry.body["step"] for entry in ledger.entries("purchases") if entry.kind == "charge"]


@pytest.mark.slow
def test_after_a_crash_the_steps_run_again_are_paid_once(
    tmp_path: Path, network_request: RunRequest
) -> None:
    ledger, out = _stopped(network_request, tmp_path, 11, _Crash)
    assert _charged(ledger)[-1] == "network"
    shutil.copytree(out, tmp_path / "copy")
    candidate = resume_candidate(out, network_request.table, ledger, QUIET)
    assert _charged(ledger)[-2:] == ["network", "network:reserve"]
    record = candidate.record
    assert record.guarantee.epsilon == ledger.account("purchases").epsilon == 6
    assert accounting_complete(record, ledger.history(record.dataset))
    assert not list(candidate.files.internal.glob("internal-checkpoint-*"))
    before = ledger.head()
    for again in (out, tmp_path / "copy"):
        with pytest.raises(UsageError, match=r"no checkpoint|ended with a candidate"):
            resume_candidate(again, network_request.table, ledger, QUIET)
    assert ledger.head() == before


@pytest.mark.slow
def test_after_an_interrupt_nothing_is_run_again(
    tmp_path: Path, network_request: RunRequest
) -> None:
    ledger, out = _stopped(network_request, tmp_path, 13, KeyboardInterrupt)
    done: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        plain = LikelihoodTraining._private_step

        def noting(self: LikelihoodTraining, samples: Samples) -> None:
            done.append(self.step)
            plain(self, samples)

        patch.setattr(LikelihoodTraining, "_private_step", noting)
        candidate = resume_candidate(out, network_request.table, ledger, QUIET)
    assert done == list(range(13, STEPS))
    assert "network:reserve" not in _charged(ledger)
    assert accounting_complete(candidate.record, ledger.history(candidate.record.dataset))


@pytest.mark.slow
def test_a_second_crash_finds_the_reserve_spent(
    tmp_path: Path, network_request: RunRequest
) -> None:
    ledger, out = _stopped(network_request, tmp_path, 5, _Crash)
    with pytest.MonkeyPatch.context() as patch:
        _interrupt_at(patch, 9, _Crash)
        with pytest.raises(_Crash):
            resume_candidate(out, network_request.table, ledger, QUIET)
    with pytest.raises(BudgetExceededError, match="reserve"):
        resume_candidate(out, network_request.table, ledger, QUIET)


def test_a_checkpoint_holds_scales_average_and_momentum_and_no_row(
    tmp_path: Path, network_request: RunRequest
) -> None:
    _, out = _stopped(network_request, tmp_path, 13, KeyboardInterrupt)
    (path,) = (out / "internal").glob("internal-checkpoint-*")
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"real-0" not in path.read_bytes()
    with safe_open(path, "pt") as file:
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    parts = {name.partition(".")[0] for name in found}
    assert parts == {
        "generator",
        "network",
        "average",
        "network-sgd",
        "codebook",
        "marginal",
        "kept",
    }
    scales = ("codes", "units", "hidden", "logits")
    held = {name for name in found if ".scale_of_" in name}
    assert held == {f"{one}.scale_of_{name}" for one in ("network", "average") for name in scales}
    assert any(bool((found[name] != 1).any()) for name in held)
    moments = {name for name in found if name.startswith("network-sgd.")}
    assert moments == {f"network-sgd.{place}.momentum_buffer" for place in range(4)}
    rows = sum(1 for _ in network_request.table.open()) - 1
    assert all(rows not in part.shape for part in found.values())


def _phase(codes: np.ndarray) -> tuple[LikelihoodTraining, Samples]:
    """A phase before its first step, in whose batches everybody is; its noise is zero."""
    settings = network_world.settings(steps=10, sample_rate=1.0)
    return network_world.phase(settings, world.Still()), Samples(codes, np.arange(len(codes)))


@pytest.mark.parametrize("stop", [0, 1, 8, 9])
def test_a_phase_goes_on_as_if_it_had_not_stopped(stop: int) -> None:
    """The average begins at step 8; the rate falls from step 6 on."""
    codes = np.random.default_rng(0).integers(0, network_world.SIZES, (30, 2))
    whole, samples = _phase(codes)
    whole.run(samples, 10)
    first, samples = _phase(codes)
    first.run(samples, stop)
    again, samples = _phase(codes)
    with torch.no_grad():
        for part in (*again.network.parameters(), *again.model.network.parameters()):
            part.add_(1.0)
    restore(again, tensors_of(first), stop)
    again.run(samples, 10)
    for name, part in tensors_of(whole).items():
        assert torch.equal(part, tensors_of(again)[name]), name
    for one, other in zip(
        whole.averaged().parameters(), again.averaged().parameters(), strict=True
    ):
        assert torch.equal(one, other)

"""Customers with several rows: one coin, one sample, one clip for all rows of a customer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch

from privgan.audit.attacks.white_box import CRITIC, LIKELIHOOD, NO_CRITIC
from privgan.generator.dpsgd import CLIP_MARGIN, PrivateTrainer
from privgan.generator.losses import ABSENT, REAL, critic_losses
from privgan.generator.networks import Critic
from privgan.ledger.ledger import PrivacyLedger
from privgan.measurement.marginals import exact_counts
from privgan.owner.owners_table import OwnersTable
from privgan.owner.private_table import Samples
from privgan.pipeline.canaries import load_canaries
from privgan.pipeline.judging import audit_candidate
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import fit_table
from privgan.planning.dpsgd_settings import CriticSettings
from privgan.privacy.randomness import SecretStream
from privgan.table.conform import conform
from privgan.table.files import read_table
from privgan.table.schema_file import load_schema, parse_schema

INPUTS = 6
Purchases = Callable[..., pd.DataFrame]
SETTINGS = CriticSettings(
    steps=1,
    sample_rate=0.2,
    expected_batch_size=10,
    noise_multiplier=1.3,
    max_grad_norm=0.4,
    width=5,
    steps_per_generator_step=1,
    learning_rate=1e-3,
    generator_learning_rate=1e-3,
    marginal_weight=1.0,
)


class _Silent(SecretStream):
    """Coins whose noise is zero: shows the sum under the noise."""

    def gaussian_noise(self, count: int) -> np.ndarray:
        return np.zeros(count)


def _caught(rows: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
    """The sum of clipped gradients under the noise, times one over the expected batch."""
    torch.manual_seed(0)
    critic = Critic(INPUTS, width=5).double()
    trainer, found = PrivateTrainer(critic, SETTINGS, SETTINGS.event, critic_losses, _Silent()), []
    trainer.optimiser.step = lambda: found.append(  # type: ignore[method-assign]
        torch.cat([parameter.grad.flatten().clone() for parameter in critic.parameters()])
    )
    trainer.step(rows, kinds)
    return found[0] * SETTINGS.expected_batch_size


def _customers(seed: int, customers: int, most: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(customers, most, INPUTS, generator=generator, dtype=torch.float64) * 3
    sizes = torch.randint(1, most + 1, (customers,), generator=generator)
    kinds = torch.where(
        torch.arange(most) < sizes[:, None], (torch.arange(customers) % 2).double()[:, None], ABSENT
    )
    return rows, kinds


@pytest.mark.parametrize("seed", range(5))
def test_a_customers_rows_are_one_sample_clipped_as_one(seed: int) -> None:
    """Against a loop over customers with plain autograd."""
    rows, kinds = _customers(seed, 7, 4)
    torch.manual_seed(0)
    critic = Critic(INPUTS, width=5).double()
    total = torch.zeros(())
    for own, kind in zip(rows, kinds, strict=True):
        present = kind != ABSENT
        loss = critic_losses(critic(own[present]), kind[present]).sum()
        gradient = torch.cat(
            [part.flatten() for part in torch.autograd.grad(loss, list(critic.parameters()))]
        )
        total = total + gradient * min(
            1.0, SETTINGS.max_grad_norm * (1 - CLIP_MARGIN) / float(gradient.norm())
        )
    torch.testing.assert_close(
        _caught(rows, kinds), total, rtol=1e-5, atol=1e-6
    )  # Opacus adds 1e-6 to each norm


@pytest.mark.parametrize("size", [0.1, 1.0, 1e4])
def test_one_customer_more_moves_the_sum_by_the_clip_norm_at_most(size: float) -> None:
    rows, kinds = _customers(1, 5, 4)
    for sign in (1.0, -1.0):
        extra = (
            torch.randn(4, INPUTS, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
            * size
        )
        extra[2:] = sign * extra[:2]
        more = _caught(
            torch.cat([rows, extra[None]]),
            torch.cat([kinds, torch.full((1, 4), REAL, dtype=torch.float64)]),
        )
        assert float((more - _caught(rows, kinds)).norm()) <= SETTINGS.max_grad_norm


@pytest.mark.parametrize("added", [1, 2, 3, 8])
def test_a_customers_rows_move_no_statistic_beyond_its_sensitivity(
    added: int, purchases: Purchases, purchase_schema: str
) -> None:
    """One row of a new customer, duplicated up to k = 3 and beyond.

    Counts and scores move by at most k.
    """
    schema = parse_schema(purchase_schema)
    frame = conform(purchases(120), schema)
    others = frame[frame.groupby("customer")["customer"].transform("size") <= 3]
    row = others.iloc[:1].assign(customer="somebody new")
    cliques, tables = ((0,), (1,), (0, 1)), []
    for table in (others, pd.concat([others, *[row] * added])):
        table = table.reset_index(drop=True)
        nobody = np.zeros(len(table), dtype=bool)
        kept = OwnersTable(table, schema).private_table(nobody, SecretStream())._frame
        codes = np.stack(
            [pd.Categorical(kept["segment"]).codes, pd.Categorical(kept["returned"]).codes], 1
        ).astype(np.int64)
        counts = [exact_counts(codes, clique, (3, 2)) for clique in cliques]
        expected = [len(others) * np.full(len(part), 1 / len(part)) for part in counts]
        tables.append(
            (
                counts,
                [np.abs(part - model).sum() for part, model in zip(counts, expected, strict=True)],
            )
        )
    (before, score_before), (after, score_after) = tables
    assert all(
        np.abs(one - two).sum() == min(3, added) for one, two in zip(before, after, strict=True)
    )
    assert all(abs(one - two) <= 3 for one, two in zip(score_before, score_after, strict=True))


def test_samples_gather_a_customers_rows() -> None:
    codes = np.arange(12).reshape(6, 2)
    samples = Samples(codes, np.array([4, 9, 4, 4, 7, 9]))
    assert len(samples) == 3
    rows, place = samples.batch(np.array([2, 0]))
    assert place.tolist() == [0, 0, 1, 1, 1]
    assert rows[:, 0].tolist() == [2, 10, 0, 4, 6]
    assert samples.batch(np.array([], dtype=np.int64))[0].shape == (0, 2)


@pytest.fixture(scope="module")
def candidate_and_frame(
    tmp_path_factory: pytest.TempPathFactory, purchases: Purchases, purchase_schema: str
):  # type: ignore[no-untyped-def]
    from privgan.planning import plan
    from privgan.privacy.budget import PrivacyBudget

    folder = tmp_path_factory.mktemp("purchases")
    purchases(1_500).to_csv(folder / "purchases.csv", index=False)
    (folder / "schema.yaml").write_text(purchase_schema)
    with pytest.MonkeyPatch.context() as patch:
        small = plan.Effort(
            entries=60, batch=60, network_steps=40, round_steps=4, final_steps=60, critic_steps=30
        )
        patch.setitem(plan.EFFORTS, "quick", small)  # type: ignore[arg-type]
        request = RunRequest(
            table=folder / "purchases.csv",
            schema=folder / "schema.yaml",
            budget=PrivacyBudget(epsilon=8),
            effort="quick",
        )
        ledger = PrivacyLedger.open(str(folder / "ledger.sqlite"))
        candidate = fit_table(request, ledger, folder / "out")
    return candidate, conform(read_table(request.table), load_schema(request.schema)), ledger


def test_a_customer_is_a_canary_with_all_rows(candidate_and_frame) -> None:  # type: ignore[no-untyped-def]
    candidate, frame, _ = candidate_and_frame
    canaries = load_canaries(candidate.internal, OwnersTable(frame, load_schema(candidate.schema)))
    marks = pd.DataFrame(
        {"who": frame["customer"], "canary": canaries.canary, "out": canaries.left_out}
    )
    assert (marks.groupby("who")[["canary", "out"]].nunique() == 1).all(axis=None)
    assert 0 < canaries.left_out.mean() < 0.3


def test_synthetic_customers_have_several_rows_and_invented_names(candidate_and_frame) -> None:  # type: ignore[no-untyped-def]
    candidate, frame, _ = candidate_and_frame
    synthetic = pd.read_parquet(candidate.parquet)
    each = synthetic["customer"].value_counts()
    assert 1 < each.max() <= 3
    real = frame["customer"].value_counts().clip(upper=3).value_counts(normalize=True)
    made = each.value_counts(normalize=True)
    assert all(abs(made.get(size, 0) - real[size]) < 0.15 for size in (1, 2, 3))
    assert not set(synthetic["customer"]) & set(frame["customer"])
    record = candidate.record()
    assert "at most 3" in record.guarantee.unit
    assert [step.name for step in record.accounting[:2]] == ["row-count", "rows-of-each"]


def test_the_audit_takes_customers_for_its_units(candidate_and_frame) -> None:  # type: ignore[no-untyped-def]
    candidate, frame, ledger = candidate_and_frame
    report = audit_candidate(candidate, OwnersTable(frame, load_schema(candidate.schema)), ledger)
    canaries = load_canaries(candidate.internal, OwnersTable(frame, load_schema(candidate.schema)))
    assert report.counts["left_out_canaries"] == frame.loc[canaries.left_out, "customer"].nunique()
    assert report.verdict in {"NOT_REFUTED", "INCONCLUSIVE"}
    white_box = {
        metric.name: metric
        for metric in report.metrics
        if metric.name in {LIKELIHOOD.name, CRITIC.name}
    }
    assert (
        white_box[LIKELIHOOD.name].n
        == report.counts["kept_in_canaries"] + report.counts["left_out_canaries"]
    )
    assert white_box[LIKELIHOOD.name].low <= white_box[LIKELIHOOD.name].ceiling
    assert white_box[CRITIC.name].reason == NO_CRITIC

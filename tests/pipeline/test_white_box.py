"""The scores of the white-box attacks against sums over the codebook, and across processes."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from privgan.generator.autoregressive import Autoregressive
from privgan.generator.mixture import Mixture
from privgan.generator.networks import Critic
from privgan.generator.scores import critic_scores, load_critic
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.owners_table import TableAsRead
from privgan.pipeline.candidate import Candidate
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import fit_table
from privgan.pipeline.white_box import CRITIC_FILE, keep_critic, white_box_scores
from privgan.sources import SourceOptions
from privgan.table.schema_file import load_schema

SIZES = (3, 2, 4)


def _critic() -> Critic:
    torch.manual_seed(0)
    return Critic(sum(SIZES) + len(SIZES), width=8)


def test_the_likelihood_is_the_mixtures_own() -> None:
    generator = np.random.default_rng(0)
    mixture = Mixture([generator.dirichlet(np.ones(size), 5) for size in SIZES])
    every = np.array([(a, b, c) for a in range(3) for b in range(2) for c in range(4)])
    found = np.exp(mixture.log_likelihood(every))
    assert found.sum() == pytest.approx(1.0)
    assert found == pytest.approx(mixture.marginal((0, 1, 2)), rel=1e-5)


def test_a_code_without_probability_is_unlikely_and_not_infinite() -> None:
    mixture = Mixture([np.array([[1.0, 0.0]])])
    found = mixture.log_likelihood(np.array([[0], [1]]))
    assert found[0] == pytest.approx(0.0)
    assert -1_000 < found[1] < -100


def test_the_critics_score_is_the_mean_over_its_conditions() -> None:
    critic, codes = _critic(), np.array([[0, 1, 3], [2, 0, 0]])
    by_hand = np.zeros(2)
    for mark in range(4):
        rows = torch.zeros(2, 12)
        for row, (a, b, c) in enumerate(codes):
            rows[row, [a, 3 + b, 5 + c]] = 1.0
        if mark < 3:
            rows[:, 9 + mark] = 1.0
        by_hand += (0.5 if mark == 3 else 0.5 / 3) * critic(rows).detach().double().numpy()
    assert critic_scores(critic, codes, SIZES) == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("made", [_critic, lambda: Autoregressive(SIZES, width=8)])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_a_critic_is_kept_inside_and_scores_as_before(
    tmp_path: Path, kind: torch.dtype, made: Callable[[], Critic | Autoregressive]
) -> None:
    candidate, critic = Candidate(tmp_path / "candidate", tmp_path / "internal"), made().to(kind)
    candidate.create()
    keep_critic(candidate, critic)
    assert stat.S_IMODE((candidate.internal / CRITIC_FILE).stat().st_mode) == 0o600
    again = load_critic(candidate.internal / CRITIC_FILE, SIZES)
    codes = np.array([[0, 1, 3], [2, 0, 0]])
    assert (
        critic_scores(again, codes, SIZES).tolist() == critic_scores(critic, codes, SIZES).tolist()
    )


def test_a_model_that_holds_its_rows_finds_them_likelier_than_others() -> None:
    generator = np.random.default_rng(1)
    rows = generator.integers(0, 6, size=(200, 8))
    held = Mixture([0.99 * np.eye(6)[rows[:100, column]] + 0.01 / 6 for column in range(8)])
    found = held.log_likelihood(rows)
    assert found[:100].min() > found[100:].max()


@pytest.mark.slow
def test_a_run_with_a_critic_keeps_it_inside_for_the_audit(
    purchase_request: RunRequest, tmp_path: Path
) -> None:
    ledger = PrivacyLedger.open(str(tmp_path / "ledger.sqlite"))
    candidate = fit_table(purchase_request, ledger, tmp_path / "candidate")
    schema = load_schema(candidate.schema)
    read = TableAsRead.read(purchase_request.table, SourceOptions()).conforming(schema)
    first = np.arange(read.row_count()) < 50
    found = white_box_scores(candidate, read.real_rows(first), np.zeros((~first).sum(), dtype=bool))
    assert {name: len(scores) for name, scores in found.items()} == {"likelihood": 50, "critic": 50}
    assert all(np.isfinite(scores).all() for scores in found.values())
    assert not [
        path
        for path in candidate.folder.rglob("*")
        if "critic" in path.name and path.parent != candidate.internal
    ]

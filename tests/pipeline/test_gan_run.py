"""A fit of the plain GAN: customers of several rows, the fallback, resuming, and a release."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open

import privgan
from privgan.cli.main import execute
from privgan.generator.autoregressive import Autoregressive
from privgan.generator.likelihood import LikelihoodTraining
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.owners_table import TableAsRead
from privgan.owner.private_table import Samples
from privgan.pipeline.candidate import LOG_FILE, Candidate
from privgan.pipeline.interrupted import resume_candidate
from privgan.pipeline.judging import accounting_complete
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import fit_table
from privgan.pipeline.white_box import CRITIC_FILE, white_box_scores
from privgan.progress import Progress
from privgan.sources import SourceOptions
from privgan.table.schema_file import load_schema

Capture = pytest.CaptureFixture[str]
STEPS = 40
POLICY = (
    "format: privgan.policy/1\nname: own\nversion: '1'\npurpose: Tests.\n"
    "attempts_per_dataset: 9\ngates:\n"
    "  - {fact: guarantee.epsilon, at_most: 9, scope: public, reason: R., advice: A.}\n"
    "  - {fact: accounting.complete, equals: true, scope: public, reason: R., advice: A.}\n"
)


def _fit(request: RunRequest, folder: Path) -> tuple[Candidate, PrivacyLedger]:
    ledger = PrivacyLedger.open(str(folder / "ledger.sqlite"))
    return fit_table(request, ledger, folder / "out"), ledger


def _charged(ledger: PrivacyLedger) -> list[str]:
    return [entry.body["step"] for entry in ledger.entries("purchases") if entry.kind == "charge"]


def _log(candidate: Candidate) -> str:
    return (candidate.internal / LOG_FILE).read_text(encoding="utf-8")


@pytest.mark.slow
def test_customers_of_several_rows_train_the_critic_and_it_stays_inside(
    tmp_path: Path, gan_request: RunRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is one sample with all of its rows; what leaves is the generator, a mixture."""
    batches: list[int] = []
    plain = Samples.batch

    def noting(self: Samples, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        codes, place = plain(self, members)
        batches.append(int(np.bincount(place).max(initial=0)))
        return codes, place

    monkeypatch.setattr(Samples, "batch", noting)
    candidate, ledger = _fit(gan_request, tmp_path)
    assert len(batches) == STEPS
    assert max(batches) == 3
    assert _charged(ledger)[-1] == "critic"
    assert accounting_complete(candidate.record(), ledger.history("purchases"))
    assert json.loads((candidate.model / "model.json").read_text())["format"] == "privgan.model/1"
    assert "the critic is not used" not in _log(candidate)
    assert (candidate.internal / CRITIC_FILE).stat().st_mode & 0o777 == 0o600
    assert not [path for path in candidate.model.rglob("*") if "critic" in path.name]
    assert pd.read_parquet(candidate.parquet)["customer"].value_counts().max() == 3


def test_the_attack_scores_rows_by_the_critics_likelihood(
    tmp_path: Path, gan_request: RunRequest
) -> None:
    candidate, _ = _fit(gan_request, tmp_path)
    read = TableAsRead.read(gan_request.table, SourceOptions()).conforming(
        load_schema(candidate.schema)
    )
    first = np.arange(read.row_count()) < 50
    found = white_box_scores(candidate, read.real_rows(first), np.zeros((~first).sum(), dtype=bool))
    assert {name: len(scores) for name, scores in found.items()} == {"likelihood": 50, "critic": 50}
    assert all(np.isfinite(scores).all() and scores.max() < 0 for scores in found.values())
    assert not np.allclose(found["critic"], found["likelihood"])


def _ruin(monkeypatch: pytest.MonkeyPatch) -> None:
    averaged = LikelihoodTraining.averaged

    def ruined(self: LikelihoodTraining) -> Autoregressive:
        found = averaged(self)
        with torch.no_grad():
            found.out.bias[0] = float("nan")
        return found

    monkeypatch.setattr(LikelihoodTraining, "averaged", ruined)


RUINED = [
    pytest.param(False, id="gan"),
    pytest.param(True, id="independent columns in its place", marks=pytest.mark.slow),
]


@pytest.mark.slow
@pytest.mark.parametrize("ruined", RUINED)
def test_a_run_is_released_verifies_and_is_sampled(
    tmp_path: Path,
    gan_request: RunRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    ruined: bool,
) -> None:
    """Through the command line; a critic that failed is told of, and its cost stays."""
    if ruined:
        _ruin(monkeypatch)
    (tmp_path / "policy.yaml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    command = (
        "run purchases.csv --schema schema.yaml --policy policy.yaml --epsilon 6 --effort quick"
        " --generator gan --resumable --out made --ledger l.sqlite --quiet"
    )
    assert execute(command.split()) == 0, capsys.readouterr().err
    release = tmp_path / "made" / "release"
    assert privgan.verify(release).problems == ()
    manifest = json.loads((release / "manifest.json").read_text())
    assert manifest["plan"]["kind"] == "gan"
    assert manifest["plan"]["settings"]["network"] is None
    assert manifest["plan"]["settings"]["critic"]["generator_steps"] == 20
    kinds = [step["kind"] for step in manifest["accounting"]]
    assert "critic by DP-SGD" in kinds
    assert not [kind for kind in kinds if "2-way" in kind or "3-way" in kind or "choice" in kind]
    log = (tmp_path / "made" / "internal" / LOG_FILE).read_text(encoding="utf-8")
    told = "the critic is not used: its weights diverged" in log
    assert told is ruined
    report = (release / "report.html").read_text(encoding="utf-8")
    assert ("plain conditional GAN" in report) is not ruined
    assert ("Independent columns" in report) is ruined
    assert manifest.get("dp_sgd") == ("unused" if ruined else None)
    assert execute(["sample", "made/release", "--rows", "50", "--out", "more.csv"]) == 0
    assert len(pd.read_csv("more.csv")) == 50


class _Crash(BaseException):
    """Ends a process as a power failure does: nothing catches it."""


@pytest.mark.slow
def test_after_a_crash_the_critics_steps_run_again_are_paid_once(
    tmp_path: Path, gan_request: RunRequest
) -> None:
    ledger, out = PrivacyLedger.open(str(tmp_path / "ledger.sqlite")), tmp_path / "out"
    plain = LikelihoodTraining._private_step

    def stopping(self: LikelihoodTraining, samples: Samples) -> None:
        if self.step == 11:
            raise _Crash
        plain(self, samples)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LikelihoodTraining, "_private_step", stopping)
        with pytest.raises(_Crash):
            fit_table(gan_request, ledger, out)
    assert _charged(ledger)[-1] == "critic"
    (path,) = (out / "internal").glob("internal-checkpoint-*")
    with safe_open(path, "pt") as file:
        parts = {name.partition(".")[0] for name in file.keys()}  # noqa: SIM118
    assert parts == {
        "generator",
        "network",
        "average",
        "network-sgd",
        "codebook",
        "marginal",
        "kept",
    }
    candidate = resume_candidate(out, gan_request.table, ledger, Progress(quiet=True))
    assert _charged(ledger)[-2:] == ["critic", "critic:reserve"]
    assert accounting_complete(candidate.record, ledger.history("purchases"))
    assert candidate.record.guarantee.epsilon == ledger.account("purchases").epsilon == 6


CONSTRAINED = """format: privgan.schema/1
dataset: constrained
unit: row
columns:
  - {name: tier, kind: categorical, categories: [a, b, c]}
  - {name: low, kind: integer, lower: 0, upper: 20}
  - {name: high, kind: integer, lower: 0, upper: 20}
constraints:
  - {at_most: [low, high]}
"""


@pytest.mark.slow
def test_its_rows_hold_constraints_and_conditions(tmp_path: Path, small_pools: None) -> None:
    rng = np.random.default_rng(0)
    low, high = np.sort(rng.integers(0, 21, (2, 900)), axis=0)
    table = pd.DataFrame({"tier": rng.choice(list("abc"), 900), "low": low, "high": high})
    (tmp_path / "schema.yaml").write_text(CONSTRAINED)
    made = privgan.Synthesizer(
        tmp_path / "schema.yaml",
        epsilon=3,
        public_rows=900,
        effort="quick",
        generator="gan",
        ledger=tmp_path / "l.sqlite",
    )
    made.fit(table, out=tmp_path / "fit")
    assert made.plan.kind == "gan"
    drawn = made.sample(300, seed=1)
    assert (drawn["low"] <= drawn["high"]).all()
    some = made.sample(100, seed=1, where="tier = b and low >= 5")
    assert set(some["tier"]) == {"b"}
    assert (some["low"] >= 5).all()
    assert (some["low"] <= some["high"]).all()
    assert sum(path.stat().st_size for path in (tmp_path / "fit" / "model").iterdir()) < 20e6


@pytest.mark.parametrize("share", ["", "--dp-sgd-share 0.7"])
def test_a_plan_tells_what_a_gan_is(gan_request: RunRequest, capsys: Capture, share: str) -> None:
    asked = f"plan --schema {gan_request.schema} --epsilon 6 --public-rows 2000 --generator gan"
    assert execute([*asked.split(), *share.split()]) == 0
    said = capsys.readouterr().out
    assert "generator: gan; " in said
    assert "how columns go together it learns from a critic alone" in said

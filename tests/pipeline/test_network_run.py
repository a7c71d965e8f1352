"""A fit that trains a network: customers of several rows, the fallback, and who asks for it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import privgan
from privgan.cli.main import execute
from privgan.errors import UsageError
from privgan.generator.autoregressive import Autoregressive
from privgan.generator.likelihood import LikelihoodTraining
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.private_table import Samples
from privgan.pipeline.candidate import LOG_FILE, Candidate
from privgan.pipeline.judging import accounting_complete
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import fit_table
from privgan.pipeline.white_box import CRITIC_FILE
from privgan.release.manifest import to_text

Capture = pytest.CaptureFixture[str]


def _fit(request: RunRequest, folder: Path) -> tuple[Candidate, PrivacyLedger]:
    ledger = PrivacyLedger.open(str(folder / "ledger.sqlite"))
    return fit_table(request, ledger, folder / "out"), ledger


def _facts(model: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((model / "model.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.slow
def test_customers_of_several_rows_train_a_network(
    tmp_path: Path, network_request: RunRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is one sample with all of its rows, in double precision; the release has as many."""
    batches: list[tuple[int, int]] = []
    plain = Samples.batch

    def noting(self: Samples, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        codes, place = plain(self, members)
        batches.append((len(members), int(np.bincount(place).max(initial=0))))
        return codes, place

    types: list[torch.dtype] = []
    steps = LikelihoodTraining._private_step

    def typed(self: LikelihoodTraining, samples: Samples) -> None:
        types.append(self.network.out.weight.dtype)
        steps(self, samples)

    monkeypatch.setattr(Samples, "batch", noting)
    monkeypatch.setattr(LikelihoodTraining, "_private_step", typed)
    candidate, ledger = _fit(network_request, tmp_path)
    assert len(batches) == 40
    assert max(most for _, most in batches) == 3
    # 900 customers, a tenth of them left out, at 5 %.
    assert 25 < np.mean([size for size, _ in batches]) < 56
    assert set(types) == {torch.float64}
    facts = _facts(candidate.model)
    assert (facts["format"], facts["generator"]) == ("privgan.model/2", "network")
    assert not (candidate.internal / CRITIC_FILE).exists()
    assert candidate.record().guarantee.epsilon == 6
    assert accounting_complete(candidate.record(), ledger.history("purchases"))
    drawn = pd.read_parquet(candidate.parquet)
    assert drawn["customer"].value_counts().max() == 3


def _ruin(monkeypatch: pytest.MonkeyPatch) -> None:
    averaged = LikelihoodTraining.averaged

    def ruined(self: LikelihoodTraining) -> Autoregressive:
        found = averaged(self)
        with torch.no_grad():
            found.out.bias[0] = float("nan")
        return found

    monkeypatch.setattr(LikelihoodTraining, "averaged", ruined)


@pytest.mark.slow
def test_a_network_that_failed_gives_way_to_the_mixture_and_is_told(
    tmp_path: Path, network_request: RunRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan and its cost stay; what is released is the generator before DP-SGD."""
    _ruin(monkeypatch)
    candidate, ledger = _fit(network_request, tmp_path)
    facts = _facts(candidate.model)
    assert facts["format"] == "privgan.model/1"
    assert "generator" not in facts or facts["generator"] != "network"
    log = (candidate.internal / LOG_FILE).read_text(encoding="utf-8")
    assert "the network is not used: its weights diverged" in log
    assert accounting_complete(candidate.record(), ledger.history("purchases"))
    charged = [one.body["step"] for one in ledger.entries("purchases") if one.kind == "charge"]
    assert "network" in charged
    assert len(pd.read_parquet(candidate.parquet)) > 500


def _write_manifest(release: Path, manifest: dict[str, object]) -> None:
    """Write a manifest with its hash, as a forger would."""
    content = to_text(manifest).encode()
    (release / "manifest.json").write_bytes(content)
    line = f"{hashlib.sha256(content).hexdigest()}  manifest.json\n"
    (release / "manifest.sha256").write_text(line)


@pytest.mark.slow
@pytest.mark.parametrize("ruined", [False, True], ids=["network", "mixture in its place"])
def test_what_a_network_was_planned_for_verifies(
    tmp_path: Path,
    network_request: RunRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    ruined: bool,
) -> None:
    """Through the command line, to a release."""
    if ruined:
        _ruin(monkeypatch)
    (tmp_path / "policy.yaml").write_text(
        "format: privgan.policy/1\nname: own\nversion: '1'\npurpose: Tests.\n"
        "attempts_per_dataset: 9\ngates:\n"
        "  - {fact: guarantee.epsilon, at_most: 9, scope: public, reason: R., advice: A.}\n"
        "  - {fact: accounting.complete, equals: true, scope: public, reason: R., advice: A.}\n"
    )
    monkeypatch.chdir(tmp_path)
    command = (
        "run purchases.csv --schema schema.yaml --policy policy.yaml --epsilon 6 --effort quick"
        " --generator network --resumable --out made --ledger l.sqlite --quiet"
    )
    assert execute(command.split()) == 0, capsys.readouterr().err
    release = tmp_path / "made" / "release"
    assert privgan.verify(release).problems == ()
    manifest = json.loads((release / "manifest.json").read_text())
    assert manifest["plan"]["kind"] == "network"
    assert manifest["plan"]["settings"]["network"]["steps"] == 40
    assert manifest["plan"]["settings"]["critic"] is None
    kinds = [step["kind"] for step in manifest["accounting"]]
    assert "network by DP-SGD" in kinds
    wanted = "privgan.model/1" if ruined else "privgan.model/2"
    assert _facts(release / "model")["format"] == wanted
    assert manifest.get("dp_sgd") == ("unused" if ruined else None)
    report = (release / "report.html").read_text(encoding="utf-8")
    assert ("noisy figures said that it failed" in report) is ruined
    told = manifest | {"dp_sgd": "unused"}
    if ruined:
        del told["dp_sgd"]
    _write_manifest(release, told)
    problems = privgan.verify(release).problems
    assert any("what the manifest says of DP-SGD" in one for one in problems), problems
    _write_manifest(release, manifest)
    assert execute(["sample", "made/release", "--rows", "50", "--out", "more.csv"]) == 0
    assert len(pd.read_csv("more.csv")) == 50


def test_the_synthesizer_trains_a_network(tmp_path: Path, network_request: RunRequest) -> None:
    made = privgan.Synthesizer(
        network_request.schema,
        epsilon=6,
        effort="quick",
        generator="network",
        dp_sgd_share=0.4,
        ledger=tmp_path / "l.sqlite",
    )
    made.fit(pd.read_csv(network_request.table), out=tmp_path / "fit")
    assert made.plan.kind == "network"
    assert made.plan.marginal_share == 0.6
    assert len(made.sample(80, seed=1)) == 80
    assert _facts(tmp_path / "fit" / "model")["generator"] == "network"
    again = privgan.Synthesizer.of(tmp_path / "fit")
    assert again.sample(80, seed=1).equals(made.sample(80, seed=1))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"generator": "ctgan"}, "'ctgan'; it must be one of auto, mixture, network, gan"),
        ({"generator": None}, "generator"),
        ({"generator": "network", "dp_sgd_share": 0}, "network is trained by DP-SGD"),
        ({"generator": "network", "dp_sgd_share": 0.99}, "must be in 0 to 0.95"),
        ({"generator": "mixture", "resumable": True}, "ask for a network"),
        ({"dp_sgd_share": 0, "resumable": True}, "ask for a network"),
    ],
    ids=str,
)
def test_what_makes_no_network_is_refused_in_python(
    network_request: RunRequest, asked: dict[str, object], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        privgan.plan(network_request.schema, epsilon=6, public_rows=2_000, **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("--generator ctgan", "'ctgan' is not one of 'auto', 'mixture', 'network', 'gan'"),
        ("--generator network --dp-sgd-share 0", "network is trained by DP-SGD"),
    ],
)
def test_what_makes_no_network_is_refused_by_the_command(
    network_request: RunRequest, capsys: Capture, asked: str, told: str
) -> None:
    command = f"plan --schema {network_request.schema} --epsilon 6 --public-rows 2000 {asked}"
    assert execute(command.split()) == 2
    assert told in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("unit", "asked", "told"),
    [
        ("row", "", "mixture; share of the budget: marginals 1.00, DP-SGD 0.00"),
        ("row", "--generator network", "network; share of the budget: marginals 0.50, DP-SGD 0.50"),
        ("row", "--dp-sgd-share 0.3", "mixture; share of the budget: marginals 0.70, DP-SGD 0.30"),
        ("customer", "", "auto; its share of the budget is decided by what stage 1 measures"),
        ("customer", "--generator network", "network; its share of the budget is decided"),
    ],
)
def test_a_plan_tells_its_generator(
    network_request: RunRequest, capsys: Capture, unit: str, asked: str, told: str
) -> None:
    """Of customers with several rows the shares of each number are measured first."""
    assert isinstance(network_request.schema, Path)
    if unit == "row":
        lines = network_request.schema.read_text().splitlines()
        kept = [line for line in lines if "customer" not in line and "max_rows" not in line]
        network_request.schema.write_text("\n".join([*kept[:2], "unit: row", *kept[2:]]) + "\n")
    command = f"plan --schema {network_request.schema} --epsilon 6 --public-rows 2000 {asked}"
    assert execute([*command.split(), "--effort", "quick"]) == 0
    assert f"generator: {told}" in capsys.readouterr().out


def test_a_run_without_a_network_says_nothing_of_one(
    tmp_path: Path, network_request: RunRequest
) -> None:
    mixture = replace(network_request, generator="mixture", dp_sgd_share=None, resumable=False)
    candidate, _ = _fit(mixture, tmp_path)
    log = (candidate.internal / LOG_FILE).read_text(encoding="utf-8")
    assert "network on customers" not in log
    assert _facts(candidate.model)["format"] == "privgan.model/1"

"""A rare outcome from file to release: it is told, and a hopeless one ends before it costs all."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from privgan.cli.main import execute
from privgan.ledger.ledger import PrivacyLedger
from tests.rare.fraud import TEXT, draw

ROWS, POSITIVES = 12_000, 160


def _features(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[["amount", "hour"]].assign(phone=rows["channel"] == "phone") / [1000, 24, 1]


def _run(folder: Path, text: str, positives: int, *more: str) -> int:
    draw(ROWS, positives, 1).to_csv(folder / "payments.csv", index=False)
    (folder / "schema.yaml").write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRIVGAN_LEDGER", str(folder / "ledger.sqlite"))
        command = ["run", str(folder / "payments.csv"), "--schema", str(folder / "schema.yaml")]
        command += ["--policy", "internal-analytics", "--public-rows", str(ROWS), "--epsilon", "3"]
        return execute([*command, "--effort", "quick", "--out", str(folder / "out"), *more])


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on 12,000 payments with 160 frauds."""
    folder = tmp_path_factory.mktemp("payments")
    assert _run(folder, TEXT, POSITIVES) == 0
    return folder / "out"


@pytest.mark.slow
def test_a_model_of_synthetic_rows_finds_the_outcome(out: Path) -> None:
    """Six runs: .93 to .96. Noise 5 of its deviations high would leave it above .85."""
    made = pd.read_csv(out / "release" / "synthetic.csv")
    test = draw(20_000, 400, 2)
    share = (made["fraud"] == "yes").mean()
    # The noise of the count is some 8 rows of 144; five deviations, below once in a million runs.
    assert abs(share - POSITIVES / ROWS) < 6 * 8 / ROWS
    model = LogisticRegression().fit(_features(made), made["fraud"] == "yes")
    scores = model.predict_proba(_features(test))[:, 1]
    assert roc_auc_score(test["fraud"] == "yes", scores) > 0.85


@pytest.mark.slow
def test_both_reports_speak_of_it_and_the_release_verifies(out: Path) -> None:
    assert execute(["verify", str(out / "release")]) == 0
    shared = json.loads((out / "release" / "report.json").read_text(encoding="utf-8"))
    (section,) = (part for part in shared["sections"] if part["name"] == "tasks")
    assert section["blocks"][2]["text"].startswith("Rare outcome fraud = yes: by a noisy count")
    (internal,) = (out / "internal").rglob("*report.html")
    assert "Found at fixed false alarms" in internal.read_text(encoding="utf-8")


@pytest.mark.slow
def test_codes_of_large_amounts_follow_the_outcome(out: Path) -> None:
    """Three of four frauds are in the last twentieth of amounts, which is one code by quantiles."""
    text = (out / "release" / "marginals" / "marginals.json").read_text(encoding="utf-8")
    (part,) = json.loads(text)["parts"]
    (look,) = (one for one in part["marginals"] if one["step"] == "outcome:amount")
    assert look["counted"] == "groups"
    # Some 108 frauds with a noise of 18; 50 of them, three deviations less, would make two pieces.
    assert len(look["groups"][0]) > look["sizes"][0]
    made = pd.read_csv(out / "release" / "synthetic.csv").sort_values("amount", kind="stable")
    fraud = (made["fraud"] == "yes").to_numpy()
    last, before = fraud[-ROWS // 100 :].mean(), fraud[-ROWS // 20 : -ROWS // 40].mean()
    assert last > 1.5 * before, "one code would have the same share everywhere"


@pytest.mark.slow
def test_a_hopeless_one_ends_after_its_count_and_costs_no_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """4 frauds, counted with noise of a few rows, where an area of .84 is the least.

    That needs some 130 frauds, and 4 with their noise are as many less than once in 10⁹.
    """
    monkeypatch.setattr("privgan.planning.rare_outcome.HOPELESS", 0.84)
    unknown = TEXT.replace(", positives: 160", "")
    assert _run(tmp_path, unknown, 4) == 3
    assert "stays charged to payments" in capsys.readouterr().err
    assert not (tmp_path / "out" / "release").exists()
    ledger = PrivacyLedger.open(str(tmp_path / "ledger.sqlite"), create=False)
    charged = [entry for entry in ledger.entries("payments") if entry.kind == "charge"]
    assert len(charged) == 1

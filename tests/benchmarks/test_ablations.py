"""What only an internal hook can make: a distilled network, DP-SGD that sees no row."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from privgan.demo import simulate_customers
from privgan.generator import network_fit
from privgan.generator.likelihood import LikelihoodTraining
from privgan.owner.private_table import PrivateTable, Samples
from privgan.pipeline import fitting, private_training
from privgan.planning import plan
from tests.benchmarks.likelihood import MODEL
from tests.benchmarks.methods import HERE, method_of
from tests.pipeline.conftest import HEALTHY_UNLESS_DIVERGED

SCHEMA = """
format: privgan.schema/1
dataset: tiny
unit: row
columns:
  - {name: gender, kind: categorical, categories: [female, male, diverse]}
  - {name: churned, kind: boolean}
  - {name: age, kind: integer, lower: 18, upper: 95}
"""
ROWS, KEPT = 600, 50
Fit = Callable[[str], Path]


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """privgan's driver, whose changes to privgan go with the test."""
    monkeypatch.syspath_prepend(HERE / "peers")
    monkeypatch.setattr(fitting, "_refined", fitting._refined)
    monkeypatch.setattr(PrivateTable, "samples", PrivateTable.samples)
    return importlib.import_module("privgan_driver")


@pytest.fixture
def fit(driver: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fit:
    """Fits a method on a small table, at next to no effort; gives the cell's folder."""
    tiny = plan.Effort(
        entries=30,
        batch=30,
        network_steps=5,
        round_steps=1,
        final_steps=5,
        critic_steps=3,
        likelihood_steps=3,
        distil_steps=20,
    )
    monkeypatch.setitem(plan.EFFORTS, "standard", tiny)  # type: ignore[arg-type]
    settings = {"_POOL": 2_000, "_STEPS": 5, "_ROWS": 200} | HEALTHY_UNLESS_DIVERGED
    for name, value in settings.items():
        monkeypatch.setattr(network_fit, name, value)
    monkeypatch.setattr(private_training, "_POOL", 2_000)
    monkeypatch.setattr(private_training, "_JUDGED_BY", 2_000)
    rows = simulate_customers(ROWS, 1)[["gender", "churned", "age"]]
    rows.to_csv(tmp_path / "train.csv", index=False)
    (tmp_path / "schema.yaml").write_text(SCHEMA)

    def fitted(name: str) -> Path:
        job = _job(driver, tmp_path, name)
        sample = driver.fit(job)
        assert len(sample(10)) == 10
        made: pd.DataFrame = driver.made(job)
        assert list(made) == ["gender", "churned", "age"]
        assert len(made) == KEPT
        return job.out

    return fitted


def _job(driver: ModuleType, folder: Path, name: str) -> Any:
    out = folder / name
    out.mkdir()
    return driver.Job(
        train=folder / "train.csv",
        out=out,
        method=name,
        epsilon=3.0,
        delta=1e-6,
        seed=0,
        rows=ROWS,
        columns=(),
        schema=folder / "schema.yaml",
        options=dict(method_of(name).options),
        kept_rows=KEPT,
    )


def _released(cell: Path) -> str:
    facts = json.loads((cell / MODEL / "model.json").read_text())
    return str(facts.get("generator", "mixture"))


def test_a_distilled_network_has_the_whole_budget_in_its_mixture(
    fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LikelihoodTraining, "run", _never)
    cell = fit("privgan-distilled")
    assert _released(cell) != "mixture"
    assert _plan(cell)["settings"]["network"] is None
    assert "network by DP-SGD" not in _steps(cell)


def _never(*_: Any) -> None:
    pytest.fail("DP-SGD was run")


def _plan(cell: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((cell / "candidate" / "candidate.json").read_text())["plan"]
    return found


def _steps(cell: Path) -> set[str]:
    return {step["kind"] for stage in _plan(cell)["stages"] for step in stage["steps"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sees"), [("privgan-network", True), ("privgan-network-control", False)]
)
def test_the_control_trains_on_noise_alone(
    name: str, sees: bool, fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, run = [], LikelihoodTraining.run

    def spied(self: LikelihoodTraining, samples: Samples, *rest: Any) -> None:
        seen.append(len(samples))
        run(self, samples, *rest)

    monkeypatch.setattr(LikelihoodTraining, "run", spied)
    cell = fit(name)
    assert seen == [ROWS if sees else 0]
    assert "network by DP-SGD" in _steps(cell)


@pytest.mark.slow
def test_a_network_alone_measures_single_columns_only(fit: Fit) -> None:
    assert _steps(fit("privgan-network-alone")) == {
        "1-way marginal",
        "fine histogram",
        "network by DP-SGD",
    }


def test_large_files_of_a_cell_go_and_its_model_stays(fit: Fit) -> None:
    cell = fit("privgan-marginals")
    assert _released(cell) == "mixture"
    assert not list((cell / "candidate").glob("synthetic.*"))

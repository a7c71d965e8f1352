"""A retailer's purchases, several rows a customer, and an effort that is over in seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from privgan.generator import adversarial, network_fit
from privgan.pipeline import private_training
from privgan.pipeline.request import RunRequest
from privgan.planning import plan
from privgan.privacy.budget import PrivacyBudget

_PURCHASES = """format: privgan.schema/1
dataset: purchases
unit: customer
max_rows_per_unit: 3
columns:
  - {name: customer, kind: identifier, pattern: "K{:05d}"}
  - {name: segment, kind: categorical, categories: [basic, silver, gold]}
  - {name: amount, kind: float, lower: 0, upper: 500, decimals: 2}
  - {name: returned, kind: boolean, labels: ["no", "yes"]}
"""


def _table(customers: int = 900, seed: int = 0) -> pd.DataFrame:
    """Purchases of customers with one to five rows each."""
    rng = np.random.default_rng(seed)
    each = rng.choice([1, 2, 3, 5], customers, p=[0.4, 0.3, 0.2, 0.1])
    who = np.repeat([f"real-{number:06d}" for number in range(customers)], each)
    segment = np.repeat(rng.choice(["basic", "silver", "gold"], customers, p=[0.6, 0.3, 0.1]), each)
    amount = rng.lognormal(3, 1, len(who)).clip(0, 500).round(2)
    returned = np.where(rng.random(len(who)) < np.where(segment == "gold", 0.05, 0.4), "yes", "no")
    frame = pd.DataFrame(
        {"customer": who, "segment": segment, "amount": amount, "returned": returned}
    )
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


@pytest.fixture(scope="session")
def purchase_schema() -> str:
    """The schema of the purchases, as YAML."""
    return _PURCHASES


@pytest.fixture(scope="session")
def purchases() -> Callable[..., pd.DataFrame]:
    """Makes a table of purchases from a number of customers and a seed."""
    return _table


@pytest.fixture
def tiny_effort(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the effort "quick" be over at once."""
    small = plan.Effort(
        entries=60,
        batch=60,
        network_steps=20,
        round_steps=2,
        final_steps=20,
        critic_steps=40,
        likelihood_steps=40,
        distil_steps=40,
        ratio_steps=40,
        generator_steps=20,
    )
    monkeypatch.setitem(plan.EFFORTS, "quick", small)  # type: ignore[arg-type]


@pytest.fixture
def purchase_request(tmp_path: Path, tiny_effort: None) -> RunRequest:
    """A request for a small resumable fit on purchases."""
    _table().to_csv(tmp_path / "purchases.csv", index=False)
    (tmp_path / "schema.yaml").write_text(_PURCHASES)
    return RunRequest(
        table=tmp_path / "purchases.csv",
        schema=tmp_path / "schema.yaml",
        budget=PrivacyBudget(epsilon=6),
        effort="quick",
        dp_sgd_share=0.5,
        resumable=True,
    )


# So few customers' networks may be far from the noisy marginals, by the run's secret coins.
HEALTHY_UNLESS_DIVERGED = {
    "_FAR_OF_SINGLES": 1.0,
    "_FAR_OF_PAIRS": 1.0,
    "_FAR_OF_WIDE": 1.0,
    "_COMMON": 1.0,
}


@pytest.fixture
def small_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few synthetic rows and free steps around the network's DP-SGD."""
    for name, value in {"_POOL": 4_000, "_STEPS": 60, "_ROWS": 400}.items():
        monkeypatch.setattr(network_fit, name, value)
    monkeypatch.setattr(private_training, "_POOL", 4_000)
    monkeypatch.setattr(private_training, "_JUDGED_BY", 4_000)
    for name, value in HEALTHY_UNLESS_DIVERGED.items():
        monkeypatch.setattr(network_fit, name, value)
    monkeypatch.setattr(adversarial, "_CLEARLY", np.inf)


@pytest.fixture
def gan_request(purchase_request: RunRequest, small_pools: None) -> RunRequest:
    """The same request, for a GAN."""
    return replace(purchase_request, generator="gan")


@pytest.fixture
def network_request(purchase_request: RunRequest, small_pools: None) -> RunRequest:
    """The same request, for a network."""
    return replace(purchase_request, generator="network")

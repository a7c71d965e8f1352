"""A run on histories whose events DP-SGD trains a network for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import privgan
from privgan.generator.frozen_network import FrozenNetwork
from privgan.synthesizer import load_synthesizer
from tests.histories.world import few_steps, run
from tests.release.changes import edited

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release of a run with a network, which its noisy figures do not reject."""
    folder = tmp_path_factory.mktemp("network")
    with few_steps() as patch:
        patch.setattr("privgan.pipeline.private_training.illness", lambda *_: None)
        result = run(folder, epsilon=6, generator="network")
    assert result.status == "PASS", result.reasons
    return folder / "out" / "release"


def test_the_release_holds_a_network_of_events_and_verifies(release: Path) -> None:
    found = privgan.verify(release)
    assert found.ok, found.problems
    customers, events = load_synthesizer(release / "model").parts
    assert not isinstance(customers.model, FrozenNetwork)
    assert isinstance(events.model, FrozenNetwork)
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    assert {"events.network"} <= {step["name"] for step in manifest["accounting"]}


def test_its_histories_are_in_order_and_follow_their_customer(release: Path) -> None:
    rows = pd.read_parquet(release / "synthetic.parquet")
    by = rows.groupby("customer", sort=False)
    assert by["day"].is_monotonic_increasing.all()
    assert (by["segment"].nunique() == 1).all()
    again = privgan.load(release).sample(3_000, seed=5)
    assert again["amount"].between(-50, 1000).all()


@pytest.mark.parametrize("name", ["sample_rate", "expected_batch_size", "noise_multiplier"])
def test_settings_that_are_not_the_events_do_not_verify(
    release: Path, tmp_path: Path, name: str
) -> None:
    folder = shutil.copytree(release, tmp_path / "changed")

    def change(manifest: dict[str, Any]) -> None:
        manifest["plan"]["parts"][1]["settings"]["network"][name] *= 2

    edited(change)(folder)
    found = privgan.verify(folder)
    assert any("network" in problem for problem in found.problems), found.problems


def test_the_number_of_weights_is_that_of_the_chain(release: Path) -> None:
    _, events = load_synthesizer(release / "model").parts
    assert isinstance(events.model, FrozenNetwork)
    assert sorted(events.model.sizes) == sorted(events.encoder.sizes)
    step = events.encoder.sizes[events.encoder.names.index("step")]
    assert events.model.sizes[events.part.chain.index("step")] == step
    assert np.isfinite(
        events.model.log_likelihood(np.zeros((3, len(events.model.sizes)), int))
    ).all()

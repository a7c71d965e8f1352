"""A run on histories: a release whose customers' events fit together, and verify."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

import privgan
from privgan.planning.plan import EFFORTS
from tests.api.world import POLICY, TINY
from tests.histories.purchases import SCHEMA, purchases


@dataclass(frozen=True)
class Job:
    """A finished run on histories, and the folder in which it was done."""

    folder: Path
    result: privgan.RunResult

    @property
    def release(self) -> Path:
        """The release."""
        return self.folder / "out" / "release"

    @property
    def rows(self) -> pd.DataFrame:
        """Its table."""
        return pd.read_parquet(self.release / "synthetic.parquet")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits take few steps, and who verifies a plan knows of it."""
    monkeypatch.setitem(EFFORTS, "quick", TINY)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The run, in Python, on a frame of purchases."""
    folder = tmp_path_factory.mktemp("histories")
    (folder / "our-policy.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "schema.yaml").write_text(SCHEMA, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setitem(EFFORTS, "quick", TINY)  # type: ignore[arg-type]
        result = privgan.run(
            purchases(),
            folder / "schema.yaml",
            epsilon=3,
            effort="quick",
            policy=folder / "our-policy.yaml",
            ledger=folder / "ledger.sqlite",
            out=folder / "out",
        )
    return Job(folder, result)


def test_a_run_releases_histories_in_order(job: Job) -> None:
    assert job.result.status == "PASS", job.result.reasons
    rows = job.rows
    assert list(rows) == ["customer", "day", "segment", "channel", "amount"]
    by = rows.groupby("customer", sort=False)
    assert by["day"].is_monotonic_increasing.all()
    assert (by["segment"].nunique() == 1).all()
    assert by.size().max() <= 12


def test_the_release_verifies(job: Job) -> None:
    found = privgan.verify(job.release)
    assert found.ok, found.problems

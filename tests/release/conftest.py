"""What the tests of releases share: facts, a verdict that passed, and contents that the allow-list allows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save

from privgan.policy import Verdict, evaluate
from privgan.policy.policy import Comparison, Gate, Policy, Scope
from privgan.release import ReleaseFacts

POLICY = Policy(
    name="own",
    version="1.0",
    purpose="Tests.",
    attempts_per_dataset=1,
    gates=(
        Gate(
            fact="guarantee.epsilon",
            comparison=Comparison.AT_MOST,
            threshold=5.0,
            scope=Scope.PUBLIC,
            reason="Because.",
            advice="Less.",
        ),
    ),
)
_FACTS = ReleaseFacts(
    created="2026-11-21T04:00:00+00:00",
    dataset="customers",
    release_id="r1",
    epsilon=3.0,
    delta=1e-6,
    unit="one row",
    neighbouring_relation="add or remove one privacy unit",
    max_rows_per_unit=1,
    conditional_facts=("city.categories",),
    accountant_name="dp-accounting",
    accountant_version="0.4.4",
    epsilon_pld=2.9,
    epsilon_rdp=None,
    not_promised=("That a run happened stays hidden.",),
    total_epsilon=3.0,
    total_delta=1e-6,
    total_runs=1,
    plan={"rows": 3},
    accounting=({"name": "marginals", "event": {"event": "gaussian"}, "epsilon": 1.0},),
    schema_fingerprint="ab" * 32,
    schema_sources={"city": {"categories": "assumed_public"}},
    context={"recipient": "Nörthwind", "expiry": "2026-12-31"},
    ledger_head="cd" * 32,
    versions={"privgan": "0.1.0", "python": "3.11.9"},
    canary_probability=0.2,
    canary_commitment="",
    retention="90 days.",
)


def _verdict(epsilon: float | None = 3.0) -> Verdict:
    return evaluate(POLICY, {} if epsilon is None else {"guarantee.epsilon": epsilon})


SCHEMA_TEXT = "dataset: customers\ncolumns:\n- {name: a, kind: integer}\n- {name: b, kind: categorical}\n"


def _contents(folder: Path) -> dict[str, bytes | Path]:
    parquet = folder / "source.parquet"
    frame = pd.DataFrame({"a": np.arange(300), "b": [f"value {i}" for i in range(300)]})
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None), parquet)
    return {
        "synthetic.parquet": parquet,
        "synthetic.csv": frame.to_csv(index=False).encode(),
        "schema.yaml": SCHEMA_TEXT.encode(),
        "model/model.safetensors": save({"network.out.bias": np.zeros(8), "codebook.latents": np.zeros(8)}),
        "model/model.json": json.dumps({"rows": 300, "schema": SCHEMA_TEXT}).encode(),
        "report.html": b"<!doctype html>",
    }


@pytest.fixture
def facts() -> ReleaseFacts:
    """What a manifest says."""
    return _FACTS


@pytest.fixture
def verdict() -> Callable[..., Verdict]:
    """Makes a verdict for an ε, or for none."""
    return _verdict


@pytest.fixture
def contents() -> Callable[[Path], dict[str, bytes | Path]]:
    """Makes a release's files."""
    return _contents

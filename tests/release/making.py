"""Make a small consistent release: facts, a verdict that passed, and allowed contents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save

from privgan.planning.accounted_step import AccountedStep
from privgan.policy import Verdict, evaluate
from privgan.policy.policy import Comparison, Gate, Policy, Scope
from privgan.privacy import accountant, events
from privgan.privacy.guarantee import AccountantFigures, DatasetTotal, ReleasedGuarantee
from privgan.release import ReleaseFacts
from privgan.release.manifest import conditional_text
from privgan.table.schema_file import parse_schema

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
SCHEMA_TEXT = """\
format: privgan.schema/1
dataset: customers
unit: row
columns:
- {name: a, kind: integer, lower: 0, upper: 999}
- {name: b, kind: categorical, categories: [x, "y"], source: {categories: assumed_public}}
"""
SCHEMA = parse_schema(SCHEMA_TEXT)
EVENTS = {
    "marginals": {
        "event": "repeated",
        "count": 2,
        "of": {"event": "discrete_gaussian", "standard_deviation": 4.0, "sensitivity": 1},
    },
    "critic": {
        "event": "repeated",
        "count": 100,
        "of": {
            "event": "poisson_sampled",
            "sample_rate": 0.02,
            "of": {"event": "gaussian", "noise_multiplier": 2.0},
        },
    },
}
SPENT = accountant.spent([events.from_json(event) for event in EVENTS.values()], 1e-6)
NOISES = {"marginals": 4.0, "critic": 2.0}
STEPS = [
    {"name": name, "kind": "step", "noise": NOISES[name], "expected_error": None, "event": event}
    for name, event in EVENTS.items()
]
PLAN = {
    "dataset": "customers",
    "unit": "one row",
    "epsilon": 3.0,
    "delta": 1e-6,
    "rows": 300,
    "stages": [
        {"name": "model", "epsilon": 3.0, "delta": 1e-6, "steps": STEPS, "cost": asdict(SPENT)}
    ],
}
GUARANTEE = ReleasedGuarantee(
    epsilon=3.0,
    delta=1e-6,
    unit=str(SCHEMA.unit),
    neighbouring_relation="add or remove one privacy unit",
    max_rows_per_unit=1,
    conditional_facts=("b.categories",),
    conditional_text="conditional on 1 assumed public fact",
    accountant=AccountantFigures(
        name="dp-accounting",
        version="0.4.4",
        epsilon_pld=SPENT.epsilon_pld,
        epsilon_rdp=SPENT.epsilon_rdp,
    ),
    not_promised=("That a run happened stays hidden.",),
    dataset_total=DatasetTotal(epsilon=3.0, delta=1e-6, runs=1),
)
FACTS = ReleaseFacts(
    created="2026-11-21T04:00:00+00:00",
    dataset="customers",
    release_id="r1",
    guarantee=GUARANTEE,
    plan=PLAN,
    accounting=tuple(
        AccountedStep(
            **step,
            stage="model",
            epsilon=accountant.epsilon_by_rdp(events.from_json(step["event"]), 1e-6),
        )
        for step in STEPS
    ),
    schema_fingerprint=SCHEMA.fingerprint(),
    schema_sources={
        column.name: {fact: str(source) for fact, source in column.sources.items()}
        for column in SCHEMA.columns
    },
    context={"recipient": "Nörthwind", "expiry": "2999-12-31"},
    ledger_head="cd" * 32,
    versions={"privgan": "0.0.9", "python": "3.11.9"},
    canary_probability=0.2,
    canary_commitment="",
    retention="90 days.",
)


def guaranteed(facts: ReleaseFacts, **changes: Any) -> ReleaseFacts:
    """The facts with another guarantee; its text fits its assumed facts."""
    made = replace(facts.guarantee, **changes)
    text = conditional_text(len(made.conditional_facts))
    return replace(facts, guarantee=replace(made, conditional_text=text))


def passed(epsilon: float | None = 3.0) -> Verdict:
    return evaluate(POLICY, {} if epsilon is None else {"guarantee.epsilon": epsilon})


def model_of(facts: ReleaseFacts, schema_text: str) -> bytes:
    guarantee = {
        "epsilon": facts.guarantee.epsilon,
        "delta": facts.guarantee.delta,
        "unit": facts.guarantee.unit,
        "max_rows_per_unit": facts.guarantee.max_rows_per_unit,
        "conditional_facts": list(facts.guarantee.conditional_facts),
    }
    return json.dumps({"rows": 300, "schema": schema_text, "guarantee": guarantee}).encode()


def frame_of(names: Sequence[str], rows: int) -> pd.DataFrame:
    """The rows of the table: a number first, then categories."""
    return pd.DataFrame(
        {
            name: np.arange(rows) if index == 0 else ["xy"[i % 2] for i in range(rows)]
            for index, name in enumerate(names)
        }
    )


def contents_of(
    folder: Path, facts: ReleaseFacts = FACTS, schema_text: str = SCHEMA_TEXT, rows: int = 300
) -> dict[str, bytes | Path]:
    parquet = folder / "source.parquet"
    names = parse_schema(schema_text).names
    frame = frame_of(names, rows)
    pq.write_table(
        pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None), parquet
    )
    return {
        "synthetic.parquet": parquet,
        "synthetic.csv": frame.to_csv(index=False).encode(),
        "schema.yaml": schema_text.encode(),
        "model/model.safetensors": save(
            {"network.out.bias": np.zeros(8), "codebook.latents": np.zeros(8)}
        ),
        "model/model.json": model_of(facts, schema_text),
        "report.html": f"<!doctype html><p>{facts.release_id}".encode(),
    }

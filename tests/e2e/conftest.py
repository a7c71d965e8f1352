"""Run the main job once for each file of tests that looks at its results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml

from privgan.demo import demo_schema_yaml, simulate_customers
from privgan.table.files import read_table
from tests.e2e.main_job import (
    COLUMNS,
    CONSTRAINTS,
    DATASET,
    ROWS,
    Place,
    in_one_go,
    remembering,
    step_by_step,
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Table, schema and ledger, and the main job done in both ways with the same seed."""
    found = Place(tmp_path_factory.mktemp("e2e"))
    customers = simulate_customers(ROWS, seed=5)[list(COLUMNS)]
    customers["customer_id"] = [
        f"K{serial * 7919 % 10**8:08d}" for serial in range(1, ROWS + 1)
    ]  # Not the pattern's.
    customers.to_csv(found.table, index=False, date_format="%Y-%m-%d")
    document = yaml.safe_load(demo_schema_yaml())
    document["dataset"] = DATASET
    document["columns"] = [column for column in document["columns"] if column["name"] in COLUMNS]
    document["constraints"] = CONSTRAINTS
    found.schema.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRIVGAN_LEDGER", str(found.folder / "ledger.sqlite"))
        patch.setattr("privgan.pipeline.fitting.GeneratorModel", remembering(found.started_with))
        found.do("init", "ledger", "init", DATASET, "--epsilon", 6)
        in_one_go(found)
        step_by_step(found)
        yield found


@pytest.fixture(scope="module")
def release(place: Place) -> Path:
    """The release of the main job."""
    return place.folder / "out" / "release"


@pytest.fixture(scope="module")
def table(place: Place) -> pd.DataFrame:
    """The real table, as text."""
    return read_table(place.table)

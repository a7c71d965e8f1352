"""Schemas from published codebooks load; real tables conform to them where they are present."""

import os
from pathlib import Path

import pytest

from privgan.schema.columns import Source
from privgan.table.conform import violations
from privgan.table.files import read_table
from privgan.table.schema_file import load_schema

SCHEMAS = Path(__file__).parent / "schemas"
REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("PRIVGAN_DATA", REPOSITORY.parent / "shared" / "data"))
DATASETS = {
    "adult": ("uci-adult", 15),
    "bank": ("uci-bank-marketing", 17),
    "online_shoppers": ("uci-online-shoppers", 18),
    "credit_default": ("uci-credit-default", 25),
}
TABLES = [
    ("adult", "adult_train.csv", ","),
    ("adult", "adult_test.csv", ","),
    ("bank", "bank_full.csv", ";"),
    ("online_shoppers", "online_shoppers.csv", ";"),
    ("credit_default", "credit_default.csv", ","),
]


@pytest.mark.parametrize("name", DATASETS)
def test_schema_loads_and_leaves_nothing_to_confirm(name: str) -> None:
    schema = load_schema(SCHEMAS / f"{name}.yaml")
    assert (schema.dataset, len(schema.columns)) == DATASETS[name]
    assert schema.facts_from(Source.CONFIRM) == ()
    assert schema.unit.column == ("ID" if name == "credit_default" else None)


@pytest.mark.parametrize("name", DATASETS)
def test_schema_starts_by_naming_its_codebook(name: str) -> None:
    opening = (SCHEMAS / f"{name}.yaml").read_text(encoding="utf-8").split("format:")[0]
    assert "Codebook:" in opening
    assert "doi:" in opening


def test_bounds_that_no_codebook_states_are_marked_as_assumed() -> None:
    bank = load_schema(SCHEMAS / "bank.yaml")
    assert "balance.upper" in bank.facts_from(Source.ASSUMED_PUBLIC)
    assert "day.upper" not in bank.facts_from(Source.ASSUMED_PUBLIC)


@pytest.mark.data
@pytest.mark.parametrize(("name", "file", "separator"), TABLES)
def test_real_table_conforms(name: str, file: str, separator: str) -> None:
    if not (DATA / file).exists():
        pytest.skip(f"{DATA / file} is absent; set PRIVGAN_DATA to the folder of the real tables")
    schema, table = load_schema(SCHEMAS / f"{name}.yaml"), read_table(DATA / file, sep=separator)
    assert tuple(table.columns) == schema.names
    assert violations(table, schema) == ()

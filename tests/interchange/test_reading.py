"""What teams' own schemas state comes into the schema, and nothing else does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from privgan.interchange.drafting import UnitChoice
from privgan.interchange.importing import import_schema, kind_of
from privgan.schema.schema import Schema
from privgan.table.schema_file import dump_schema, parse_schema
from tests.interchange.foreign import CASES, Case


def items(schema: Schema) -> dict[str, dict[str, Any]]:
    """Each column as the schema's file states it, with every fact's source."""
    written = yaml.safe_load(dump_schema(schema))["columns"]
    return {
        item["name"]: (
            item | {f"source:{fact}": source.value for fact, source in column.sources.items()}
        )
        for item, column in zip(written, schema.columns, strict=True)
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_foreign_schema_is_recognised_and_read(case: Case, tmp_path: Path) -> None:
    path = tmp_path / case.file
    path.write_text(case.text, encoding="utf-8")
    assert kind_of(str(path)) == case.kind
    found = import_schema(str(path), table=case.table, unit=UnitChoice(max_rows=case.max_rows))
    assert found.schema.unit.column == case.unit
    columns = items(found.schema)
    for name, facts in case.columns.items():
        for fact, value in facts.items():
            assert columns[name].get(fact) == value, f"{name}.{fact}"
            if value is None and fact in {"lower", "categories"}:
                assert columns[name][f"source:{fact}"] == "measured"
    for part in case.notes:
        assert any(part in note for note in found.notes), (part, found.notes)
    assert parse_schema(dump_schema(found.schema)) == found.schema


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_guess_is_told_and_marked(case: Case, tmp_path: Path) -> None:
    path = tmp_path / case.file
    path.write_text(case.text, encoding="utf-8")
    found = import_schema(str(path), table=case.table, unit=UnitChoice(max_rows=case.max_rows))
    for column in found.schema.columns:
        told = [note for note in found.notes if note.startswith(f"{column.name!r}: ")]
        for fact in ("kind", "decimals", "format", "pattern"):
            if column.sources.get(fact) == "confirm":
                assert told, f"{column.name}.{fact}"


def test_a_named_unit_is_an_identifier_with_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "schema.yml"
    path.write_text(CASES[-3].text, encoding="utf-8")
    found = import_schema(str(path), unit=UnitChoice(column="user_id", max_rows=50))
    assert (found.schema.unit.column, found.schema.unit.max_rows, found.schema.unit_source) == (
        "user_id",
        50,
        "declared",
    )

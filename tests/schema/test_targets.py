"""The column to predict.

Named in the schema, on the command line, or chosen from the columns alone.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from privgan.cli.main import execute
from privgan.errors import DocumentError, TableError
from privgan.schema.schema import choose_target, with_target
from privgan.table.schema_file import dump_schema, parse_schema

TEXT = """format: privgan.schema/1
dataset: small
unit: row
columns:
  - {name: id, kind: identifier}
  - {name: "no", kind: categorical, categories: [x, y, z]}
  - {name: spend, kind: float, lower: 0, upper: 100, decimals: 2}
  - {name: town, kind: categorical, other: elsewhere, source: {categories: measured}}
  - {name: since, kind: date, lower: 2020-01-01, upper: 2020-12-31}
  - {name: left, kind: boolean}
"""
SCHEMA = parse_schema(TEXT)


@pytest.mark.parametrize("name", ["no", "spend", "town", "left"])
def test_a_named_target_is_kept_and_part_of_the_schemas_facts(name: str) -> None:
    named = parse_schema(TEXT + f"target: {name}\n")
    assert named.target == name
    assert parse_schema(dump_schema(named)) == named == with_target(SCHEMA, name)
    assert named.fingerprint() != SCHEMA.fingerprint()


def test_no_target_leaves_the_schema_as_it_was() -> None:
    assert SCHEMA.target is None
    assert with_target(SCHEMA, None) is SCHEMA
    assert "target" not in dump_schema(SCHEMA)
    assert choose_target(SCHEMA.modelled) == "left"


@pytest.mark.parametrize("name", ["id", "since", "nowhere"])
def test_what_cannot_be_predicted_is_refused(name: str) -> None:
    with pytest.raises(
        DocumentError,
        match=rf"target: found '{name}', allowed: a categorical, ordinal, boolean or numeric",
    ):
        parse_schema(TEXT + f"target: {name}\n")
    with pytest.raises(TableError, match=rf"target '{name}' is"):
        with_target(SCHEMA, name)


def test_the_plan_measures_the_asked_target_more_closely(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(
        TEXT.replace(
            "other: elsewhere, source: {categories: measured}", "categories: [here, there]"
        )
    )
    asked = ["plan", "--schema", str(path), "--public-rows", "5000", "--epsilon", "3", "--json"]
    plans = []
    for more in ([], ["--target", "spend"]):
        assert execute([*asked, *more]) == 0
        plans.append(capsys.readouterr().out)
    assert any(name in plans[0] for name in ('"pairs:target"', '"differences:target"'))
    assert plans[0] != plans[1]
    assert execute([*asked, "--target", "since"]) == 2
    assert "target 'since' is a date column" in capsys.readouterr().err

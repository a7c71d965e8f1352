"""The commands 'schema import' and 'schema export', as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from privgan.cli.main import execute
from privgan.interchange.exporting import FORMS
from privgan.interchange.importing import KINDS
from privgan.table.schema_file import load_schema
from tests.interchange.foreign import CASES
from tests.interchange.making import SCHEMA_TEXT, write_rows


def test_the_commands_name_every_kind() -> None:
    from privgan.cli import interchange

    assert interchange._KINDS == KINDS
    assert interchange._FORMS == FORMS


def test_a_schema_is_imported_checked_and_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row, schema = tmp_path / "row.json", tmp_path / "schema.yaml"
    (tmp_path / "own.yaml").write_text(SCHEMA_TEXT)
    assert (
        execute(
            [
                "schema",
                "export",
                str(tmp_path / "own.yaml"),
                "--to",
                "json-schema",
                "--out",
                str(row),
            ]
        )
        == 0
    )
    table, _ = write_rows(tmp_path)
    assert execute(["schema", "import", str(row), str(table), "--out", str(schema)]) == 0
    told = capsys.readouterr().out
    assert f"{schema}: 16 columns imported" in told
    assert "note: the unit is one row" in told
    assert load_schema(schema).dataset == "shop-customers"
    assert "Imported from 'row.json'" in schema.read_text()
    assert execute(["schema", "import", str(row), "--out", str(schema)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_a_tables_order_is_kept_and_a_lacking_column_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, foreign, schema = tmp_path / "t.csv", tmp_path / "f.json", tmp_path / "schema.yaml"
    foreign.write_text(
        '{"$schema": "x", "properties": {"a": {"type": "boolean"}, "b": {"type": "boolean"}}}'
    )
    table.write_text("b,extra,a\nTrue,5,False\n")
    assert execute(["schema", "import", str(foreign), str(table), "--out", str(schema)]) == 0
    assert load_schema(schema).names == ("b", "extra", "a")
    assert "'extra': is not stated" in capsys.readouterr().out
    table.write_text("b\nTrue\n")
    assert (
        execute(["schema", "import", str(foreign), str(table), "--out", str(tmp_path / "s2.yaml")])
        == 2
    )
    assert "lacks 1 columns that the schema states: 'a'" in capsys.readouterr().err
    assert not (tmp_path / "s2.yaml").exists()


@pytest.mark.parametrize("case", CASES[::5], ids=lambda case: case.name)
def test_what_is_imported_can_be_read(case: object, tmp_path: Path) -> None:
    foreign, schema = tmp_path / case.file, tmp_path / "schema.yaml"  # type: ignore[attr-defined]
    foreign.write_text(case.text, encoding="utf-8")  # type: ignore[attr-defined]
    options = ["--table", case.table] if case.table else []  # type: ignore[attr-defined]
    assert (
        execute(
            ["schema", "import", str(foreign), "--out", str(schema), "--dataset", "mine", *options]
        )
        == 0
    )
    assert load_schema(schema).dataset == "mine"


def test_a_password_is_never_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url, out = "postgresql://ann:hunter2@127.0.0.1:1/shop", tmp_path / "schema.yaml"
    assert execute(["schema", "import", url, "--table", "t", "--out", str(out)]) == 2
    told = capsys.readouterr()
    assert "hunter2" not in told.out + told.err
    assert not out.exists()


@pytest.mark.parametrize("form", FORMS)
def test_a_release_is_exported(
    form: str, release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["schema", "export", str(release), "--to", form]) == 0
    text = capsys.readouterr().out
    assert text.startswith("schema_type" if form == "pandera" else "{")
    if form != "pandera":
        json.loads(text)


def test_a_changed_release_is_refused(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (release / "schema.yaml").write_text("format: privgan.schema/1\n")
    assert execute(["schema", "export", str(release), "--to", "sdv"]) == 1
    assert "is not intact" in capsys.readouterr().err

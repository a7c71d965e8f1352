"""A schema's ``target`` as a rare outcome: what it may say, and every mistake with its line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import privgan
from privgan.cli.main import execute
from privgan.errors import DocumentError
from privgan.schema.rare import RareOutcome
from privgan.schema.schema import with_target
from privgan.schema.tasks import ResponseTask, ScorecardTask
from privgan.table.schema_file import dump_schema, parse_schema
from tests.rare.fraud import SCHEMA, TEXT

STATED = "target: {column: fraud, rare: true, positives: 160}"
HISTORY = TEXT.replace("unit: row", "unit: id\nmax_rows_per_unit: 3").replace(
    "columns:", "columns:\n  - {name: id, kind: identifier}"
)


def _with(target: str) -> str:
    return TEXT.replace(STATED, target)


def test_it_is_read_and_written_and_read_again() -> None:
    assert SCHEMA.target == "fraud"
    assert SCHEMA.rare == RareOutcome(positive="yes", positives=160)
    assert SCHEMA.tasks == (ResponseTask(target="fraud", positive="yes"),)
    assert parse_schema(dump_schema(SCHEMA)) == SCHEMA


def test_a_plain_target_is_what_it_was() -> None:
    plain, stated = parse_schema(_with("target: fraud")), _with("target: {column: fraud}")
    assert plain.rare is None
    assert parse_schema(stated) == plain
    assert parse_schema(_with("target: {column: fraud, rare: false}")) == plain
    assert "rare" not in plain.to_json()
    assert plain.fingerprint() != SCHEMA.fingerprint()
    assert "target: fraud\n" in dump_schema(plain)


def test_a_task_on_the_column_stays_the_only_one() -> None:
    text = TEXT + "tasks:\n  - {kind: scorecard, target: fraud}\n"
    assert parse_schema(text).tasks == (ScorecardTask(target="fraud", positive="yes"),)


def test_another_target_is_not_rare() -> None:
    assert with_target(SCHEMA, "fraud").rare == SCHEMA.rare
    assert with_target(SCHEMA, "amount").rare is None


def test_python_speaks_of_it_too() -> None:
    made = privgan.Schema(
        SCHEMA.columns,
        dataset="payments",
        target="fraud",
        rare=privgan.RareOutcome(positive="yes"),
    )
    assert made.rare == replace(SCHEMA.rare or RareOutcome(positive="no"), positives=None)
    assert made.tasks == SCHEMA.tasks


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (_with("target: {column: frau, rare: true}"), "found 'frau'"),
        (_with("target: {column: channel, rare: true}"), "has 3 values, allowed: 2"),
        (_with("target: {column: amount, rare: true}"), "is integer, allowed: categorical"),
        (_with("target: {column: fraud, rare: true, positive: maybe}"), "allowed: no, yes"),
        (_with("target: {column: fraud, positives: 9}"), "goes with 'rare: true'"),
        (_with("target: {column: fraud, rare: true, positives: 0}"), "0"),
        (_with("target: {rare: true}"), "column"),
        (_with("target: {column: fraud, rare: true, often: no}"), "often"),
        (HISTORY, "one row a customer"),
    ],
)
def test_mistakes_are_told_with_code_2(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DocumentError, match="line"):
        parse_schema(text)
    path = tmp_path / "schema.yaml"
    path.write_text(text, encoding="utf-8")
    assert execute(["plan", "--schema", str(path), "--public-rows", "20000"]) == 2
    assert told in capsys.readouterr().err


def test_a_target_of_one_class_in_the_rows_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.rare.fraud import draw

    draw(600, 0, 1).to_csv(tmp_path / "payments.csv", index=False)
    (tmp_path / "schema.yaml").write_text(TEXT, encoding="utf-8")
    command = ["fit", str(tmp_path / "payments.csv"), "--schema", str(tmp_path / "schema.yaml")]
    command += ["--public-rows", "600", "--epsilon", "50", "--out", str(tmp_path / "out")]
    command += ["--ledger", str(tmp_path / "ledger.sqlite")]
    assert execute(command) == 2
    assert "fewer than two values occur" in capsys.readouterr().err

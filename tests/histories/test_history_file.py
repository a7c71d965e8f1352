"""A schema's order and history: read, written, refused with a line."""

from dataclasses import replace

import pytest

import privgan
from privgan.errors import DocumentError
from privgan.schema.history import HistoryFacts
from privgan.table.schema_file import dump_schema, parse_schema
from tests.features.test_release import TEXT as FEATURES
from tests.histories.purchases import SCHEMA

WITHOUT = SCHEMA.replace("order: day\n", "").replace(
    "history: {constant: [segment], longest: 12}\n", ""
)
HISTORY = "history: {constant: [segment], longest: 12}"


def test_a_history_is_read_and_written() -> None:
    schema = parse_schema(SCHEMA)
    assert schema.history == HistoryFacts(order="day", constant=("segment",), longest=12)
    assert parse_schema(dump_schema(schema)) == schema
    assert schema.to_json()["history"] == {"longest": 12, "constant": ["segment"]}
    plain = parse_schema(SCHEMA.replace(HISTORY, "history: true"))
    assert plain.history == HistoryFacts(order="day")
    assert plain.fingerprint() != schema.fingerprint()


def test_a_schema_without_a_history_is_as_before() -> None:
    schema = parse_schema(WITHOUT)
    assert schema.history is None
    assert not {"order", "history"} & set(schema.to_json())
    assert "history" not in dump_schema(schema)
    assert schema.fingerprint().startswith("923c0f759908503f")  # That of version 0.5.0.


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (HISTORY + "\n", "", "order needs history"),
        ("order: day\n", "", "history needs order"),
        ("order: day", "order: dya", "'dya' is no column; did you mean 'day'?"),
        ("order: day", "order: channel", "is of kind categorical, allowed: date, datetime"),
        ("upper: 2024-12-31, missing: false", "upper: 2024-12-31, missing: true", "may be missing"),
        (
            "upper: 2024-12-31, missing",
            "upper: 2024-12-31, special_values: [9999-12-31], missing",
            "has special values",
        ),
        ("constant: [segment]", "constant: [segmnt]", "did you mean 'segment'?"),
        ("constant: [segment]", "spread: [amuont]", "did you mean 'amount'?"),
        ("constant: [segment]", "spread: [channel]", "is no number of an event"),
        ("constant: [segment]", "constant: [day]", "orders the rows and is not constant"),
        ("constant: [segment]", "constant: [customer]", "is no column that is modelled"),
        ("longest: 12", "longest: 1", "longest"),
        ("max_rows_per_unit: 6", "max_rows_per_unit: 1", "allowed: at least 2 with a history"),
        ("unit: customer\nmax_rows_per_unit: 6", "unit: row", "needs a unit column"),
        (HISTORY, "history: false", "history"),
    ],
)
def test_a_history_that_cannot_be_is_refused_with_its_line(
    before: str, after: str, told: str
) -> None:
    assert before in SCHEMA
    with pytest.raises(DocumentError) as refused:
        parse_schema(SCHEMA.replace(before, after))
    assert told in str(refused.value)
    assert "line " in str(refused.value)


def test_a_schema_in_python_keeps_its_history() -> None:
    facts = privgan.Schema.of(parse_schema(SCHEMA))
    assert replace(facts, target="channel").history == facts.history
    made = privgan.Schema(
        facts.columns,
        dataset="purchases",
        unit="customer",
        max_rows_per_unit=6,
        history=facts.history,
    )
    assert made.fingerprint() == facts.fingerprint()


def test_a_table_of_features_has_no_history() -> None:
    text = FEATURES.replace("\ncolumns:", "\norder: day\nhistory: true\ncolumns:")
    assert text != FEATURES
    with pytest.raises(DocumentError, match="has one row a customer; leave out history"):
        parse_schema(text)

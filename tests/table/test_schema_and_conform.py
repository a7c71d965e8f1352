"""Schema files, conformity, drafting, conditions, invented columns and the private table."""

import datetime as dt
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.domain.cells import cells_of
from privgan.domain.conditions import ColumnCondition
from privgan.domain.predicates import parse_predicates
from privgan.domain.value_sets import Axis, shares_of
from privgan.drafting.draft import draft_schema
from privgan.drafting.sentinels import outward
from privgan.errors import DocumentError, InternalError, TableError, UsageError
from privgan.owner.private_table import PrivateTable
from privgan.privacy.budget import PrivacyUnit
from privgan.privacy.events import DiscreteGaussian
from privgan.privacy.receipts import mint
from privgan.schema.columns import Column, Discrete, Invented, Kind, Numeric, Source, Temporal
from privgan.schema.identifiers import invent
from privgan.schema.schema import Schema
from privgan.table.conform import check_confirmed, conform, violations
from privgan.table.schema_file import dump_schema, load_schema, parse_schema
from tests.schemas import schema_of

TEXT = """format: privgan.schema/1
dataset: small
unit: id
max_rows_per_unit: 1
columns:
  - {name: id, kind: identifier, pattern: "S{:03d}"}
  - {name: tier, kind: ordinal, categories: [low, no, 01], missing: true}
  - {name: spend, kind: float, lower: 0, upper: 100, decimals: 2, special_values: [0]}
  - {name: age, kind: integer, lower: 18, upper: 95}
  - {name: since, kind: date, lower: 2020-01-01, upper: 2020-12-31}
  - {name: churned, kind: boolean, labels: ["no", "yes"]}
"""
SCHEMA = parse_schema(TEXT)


def _frame(**changes: list[Any]) -> pd.DataFrame:
    good: dict[str, list[Any]] = {
        "id": ["a", "b", "c"],
        "tier": ["low", "no", ""],
        "spend": ["0", "3.50", "99.99"],
        "age": ["18", "95", "40"],
        "since": ["2020-01-01", "2020-12-31", "2020-02-29"],
        "churned": ["yes", "no", "True"],
    }
    return pd.DataFrame(good | changes)


_NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12
)


@st.composite
def _schemas(draw: st.DrawFn) -> Schema:
    texts = draw(st.lists(_NAMES, min_size=1, max_size=5, unique=True))
    source = draw(st.sampled_from([source for source in Source if source is not Source.MEASURED]))
    decimals = draw(st.integers(0, 6))
    facts = {"kind": source, "missing": source, "role": Source.DECLARED}
    columns: list[Column] = [
        Discrete(
            name="c",
            kind=Kind.CATEGORICAL,
            categories=tuple(texts),
            sources={"categories": source, **facts},
        ),
        Numeric(
            name="n",
            kind=Kind.FLOAT,
            lower=-2,
            upper=round(draw(st.floats(0, 1e6)), decimals),
            decimals=decimals,
            sources={"lower": source, "upper": source, "decimals": source, **facts},
        ),
    ]
    return Schema(
        dataset="d", unit=PrivacyUnit(), columns=tuple(columns), missing_markers=("", draw(_NAMES))
    )


@settings(max_examples=60)
@given(_schemas())
def test_a_schema_survives_writing(schema: Schema) -> None:
    assert parse_schema(dump_schema(schema, comment="a\nb")) == schema


def test_categories_stay_as_written() -> None:
    tier = SCHEMA.column("tier")
    assert isinstance(tier, Discrete)
    assert tier.categories == ("low", "no", "01")


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    spoilt = (
        TEXT.replace("integer", "intger")
        .replace("upper: 100", "uper: 100")
        .replace("dataset: small", "dataset: Not Good")
    )
    with pytest.raises(DocumentError) as error:
        parse_schema(spoilt)
    told = "\n".join(error.value.mistakes)
    assert "line 2" in told
    assert "line 8" in told
    assert "did you mean 'upper'" in told
    assert "line 9" in told
    assert "did you mean 'integer'" in told


def test_a_good_table_conforms_with_its_types() -> None:
    typed = conform(_frame(), SCHEMA)
    assert typed["churned"].tolist() == ["yes", "no", "yes"]
    assert typed["tier"].isna().tolist() == [False, False, True]
    assert typed["spend"].dtype == float
    assert typed["since"].dtype.kind == "M"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"age": ["18", "CANARY7", "20"]}, "text where a number is expected in 1 row"),
        ({"age": ["18", "987654", "20"]}, "outside 18 to 95 in 1 row"),
        ({"age": ["18", "inf", "20"]}, "infinite"),
        ({"age": ["18.5", "20", "20"]}, "more than 0 decimals"),
        ({"age": ["18", "", "20"]}, "missing where none may be"),
        ({"tier": ["CANARY7", "no", "no"]}, "none of the 3 categories"),
        ({"since": ["2020-01-01", "CANARY7", "2020-01-01"]}, "no moment"),
        ({"since": ["2020-01-01", "1987-06-05", "2020-01-01"]}, "outside 2020-01-01"),
        ({"id": ["CANARY7", "", "c"]}, "the unit is missing in 1 row"),
    ],
)
def test_violations_name_column_and_count_but_no_value(
    changes: dict[str, list[Any]], problem: str
) -> None:
    with pytest.raises(TableError, match=next(iter(changes))) as error:
        conform(_frame(**changes), SCHEMA)
    assert problem in str(error.value)
    assert not any(value in str(error.value) for value in ("CANARY7", "987654", "1987"))


def test_a_unit_that_is_missing_by_its_own_marker_is_refused() -> None:
    """Rows of several customers under one marker would pass as one customer."""
    marked = replace(SCHEMA.column("id"), missing=True, missing_markers=("n/a",))
    schema = replace(
        SCHEMA,
        columns=tuple(marked if column.name == "id" else column for column in SCHEMA.columns),
    )
    for policy in ("refuse", "clamp"):
        with pytest.raises(TableError, match="the unit is missing in 2 rows"):
            conform(_frame(id=["n/a", "a", "n/a"]), schema, on_violation=policy)


def test_clamp_refuses_nothing_that_a_row_by_row_map_can_mend() -> None:
    spoilt = _frame(
        age=["x", "1000", ""],
        tier=["?", "no", ""],
        since=["?", "1987-06-05", ""],
        spend=["-1", "inf", "1.239"],
    )
    typed = conform(spoilt, SCHEMA, on_violation="clamp")
    assert violations(typed.assign(id=spoilt["id"]), SCHEMA) == ()
    assert typed["age"].tolist() == [18, 95, 18]
    with pytest.raises(TableError):
        conform(spoilt.drop(columns="age"), SCHEMA, on_violation="clamp")


def test_repeated_identifiers_need_a_unit() -> None:
    loose = parse_schema(TEXT.replace("unit: id\nmax_rows_per_unit: 1", "unit: row"))
    with pytest.raises(TableError, match="declare it as the unit"):
        conform(_frame(id=["a", "a", "b"]), loose)


def test_drafts_round_outwards_and_must_be_confirmed() -> None:
    drafted = draft_schema(_frame(age=["23", "23", "61"]), "small").schema
    with pytest.raises(TableError, match="must still confirm"):
        check_confirmed(drafted)
    assumed = draft_schema(_frame(), "small", assume_public=True).schema
    check_confirmed(assumed)
    assert assumed.facts_from(Source.ASSUMED_PUBLIC)


@given(st.floats(-1e6, 1e6), st.floats(0.01, 1e6), st.integers(0, 4))
def test_drafted_bounds_hold_the_values(lower: float, width: float, decimals: int) -> None:
    low, high = outward(round(lower, decimals), round(lower + width, decimals), decimals)
    assert low <= round(lower, decimals) + 1e-6
    assert high >= round(lower + width, decimals) - 1e-6
    assert low < high


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("tier = LOW", "tier", ["low"]),
        ("tier != low", "tier", ["no", "01"]),
        ("tier >= no", "tier", ["no", "01"]),
        ("tier in (low, '01')", "tier", ["low", "01"]),
        ("tier is missing", "tier", [None]),
        ("churned = yes and age > 20", "churned", ["yes"]),
    ],
)
def test_conditions_allow_what_they_say(text: str, column: str, expected: list[str | None]) -> None:
    found = [part for part in parse_predicates(text, SCHEMA) if isinstance(part, ColumnCondition)]
    condition = next(part for part in found if part.column.name == column)
    cells, axis = cells_of(SCHEMA.column(column)), Axis(condition.column)
    shares = shares_of(cells, axis, axis.allowed_by(condition))
    names = [*cells.texts, *([None] if cells.missing_code is not None else [])]
    assert [name for name, share in zip(names, shares, strict=True) if share] == expected


def test_a_range_counts_the_share_of_a_cell() -> None:
    (condition,) = parse_predicates("age >= 60 and age < 70", SCHEMA)
    assert isinstance(condition, ColumnCondition)
    cells, axis = cells_of(SCHEMA.column("age"), 16), Axis(condition.column)
    assert shares_of(cells, axis, axis.allowed_by(condition)) @ cells.lengths == pytest.approx(10)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "age",
        "age >",
        "age ~ 3",
        "nope = 1",
        "id = a",
        "tier = gold",
        "age = x",
        "age = 3 and",
    ],
)
def test_conditions_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="where: "):
        parse_predicates(text, SCHEMA)


def test_invented_columns_never_look_at_the_table() -> None:
    kinds = [Kind.IDENTIFIER, Kind.NAME, Kind.EMAIL, Kind.PHONE, Kind.ADDRESS, Kind.TEXT]
    columns = tuple(Invented(name=kind, kind=kind, pattern="S{:04d}") for kind in kinds)
    schema = schema_of(*columns)
    first = invent(
        schema, 50, first_serial=1, customers=np.arange(1, 51), rng=np.random.default_rng(0)
    )
    second = invent(
        schema, 50, first_serial=51, customers=np.arange(51, 101), rng=np.random.default_rng(0)
    )
    assert set(first) == set(schema.names)
    assert len(set(first["identifier"]) | set(second["identifier"])) == 100
    assert len(set(first["email"]) | set(second["email"])) == 100


def test_rows_come_out_only_against_a_receipt() -> None:
    event = DiscreteGaussian(5.0, 1)
    table = PrivateTable("small", PrivacyUnit(), pd.DataFrame({"x": [1, 2]}))
    receipt = mint(dataset="small", step="one", event=event)
    assert len(table.rows(receipt)) == 2
    with pytest.raises(InternalError, match="used before"):
        table.codes(receipt, lambda frame: frame.to_numpy())
    with pytest.raises(InternalError, match="receipt for other"):
        table.rows(mint(dataset="other", step="one", event=event))
    assert "2" not in repr(table)
    with pytest.raises(TypeError):
        pickle.dumps(table)


def test_dates_stand_for_whole_days() -> None:
    since = SCHEMA.column("since")
    assert isinstance(since, Temporal)
    assert since.lower == dt.datetime(2020, 1, 1)
    assert cells_of(since).lengths.sum() == 366


def test_a_text_is_parsed_once_and_its_mistakes_are_told_under_each_name(tmp_path: Path) -> None:
    text = (
        "format: privgan.schema/1\ndataset: once\nunit: row\ncolumns: [{name: a, kind: integer,"
        " lower: 0, upper: 9}]\n"
    )
    (tmp_path / "schema.yaml").write_text(text, encoding="utf-8")
    assert load_schema(tmp_path / "schema.yaml") is parse_schema(text, name="the model's schema")
    for name in ("one.yaml", "two.yaml"):
        with pytest.raises(DocumentError, match=name):
            parse_schema(text.replace("lower: 0", "lower: 10"), name=name)

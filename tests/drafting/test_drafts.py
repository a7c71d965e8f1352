"""Laws of drafts: a draft can be read, fits its table but for what is told, and keeps its form."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.domain.cells import cells_of
from privgan.drafting.draft import Draft, draft_schema, draft_text
from privgan.drafting.notes import Topic
from privgan.errors import TableError
from privgan.schema.columns import Invented, Kind, Numeric, OpenCategorical, Role, Source
from privgan.table.conform import conform, violations
from privgan.table.files import read_table, write_tables
from privgan.table.presenting import as_written, presented
from privgan.table.schema_file import dump_schema, parse_schema

_CELLS = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.decimals(-1_000, 1_000, places=2).map(str),
    st.dates(dt.date(1950, 1, 1), dt.date(2100, 1, 1)).map(str),
    st.sampled_from(["", "true", "False", "gold", "silver", "a b", "x@y.org"]),
)
_FIRST = dt.datetime(1995, 1, 1)


def _moment(rng: random.Random) -> dt.datetime:
    return _FIRST + dt.timedelta(seconds=rng.randrange(9 * 10**8))


def _euros(number: float) -> str:
    return f"{number:,.2f} €".translate(str.maketrans(",.", ".,"))


# Ways to write one cell, and whether each comes back as it was written.
WAYS: dict[str, tuple[Callable[[random.Random], str], bool]] = {
    "whole": (lambda rng: str(rng.randrange(-500, 9_000)), True),
    "decimal": (lambda rng: f"{rng.gauss(0, 500):.3f}", False),
    "dollars": (lambda rng: f"${abs(rng.gauss(0, 5_000)):,.2f}", False),
    "per cent": (lambda rng: f"{rng.random() * 100:.1f}%", False),
    "euros": (lambda rng: _euros(abs(rng.gauss(0, 5_000))), False),
    "powers": (lambda rng: f"{10 ** rng.uniform(-12, -6):.3e}", False),
    "floats": (lambda rng: repr(rng.gauss(0, 1)), False),
    "large floats": (lambda rng: repr(rng.gauss(0, 1e6)), False),
    "tiny floats": (lambda rng: repr(rng.random() * 1e-9), False),
    "days": (lambda rng: f"{_moment(rng):%Y-%m-%d}", True),
    "German moments": (lambda rng: f"{_moment(rng):%d.%m.%Y %H:%M}", True),
    "zoned moments": (lambda rng: f"{_moment(rng):%Y-%m-%dT%H:%M:%SZ}", True),
    "American moments": (lambda rng: f"{_moment(rng):%m/%d/%Y %I:%M %p}", True),
    "English days": (lambda rng: f"{_moment(rng):%b %d, %Y}", True),
    "compact": (lambda rng: f"{_moment(rng):%Y%m%d}", True),
    "offsets": (
        lambda rng: f"{_moment(rng):%Y-%m-%dT%H:%M:%S}{rng.choice(['+01:00', '+02:00'])}",
        False,
    ),
    "short years": (lambda rng: f"{_moment(rng):%d/%m/%y}", True),
    "clock": (lambda rng: f"{_moment(rng):%H:%M}", False),
    "months": (lambda rng: f"{_moment(rng):%Y-%m}", True),
    "durations": (
        lambda rng: f"{rng.randrange(50)}:{rng.randrange(60):02d}:{rng.randrange(60):02d}",
        False,
    ),
    "categories": (lambda rng: rng.choice(["a", "b", "c d", "NA", "none"]), True),
    "codes": (lambda rng: f"{rng.randrange(3_000):05d}", True),
    "truth": (lambda rng: rng.choice(["ja", "nein"]), True),
    "text": (
        lambda rng: " ".join(
            rng.choice(["foo", "it's", "x: y", "# z", "- q", "黄"]) for _ in range(6)
        ),
        True,
    ),
    "identifiers": (lambda rng: f"C-{rng.randrange(10**6):06d}", True),
    "e-mails": (lambda rng: f"u{rng.randrange(10**6)}@example.org", True),
    "hashes": (lambda rng: f"{rng.getrandbits(128):032x}", True),
    "large integers": (lambda rng: str(rng.getrandbits(63)), True),
    "mixed": (
        lambda rng: rng.choice([str(rng.randrange(100)), "x", "2020-01-01", "$5", "a b", "'", '"']),
        True,
    ),
    "thousands": (lambda rng: f"{rng.randrange(10**6):,}".replace(",", " "), False),
    "nothing": (lambda rng: "", True),
}
_NAMES = (
    "x",
    "customer_id",
    "zip",
    "full_name",
    "phone",
    "dob",
    "duration",
    "id",
    "product_id",
    "address",
    "ümlaut: #1",
)
_OTHERS = ("-999", "0", "9999-12-31", "unknown", "12a", "1e400", "2020-02-30", "NA", " ", "")


def random_table(seed: int, rows: int | None = None) -> pd.DataFrame:
    """A table of texts with columns of all kinds, some with other values now and then.

    Of a few rows unless said.
    """
    rng = random.Random(seed)
    few = rng.choice([3, 12, 30, 60])
    rows = few if rows is None else rows
    table = {}
    for place in range(rng.randrange(1, 5)):
        way, _ = WAYS[rng.choice(list(WAYS))]
        share, other = rng.choice([0, 0, 0.02, 0.15]), rng.choice(_OTHERS)
        table[f"{rng.choice(_NAMES)}{place}"] = [
            other if rng.random() < share else way(rng) for _ in range(rows)
        ]
    return pd.DataFrame(table | {"y": [rng.choice("ab") for _ in range(rows)]})


def told_misfits(draft: Draft) -> set[str]:
    """The columns of which the draft tells that they do not fit."""
    return {note.column for note in draft.notes if note.topic in (Topic.MISFIT, Topic.UNIT)}


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9), st.booleans())
def test_a_random_table_gets_a_draft_that_is_right(seed: int, arrow: bool) -> None:
    """It can be read, fits its table but for what is told, and no value is outside it."""
    frame = random_table(seed)
    draft = draft_schema(pa.Table.from_pandas(frame) if arrow else frame, "d", assume_public=True)
    assert parse_schema(draft_text(draft, "a comment")) == draft.schema
    assert [
        found
        for found in violations(frame, draft.schema)
        if found.column not in told_misfits(draft)
    ] == []


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([name for name, (_, back) in WAYS.items() if back]))
def test_values_come_back_in_their_form(seed: int, way: str) -> None:
    rng = random.Random(seed)
    frame = pd.DataFrame({"x": [WAYS[way][0](rng) for _ in range(40)], "y": ["a", "b"] * 20})
    schema = draft_schema(frame, "d", assume_public=True).schema
    if isinstance(schema.column("x"), Invented | OpenCategorical):
        return
    typed = conform(frame, schema)
    if schema.column("x").kind is Kind.INTEGER:
        typed["x"] = typed["x"].astype("Int64")
    assert (
        as_written(presented(typed, schema), schema)["x"].map(str).tolist() == frame["x"].tolist()
    )


@pytest.mark.slow
@settings(max_examples=80)
@given(st.lists(st.tuples(_CELLS, st.sampled_from(["a", "b"])), min_size=5, max_size=40))
def test_a_text_table_conforms_to_its_own_draft(rows: list[tuple[str, str]]) -> None:
    frame = pd.DataFrame(rows, columns=["x", "y"])
    draft = draft_schema(frame, "d", assume_public=True)
    assert [
        found.problem
        for found in violations(frame, draft.schema)
        if found.column not in told_misfits(draft)
    ] == []


@pytest.mark.parametrize("kind", ["date", "integer", "decimal"])
@given(seed=st.integers(0, 999))
@settings(max_examples=15)
def test_a_column_of_one_kind_conforms_to_its_own_draft(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = {
        "date": np.datetime_as_string(np.datetime64("2001-05-06") + rng.integers(0, 9_000, 60)),
        "integer": rng.integers(-50_000, 9_000, 60).astype(str),
        "decimal": np.char.mod("%.3f", rng.normal(0, 500, 60)),
    }[kind]
    frame = pd.DataFrame({"x": values, "y": ["a", "b"] * 30})
    schema = draft_schema(frame, "d", assume_public=True).schema
    assert violations(frame, schema) == ()
    column = schema.column("x")
    assert column.kind == {"date": Kind.DATE, "integer": Kind.INTEGER, "decimal": Kind.FLOAT}[kind]


def test_nullable_integers_of_parquet_conform_to_their_own_draft(tmp_path: Path) -> None:
    pd.DataFrame({"children": [0.0, 1.0, 2.0, np.nan] * 30, "y": ["a", "b"] * 60}).to_parquet(
        tmp_path / "t.parquet"
    )
    frame = read_table(tmp_path / "t.parquet")
    assert violations(frame, draft_schema(frame, "d", assume_public=True).schema) == ()


def test_numbers_with_an_exponent_conform_to_their_own_draft() -> None:
    frame = pd.DataFrame({"x": [f"{i}e-3" for i in range(1, 40)], "y": ["a", "b", "a"] * 13})
    assert violations(frame, draft_schema(frame, "d", assume_public=True).schema) == ()


def test_far_future_dates_are_drafted_coded_and_written(tmp_path: Path) -> None:
    days = ["9999-12-31", "2020-01-01", "2301-05-06"] * 20
    frame = pd.DataFrame({"x": days, "y": ["a"] * 60})
    schema = draft_schema(frame, "d", assume_public=True).schema
    column = schema.column("x")
    assert (column.kind, column.upper.year) == (Kind.DATE, 2301)  # type: ignore[attr-defined]
    assert column.special_values == (dt.datetime(9999, 12, 31),)  # type: ignore[attr-defined]
    typed = conform(frame, schema)
    cells = cells_of(column, 4_000_000)
    decoded = pd.DataFrame(
        {"x": cells.decode(cells.encode(typed["x"]), np.zeros(60)), "y": typed["y"]}
    )
    assert (
        write_tables(
            iter([presented(decoded, schema)]), schema, tmp_path / "t.parquet", tmp_path / "t.csv"
        )
        == 60
    )
    for name in ("t.parquet", "t.csv"):
        assert (
            conform(read_table(tmp_path / name), schema)["x"].dt.strftime("%Y-%m-%d").tolist()
            == days
        )


@pytest.mark.parametrize(
    ("numbers", "decimals"),
    [(["1.50", "2.25"], 2), (["15e-4", "2.5e-3"], 4), (["1.5e3", "2e2", "0.5"], 1)],
)
def test_decimals_of_numbers_with_exponents(numbers: list[str], decimals: int) -> None:
    frame = pd.DataFrame({"x": [*numbers, *(f"{i}.5" for i in range(1, 15))]})
    found = draft_schema(frame.assign(y="a"), "d", assume_public=True).schema.column("x")
    assert isinstance(found, Numeric)
    assert found.decimals == decimals


def test_every_drafted_fact_is_marked() -> None:
    frame = pd.DataFrame(
        {
            "x": [str(i) for i in range(40)],
            "y": ["a", "b"] * 20,
            "name": [f"N {i}" for i in range(40)],
        }
    )
    for assume, source in ((False, Source.CONFIRM), (True, Source.ASSUMED_PUBLIC)):
        schema = draft_schema(frame, "d", assume_public=assume).schema
        for column in schema.columns:
            assert set(column.sources.values()) == {source}
            assert {"kind", "missing", "role"} <= set(column.sources)
        assert {"lower", "upper"} <= set(schema.column("x").sources)


def events(rows: int = 300, customers: int = 90) -> pd.DataFrame:
    """Orders of customers, some of several rows."""
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "order_id": [f"{1_000 + i // 2}" for i in range(rows)],
            "customer_id": [f"C{x:05d}" for x in rng.integers(0, customers, rows)],
            "product_id": rng.integers(1, 9, rows).astype(str),
            "amount": np.char.mod("%.2f", rng.exponential(30, rows)),
        }
    )


class TestUnit:
    def test_customers_come_before_orders(self) -> None:
        draft = draft_schema(events(), "d")
        assert draft.schema.unit.column == "customer_id"
        assert draft.schema.unit_source is Source.CONFIRM
        column = draft.schema.column("customer_id")
        assert (column.kind, column.role) == (Kind.IDENTIFIER, Role.IDENTIFIER)
        told = [note for note in draft.notes if note.topic is Topic.UNIT]
        assert [note.column for note in told] == ["customer_id", "order_id"]
        assert "repeats as well, up to 2 rows each" in told[1].text
        assert draft.schema.column("product_id").kind is Kind.CATEGORICAL

    def test_the_limit_is_rounded_upwards(self) -> None:
        rows = [f"C{i:03d}" for i in range(40)] + ["C001"] * 6
        draft = draft_schema(pd.DataFrame({"client_id": rows, "y": ["a", "b"] * 23}), "d")
        assert draft.schema.unit.max_rows == 10

    def test_a_large_limit_is_cut_with_a_note(self) -> None:
        rows = [f"C{i:03d}" for i in range(40)] + ["C001"] * 60
        draft = draft_schema(pd.DataFrame({"user": rows, "y": ["a", "b"] * 50}), "d")
        assert (draft.schema.unit.column, draft.schema.unit.max_rows) == ("user", 20)
        assert any("leaves out 41 rows" in note.text for note in draft.notes)

    def test_an_order_that_repeats_is_the_unit_where_nobody_else_is(self) -> None:
        draft = draft_schema(events().drop(columns="customer_id"), "d")
        assert draft.schema.unit.column == "order_id"

    def test_rows_are_the_unit_where_no_id_repeats(self) -> None:
        frame = pd.DataFrame(
            {"customer_id": [f"C{i:03d}" for i in range(50)], "shop_id": ["1", "2"] * 25}
        )
        draft = draft_schema(frame, "d")
        assert draft.schema.unit.column is None
        assert draft.schema.column("customer_id").kind is Kind.IDENTIFIER

    @pytest.mark.parametrize(
        "name", ["amount", "age", "product_id", "shop_id", "customer_age", "user_type"]
    )
    def test_a_name_alone_makes_no_unit(self, name: str) -> None:
        rng = np.random.default_rng(0)
        frame = pd.DataFrame(
            {name: rng.integers(18, 60, 2_000).astype(str), "y": ["a", "b"] * 1_000}
        )
        assert draft_schema(frame, "d").schema.unit.column is None

    def test_rows_without_a_unit_are_told(self) -> None:
        frame = events()
        frame.loc[:4, "customer_id"] = ""
        draft = draft_schema(frame, "d")
        assert any("5 rows have no unit" in note.text for note in draft.notes)

    @pytest.mark.parametrize("typed", [True, False])
    def test_it_holds_under_assume_public_and_for_numbers(self, typed: bool) -> None:
        numbers = np.random.default_rng(1).integers(1, 90, 300)
        frame = pd.DataFrame(
            {"customer_id": numbers if typed else numbers.astype(str), "y": ["a", "b", "b"] * 100}
        )
        draft = draft_schema(frame, "d", assume_public=True)
        assert draft.schema.unit.column == "customer_id"
        assert draft.schema.unit_source is Source.ASSUMED_PUBLIC
        assert violations(frame, draft.schema) == ()


class TestNested:
    @pytest.mark.parametrize(
        ("values", "told"),
        [
            (pa.array([[1], [2]]), r"'x' \(list\)"),
            (pa.array([{"a": 1}, {"a": 2}]), r"'x' \(struct\)"),
            (pa.array([b"1", b"2"]), r"'x' \(binary\)"),
        ],
    )
    def test_cells_of_several_values_are_refused_by_name(self, values: pa.Array, told: str) -> None:
        table = pa.table({"x": values, "y": [1, 2]})
        for given_table in (table, table.to_pandas()):
            with pytest.raises(TableError, match=told):
                draft_schema(given_table, "d")

    def test_all_are_named(self) -> None:
        table = pa.table({"x": [[1], [2]], "y": [1, 2], "z": [b"1", b"2"]})
        with pytest.raises(TableError, match=r"'x' \(list\), 'z' \(binary\)"):
            draft_schema(table, "d")


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, "a", None, 2.5] * 10, dtype=object),
        pd.Series([True, "x"] * 20, dtype=object),
        pd.Series([2**70, 1] * 20, dtype=object),
        pd.Series(pd.period_range("2020-01", periods=40, freq="M")),
        pd.Series([1 + 2j] * 40),
        pd.Series(pd.Categorical(["a", "b"] * 20)),
        pd.Series([1, None] * 20, dtype="Int64"),
        pd.Series([True, None] * 20, dtype="boolean"),
        pd.Series(["a", None] * 20, dtype="string"),
        pd.Series([np.nan] * 40),
        pd.Series(pd.to_datetime(["2020-01-01", None] * 20)),
        pd.Series([dt.date(2020, 1, 1), None] * 20, dtype=object),
    ],
    ids=lambda values: str(values.dtype),
)
def test_frames_of_all_types_are_drafted(values: pd.Series) -> None:
    frame = pd.DataFrame({"x": values, "y": ["a", "b"] * 20})
    draft = draft_schema(frame, "d", assume_public=True)
    assert parse_schema(dump_schema(draft.schema)) == draft.schema
    assert [
        found
        for found in violations(frame, draft.schema)
        if found.column not in told_misfits(draft)
    ] == []


def test_nothing_to_model_is_refused() -> None:
    frame = pd.DataFrame({"id": [f"{i:04d}" for i in range(50)]})
    with pytest.raises(TableError, match="no column of the table can be modelled"):
        draft_schema(frame, "d")


def test_all_categories_are_listed_where_none_may_be_measured() -> None:
    frame = pd.DataFrame({"x": [f"s{i // 3}" for i in range(3_300)], "y": ["a", "b", "c"] * 1_100})
    assert isinstance(draft_schema(frame, "d").schema.column("x"), OpenCategorical)
    column: Any = draft_schema(frame, "d", measured=False).schema.column("x")
    assert len(column.categories) == 1_100


@pytest.mark.slow
def test_a_wide_table_lists_no_more_than_can_be_read() -> None:
    columns = {f"c{i}": [f"v{j}" for j in range(60)] * 4 for i in range(1_800)}
    draft = draft_schema(pa.table(columns), "d")
    assert all(isinstance(column, OpenCategorical) for column in draft.schema.columns)
    assert parse_schema(dump_schema(draft.schema)) == draft.schema


def test_the_file_tells_beside_each_column_what_to_look_at() -> None:
    frame = pd.DataFrame(
        {"x": ["1.5", "NA", *(f"{i}.5" for i in range(38))], "- name: z": ["a", "b"] * 20}
    )
    draft = draft_schema(frame, "d")
    text = draft_text(draft, "INTERNAL draft")
    assert text.startswith("# INTERNAL draft\n# Read as missing:\n#   'x': 1 text among numbers")
    assert "# 1 text among numbers (missing_markers)\n- name: x\n" in text
    assert parse_schema(text) == draft.schema


@pytest.mark.parametrize("people", [6, 40])
def test_names_of_people_are_pointed_out_or_invented(people: int) -> None:
    names = [f"{first} Weiß" for first in ["Anna", "Björn", "Käthe"] for _ in range(7)] + [
        f"P {i}" for i in range(people)
    ]
    rows = pd.DataFrame(
        {"Name": names * 10, "product_name": names * 10, "y": ["a", "b"] * (5 * len(names))}
    )
    draft = draft_schema(rows, "d")
    told = [note.column for note in draft.notes if "names of people" in note.text]
    invented = [column.name for column in draft.schema.invented]
    assert (told, invented) == ((["Name"], []) if people == 6 else ([], ["Name"]))


@pytest.mark.parametrize(
    "name", ["Ort", "wohnort", "Stadt", "Beruf", "Familienstand", "Staatsangehörigkeit"]
)
def test_german_names_of_what_others_know_are_read(name: str) -> None:
    rows = pd.DataFrame({name: ["x", "z"] * 40, "Wort": ["p", "q"] * 40, "y": ["a", "b"] * 40})
    schema = draft_schema(rows, "d").schema
    assert schema.column(name).role is Role.QUASI_IDENTIFIER
    assert schema.column("Wort").role is Role.OTHER


def test_a_category_of_few_rows_is_pointed_out_without_its_value() -> None:
    frame = pd.DataFrame({"doctor": ["Ada", "Bo", "Cy"] * 40 + ["Zephyrine"]})
    notes = [note for note in draft_schema(frame, "visits").notes if note.column == "doctor"]
    [told] = [note.text for note in notes if "fewer than 10 rows" in note.text]
    assert "Zephyrine" not in told
    often = draft_schema(frame.iloc[:-1], "visits").notes
    assert not [note for note in often if "fewer than 10 rows" in note.text]


def test_no_comment_of_a_draft_holds_a_category() -> None:
    frame = pd.DataFrame({"age": range(120), "doctor": ["Ada", "Bo", "Zephyrine"] * 40})
    text = draft_text(draft_schema(frame, "visits"))
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert any("target: doctor" in line and "VALUE" in line for line in comments)
    assert not any("Zephyrine" in line for line in comments)

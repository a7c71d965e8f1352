"""Related tables are read from folders, databases and mappings; keys are held against the rules."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privgan.api.inputs import table_of
from privgan.cli.main import execute
from privgan.errors import TableError
from privgan.owner.owners_table import Conformity, OwnersTable, TableAsRead
from privgan.related.keys import linked
from privgan.sources import SourceOptions
from tests.related.shop import SCHEMA, frames, schema, written

LEFT_OUT = SCHEMA.replace("longest: 8", "longest: 8\n    without_parent: left_out").replace(
    "longest: 4", "longest: 4\n    without_parent: left_out"
)


def _read(spec: object, text: str = SCHEMA) -> TableAsRead:
    return TableAsRead.read(spec, SourceOptions(), schema(text))


def _check(tables: dict[str, pd.DataFrame], text: str = SCHEMA) -> Conformity:
    return _read(tables, text).check(schema(text))


def _hash(table: OwnersTable) -> str:
    return table.salted_hash("salt")


def _folder(path: Path, form: str) -> object:
    tables = frames()
    if form in {"csv", "parquet"}:
        return written(path, tables, form)
    if form == "mixed":
        folder = written(path, {"customers": tables["customers"]}, "csv")
        written(folder, {"lines": tables["lines"]}, "parquet")
        parts = folder / "orders"
        parts.mkdir()
        for part in (0, 1):
            tables["orders"][part * 200 : 200 if part == 0 else None].to_csv(
                parts / f"{part}.csv", index=False
            )
        return folder
    if form == "sqlite":
        with sqlite3.connect(path) as connection:
            for name, frame in tables.items():
                frame.to_sql(name, connection, index=False)
        return f"sqlite:///{path}"
    with duckdb.connect(str(path)) as connection:
        for name, frame in tables.items():
            connection.register("given", frame)
            connection.execute(f'create table "{name}" as select * from given')
    return path


def test_every_source_gives_the_same_tables(tmp_path: Path) -> None:
    expected = _hash(_read(frames()).conforming(schema()))
    for form in ("csv", "parquet", "mixed", "sqlite", "duckdb"):
        found = _read(_folder(tmp_path / f"shop-{form}", form)).conforming(schema())
        assert _hash(found) == expected, form


def test_files_of_no_table_are_left_alone_and_told(tmp_path: Path) -> None:
    folder = written(tmp_path / "shop", frames())
    (folder / "products.csv").write_text("product\nshoe\n")
    assert any("left alone" in line and "products.csv" in line for line in _read(folder).said)


def test_wrong_sources_are_refused(tmp_path: Path) -> None:
    folder, tables = written(tmp_path / "shop", frames()), frames()
    twice = written(tmp_path / "twice", tables)
    tables["orders"].to_parquet(twice / "orders.parquet")
    gone = written(tmp_path / "gone", {"customers": tables["customers"], "order": tables["orders"]})
    cases: list[tuple[object, str]] = [
        (folder / "customers.csv", "is one file, and the schema lists 3 tables"),
        (tmp_path / "nowhere", "is not there"),
        (twice, "'orders' stands there 2 times .'orders.csv', 'orders.parquet'.; keep one"),
        (gone, "no file of the table 'orders'.*did you mean 'order'"),
        (tables["customers"], "one table is given; give a mapping"),
        ({"customers": tables["customers"]}, "lacks 'orders', 'lines'"),
        ({**tables, "product": tables["lines"]}, "'product' is no table of it"),
    ]
    for spec, told in cases:
        with pytest.raises(TableError, match=told):
            _read(spec)
    for options in (SourceOptions(table="orders"), SourceOptions(query="select 1")):
        with pytest.raises(TableError, match="reads one table, and the schema lists several"):
            TableAsRead.read(folder, options, schema())


def test_the_api_takes_a_dictionary_of_tables() -> None:
    given = table_of({"customers": [{"customer": "a"}], "orders": frames()["orders"], "x": "x.csv"})
    assert given["customers"].num_rows == 1
    assert given["x"] == Path("x.csv")
    with pytest.raises(TableError, match=r"table\['orders'\]: 'int' is no table"):
        table_of({"orders": 3})


def test_counts_of_keys_are_told_and_no_key_is() -> None:
    found = _check(frames())
    assert found.violations == ()
    childless = 300 - frames()["orders"]["customer"].nunique()
    assert found.keys[0] == f"{childless} of 300 rows of customers have no row in orders"
    assert found.keys[1] == "0 of 478 rows of orders have no row in lines"
    orders = next(table for table in found.tables if table.name == "orders")
    each = frames()["orders"]["customer"].value_counts()
    assert orders.over_limit == int((each - 5).clip(lower=0).sum()) > 0


def _broken(name: str) -> tuple[dict[str, pd.DataFrame], str]:
    """The shop with one mistake, and what is told of it."""
    tables = frames()
    if name == "orphan":
        tables["orders"].loc[[3, 5], "customer"] = ["SECRET-1", None]
        return tables, "column 'orders.customer': names no row of customers"
    if name == "orphan below":
        tables["orders"] = tables["orders"].drop(index=[0, 1])
        return tables, "column 'lines.order': names no row of orders"
    if name == "repeated":
        tables["orders"].loc[1, "order"] = tables["orders"].loc[0, "order"]
        return tables, "column 'orders.order': the key stands in another row too"
    if name == "repeated customer":
        tables["customers"].loc[1, "customer"] = tables["customers"].loc[0, "customer"]
        return tables, "column 'customers.customer': the key stands in another row too"
    if name == "missing":
        tables["orders"].loc[2, "order"] = None
        return tables, "column 'orders.order': the key is missing in 1 row"
    if name == "missing customer":
        tables["customers"].loc[2, "customer"] = ""
        return tables, "column 'customers.customer': the key is missing in 1 row"
    if name == "no key column":
        tables["orders"] = tables["orders"].drop(columns="customer")
        return tables, "column 'orders.customer': is in the schema but not in the table"
    if name == "value":
        tables["lines"].loc[7, "pieces"] = 12
        return tables, "column 'lines.pieces': "
    tables["lines"]["colour"] = "SECRET-2"
    return tables, "column 'lines.colour': is in the table but not in the schema"


def test_broken_tables_are_refused_without_a_value(tmp_path: Path) -> None:
    for name in (
        *("orphan", "orphan below", "repeated", "repeated customer", "missing"),
        *("missing customer", "no key column", "value", "column"),
    ):
        tables, told = _broken(name)
        assert any(told in str(found) for found in _check(tables).violations), name
        with pytest.raises(TableError, match="the tables do not fit the schema") as caught:
            _read(tables).conforming(schema())
        assert told in str(caught.value), name
        assert "SECRET" not in str(caught.value)
        assert "B1" not in str(caught.value)
    path = tmp_path / "shop.yaml"
    path.write_text(SCHEMA)
    folder = written(tmp_path / "broken", _broken("orphan")[0])
    assert execute(["schema", "check", str(folder), "--schema", str(path)]) == 2


def test_values_may_be_clamped_and_keys_may_not() -> None:
    clamped = _read(_broken("value")[0]).conforming(schema(), on_violation="clamp")
    assert clamped.row_count() == 300
    for name in ("orphan", "repeated", "missing", "no key column"):
        with pytest.raises(TableError):
            _read(_broken(name)[0]).conforming(schema(), on_violation="clamp")


def test_orphans_are_left_out_with_all_that_hangs_under_them_where_the_schema_says_so() -> None:
    tables = _broken("orphan")[0]
    gone = set(frames()["orders"].loc[[3, 5], "order"])
    lines = int(tables["lines"]["order"].isin(gone).sum())
    found = _check(tables, LEFT_OUT)
    assert found.violations == ()
    assert "2 rows of orders without a row of customers are left out" in found.keys
    assert f"{lines} rows of lines without a row of orders are left out" in found.keys
    clean = frames()
    clean["orders"] = clean["orders"].drop(index=[3, 5]).reset_index(drop=True)
    clean["lines"] = clean["lines"][~clean["lines"]["order"].isin(gone)].reset_index(drop=True)
    left, whole = (_read(given, LEFT_OUT).conforming(schema(LEFT_OUT)) for given in (tables, clean))
    assert _hash(left) == _hash(whole)


def test_rows_left_out_move_no_place_that_is_told() -> None:
    tables = _broken("orphan")[0]
    tables["orders"].loc[9, "amount"] = 501
    found = [v for v in _check(tables, LEFT_OUT).violations if v.column == "orders.amount"]
    assert [np.flatnonzero(v.rows).tolist() for v in found if v.rows is not None] == [[9]]


def test_keys_match_whatever_number_they_were_read_as() -> None:
    tables = frames()
    places = {name: place for place, name in enumerate(tables["customers"]["customer"])}
    tables["customers"]["customer"] = tables["customers"]["customer"].map(places)
    tables["orders"]["customer"] = tables["orders"]["customer"].map(places).astype(float)
    assert _check(tables).violations == ()


_KEYS = st.lists(st.sampled_from("abcdefg"), max_size=6, unique=True)


@given(
    _KEYS.filter(len),
    st.lists(st.tuples(st.integers(0, 99), st.sampled_from([*"abcdefg", None])), min_size=1),
    st.lists(st.integers(0, 120), max_size=12),
)
def test_links_are_those_of_a_plain_join(
    names: list[str], orders: list[tuple[int, str | None]], lines: list[int]
) -> None:
    orders = list({key: (key, name) for key, name in orders}.values())
    given_ = {
        "customers": pd.DataFrame({"customer": names}),
        "orders": pd.DataFrame(orders, columns=["order", "customer"]).astype(object),
        "lines": pd.DataFrame({"order": lines}, dtype=object),
    }
    links = linked(given_, schema(LEFT_OUT))
    kept = [(key, name) for key, name in orders if name in names]
    assert links.kept["orders"].tolist() == [name in names for _, name in orders]
    assert [names[place] for place in links.parents["orders"]] == [name for _, name in kept]
    owners = dict(kept)
    whole = [key for key in lines if key in owners]
    assert [kept[place][0] for place in links.parents["lines"]] == whole
    assert [names[place] for place in links.customers["lines"]] == [owners[key] for key in whole]
    assert not links.violations

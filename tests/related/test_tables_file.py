"""Related tables in a schema's file: what is read, what comes back, what is refused."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from privgan.errors import DocumentError
from privgan.files.fields import REPORT, fields_of
from privgan.files.fields import SCHEMA as FIELDS
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Discrete, Invented, Kind, Source
from privgan.schema.schema import Schema
from privgan.schema.tables import Parent, TableFacts
from privgan.table.schema_file import dump_schema, parse_schema
from tests.related.shop import SCHEMA, schema


def test_tables_are_read_as_written() -> None:
    found = schema()
    assert (found.root, found.names) == ("customers", ("customer", "segment", "age"))
    assert found.unit == PrivacyUnit(column="customer", related=True)
    assert str(found.unit) == "one customer with all its rows in every table"
    orders, lines = found.tables
    assert (orders.name, orders.key, orders.parent) == (
        "orders",
        "order",
        Parent(table="customers", column="customer"),
    )
    assert (orders.max_rows, orders.longest) == (5, 8)
    assert (lines.key, lines.keys, lines.parent.table) == (None, ("order",), "orders")
    assert [str(part) for part in lines.constraints] == ["when product = shoe, then pieces <= 2"]


def test_a_column_that_names_the_parent_has_the_patterns_of_its_key() -> None:
    patterns = {
        (table.name, column.name): column.pattern
        for table in schema().tables
        for column in table.columns
        if isinstance(column, Invented)
    }
    assert patterns == {
        ("orders", "order"): "O{:06d}",
        ("orders", "customer"): "C{:05d}",
        ("lines", "order"): "O{:06d}",
    }


def test_children_may_stand_before_their_parents() -> None:
    head, customers, orders, lines = re.split(r"(?m)^(?=  - name: )", SCHEMA)
    turned = parse_schema(head + lines + orders + customers)
    assert turned == schema()
    assert turned.fingerprint() == schema().fingerprint()


def test_what_is_written_reads_back_to_the_same_schema() -> None:
    again = parse_schema(dump_schema(schema()))
    assert again == schema()
    assert again.fingerprint() == schema().fingerprint()


def test_every_fact_of_a_child_is_part_of_the_fingerprint() -> None:
    for old, new in (
        ("longest: 8", "longest: 9"),
        ("max_rows_per_unit: 5", "max_rows_per_unit: 6"),
        ("pieces, kind: integer, lower: 1, upper: 9", "pieces, kind: integer, lower: 1, upper: 8"),
        ("name: lines", "name: items"),
        ("longest: 4", "longest: 4\n    without_parent: left_out"),
        ("pieces <= 2", "pieces <= 3"),
    ):
        assert SCHEMA.count(old) == 1
        assert schema(SCHEMA.replace(old, new)).fingerprint() != schema().fingerprint(), old


def test_a_schema_without_tables_has_none_of_their_facts() -> None:
    text = "format: privgan.schema/1\ndataset: d\nunit: row\ncolumns: [{name: x, kind: boolean}]\n"
    found = parse_schema(text)
    assert not {"tables", "root"} & set(found.to_json())
    assert "tables" not in dump_schema(found)


def test_facts_to_confirm_are_found_in_every_table() -> None:
    text = SCHEMA.replace("lower: 1, upper: 9", "lower: 1, upper: 9, source: confirm")
    assert "lines.pieces.upper" in schema(text).facts_from(Source.CONFIRM)


def test_a_table_alone_is_an_ordinary_schema() -> None:
    orders = schema().alone("orders")
    assert orders.unit == PrivacyUnit(column="customer", max_rows=5)
    assert not orders.tables
    assert parse_schema(dump_schema(orders)) == orders
    assert schema().alone("customers").unit == PrivacyUnit(column="customer")
    with pytest.raises(KeyError):
        schema().alone("products")


_KEYED = "  - name: orders\n    key: order\n    parent: {table: customers, column: customer}\n"
MISTAKES = [
    ("    key: customer\n", "    key: customer\n    parent: {table: lines, column: customer}\n",
     "closes a circle of keys ('customers' under 'lines' under 'orders' under 'customers')"),
    ("    key: customer\n", "    key: customer\n    parent: {table: lines, column: customer}\n",
     "every table has a parent; the one whose key is the unit has none"),
    ("parent: {table: orders, column: order}", "parent: {table: lines, column: order}",
     "table 'lines': closes a circle of keys ('lines' under 'lines')"),
    ("parent: {table: orders, column: order}",
     "parent: [{table: orders, column: order}, {table: customers, column: order}]",
     "table 'lines': found 2 parents, allowed: one"),
    ("parent: {table: orders,", "parent: {table: order,",
     "its parent 'order' is no table of the schema; did you mean 'orders'?"),
    ("    parent: {table: orders, column: order}\n", "",
     "table 'lines' has no parent, and 'customers' has none"),
    ("{name: age,", "{name: orders.day,", "the column 'orders.day' of 'customers' is named as one"),
    (_KEYED, _KEYED.replace("    key: order\n", ""), "table 'orders': lacks 'key'"),
    ("    key: order\n", "    key: ordre\n", "key: 'ordre' is none of its columns; did you mean"),
    ("    key: order\n", "    key: channel\n", "'channel' is categorical, allowed: identifier"),
    ("    key: order\n", "    key: customer\n", "'customer' is its key and names its parent"),
    ("column: order}", "column: basket}", "parent.column: 'basket' is none of its columns"),
    ("{name: customer, kind: identifier}", "{name: customer, kind: identifier, missing: true}",
     "parent.column: 'customer' may be missing; a key may not"),
    ("    key: customer\n", "    key: segment\n", "its key is 'segment', and the unit 'customer'"),
    ("unit: customer", "unit: row", "its key is 'customer', and the unit 'row'"),
    ("name: lines", "name: orders", "the table 'orders' stands twice"),
    ("name: lines", "name: Orders", "the table 'Orders' stands twice"),
    ("name: lines", "name: ../lines", "found '../lines', allowed: text that matches"),
    ("    max_rows_per_unit: 5\n", "", "table 'orders': lacks 'max_rows_per_unit'"),
    ("    key: customer\n", "    key: customer\n    longest: 3\n", "longest is of a table with a"),
    ("    longest: 8\n", "    history: true\n", "table 'orders': history needs order; give both"),
    ("    longest: 8\n", "    order: day\n", "table 'orders': order needs history; give both"),
    ("    longest: 8\n", "    longest: 1\n    order: day\n    history: true\n",
     "longest: found 1, allowed: at least 2 with a history"),
    ("    longest: 8\n", "    order: channel\n    history: true\n",
     "order: column 'channel' is of kind categorical, allowed: date, datetime, integer"),
    ("    longest: 8\n", "    order: day\n    history: {longest: 5}\n",
     "history.longest is left out here: state longest beside history"),
    ("    longest: 8\n", "    order: day\n    history: {constant: [channel]}\n",
     "history.constant is left out here: what is constant within a customer"),
    ("    longest: 8\n", "    order: day\n    history: {spread: [channel]}\n",
     "history.spread: 'channel' is no number of an event"),
    ("    longest: 4\n", "    order: pieces\n    history: true\n",
     "table 'lines': has an order, and its parent 'orders' has a parent too; only rows right"),
    ("    key: customer\n", "    key: customer\n    order: age\n    history: true\n",
     "table 'customers': order is of a table with a parent; leave it out here"),
    ("unit: customer\n", "unit: customer\norder: day\nhistory: true\n",
     "history and tables exclude each other"),
    ("unit: customer\n", "unit: customer\ncolumns: [{name: x, kind: boolean}]\n",
     "columns and tables exclude each other"),
    ("unit: customer\n", "unit: customer\nmax_rows_per_unit: 3\n", "max_rows_per_unit and tables"),
    ("{name: customer, kind: identifier}", "{name: customer, kind: identifier, pattern: 'K{}'}",
     "found the pattern 'K{}', and its parent's key has 'C{:05d}'"),
    ("lower: 1, upper: 9}", "source: {lower: measured, upper: measured}}",
     "facts of 'pieces' are to be measured; of a table with a parent they are declared"),
    ("when: product = shoe, then: pieces", "when: segment = new, then: pieces",
     "is no column; columns: product, pieces; a constraint holds within one table"),
    ("{when: product = shoe, then: pieces <= 2}", "{at_most: [pieces, age]}",
     "'age' is no column; a constraint holds within one table"),
    ("{name: channel, kind: categorical, categories: [web, store]}", "{name: channel, kind: nice}",
     "'nice'"),
    ("{name: channel, kind: categorical, categories: [web, store]}",
     "{name: day, kind: boolean}", "table 'orders': the column 'day' stands twice"),
    ("unit: customer\n", "unit: customer\ntarget: amount\n", "target: found 'amount'"),
]  # fmt: skip


def test_mistakes_are_told_with_their_line() -> None:
    for old, new, told in MISTAKES:
        assert old in SCHEMA
        with pytest.raises(DocumentError) as caught:
            schema(SCHEMA.replace(old, new, 1))
        assert told in str(caught.value), (told, str(caught.value))
        assert all(mistake.startswith("line ") for mistake in caught.value.mistakes)
        assert caught.value.exit_code == 2


def test_one_table_alone_and_a_table_of_keys_alone_are_refused() -> None:
    head, customers, *_ = re.split(r"(?m)^(?=  - name: )", SCHEMA)
    with pytest.raises(DocumentError, match="tables has one table"):
        parse_schema(head + customers)
    bare = "  - {name: visits, parent: {table: customers, column: customer}, max_rows_per_unit: 1,"
    columns = "     columns: [{name: customer, kind: identifier}]}\n"
    with pytest.raises(DocumentError, match="table 'visits': no column can be modelled"):
        parse_schema(f"{head}{customers}{bare}\n{columns}")
    with pytest.raises(DocumentError, match="lacks 'columns'"):
        parse_schema(f"{head}{customers}  - {{name: visits}}\n")


def test_mistakes_of_all_tables_are_told_at_once() -> None:
    text = SCHEMA.replace("lower: 18, upper: 90", "lower: 90, upper: 18")
    with pytest.raises(DocumentError) as caught:
        schema(text.replace("lower: 0, upper: 500", "lower: 9, upper: 5"))
    told = str(caught.value)
    assert len(caught.value.mistakes) == 2
    assert "line 10: table 'customers': " in told
    assert "table 'orders': " in told


_TEXTS = st.text("abc01 '\"#:-é", min_size=1, max_size=8).filter(lambda text: text.strip() == text)


def _id(name: str, pattern: str = "{}") -> Invented:
    return Invented(name=name, kind=Kind.IDENTIFIER, pattern=pattern)


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(1, 9), st.booleans()), min_size=1, max_size=4
    ),
    st.lists(_TEXTS, min_size=2, max_size=3, unique=True),
    _TEXTS,
)
def test_any_tree_of_tables_reads_back(
    shape: list[tuple[int, int, bool]], categories: list[str], column: str
) -> None:
    modelled = Discrete(name=f"c{column}", kind=Kind.CATEGORICAL, categories=tuple(categories))
    names, tables = ["t0"], []
    for place, (above, longest, left_out) in enumerate(shape, start=1):
        parent = names[above % len(names)]
        pattern = f"{parent}-{{:04d}}"
        tables.append(
            TableFacts(
                name=f"t{place}",
                parent=Parent(table=parent, column="up"),
                columns=(_id("up", pattern), _id("key", f"t{place}-{{:04d}}"), modelled),
                max_rows=longest,
                longest=longest + 1,
                key="key",
                leaves_out_orphans=left_out,
            )
        )
        names.append(f"t{place}")
    made = Schema(
        dataset="tree",
        unit=PrivacyUnit(column="key", related=True),
        columns=(_id("key", "t0-{:04d}"), modelled),
        root="t0",
        tables=tuple(tables),
    )
    again = parse_schema(dump_schema(made))
    assert {table.name for table in again.tables} == {table.name for table in made.tables}
    for table in made.tables:
        assert again.child(table.name).relation() == table.relation()
        assert [column.name for column in again.child(table.name).columns] == [
            "up",
            "key",
            modelled.name,
        ]
    assert parse_schema(dump_schema(again)) == again
    assert parse_schema(dump_schema(again)).fingerprint() == again.fingerprint()


def test_every_field_of_related_tables_has_a_declared_source() -> None:
    found = schema(SCHEMA.replace("longest: 4", "longest: 4\n    without_parent: left_out"))
    for value, declaration in (
        (yaml.safe_load(dump_schema(found)), FIELDS),
        ({"schema": found.to_json()}, REPORT),
    ):
        sources = dict(fields_of(value, declaration))
        assert None not in sources.values()
        assert any(path.endswith("tables[].parent.column") for path in sources)
        assert any(path.endswith("tables[].without_parent") for path in sources)

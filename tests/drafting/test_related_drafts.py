"""A draft of related tables: keys by name and by values, one root, and what is refused."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import privgan
from privgan.cli.main import execute
from privgan.demo import write_shop
from privgan.errors import TableError, UsageError
from privgan.schema.columns import Discrete, Source
from privgan.table.schema_file import load_schema
from tests.related.shop import frames

Tables = dict[str, pd.DataFrame]


def _renamed(tables: Tables, **names: dict[str, str]) -> Tables:
    return {name: frame.rename(columns=names.get(name, {})) for name, frame in tables.items()}


def _shop() -> Tables:
    return dict(frames(120, 0))


def _relations(draft: privgan.Draft) -> list[tuple[str, str, str, str | None]]:
    return [
        (part.name, part.parent.table, part.parent.column, part.key) for part in draft.schema.tables
    ]


EXPECTED = [("orders", "customers", "customer", "order"), ("lines", "orders", "order", None)]


def test_a_tree_is_found_by_names() -> None:
    draft = privgan.draft_schema(_shop())
    assert draft.schema.root == "customers"
    assert draft.schema.unit.column == "customer"
    assert _relations(draft) == EXPECTED
    assert draft.schema.facts_from(Source.CONFIRM)
    confirmed = draft.confirm()
    assert not confirmed.facts_from(Source.CONFIRM)
    assert confirmed.check(_shop()).fits


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            {
                "customers": {"customer": "id"},
                "orders": {"customer": "customer_id", "order": "id"},
                "lines": {"order": "orderId"},
            },
            [("orders", "customers", "customer_id", "id"), ("lines", "orders", "orderId", None)],
        ),
        (
            {"orders": {"customer": "buyer"}},
            [("orders", "customers", "buyer", "order"), ("lines", "orders", "order", None)],
        ),
    ],
)
def test_other_names_of_keys(names: dict[str, dict[str, str]], expected: list[Any]) -> None:
    draft = privgan.draft_schema(_renamed(_shop(), **names))
    assert _relations(draft) == expected


def test_a_key_found_by_its_values_alone_is_to_be_checked() -> None:
    renamed = _renamed(_shop(), orders={"customer": "buyer"})
    notes = "\n".join(privgan.draft_schema(renamed).notes)
    assert "buyer names its row of 'customers', found by its values alone" in notes


def test_a_key_of_a_table_further_up_is_no_second_parent_and_no_category() -> None:
    tables = _shop()
    owners = tables["orders"].set_index("order")["customer"]
    tables["lines"] = tables["lines"].assign(customer=tables["lines"]["order"].map(owners))
    draft = privgan.draft_schema(tables)
    assert _relations(draft) == EXPECTED
    (column,) = (part for part in draft.schema.child("lines").columns if part.name == "customer")
    assert not isinstance(column, Discrete)
    assert any("a nearer table does" in note for note in draft.notes)


def test_numbers_that_happen_to_be_keys_are_no_parents() -> None:
    tables = _renamed(_shop(), orders={"order": "order_id"}, lines={"order": "order_id"})
    draft = privgan.draft_schema(tables)
    assert [part.parent.table for part in draft.schema.tables] == ["customers", "orders"]


def test_sizes_are_rounded_upwards_and_bound_what_is_measured() -> None:
    draft = privgan.draft_schema(_shop())
    each = _shop()["orders"].groupby("customer").size().max()
    orders = draft.schema.child("orders")
    assert each <= orders.longest in (2, 5, 10, 20, 50, 100)
    assert orders.max_rows <= 20


def _orphan() -> Tables:
    tables = _shop()
    tables["orders"] = tables["orders"].copy()
    tables["orders"].loc[3, "customer"] = "SECRET"
    return tables


def _two_parents() -> Tables:
    tables = _shop()
    products = sorted(tables["lines"]["product"].unique())
    return tables | {"products": pd.DataFrame({"product": products, "price": range(len(products))})}


def _circle() -> Tables:
    names = [f"K{place}" for place in range(30)]
    first = pd.DataFrame({"a_id": names, "b_id": names[::-1], "x": [1, 2] * 15})
    return {"a": first, "b": first.assign(x=3)}


def _apart() -> Tables:
    return _shop() | {"weather": pd.DataFrame({"sky": ["blue", "grey"] * 9, "wind": [1, 2] * 9})}


def _no_key() -> Tables:
    return {
        "a": pd.DataFrame({"x": ["p", "q"] * 9}),
        "b": pd.DataFrame({"y": ["r", "s", "t"] * 6}),
    }


def _repeated() -> Tables:
    tables = _shop()
    return tables | {"customers": pd.concat([tables["customers"]] * 2)}


def _two_roots() -> Tables:
    shop, keys = _shop(), [f"M{place}" for place in range(20)]
    machines = {"machine": keys, "power": [1, 2] * 10}
    return shop | {
        "machines": pd.DataFrame(machines),
        "repairs": pd.DataFrame({"machine": keys * 2, "cost": [3, 4] * 20}),
    }


BAD = [
    ("orphans", _orphan, "names no row of customers.* 1 row"),
    ("two parents", _two_parents, "'lines' has two parents, .*products.*tables="),
    ("a circle", _circle, "keys go in a circle"),
    ("a table apart", _apart, "no key is found that joins 'weather' to another table"),
    ("no key", _no_key, "no key is found that joins the tables 'a', 'b'.*parts of one table"),
    ("a key twice", _repeated, "customer of customers.*stands in several"),
    ("two roots", _two_roots, "'customers', 'machines' could each be the root"),
]


@pytest.mark.parametrize(("make", "told"), [case[1:] for case in BAD], ids=[row[0] for row in BAD])
def test_what_is_no_tree_is_refused(make: Any, told: str) -> None:
    with pytest.raises(TableError, match=told) as caught:
        privgan.draft_schema(make())
    assert "SECRET" not in str(caught.value)


def test_orphans_may_be_left_out_and_others_set_aside() -> None:
    left = privgan.draft_schema(_orphan(), without_parent="left_out").schema
    assert all(part.leaves_out_orphans for part in left.tables)
    with pytest.raises(TableError, match="products"):
        privgan.draft_schema(_two_parents(), tables=["customers", "orders", "lines"])
    with pytest.raises(UsageError, match="is for related tables"):
        privgan.draft_schema(_shop()["orders"], without_parent="left_out")
    with pytest.raises(UsageError, match="name none"):
        privgan.draft_schema(_shop()).confirm("bounds")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_shop(tmp_path, 150, 0)
    return tmp_path / "tables"


def _init(source: Path, *more: str) -> int:
    out = source.parent / "draft.yaml"
    return execute(["schema", "init", str(source), "--out", str(out), *more])


def test_the_demos_orders_from_draft_to_plan(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = shop.parent / "draft.yaml"
    assert _init(shop) == 0
    told = capsys.readouterr().out
    assert "of 3 tables drafted. INTERNAL draft." in told
    assert "write 'order: ordered_at' and 'history: true'" in told
    asked = [str(shop), "--schema", str(draft)]
    assert told.splitlines()[-1].endswith(f"review {' '.join(asked)} --accept-all")
    fit = ["fit", *asked, "--epsilon", "3", "--out", str(shop.parent / "out")]
    assert execute([*fit, "--ledger", str(shop.parent / "ledger.sqlite")]) == 2
    assert "confirm" in capsys.readouterr().err
    before = draft.read_text()
    assert execute(["schema", "review", *asked]) == 2
    assert execute(["schema", "review", *asked, "--list"]) == 0
    assert draft.read_text() == before
    assert execute(["schema", "review", *asked, "--accept-all"]) == 0
    assert "# customer_id names its row of 'customers'" in draft.read_text()
    loaded = load_schema(draft)
    assert [part.name for part in loaded.tables] == ["orders", "order_lines"]
    assert not loaded.facts_from(Source.CONFIRM)
    assert execute(["schema", "check", *asked]) == 0
    plan = ["plan", "--schema", str(draft), "--public-rows", "150", "--epsilon", "3"]
    assert execute(plan) == 0


def test_a_database_and_what_stands_beside_the_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import duckdb

    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        for name, frame in _two_parents().items():
            connection.register("given", frame)
            connection.execute(f"create table {name} as select * from given")
        connection.execute("create view big as select * from orders")
    assert _init(path) == 2
    assert "--tables A,B,…" in capsys.readouterr().err
    assert _init(path, "--tables", "customers") == 2
    assert _init(path, "--tables", "customers,orders,lines") == 0
    loaded = load_schema(tmp_path / "draft.yaml")
    assert [part.name for part in loaded.tables] == ["orders", "lines"]
    assert stat.S_IMODE((tmp_path / "draft.yaml").stat().st_mode) == 0o600  # It is INTERNAL.


def test_what_lies_beside_a_ledger_is_no_table(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, frame in _shop().items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    for name in ("books.sqlite.head", "books.sqlite.key"):
        (folder / name).write_bytes(b"0" * 32)
    assert _init(folder) == 0


def test_folders_that_hold_no_related_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    assert _init(folder) == 2
    _shop()["orders"].to_csv(folder / "orders.csv", index=False)
    _shop()["customers"].to_csv(folder / "customers.csv", index=False)
    _shop()["orders"].to_parquet(folder / "orders.parquet")
    assert _init(folder) == 2
    assert "'orders' stands there 2 times" in capsys.readouterr().err
    (folder / "orders.parquet").write_bytes(b"PAR1 broken")
    (folder / "orders.csv").unlink()
    assert _init(folder) == 2
    assert "orders.parquet" in capsys.readouterr().err
    assert not (tmp_path / "draft.yaml").exists()


def test_parts_of_one_table_are_still_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    folder.mkdir()
    for part in ("a", "b"):
        _shop()["orders"].to_csv(folder / f"{part}.csv", index=False)
    assert _init(folder) == 0
    assert not load_schema(tmp_path / "draft.yaml").tables

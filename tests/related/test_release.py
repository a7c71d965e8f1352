"""A release of related tables: every key matches, and a forged one is refused with a reason."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from privgan.cli.main import execute
from privgan.errors import VerificationError
from privgan.ledger.ledger import PrivacyLedger
from privgan.release import verify_release
from privgan.release.pack import pack_release, verify_packed
from privgan.synthesizer import load_synthesizer
from privgan.table.files import write_tables
from privgan.table.schema_file import load_schema
from tests.related.conftest import CUSTOMERS
from tests.related.shop import SCHEMA, frames, schema
from tests.release.changes import edited, refiled

Change = Callable[[pd.DataFrame], pd.DataFrame]


def _tables(release: Path) -> dict[str, pd.DataFrame]:
    read = {name: pd.read_csv(release / f"tables/{name}.csv") for name in ("orders", "lines")}
    return {"customers": pd.read_csv(release / "synthetic.csv"), **read}


def test_the_release_holds_one_file_a_table_and_every_key_matches(shop_run: Path) -> None:
    release = shop_run / "out" / "release"
    tables = _tables(release)
    assert len(tables["customers"]) == CUSTOMERS
    assert tables["customers"]["customer"].is_unique
    assert tables["orders"]["order"].is_unique
    assert tables["orders"]["customer"].isin(tables["customers"]["customer"]).all()
    assert tables["lines"]["order"].isin(tables["orders"]["order"]).all()
    assert tables["orders"]["customer"].value_counts().max() <= 8
    assert tables["lines"]["order"].value_counts().max() <= 4
    shoes = tables["lines"][tables["lines"]["product"] == "shoe"]
    assert (shoes["pieces"] <= 2).all()
    assert pd.api.types.is_integer_dtype(tables["customers"]["age"])
    for name in ("orders", "lines"):
        typed = pd.read_parquet(release / f"tables/{name}.parquet")
        assert typed.drop(columns="day", errors="ignore").equals(
            tables[name].drop(columns="day", errors="ignore")
        )


def test_the_manifest_lists_the_tables_with_their_keys_and_rows(shop_run: Path) -> None:
    release = shop_run / "out" / "release"
    manifest, tables = json.loads((release / "manifest.json").read_text()), _tables(release)
    assert manifest["tables"] == [
        {
            "name": "customers",
            "key": "customer",
            "rows": CUSTOMERS,
            "files": ["synthetic.csv", "synthetic.parquet"],
        },
        {
            "name": "orders",
            "key": "order",
            "parent": {"table": "customers", "column": "customer"},
            "rows": len(tables["orders"]),
            "files": ["tables/orders.csv", "tables/orders.parquet"],
        },
        {
            "name": "lines",
            "parent": {"table": "orders", "column": "order"},
            "rows": len(tables["lines"]),
            "files": ["tables/lines.csv", "tables/lines.parquet"],
        },
    ]
    assert manifest["guarantee"]["unit"] == "one customer with all its rows in every table"
    assert "orders.amount" in manifest["schema_sources"]
    assert load_schema(release / "schema.yaml") == schema()


def test_no_real_key_leaves(shop_run: Path) -> None:
    release, real = shop_run / "out" / "release", frames(CUSTOMERS)
    keys = {*real["customers"]["customer"], *real["orders"]["order"]}
    for path in release.rglob("*.csv"):
        words = set(path.read_text().replace("\n", ",").split(","))
        assert not words & keys, path


def test_one_run_of_the_ledger_holds_the_steps_of_all_tables(shop_run: Path) -> None:
    ledger = PrivacyLedger.open(str(shop_run / "ledger.sqlite"), create=False)
    account = ledger.account("shop")
    assert (account.runs, round(account.epsilon, 6)) == (1, 3.0)
    manifest = json.loads((shop_run / "out" / "release" / "manifest.json").read_text())
    names = [step["name"] for step in manifest["accounting"]]
    assert {"rows-of-each:orders", "rows-of-each:lines", "orders.pairs", "lines.pairs"} <= set(
        names
    )
    figures = manifest["guarantee"]["accountant"]
    assert min(figures["epsilon_pld"], figures["epsilon_rdp"]) <= 3


def test_a_step_of_a_child_counts_as_many_rows_as_its_part_measures(shop_run: Path) -> None:
    manifest = json.loads((shop_run / "out" / "release" / "manifest.json").read_text())
    most = {part["name"]: part["max_rows_per_unit"] for part in manifest["plan"]["parts"]}
    assert most["customers"] == 1
    assert 1 <= most["orders"] <= 5
    assert 1 <= most["lines"] <= 12
    found = dict.fromkeys(most, 0)
    for step in manifest["accounting"]:
        table = step["name"].partition(".")[0]
        event = step["event"].get("of", step["event"])
        if table in most and "sensitivity" in event:
            assert event["sensitivity"] == most[table], step["name"]
            found[table] += 1
    assert min(found.values()) > 0


def test_tables_keep_what_they_have_in_common(shop_run: Path) -> None:
    """Loosely: few customers and quick fitting; the figures stand in the benchmarks."""
    real, made = frames(CUSTOMERS), _tables(shop_run / "out" / "release")

    def of_each(tables: dict[str, pd.DataFrame]) -> np.ndarray:
        each = tables["orders"]["customer"].value_counts()
        counts = tables["customers"]["customer"].map(each).fillna(0).astype(int).clip(upper=8)
        return np.bincount(counts, minlength=9) / len(counts)

    assert 0.5 * np.abs(of_each(real) - of_each(made)).sum() < 0.12

    def web(tables: dict[str, pd.DataFrame]) -> pd.Series:
        joined = tables["orders"].merge(tables["customers"], on="customer")
        return (joined["channel"] == "web").groupby(joined["segment"]).mean()

    assert (web(real) - web(made)).abs().max() < 0.15
    assert web(made)["loyal"] - web(made)["new"] > 0.2


@pytest.mark.slow
def test_it_verifies_as_a_folder_and_packed(shop_run: Path, tmp_path: Path) -> None:
    release = shop_run / "out" / "release"
    found = verify_release(release)
    assert found.ok, found.problems
    packed = pack_release(release, tmp_path / "shop.zip")
    assert verify_packed(packed).ok


def _copied(shop_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(shop_run / "out" / "release", tmp_path / "release")


def _forged(release: Path, table: str, change: Change) -> None:
    """Rewrite the rows of a table as privgan writes them, and list the fresh hashes."""
    parquet, text = (release / f"tables/{table}.{form}" for form in ("parquet", "csv"))
    frame = change(pd.read_parquet(parquet))
    write_tables([frame], schema().alone(table), parquet, text)
    for path in (parquet, text):
        content = path.read_bytes()
        refiled(path.relative_to(release).as_posix(), lambda _, new=content: new)(release)


def _with(column: str, row: int, value: object) -> Change:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[row, column] = value
        return frame

    return change


LIES: list[tuple[str, Change, str]] = [
    ("orders", _with("customer", 0, "C09999"), "1 rows name a key that no row of customers has"),
    ("lines", _with("order", 4, "O999999"), "1 rows name a key that no row of orders has"),
    ("orders", _with("customer", 0, "K-17"), "a value is none that is invented for it"),
    ("orders", _with("order", 1, "O000001"), "bears another serial number than its row's"),
    ("orders", _with("amount", 0, 501.0), "a value is outside 0 to 500"),
    ("lines", lambda frame: frame.assign(product="shoe", pieces=9), "rows break constraints[0]"),
    ("lines", lambda frame: frame.assign(order="O000001"), "has"),
    ("lines", lambda frame: frame[:-1], "the manifest says"),
]  # fmt: skip


@pytest.mark.slow
def test_a_forged_bundle_is_refused_with_a_reason(shop_run: Path, tmp_path: Path) -> None:
    for number, (table, change, told) in enumerate(LIES):
        release = _copied(shop_run, tmp_path / str(number))
        _forged(release, table, change)
        found = verify_release(release)
        assert not found.ok, told
        assert any(
            told in problem and f"tables/{table}" in problem for problem in found.problems
        ), (
            told,
            found.problems,
        )


@pytest.mark.slow
def test_files_that_do_not_belong_together_are_refused(shop_run: Path, tmp_path: Path) -> None:
    release = _copied(shop_run, tmp_path / "text")
    refiled("tables/lines.csv", lambda content: content.replace(b"sock", b"shoe", 1))(release)
    assert any("does not hold the rows of" in told for told in verify_release(release).problems)
    release = _copied(shop_run, tmp_path / "keys")
    edited(lambda manifest: manifest["tables"][1].update(key="customer"))(release)
    assert any("lists other tables" in told for told in verify_release(release).problems)
    release = _copied(shop_run, tmp_path / "gone")
    (release / "tables/lines.csv").unlink()
    edited(lambda manifest: manifest["files"].pop("tables/lines.csv"))(release)
    assert any("tables/lines.csv: is missing" in told for told in verify_release(release).problems)
    release = _copied(shop_run, tmp_path / "more")
    shutil.copy(release / "tables/lines.csv", release / "tables/other.csv")
    entry = {
        "sha256": hashlib.sha256((release / "tables/other.csv").read_bytes()).hexdigest(),
        "bytes": (release / "tables/other.csv").stat().st_size,
        "source": "synthetic",
    }
    edited(lambda manifest: manifest["files"].update({"tables/other.csv": entry}))(release)
    assert not verify_release(release).ok
    release = _copied(shop_run, tmp_path / "model")
    text = (release / "model/model.json").read_bytes()
    forged = json.loads(text)
    forged["parts"]["orders"]["rows"] += 1
    forged_text = json.dumps(forged, indent=1, ensure_ascii=False).encode()
    refiled("model/model.json", lambda _: forged_text)(release)
    assert any("part orders: rows is" in told for told in verify_release(release).problems)


def test_a_forged_sensitivity_of_a_child_is_refused(shop_run: Path, tmp_path: Path) -> None:
    release = _copied(shop_run, tmp_path)

    def more(manifest: dict[str, Any]) -> None:
        manifest["plan"]["parts"][1]["max_rows_per_unit"] += 1

    edited(more)(release)
    assert any("rows of a customer" in told for told in verify_release(release).problems)


def test_a_damaged_bundle_is_not_packed(shop_run: Path, tmp_path: Path) -> None:
    release = _copied(shop_run, tmp_path)
    (release / "tables/orders.csv").write_text("x")
    with pytest.raises(VerificationError):
        pack_release(release, tmp_path / "shop.zip")


def test_the_released_model_draws_the_tables_again(shop_run: Path) -> None:
    model = load_synthesizer(shop_run / "out" / "release" / "model")
    drawn = model.related(seed=5).chunk(700)
    assert {name: set(frame) for name, frame in drawn.items()} == {
        "customers": {"customer", "segment", "age"},
        "orders": {"order", "customer", "day", "channel", "amount"},
        "lines": {"order", "product", "pieces"},
    }
    assert drawn["lines"]["order"].isin(drawn["orders"]["order"]).all()
    again = model.related(seed=5).chunk(700)
    assert all(drawn[name].equals(again[name]) for name in drawn)
    assert len(model.sample(50)) == 50
    assert "tables:" in SCHEMA


@pytest.mark.slow
def test_sample_writes_one_file_a_table(shop_run: Path, tmp_path: Path) -> None:
    release, out = str(shop_run / "out" / "release"), tmp_path / "more"
    asked = ["sample", release, "--rows", "40", "--where", "not (segment = new or age < 30)"]
    assert execute([*asked, "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "customers.csv",
        "lines.csv",
        "orders.csv",
    ]
    customers, orders = (pd.read_csv(out / f"{name}.csv") for name in ("customers", "orders"))
    assert (len(customers), set(customers["segment"])) == (40, {"loyal"})
    assert customers["age"].min() >= 30
    assert orders["customer"].isin(customers["customer"]).all()
    assert execute([*asked, "--out", str(tmp_path / "x"), "--format", "xlsx"]) == 2
    assert not (tmp_path / "x").exists()
    for one_by_one in (["--quota", "segment = loyal:9"], ["--shares", "segment:loyal=0.5"]):
        assert execute(["sample", release, *one_by_one, "--out", str(tmp_path / "y.csv")]) == 2


def test_what_takes_one_table_says_so(shop_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema_file = str(shop_run / "shop.yaml")
    command = ["schema", "export", schema_file, "--to", "sdv", "--out", str(shop_run / "sdv.json")]
    assert execute(command) == 2
    assert "takes one table, and the schema lists 3" in capsys.readouterr().err

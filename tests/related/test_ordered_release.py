"""A release of customers whose orders have an order: they are histories, and verify holds them."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import pandas as pd
import pytest

import privgan
from privgan.api.running import run
from privgan.release import verify_release
from privgan.table.files import write_tables
from tests.api.world import POLICY
from tests.related.shop import ORDERED, frames, schema, written
from tests.release.changes import refiled

pytestmark = pytest.mark.slow
CUSTOMERS = 3_000


@pytest.fixture(scope="module")
def ordered_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``out`` of a run on the shop, whose orders come once a month, at growing amounts."""
    folder, tables = tmp_path_factory.mktemp("ordered"), frames(CUSTOMERS)
    place = tables["orders"].groupby("customer").cumcount()
    start = tables["orders"]["customer"].str[2:].astype(int) % 90
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(start + 30 * place, unit="D")
    tables["orders"]["day"] = days.dt.strftime("%Y-%m-%d")
    written(folder / "shop", tables)
    (folder / "shop.yaml").write_text(ORDERED, encoding="utf-8")
    (folder / "our-policy.yaml").write_text(POLICY, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = run(
            str(folder / "shop"),
            str(folder / "shop.yaml"),
            policy=folder / "our-policy.yaml",
            out=folder / "out",
            ledger=str(folder / "ledger.sqlite"),
            epsilon=10,
            public_rows=CUSTOMERS,
            effort="quick",
        )
    assert found.passed, found.reasons
    return folder / "out"


def _gaps(orders: pd.DataFrame) -> pd.Series:
    days = pd.to_datetime(orders["day"])
    return days.groupby(orders["customer"]).diff().dt.days.dropna()


def test_orders_of_a_customer_stand_in_order_and_keep_their_gaps(ordered_run: Path) -> None:
    release = ordered_run / "release"
    orders = pd.read_csv(release / "tables/orders.csv")
    lines = pd.read_csv(release / "tables/lines.csv")
    customers = pd.read_csv(release / "synthetic.csv")
    assert orders["customer"].isin(customers["customer"]).all()
    assert lines["order"].isin(orders["order"]).all()
    gaps = _gaps(orders)
    assert (gaps >= 0).all()
    assert ((gaps >= 15) & (gaps <= 45)).mean() > 0.6  # Of exchangeable days some tenth would be.
    first = pd.to_datetime(orders.groupby("customer")["day"].first())
    assert (first < "2024-05-01").mean() > 0.8


def test_the_manifest_names_the_order_and_it_verifies(ordered_run: Path) -> None:
    release = ordered_run / "release"
    manifest = json.loads((release / "manifest.json").read_text())
    assert [table.get("order") for table in manifest["tables"]] == [None, "day", None]
    found = verify_release(release)
    assert found.ok, found.problems
    text = (release / "report.md").read_text()
    assert "The rows of one customers are a history in the order of day" in text
    assert "given that parent and the row before" in text


def test_orders_that_stand_in_another_order_are_refused(ordered_run: Path, tmp_path: Path) -> None:
    release = shutil.copytree(ordered_run / "release", tmp_path / "release")
    paths = [release / f"tables/orders.{form}" for form in ("parquet", "csv")]
    frame = pd.read_parquet(paths[0])
    second = int(_gaps(frame)[lambda gaps: gaps > 0].index[0])
    days = frame["day"].to_numpy(copy=True)
    days[[second - 1, second]] = days[[second, second - 1]]
    write_tables([frame.assign(day=days)], schema(ORDERED).alone("orders"), *paths)
    for path in paths:
        content = path.read_bytes()
        refiled(path.relative_to(release).as_posix(), lambda _, new=content: new)(release)
    told = "tables/orders.parquet: column 'day': a customer's rows do not stand in its order"
    assert any(told in problem for problem in verify_release(release).problems)


def test_the_audit_measures_the_histories_of_the_orders(ordered_run: Path) -> None:
    audit = json.loads((ordered_run / "internal/internal-audit.json").read_text())
    found = {metric["name"]: metric for metric in audit["metrics"]}
    for name in ("gaps", "length", "cohorts", "within"):
        metric = found[f"fidelity.history.{name}"]
        assert metric["value"] is not None, metric
    assert found["attack.related.nearest_auc"]["value"] is not None
    assert "attack.history.nearest_auc" not in found


def test_further_customers_have_histories_too(ordered_run: Path) -> None:
    found = privgan.load(ordered_run / "release").sample_tables(50, where="segment=loyal")
    assert (_gaps(found["orders"]) >= 0).all()
    assert found["orders"]["customer"].isin(found["customers"]["customer"]).all()


def test_a_customer_may_have_no_order_at_all(ordered_run: Path) -> None:
    model = privgan.load(ordered_run / "release")
    alone = [model.sample_tables(1, where="segment=new", seed=seed) for seed in range(12)]
    numbers = [len(found["orders"]) for found in alone]
    assert min(numbers) == 0 < max(numbers)
    assert {len(found["lines"]) for found in alone if not len(found["orders"])} == {0}

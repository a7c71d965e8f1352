"""Figures of related tables: what passes, what fails, and what has no effect."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from privgan.audit.attacks.related_customers import summaries
from privgan.audit.histories.statistics import intraclass_correlation
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.prepared import prepare
from privgan.audit.related import measures
from privgan.audit.related.customers import Customers, Family, pooled
from privgan.audit.related.measures import related_metrics
from privgan.audit.related.tables import UNKNOWN
from privgan.audit.suite import run_audit
from privgan.files.documents import json_schema
from privgan.metric import Metric, Status
from privgan.metrics import Exposure, Maker, registry
from privgan.release.leak_scan.leak_patterns import internal_names
from tests.audit.shop import Tables, shop_figures, shop_inputs, shop_sides, side
from tests.related.shop import frames, schema
from tests.related.test_views import related

MADE = {name for name, entry in registry().items() if entry.made is Maker.RELATED_AUDIT}


def _customers(tables: Tables) -> Customers:
    rows = related(tables)
    return Customers.of(Family.of(schema(), rows), rows)


def _measured(real: Tables, synthetic: Tables, seed: int = 0) -> dict[str, Metric]:
    """The figures of fidelity alone, which are quick."""
    family = Family.of(schema(), related(real))
    sides = (Customers.of(family, related(tables)) for tables in (real, synthetic))
    return {metric.name: metric for metric in related_metrics(*sides, seed)}


def _with_orders(change: dict[str, np.ndarray], tables: Tables) -> Tables:
    return {**tables, "orders": tables["orders"].assign(**change)}


@pytest.fixture(scope="module")
def fresh() -> dict[str, Metric]:
    """The figures of another draw from the same population."""
    return _measured(frames(500, 0), frames(500, 9))


def test_another_draw_is_about_as_near_as_two_halves(fresh: dict[str, Metric]) -> None:
    for name in measures.NAMES:
        metric = fresh[name]
        assert metric.status is Status.OK, metric
        assert metric.value is not None
        assert (metric.low or 0) <= metric.value <= (metric.high or 0)
        assert metric.value < (metric.baseline or 0) + 0.06, metric


def test_the_same_tables_are_at_no_distance() -> None:
    tables = frames(200, 3)
    found = _measured(tables, tables)
    assert {name: metric.value for name, metric in found.items()} == dict.fromkeys(
        measures.NAMES, pytest.approx(0.0, abs=1e-9)
    )


def test_each_question_notices_what_it_is_about_and_nothing_else(
    fresh: dict[str, Metric],
) -> None:
    real, made = frames(500, 0), frames(500, 9)
    rng = np.random.default_rng(1)
    orders = made["orders"]
    rows = rng.permutation(len(orders))
    # Amounts dealt among all orders: no column and no number of orders changes.
    dealt = _measured(real, _with_orders({"amount": orders["amount"].to_numpy()[rows]}, made))
    assert (dealt["fidelity.related.within"].low or 0) > 0.6
    assert dealt["fidelity.related.within"].details["column"] == "orders.amount"
    for name in ("columns", "children"):
        name = f"fidelity.related.{name}"
        assert dealt[name].value == pytest.approx(fresh[name].value, abs=1e-9)
    # Orders dealt among customers: pairs with the parent go.
    owners = orders["customer"].to_numpy()[rows]
    moved = _measured(real, _with_orders({"customer": owners}, made))
    pairs = "fidelity.related.parent_pairs"
    channel = [
        part["value"]
        for found in (moved, fresh)
        for part in found[pairs].details["marginals"]
        if part["columns"] == ["channel", "customers.segment"]
    ]
    assert channel[0] > channel[1] + 0.1
    inside = "fidelity.related.pairs"
    assert moved[inside].details["tables"] == fresh[inside].details["tables"]
    # Every channel the same: the column goes.
    flat = _measured(real, _with_orders({"channel": np.full(len(orders), "web")}, made))
    assert (flat["fidelity.related.columns"].low or 0) > (
        fresh["fidelity.related.columns"].high or 1
    )
    # Half of the orders gone: their number goes.
    kept = orders[rng.random(len(orders)) < 0.5]
    lines = made["lines"][made["lines"]["order"].isin(kept["order"])]
    fewer = _measured(real, {**made, "orders": kept, "lines": lines})
    assert (fewer["fidelity.related.children"].low or 0) > 0.15
    assert fewer["fidelity.related.children"].details["column"] == "orders"


def test_a_distance_by_hand() -> None:
    real, made = frames(60, 4), frames(60, 4)
    made["orders"]["channel"] = "web"
    store = float((real["orders"]["channel"] == "store").mean())
    found = _measured(real, made)["fidelity.related.columns"]
    (channel,) = (part for part in found.details["marginals"] if part["columns"] == ["channel"])
    assert channel["value"] == pytest.approx(store, abs=1e-6)


def test_indicators_of_categories_show_how_alike_rows_are() -> None:
    owner = np.repeat(np.arange(50), 4)
    same = np.equal.outer(owner % 3, np.arange(3)).astype(float)
    assert intraclass_correlation(same, owner) == pytest.approx(1.0)
    dealt = same[np.random.default_rng(0).permutation(len(same))]
    assert abs(intraclass_correlation(dealt, owner)) < 0.15


@pytest.mark.slow
def test_whole_customers_copied_are_noticed_and_others_are_not() -> None:
    kept_in, left_out = shop_sides(420)
    copied = shop_figures(kept_in, left_out, kept_in)
    assert copied["attack.related.copies"].value == 1.0
    assert (copied["attack.related.copies"].low or 0) > (
        copied["attack.related.copies"].ceiling or 0
    )
    assert (copied["attack.related.nearest_auc"].low or 0) > 0.75
    assert (copied["attack.related.density_ratio_auc"].low or 0) > 0.75
    other = shop_figures(kept_in, left_out, frames(400, 9))
    assert other["attack.related.copies"].value == 0.0
    for name in ("nearest_auc", "density_ratio_auc"):
        area = other[f"attack.related.{name}"]
        assert (area.low or 0) < 0.55
        assert (area.high or 0) > 0.45
    assert copied.keys() == MADE


@pytest.mark.slow
def test_orders_under_another_customer_are_no_copy() -> None:
    kept_in, left_out = shop_sides(420)
    orders = kept_in["orders"]
    owners = np.random.default_rng(0).permutation(orders["customer"].to_numpy())
    found = shop_figures(kept_in, left_out, _with_orders({"customer": owners}, kept_in))
    assert (found["attack.related.copies"].value or 0) < 0.1


def test_a_summary_tells_numbers_of_all_tables_by_customer() -> None:
    tables = frames(30, 2)
    customers = _customers(tables)
    columns, rows = summaries(customers)
    assert len(columns) == rows.values.shape[1]
    each = tables["orders"]["customer"].value_counts()
    orders = [each.get(name, 0) for name in tables["customers"]["customer"]]
    root = len(schema().modelled)
    assert rows.values[:, root].tolist() == [orders[place] for place in customers.names]
    joined = tables["lines"].merge(tables["orders"], on="order")
    pieces = joined.groupby("customer")["pieces"].max()
    most = [pieces.get(name, np.nan) for name in tables["customers"]["customer"]]
    assert any(
        np.array_equal(column, [most[place] for place in customers.names], equal_nan=True)
        for column in rows.values.T
    )


def _disguised(tables: Tables, seed: int) -> Tables:
    """The same rows in another order, with other keys."""
    rng = np.random.default_rng(seed)
    mixed = {name: frame.sample(frac=1, random_state=seed) for name, frame in tables.items()}
    people, orders = mixed["customers"]["customer"], mixed["orders"]["order"]
    names = dict(zip(people, (f"n{at}" for at in rng.permutation(len(people))), strict=True))
    keys = dict(zip(orders, (f"o{at}" for at in rng.permutation(len(orders))), strict=True))
    return {
        "customers": mixed["customers"].assign(customer=people.map(names)).reset_index(drop=True),
        "orders": mixed["orders"]
        .assign(order=orders.map(keys), customer=mixed["orders"]["customer"].map(names))
        .reset_index(drop=True),
        "lines": mixed["lines"]
        .assign(order=mixed["lines"]["order"].map(keys))
        .reset_index(drop=True),
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_neither_keys_nor_the_order_of_rows_matter(seed: int) -> None:
    real, made = frames(80, 5), frames(70, 6)
    plain = _measured(real, made)
    other = _measured(_disguised(real, seed), _disguised(made, seed + 9))
    for name in measures.NAMES:
        assert other[name].value == pytest.approx(plain[name].value, abs=1e-9), name
        assert other[name].baseline == pytest.approx(plain[name].baseline, abs=1e-9), name
        assert other[name].high == pytest.approx(plain[name].high, abs=1e-9), name


def test_two_sides_together_are_the_customers_of_both() -> None:
    tables = frames(50, 1)
    first, second = (side(tables, np.arange(50)[half::2]) for half in (0, 1))
    family = Family.of(schema(), related(tables))
    both = pooled(*(Customers.of(family, related(part)) for part in (first, second)))
    whole = Customers.of(family, related(tables))
    assert both.hashes.tolist() == whole.hashes.tolist()
    for child in ("orders", "lines"):
        assert both.each(child).tolist() == whole.each(child).tolist()
        assert np.array_equal(both.joined(child).codes, whole.joined(child).codes)
    some = whole.hashes % 2 == 0
    assert np.array_equal(whole.take(some).joined("lines").codes,
                          whole.joined("lines").codes[some[whole.owner("lines")]])  # fmt: skip


def test_very_many_customers_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "MOST_CUSTOMERS", 40)
    found = _measured(frames(90, 0), frames(80, 1))
    assert {metric.n for metric in found.values()} == {40}


@pytest.mark.slow
def test_a_whole_audit_of_related_tables_follows_its_schema() -> None:
    kept_in, left_out = shop_sides(120, 3)
    audit = shop_inputs(kept_in, left_out, frames(70, 8))
    report = run_audit(audit)
    found = {metric.name for metric in report.metrics if ".related." in metric.name}
    assert found == MADE
    document = json.loads(json.dumps(report.to_json(), allow_nan=False))
    validator = Draft202012Validator(json_schema("privgan.audit/1"))
    assert [error.message for error in validator.iter_errors(document)] == []


def test_what_is_unknown_is_not_run_with_its_reason() -> None:
    kept_in, left_out = shop_sides(120, 3)
    audit = replace(shop_inputs(kept_in, left_out, frames(70, 8)), related=None)
    assert prepare(audit, audit.canary_mask, Claim(3.0, 1e-6), "").related == UNKNOWN
    few = shop_figures(kept_in, left_out, frames(10, 8))
    assert {metric.status for metric in few.values()} == {Status.NOT_RUN}
    assert few.keys() == MADE


def test_no_such_figure_may_leave() -> None:
    for name in MADE:
        assert registry()[name].exposure is Exposure.INTERNAL
        assert internal_names().search(name.encode())


def test_tables_without_a_child_row_are_measured_as_far_as_they_go() -> None:
    tables = frames(60, 2)
    empty = {name: frame if name == "customers" else frame[:0] for name, frame in tables.items()}
    found = _measured(tables, empty)
    some = tables["orders"]["customer"].nunique() / 60
    told = found["fidelity.related.children"].details
    orders = next(part for part in told["columns"] if part["column"] == "orders")
    assert orders["value"] == pytest.approx(some, abs=1e-6)
    assert found["fidelity.related.columns"].value == 1.0
    assert found["fidelity.related.within"].details["synthetic"] == 0.0
    nothing = _measured(empty, tables)
    assert "a real row" in nothing["fidelity.related.pairs"].reason
    assert "under one real row" in nothing["fidelity.related.within"].reason

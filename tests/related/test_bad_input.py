"""Tables that do not belong together: exit 2 and nothing charged, or a stated rule."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import privgan
from privgan.cli.main import execute
from privgan.errors import NotFittedError, UsageError
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.owners_table import TableAsRead
from privgan.parts.related_form import RelatedForm
from privgan.planning.plan import EFFORTS
from privgan.release import verify_release
from privgan.sources import SourceOptions
from tests.api.world import POLICY, TINY
from tests.related.shop import SCHEMA, frames, schema, written

Tables = dict[str, pd.DataFrame]
CIRCLE = SCHEMA.replace(
    "    key: customer\n", "    key: customer\n    parent: {table: lines, column: customer}\n"
)
TWO_PARENTS = SCHEMA.replace(
    "parent: {table: orders, column: order}",
    "parent: [{table: orders, column: order}, {table: customers, column: order}]",
)


def _orphan(tables: Tables) -> Tables:
    tables["orders"].loc[3, "customer"] = "SECRET"
    return tables


def _nobody(tables: Tables) -> Tables:
    tables["orders"].loc[3, "customer"] = None
    return tables


def _twice(tables: Tables) -> Tables:
    tables["customers"].loc[1, "customer"] = tables["customers"].loc[0, "customer"]
    return tables


def _as_it_is(tables: Tables) -> Tables:
    return tables


BAD: list[tuple[str, Callable[[Tables], Tables], str, str]] = [
    ("an orphan key", _orphan, SCHEMA, "names no row of customers"),
    ("an order without a customer", _nobody, SCHEMA, "names no row of customers"),
    ("a customer twice", _twice, SCHEMA, "the key stands in another row too"),
    ("a circle of keys", _as_it_is, CIRCLE, "closes a circle of keys"),
    ("two parents", _as_it_is, TWO_PARENTS, "parent"),
]


@pytest.mark.parametrize(("change", "text", "told"), [case[1:] for case in BAD],
                         ids=[case[0] for case in BAD])  # fmt: skip
def test_a_run_ends_with_2_and_charges_nothing(
    change: Callable[[Tables], Tables],
    text: str,
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = written(tmp_path / "shop", change(frames(60)))
    (tmp_path / "shop.yaml").write_text(text, encoding="utf-8")
    out, ledger = tmp_path / "out", tmp_path / "ledger.sqlite"
    found = execute(
        [
            *("run", str(folder), "--schema", str(tmp_path / "shop.yaml"), "--epsilon", "3"),
            *("--policy", "internal-analytics", "--public-rows", "60"),
            *("--out", str(out), "--ledger", f"sqlite:///{ledger}"),
        ]
    )
    captured = capsys.readouterr()
    assert found == 2
    assert told in captured.err
    assert "SECRET" not in captured.err
    assert not out.exists() or not list(out.rglob("synthetic.*"))
    if ledger.exists():
        account = PrivacyLedger.open(f"sqlite:///{ledger}", create=False).account("shop")
        assert account.epsilon == 0


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> privgan.Synthesizer:
    """A fit on the shop, where one customer has 100,000 orders more and many have none."""
    tables, folder = frames(600), tmp_path_factory.mktemp("many")
    one = tables["orders"]["customer"].iloc[0]
    many = pd.DataFrame(
        {
            "order": [f"X{number}" for number in range(100_000)],
            "customer": one,
            "day": "2024-07-01",
            "channel": "store",
            "amount": 499.0,
        }
    )
    tables["orders"] = pd.concat([tables["orders"], many], ignore_index=True)
    return _fit(tables, folder)


def _fit(tables: Tables, folder: Path) -> privgan.Synthesizer:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setitem(EFFORTS, "quick", TINY)  # type: ignore[arg-type]
        made = privgan.Synthesizer(
            SCHEMA, epsilon=3, effort="quick", public_rows=600, ledger=folder / "ledger.sqlite"
        )
        return made.fit(tables, out=folder / "fitted")


@pytest.mark.slow
def test_one_customer_of_very_many_rows_counts_as_one(fitted: privgan.Synthesizer) -> None:
    found = fitted.sample_tables(2_000, seed=1)
    each = found["orders"]["customer"].value_counts()
    assert each.max() <= 8
    # 100,000 orders of one customer are at most k of those that are measured.
    assert (found["orders"]["amount"] > 498).mean() < 0.1
    assert 0.1 < 1 - len(each) / 2_000 < 0.7


@pytest.mark.slow
def test_tables_are_sampled_together(fitted: privgan.Synthesizer) -> None:
    found = fitted.sample_tables(300, where="segment = loyal", seed=4)
    assert list(found) == ["customers", "orders", "lines"]
    assert (len(found["customers"]), set(found["customers"]["segment"])) == (300, {"loyal"})
    assert found["orders"]["customer"].isin(found["customers"]["customer"]).all()
    assert found["lines"]["order"].isin(found["orders"]["order"]).all()
    again = fitted.sample_tables(300, where="segment = loyal", seed=4)
    assert all(found[name].equals(again[name]) for name in found)
    for wrong in (0, -1, 2.5, "3"):
        with pytest.raises(UsageError, match="customers"):
            fitted.sample_tables(wrong)  # type: ignore[arg-type]


def test_tables_are_not_sampled_before_a_fit() -> None:
    with pytest.raises(NotFittedError):
        privgan.Synthesizer(SCHEMA, epsilon=3).sample_tables(3)


def test_one_customer_of_very_many_rows_is_told_with_the_rule() -> None:
    tables = frames(60)
    one = tables["orders"].iloc[[0]]
    many = pd.concat([one] * 30_000, ignore_index=True)
    many["order"] = np.array([f"X{number}" for number in range(len(many))], dtype=object)
    tables["orders"] = pd.concat([tables["orders"], many], ignore_index=True)
    found = TableAsRead.read(tables, SourceOptions(), schema()).check(schema())
    assert not found.violations
    orders = next(table for table in found.tables if table.name == "orders")
    assert orders.over_limit > 29_990


@pytest.mark.slow
def test_what_an_earlier_version_made_is_sampled_and_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without means at the customer's row, as version 0.5 had it."""

    class Earlier(RelatedForm):
        def __init__(self, schema: object, means: bool = False) -> None:
            super().__init__(schema, means=False)  # type: ignore[arg-type]

    (tmp_path / "our-policy.yaml").write_text(POLICY, encoding="utf-8")
    with monkeypatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        modules = ("parts.forms", "owner.related_rows", "pipeline.fitting")
        for module in modules:
            patch.setattr(f"privgan.{module}.RelatedForm", Earlier)
        patch.setitem(EFFORTS, "quick", TINY)  # type: ignore[arg-type]
        found = privgan.run(
            frames(700),
            SCHEMA,
            policy=tmp_path / "our-policy.yaml",
            out=tmp_path / "out",
            ledger=tmp_path / "ledger.sqlite",
            epsilon=3,
            public_rows=3_000,
            effort="quick",
        )
        assert found.passed, found.reasons
        release = tmp_path / "out" / "release"
        for module in modules:
            patch.setattr(f"privgan.{module}.RelatedForm", RelatedForm)
        checked = verify_release(release)
        assert checked.ok, checked.problems
        model = privgan.load(release)
    assert "mean amount of orders" not in (release / "model" / "model.json").read_text()
    tables = model.sample_tables(50)
    assert tables["lines"]["order"].isin(tables["orders"]["order"]).all()

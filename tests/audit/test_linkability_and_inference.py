"""Linkability and inference find copied rows, and do not count likeness alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from privgan.audit.attacks.inference import floor_of, hits, inference_metric, secrets_of
from privgan.audit.attacks.linkability import _halves, linkability_metric
from privgan.audit.coding import AuditCoder
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Discrete, Kind, Numeric, Role, Temporal
from privgan.schema.schema import Schema

BALANCE = Numeric(
    name="balance", kind=Kind.FLOAT, lower=-20_000, upper=20_000, decimals=0, role=Role.SENSITIVE
)
BALANCES = Schema(
    dataset="balances",
    unit=PrivacyUnit(),
    columns=(
        BALANCE,
        *(
            Discrete(name=f"c{i}", kind=Kind.CATEGORICAL, categories=("a", "b", "c"))
            for i in range(3)
        ),
    ),
)


def _balances(rows: int, seed: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame({f"c{i}": generator.choice(["a", "b", "c"], rows) for i in range(3)})
    return frame.assign(balance=generator.uniform(-20_000, 20_000, rows).round())


def _coded(schema, *tables):
    coder = AuditCoder.from_reference(schema, tables[0])
    return coder, [coded.take(coded.canonical_order()) for coded in map(coder.code, tables)]


def _infer(schema, *tables, seed=0):
    coder, coded = _coded(schema, *tables)
    return inference_metric(coder, *coded, Claim(1.0, 1e-5), seed)


def _link(schema, *tables, seed=0):
    coder, coded = _coded(schema, *tables)
    return linkability_metric(coder, *coded, Claim(1.0, 1e-5), seed)


def test_a_negative_guess_is_not_right_by_its_sign():
    """Anonymeter divides by the guess, so that each negative guess counts as right."""
    guesses, secrets = (
        np.array([-500.0, -1.0, -20.0, -105.0, 105.0, 95.0]),
        np.array([300.0, 9999.0, -20_000.0, -100, 100, -100]),
    )
    assert hits(BALANCE, guesses, secrets).tolist() == [False, False, False, True, True, False]
    assert floor_of(BALANCE) == 400
    # Near zero the floor decides: 5 % of 400.
    assert hits(BALANCE, np.array([19.0, -19.0, 21.0]), np.array([0.0, 0.0, 0.0])).tolist() == [
        True,
        True,
        False,
    ]


def test_random_guesses_of_negative_balances_are_right_by_chance_alone():
    """Chance is E[2·max(.05·|s|, 20)] / 40,000 = 2.5 %; 1,000 targets, four standard errors."""
    metric = _infer(BALANCES, _balances(2000, 1), _balances(2000, 2), _balances(2000, 3))
    nearest = next(
        part for part in metric.details["searched"] if part["label"] == "balance, nearest row"
    )
    assert nearest["rate"] == pytest.approx(0.025, abs=4 * (0.025 * 0.975 / 1000) ** 0.5)
    assert metric.details["status"] == "no better than the control"
    assert metric.low < 0 < metric.high


def test_hits_of_missing_values_categories_and_moments():
    category = Discrete(name="c", kind=Kind.CATEGORICAL, categories=("a", "b"))
    moment = Temporal(
        name="t",
        kind=Kind.DATETIME,
        lower=pd.Timestamp("2020-01-01"),
        upper=pd.Timestamp("2020-01-11"),
        format="%Y",
    )
    gap = np.nan
    assert hits(BALANCE, np.array([gap, gap, 5.0]), np.array([gap, 5.0, gap])).tolist() == [
        True,
        False,
        False,
    ]
    assert hits(category, np.array([0.0, 1.0, gap]), np.array([0.0, 0.0, gap])).tolist() == [
        True,
        False,
        True,
    ]
    assert hits(moment, np.array([8000.0, 9000.0]), np.array([0.0, 0.0])).tolist() == [True, False]
    with pytest.raises(TypeError, match="numeric one has a floor"):
        floor_of(category)


def test_secrets_are_the_sensitive_columns_or_all(schema):
    assert secrets_of(BALANCES.modelled, 0) == [0]
    assert secrets_of(schema.modelled, 0) == [0, 1, 2, 3, 4]
    many = tuple(
        Discrete(name=f"c{i}", kind=Kind.CATEGORICAL, categories=("a", "b")) for i in range(50)
    )
    assert len(secrets_of(many, 0)) == 20


def test_copied_rows_betray_their_secrets(schema, draw_rows):
    train = draw_rows(800, 1)
    metric = _infer(schema, train, draw_rows(800, 2), train)
    assert metric.details["status"] == "better than the control"
    assert metric.low > metric.ceiling * 0.5 > 0
    assert metric.details["worst"].endswith("nearest row")


def test_what_the_population_tells_is_no_inference(schema, draw_rows):
    """Guesses are right far above chance for all customers, and no more so for training rows."""
    metric = _infer(schema, draw_rows(800, 1), draw_rows(800, 2), draw_rows(800, 3))
    churned = next(part for part in metric.details["searched"] if part["label"] == "churned, model")
    assert churned["rate"] > 0.6
    assert abs(churned["excess_over_model_on_holdout"]) < 0.1
    assert metric.details["status"] == "no better than the control"


def test_copied_rows_are_linked(schema, draw_rows):
    train = draw_rows(800, 1)
    metric = _link(
        schema, train, draw_rows(800, 2), pd.concat([train.iloc[:400], draw_rows(400, 3)])
    )
    assert metric.details["status"] == "better than the control"
    assert metric.low > 0
    assert metric.n == 800


def test_divisions_of_the_columns_are_different_ones():
    found = {tuple(half) for half in _halves(6, np.random.default_rng(0))}
    assert len(found) == 5
    assert all(0 not in half and len(half) == 3 for half in found)
    assert [half.tolist() for half in _halves(2, np.random.default_rng(0))] == [[1]]


@pytest.mark.parametrize("attack", [_infer, _link])
def test_independent_tables_are_found_better_at_the_nominal_rate(attack, schema, draw_rows):
    """Six fresh worlds at 5 %: more than 2 have a probability of 0.2 %."""
    found = [
        attack(
            schema, draw_rows(200, 10 + s), draw_rows(200, 30 + s), draw_rows(200, 50 + s), seed=s
        )
        for s in range(6)
    ]
    assert sum(
        metric.details["status"] == "better than the control" for metric in found
    ) <= binom.isf(0.005, 6, 0.05)


@pytest.mark.parametrize("attack", [_infer, _link])
def test_the_order_of_rows_is_nothing_and_small_tables_are_not_run(attack, schema, draw_rows):
    tables = draw_rows(150, 1), draw_rows(150, 2), draw_rows(150, 3)
    shuffled = [table.sample(frac=1, random_state=3) for table in tables]
    assert attack(schema, *shuffled).to_json() == attack(schema, *tables).to_json()
    assert "at least 20" in attack(schema, tables[0], tables[1].iloc[:10], tables[2]).reason

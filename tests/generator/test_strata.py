"""Quotas and wanted shares: the counts, the weights that undo them, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.domain.predicates import met, parse_predicates
from privgan.domain.quotas import checked_shares, quota_of, quota_texts, shares_of_text
from privgan.errors import IncompleteError, UsageError
from privgan.generator.strata import apportioned
from privgan.synthesizer import Synthesizer, load_synthesizer
from privgan.table.violations import broken_constraints
from tests.constrained import fixed_synthesizer, network_synthesizer
from tests.generator.test_constrained import RULES, SMALL, _schema

CHINESE = """\
  - {name: 年龄, kind: integer, lower: 0, upper: 5}
  - {name: 职业, kind: categorical, categories: [退休, 学生, 工人], missing: true}
  - {name: 响应, kind: boolean, labels: ["否", "是"]}
"""


def _frame(model: Synthesizer, **asked: object) -> tuple[pd.DataFrame, np.ndarray]:
    chunks = model.chunks(**asked)  # type: ignore[arg-type]
    return pd.concat(list(chunks), ignore_index=True), chunks.weights


@pytest.mark.parametrize("make", [fixed_synthesizer, network_synthesizer])
def test_quotas_are_met_exactly_in_random_order(
    make: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privgan.synthesizer.CHUNK", 70)
    assert callable(make)
    schema = _schema(*RULES, columns=SMALL)
    model = make(schema, 3)
    quotas = [
        quota_of(*quota_texts(text), schema)
        for text in ("t = x and (b = 0 or b > 2):60", "t = y: 30", "t is missing:110")
    ]
    rows, weights = _frame(model, quotas=quotas, seed=1)
    assert (weights == 1).all()
    assert broken_constraints(rows, schema) == ()
    counts = rows["t"].fillna("").value_counts()
    assert counts.to_dict() == {"x": 60, "y": 30, "": 110}
    assert met(parse_predicates("b = 0 or b > 2", schema)[0], rows[rows["t"] == "x"]).all()
    assert len(set(rows["t"].iloc[:50].fillna(""))) == 3  # Mixed.
    again, _ = _frame(model, quotas=quotas, seed=1)
    assert rows.equals(again)


def test_quotas_go_under_a_condition_and_number_their_customers() -> None:
    columns = '  - {name: id, kind: identifier, pattern: "C{:05d}"}\n' + SMALL
    head = "format: privgan.schema/1\ndataset: small\nunit: id\nmax_rows_per_unit: 3\n"
    schema = _schema(columns=columns, head=head)
    model = fixed_synthesizer(schema, 3, rows_of_each=(0.5, 0.3, 0.2))
    quotas = [quota_of("t = x", 40, schema), quota_of("t = y", 60, schema)]
    rows, _ = _frame(model, quotas=quotas, where=parse_predicates("b >= 2", schema))
    assert rows["b"].ge(2).all()
    assert rows["id"].value_counts().max() <= 3
    assert rows["id"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("make", "lines", "loose"),
    [
        (fixed_synthesizer, (), 1e-9),
        pytest.param(fixed_synthesizer, RULES, 0.006, marks=pytest.mark.slow),
        pytest.param(network_synthesizer, (), 0.006, marks=pytest.mark.slow),
    ],
)
def test_shares_are_as_wanted_and_weights_undo_them(
    make: object, lines: tuple[str, ...], loose: float
) -> None:
    """Weighted shares are the model's: exactly, or as 200,000 counted rows tell them.

    Five standard errors of a share of 200,000 are below 0.006.
    """
    assert callable(make)
    schema = _schema(*lines, columns=SMALL)
    model = make(schema, 3)
    wanted = {"u": {"true": 0.5}, "t": {"x": 0.2, "y": 0.6}}
    rows, weights = _frame(model, rows=3_000, shares=wanted, seed=2)
    tiers = rows["t"].fillna("").value_counts() / 3_000
    assert rows["u"].eq(True).mean() == pytest.approx(0.5, abs=2e-3)
    assert tiers["x"] == pytest.approx(0.2, abs=2e-3)
    assert tiers["y"] == pytest.approx(0.6, abs=2e-3)
    assert weights.mean() == pytest.approx(1)
    u, t = (schema.names.index(name) for name in "ut")
    encoder, mixture = model.encoder, model.distribution
    if loose < 1e-6:
        share = mixture.marginal((t, u)).reshape(encoder.sizes[t], 2)[0, 1]
    else:
        many = pd.concat(list(model.chunks(100_000, seed=9)))
        share = (many["u"].eq(True) & many["t"].eq("x")).mean()
    both = (rows["u"].eq(True) & rows["t"].eq("x")).to_numpy()
    assert weights[both].sum() / weights.sum() == pytest.approx(share, abs=max(loose, 1e-6))


@settings(max_examples=60)
@given(st.lists(st.floats(0, 5), min_size=1, max_size=9), st.integers(1, 1_000))
def test_rows_are_apportioned_in_whole_numbers(shares: list[float], rows: int) -> None:
    parts = np.array(shares)
    if not parts.sum() > 1e-6:
        return
    counts = apportioned(parts, rows)
    assert counts.sum() == rows
    assert (np.abs(counts - parts * rows / parts.sum()) < 1 + 1e-6).all()
    assert (counts[parts == 0] == 0).all()


def test_chinese_names_and_values_are_asked_for() -> None:
    schema = _schema(columns=CHINESE)
    model = fixed_synthesizer(schema, 1)
    quotas = [quota_of(*quota_texts("职业 = 退休 or 年龄 in (0, 1):20"), schema)]
    rows, _ = _frame(model, quotas=quotas)
    assert (rows["职业"].eq("退休") | rows["年龄"].isin([0, 1])).all()
    column, shares = shares_of_text("响应:是=0.5")
    rows, _ = _frame(model, rows=200, shares={column: shares})
    assert rows["响应"].eq("是").sum() == 100
    assert shares_of_text("'a:b':\"x=y\"=0.5, 是=0.25") == ("a:b", {"x=y": 0.5, "是": 0.25})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("500", "write a condition and a number"),
        ("t = x:0", "0 rows of 't = x'; a quota must be at least 1"),
        ("t = x:1000000000", "1,000,000,000 rows of 't = x'; .* at most 100,000,000"),
        ("t = x:many", "'many' is no number of rows"),
        ("t = x:-3", "'-3' is no number of rows"),
        ("t = w:5", "'w' is no category of t"),
        ("salary = x:5", "'salary' is no column"),
    ],
)
def test_what_is_no_quota_is_told(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=rf"^quota.*{told}"):
        quota_of(*quota_texts(text), _schema(columns=SMALL))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("t", "write a column, its values and their shares"),
        ("t:x", "write a column"),
        ("t:x=0.5,,", "write a column"),
        ("t:x=1.5", "'1.5' is no share from 0 to 1"),
        ("t:x=half", "'half' is no share"),
        ("t:x=nan", "'nan' is no share"),
        ("t:x=0.5,x=0.2", "'x' has two shares"),
        ("t:x=0.5,y=0.7", "the shares of t add up to 1.2"),
        ("b:1=0.5", "b has no categories"),
        ("t:w=0.5", "'w' is no category of t"),
        ("salary:w=0.5", "'salary' is no column"),
    ],
)
def test_what_are_no_shares_is_told(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=rf"^shares.*{told}"):
        checked_shares(dict([shares_of_text(text)]), _schema(columns=SMALL))


def test_what_the_model_cannot_give_is_told() -> None:
    schema = _schema('{when: "t = x", then: "u = true"}', columns=SMALL)
    model = fixed_synthesizer(schema, 3)
    with pytest.raises(UsageError, match="quota 'b > 4': no row can meet the condition"):
        model.chunks(quotas=[quota_of("b > 4", 5, schema)])
    with pytest.raises(IncompleteError, match="quota 't = x and u = false': the model gives no"):
        model.chunks(quotas=[quota_of("t = x and u = false", 5, schema)])
    with pytest.raises(UsageError, match="rows and shares go without it"):
        model.chunks(5, quotas=[quota_of("b > 3", 5, schema)])
    with pytest.raises((IncompleteError, UsageError), match="shares"):
        model.chunks(100, shares={"t": {"x": 0.9}, "u": {"false": 0.9}})
    wide = _schema(columns=SMALL.replace("[x, y, z]", str([f"c{n}" for n in range(1_200)])))
    with pytest.raises(UsageError, match="1,201 cases together"):
        checked_shares({"t": {f"c{n}": 0.0 for n in range(1_200)}}, wide)


@pytest.mark.slow
def test_a_release_of_an_earlier_version_is_rebalanced() -> None:
    example = Path(__file__).parents[2] / "reports" / "example" / "release" / "model"
    model = load_synthesizer(example)
    rows, weights = _frame(model, rows=20_000, shares={"converted": {"True": 0.5}})
    assert rows["converted"].mean() == pytest.approx(0.5, abs=1e-4)
    whole = pd.concat(list(model.chunks(200_000, seed=5)))
    for name in ("orders_12m", "age"):
        found = np.average(rows[name].astype(float), weights=weights)
        error = whole[name].astype(float).std() * np.sqrt(np.mean(weights**2) / 20_000)
        assert abs(found - whole[name].mean()) < 5 * error

"""Sampling under a schema's constraints.

Every row holds them, keeps the model's codes, and has values that hold them inside its codes.
"""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.domain.predicates import Predicate, met, parse_predicates
from privgan.domain.value_sets import MISSING, Axis
from privgan.errors import IncompleteError, InternalError
from privgan.generator import constrained, kept_codes
from privgan.generator.mixture import Mixture
from privgan.schema.constraints import AtMost
from privgan.schema.schema import Schema
from privgan.synthesizer import Synthesizer, load_synthesizer
from privgan.table.conform import conform, violations
from privgan.table.violations import broken_constraints, holds
from tests.constrained import (
    HEAD,
    FixedSynthesizer,
    fixed_synthesizer,
    network_synthesizer,
    schema_of,
)

COLUMNS = """\
  - {name: a, kind: integer, lower: 0, upper: 50, special_values: [0], missing: true}
  - {name: b, kind: float, lower: -10, upper: 60, decimals: 2}
  - {name: c, kind: integer, lower: 10, upper: 99}
  - {name: first, kind: date, lower: 2020-01-01, upper: 2021-12-31}
  - {name: last, kind: date, lower: 2020-06-01, upper: 2022-12-31, missing: true}
  - {name: t, kind: categorical, categories: [x, y, z, w], missing: true}
  - {name: u, kind: ordinal, categories: [1, 2, 3]}
  - {name: v, kind: boolean}
"""
LINES = (
    "{at_most: [a, b]}",
    "{below: [b, c]}",
    "{below: [first, last]}",
    '{when: "a = 0", then: "b <= 5 and u = 1"}',
    '{when: "t = x and c > 30", then: "last is missing"}',
    '{when: "v = true", then: "first >= 2020-12-24 and a is not missing"}',
    (
        "{combinations: [t, u, v], allowed: [[x, 1, true], [null, 2, false], [z, 3, true], [w, 1,"
        " false]]}"
    ),
)
WHERES = (
    None,
    "t = w and c > 90",
    "a is missing",
    "b > 49.5 and a > 40",
    "c < 12",
    "last <= 2020-06-05",
    "v = true and u != 1",
    "t = w or c > 90 and not (a is missing or b > 20)",
    "not (u = 2 and v = true) and (c in (10, 55, 56) or t not in (x, y))",
)


def _schema(*lines: str, columns: str = COLUMNS, head: str = HEAD) -> Schema:
    return schema_of(columns, "".join(f"  - {line}\n" for line in lines), head)


def _free(synthesizer: FixedSynthesizer) -> FixedSynthesizer:
    """The same model without constraints."""
    return replace(synthesizer, schema=replace(synthesizer.schema, constraints=()))


def _without_violations(frame: pd.DataFrame, schema: Schema) -> np.ndarray:
    typed = conform(frame, schema)
    return np.logical_and.reduce(
        [np.ones(len(typed), bool), *(holds(part, typed, schema) for part in schema.constraints)]
    )


def _rules(schema: Schema) -> Schema:
    """The schema without orders, which tell nothing about what is missing.

    Its share is the one before them.
    """
    return replace(
        schema,
        constraints=tuple(part for part in schema.constraints if not isinstance(part, AtMost)),
    )


def _exists(free: FixedSynthesizer, schema: Schema, where: tuple[Predicate, ...]) -> bool:
    """Whether the model without constraints gives a row that holds them."""
    try:
        return bool(_without_violations(free.sample(5_000, seed=1, where=where), schema).any())
    except IncompleteError:
        return False


# --- every row


@pytest.mark.slow
@settings(max_examples=30)
@given(
    st.sets(st.sampled_from(LINES), min_size=1),
    st.sampled_from(WHERES),
    st.integers(0, 10_000),
    st.sampled_from([0.05, 1.0]),
    st.sampled_from([1, 200]),
    st.booleans(),
)
def test_every_row_holds_every_constraint(
    lines: set[str], where: str | None, seed: int, evenness: float, attempts: int, balanced: bool
) -> None:
    """Whatever the model, the conditions and the number of attempts.

    And what is refused does not exist in the model.
    """
    schema = _schema(*sorted(lines))
    synthesizer = fixed_synthesizer(schema, seed, entries=8, evenness=evenness)
    conditions = parse_predicates(where, schema) if where else ()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constrained, "ATTEMPTS", attempts)
        try:
            rows = synthesizer.sample(150, seed=seed, where=conditions, balanced=balanced)
        except IncompleteError:
            assert not _exists(_free(synthesizer), schema, conditions)
            return
    assert len(rows) == 150
    assert violations(rows, schema) == ()
    assert broken_constraints(rows, schema) == ()
    typed = conform(rows, schema)
    assert all(met(condition, typed).all() for condition in conditions)


SMALL = """\
  - {name: a, kind: integer, lower: 0, upper: 5, special_values: [0], missing: true}
  - {name: b, kind: integer, lower: 0, upper: 4}
  - {name: t, kind: categorical, categories: [x, y, z], missing: true}
  - {name: u, kind: boolean}
"""


def _shares(synthesizer: Synthesizer) -> tuple[pd.DataFrame, np.ndarray]:
    """Every row that holds the constraints, and its exact probability.

    By enumeration, without the sampler: codes keep their shares, values follow inside them.
    """
    schema, encoder = synthesizer.schema, synthesizer.encoder
    axes = [Axis(column) for column in schema.modelled]
    positions = np.array(
        list(
            product(
                *(
                    [*range(axis.last + 1), *([MISSING] if axis.column.missing else [])]
                    for axis in axes
                )
            )
        )
    )
    typed = pd.DataFrame(
        {axis.column.name: axis.typed(positions[:, place]) for place, axis in enumerate(axes)}
    )
    codes = encoder.encode(typed)
    within = np.ones(len(typed))
    for column in encoder.columns:
        assert set(column.cells.lengths) <= {1}
        within *= column.within[column.cells.encode(typed[column.name])]
    _, cell = np.unique(codes, axis=0, return_inverse=True)
    rules, absent = _rules(schema), typed["a"].isna().to_numpy()
    ruled = within * _without_violations(typed, rules)
    allowed = np.bincount(cell.ravel(), weights=ruled)[cell.ravel()]
    of_code = np.exp(synthesizer.distribution.log_likelihood(codes))
    # Of a code of which less than a fifth is allowed, a part of the share is lost.
    shares = of_code * ruled / np.maximum(allowed, 0.2)
    kept = ruled * _without_violations(typed, schema)
    mass = np.bincount(cell.ravel(), weights=kept)[cell.ravel()]
    whole = np.bincount(cell.ravel(), weights=shares)[cell.ravel()]
    held = np.divide(whole * kept, mass, out=np.zeros(len(mass)), where=mass > 0)
    for kind in (absent, ~absent) if rules != schema else ():
        held[kind] *= shares[kind].sum() / max(held[kind].sum(), 1e-300)
    return typed, held / held.sum()


RULES = (
    '{when: "a = 0 and u = true", then: "b = 0 and t in (x, y)"}',
    '{when: "b > 2", then: "u = false"}',
)


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        (("{at_most: [a, b]}",), None),
        (("{below: [b, a]}", '{when: "t = x", then: "a is missing"}'), None),
        (RULES, None),
        (RULES, "b > 0 and t != z"),
        (RULES, "b in (1, 2) or not (t = x or a > 2) and u = true"),
        (
            (
                "{combinations: [t, u], allowed: [[x, true], [null, false], [z, true]]}",
                "{at_most: [a, b]}",
            ),
            None,
        ),
    ],
    ids=[
        "order",
        "order and rule",
        "rules",
        "rules and where",
        "rules or",
        "combinations and order",
    ],
)
@pytest.mark.parametrize("kind", ["mixture", "network"])
def test_rows_have_the_models_exact_conditional_distribution(
    lines: tuple[str, ...], where: str | None, kind: str
) -> None:
    """Each row's share is within 5 standard errors of Bayes' rule.

    Rows with fewer than 30 expected draws count as one.

    At most 250 shares a case: a fresh seed fails with probability below 1e-2 (normal tail 6e-7
    each; in cells of 30 draws the binomial's upper tail at 5 standard errors is 1e-5).
    """
    schema = _schema(*lines, columns=SMALL)
    synthesizer = (
        fixed_synthesizer(schema, 3, entries=12, evenness=0.6)
        if kind == "mixture"
        else network_synthesizer(schema, 3)
    )
    typed, shares = _shares(synthesizer)
    conditions = parse_predicates(where, schema) if where else ()
    for condition in conditions:
        shares = shares * met(condition, typed)
    shares = shares / shares.sum()
    draws = 60_000
    drawn = conform(synthesizer.sample(draws, seed=5, where=conditions), synthesizer.schema)
    keys = ["a", "b", "t", "u"]
    counted = drawn.fillna({"a": -1, "t": ""}).groupby(keys).size()
    expected = (
        typed.assign(share=shares, a=typed["a"].astype(float))
        .fillna({"a": -1, "t": ""})
        .set_index(keys)["share"]
    )
    counts = counted.reindex(expected.index, fill_value=0)
    assert counts.sum() == draws
    common = (expected * draws >= 30).to_numpy()
    found = np.append(counts[common], counts[~common].sum()) / draws
    wanted = np.append(expected[common], expected[~common].sum())
    errors = np.sqrt(wanted * (1 - wanted) / draws) + 1e-12
    assert 10 < common.sum() <= 250
    assert (np.abs(found - wanted) / errors).max() < 5


def _kept(free: FixedSynthesizer, schema: Schema, rows: int) -> pd.DataFrame:
    """Codes of the free model, each with the first of 60 draws of values that holds all.

    With as many missing ordered columns as there are before the orders.
    """
    rng = np.random.default_rng(1)
    codes = free.fixed.sample(rows, rng)
    first, ruled = pd.DataFrame(), np.zeros(rows, dtype=bool)
    left = np.arange(rows)
    for _ in range(60):
        made = free.encoder.decode(codes[left], rng).set_index(left)
        ruled[left] |= _without_violations(made, _rules(schema))
        held = _without_violations(made, schema)
        first, left = pd.concat([first, made[held]]), left[~held]
    names = free.encoder.names
    missing = [
        codes[:, names.index(name)] == free.encoder.columns[names.index(name)].size - 1
        for name in ("a", "last")
    ]
    kinds = pd.Series(missing[0] * 2 + missing[1])
    shares, found = kinds[ruled].value_counts(normalize=True), kinds[first.index]
    size = (found.value_counts().reindex(shares.index) / shares).min()
    return pd.concat(
        [first[(found == kind).to_numpy()].head(int(size * part)) for kind, part in shares.items()]
    )


@pytest.mark.slow
def test_rows_keep_their_codes_and_values_follow_inside_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Compare shares of ten bins, of columns and pairs, to 5 standard errors of the difference.

    Some 1,000 cells with 50 and more rows: a fresh seed fails with probability below 1e-2.
    """
    monkeypatch.setattr(kept_codes, "LEAST", 0.01)
    schema = _schema(*LINES[:-1])
    synthesizer = fixed_synthesizer(schema, 11, entries=10, evenness=1.0)
    kept = _kept(_free(synthesizer), schema, 20_000)
    drawn = conform(synthesizer.sample(20_000, seed=7), schema)
    assert len(kept) > 800
    names = [column.name for column in schema.columns]
    bins = {name: _binned(kept[name], drawn[name]) for name in names}
    codes = [pd.DataFrame({name: pair[side] for name, pair in bins.items()}) for side in (0, 1)]
    worst = 0.0
    for one, other in product(schema.names, schema.names):
        counts = [part.groupby([one, other] if one != other else [one]).size() for part in codes]
        table = pd.concat(counts, axis=1).fillna(0).to_numpy()
        sizes = np.array([len(kept), len(drawn)])
        pooled = table.sum(1) / sizes.sum()
        errors = np.sqrt(pooled * (1 - pooled) * (1 / sizes).sum())
        many = table[:, 0] >= 50
        gaps = np.abs(table[:, 0] / sizes[0] - table[:, 1] / sizes[1])[many] / errors[many]
        worst = max(worst, float(gaps.max(initial=0.0)))
    assert 1 < worst < 5


ORDERS = """\
  - {name: orders, kind: integer, lower: 0, upper: 3}
  - {name: spend, kind: float, lower: 0, upper: 400, decimals: 2}
  - {name: basket, kind: float, lower: 0, upper: 400, decimals: 2}
"""


@pytest.mark.parametrize("kind", ["mixture", "network"])
def test_an_order_takes_no_rows_away_whose_codes_can_hold_it(kind: str) -> None:
    """Spend and basket of one code each: filtering would halve the share of equal codes.

    Shares to 5 standard errors: a fresh seed fails with probability below 1e-4.
    """
    schema = _schema("{at_most: [basket, spend]}", columns=ORDERS)
    made = fixed_synthesizer if kind == "mixture" else network_synthesizer
    synthesizer = made(schema, 4)
    every = np.array(list(product(*map(range, synthesizer.encoder.sizes))))
    shares = np.exp(synthesizer.distribution.log_likelihood(every)) * (every[:, 1] >= every[:, 2])
    wanted = shares[every[:, 1] == every[:, 2]].sum() / shares.sum()
    rows = conform(synthesizer.sample(20_000, seed=3), schema)
    codes = synthesizer.encoder.encode(rows)
    assert (rows["basket"] <= rows["spend"]).all()
    assert 0.1 < wanted < 0.9
    assert np.mean(codes[:, 1] == codes[:, 2]) == pytest.approx(
        wanted, abs=5 * np.sqrt(wanted * (1 - wanted) / 20_000)
    )


def _binned(one: pd.Series, other: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Categories, or ten bins at the quantiles of the first; missing is a bin of its own."""
    if one.dtype == object:
        return one.fillna("").to_numpy(), other.fillna("").to_numpy()
    edges = np.unique(one.dropna().astype("int64").quantile(np.linspace(0, 1, 11)[1:-1]))
    first, second = (
        np.where(part.isna(), -1, np.searchsorted(edges, part.fillna(part.min()).astype("int64")))
        for part in (one, other)
    )
    return first, second


# --- however rare


def _with(synthesizer: FixedSynthesizer, **given: list[float]) -> FixedSynthesizer:
    """The synthesizer with the same distribution over some columns' codes in all entries."""
    mixture, names = synthesizer.fixed, synthesizer.encoder.names
    pairs = zip(names, mixture.probabilities, strict=True)
    fixed = [
        np.tile(given[name], (mixture.entries, 1)) if name in given else part
        for name, part in pairs
    ]
    return replace(synthesizer, fixed=Mixture(fixed))


def test_rare_rules_and_combinations_are_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = _schema(
        "{combinations: [t, u], allowed: [[z, true]]}",
        '{when: "u = true", then: "b = 4"}',
        columns=SMALL,
    )
    synthesizer = _with(
        fixed_synthesizer(schema, entries=4), t=[1, 1, 1e-9, 1], u=[1, 1e-9], b=[1, 1, 1, 1, 1e-9]
    )
    drawn: list[int] = []
    real = constrained.spread
    monkeypatch.setattr(
        constrained,
        "spread",
        lambda weights, rows, rng: drawn.append(rows) or real(weights, rows, rng),
    )
    rows = synthesizer.sample(1_000, seed=1)
    assert set(map(tuple, rows[["t", "u", "b"]].to_numpy())) == {("z", True, 4)}
    assert rows["a"].nunique() == 6
    assert drawn == [1_000]


CHAIN = """\
  - {name: a, kind: integer, lower: 0, upper: 5}
  - {name: b, kind: integer, lower: 0, upper: 5, missing: true}
  - {name: c, kind: integer, lower: 0, upper: 5}
  - {name: d, kind: integer, lower: 0, upper: 9}
"""


def test_what_stays_broken_is_repaired_and_nothing_else_is_moved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The model gives a < b < c a probability of some 1e-12.

    What no order ties is drawn as ever.
    """
    schema = _schema("{below: [a, b]}", "{below: [b, c]}", columns=CHAIN)
    high, low = [1e-6, 1e-6, 1e-6, 1e-6, 1e-6, 1.0], [1.0, 1e-6, 1e-6, 1e-6, 1e-6, 1e-6]
    synthesizer = _with(fixed_synthesizer(schema, entries=4), a=high, b=[*low, 1e-9], c=low)
    rows = synthesizer.sample(500, seed=2)
    assert broken_constraints(rows, schema) == ()
    assert len(rows) == 500
    assert rows["b"].notna().mean() > 0.9
    assert set(rows["a"]) > {0, 1}
    pd.testing.assert_frame_equal(rows, synthesizer.sample(500, seed=2))
    monkeypatch.setattr(constrained, "ATTEMPTS", 2)
    many = synthesizer.sample(20_000, seed=2)["d"].value_counts(normalize=True)
    free = _free(synthesizer).sample(20_000, seed=3)["d"].value_counts(normalize=True)
    assert (many - free).abs().max() < 5 * np.sqrt(
        0.25 * 2 / 20_000
    )  # 10 cells at 5 standard errors: 6e-6


def test_a_column_without_room_is_missing() -> None:
    schema = _schema("{below: [a, b]}", '{when: "a >= 0", then: "a = 5"}', columns=CHAIN)
    rows = fixed_synthesizer(schema, entries=4).sample(50, seed=2)
    assert rows["b"].isna().all()
    assert set(rows["a"]) == {5}


# --- what is refused


def test_constraints_that_the_model_cannot_hold_are_named() -> None:
    rules = ('{when: "u = true", then: "t = x"}', '{when: "u = false", then: "t = x"}')
    schema = _schema("{at_most: [a, b]}", *rules, columns=SMALL)
    synthesizer = _with(fixed_synthesizer(schema, entries=4), t=[0, 1, 1, 1])
    named = r"no probability.*constraints\[1\] \(when u = true, then t = x\); constraints\[2\]"
    with pytest.raises(IncompleteError, match=named) as error:
        synthesizer.sample(10)
    assert "constraints[0]" not in str(error.value)
    assert "fit again" in str(error.value)


def test_conditions_against_a_constraint_are_named() -> None:
    schema = _schema(
        '{when: "a = 0", then: "b = 0"}',
        "{combinations: [t, u], allowed: [[x, true]]}",
        columns=SMALL,
    )
    with pytest.raises(
        IncompleteError, match=r"where on a, b.*constraints\[0\] \(when a = 0, then b = 0\); widen"
    ):
        fixed_synthesizer(schema).sample(10, where=parse_predicates("a = 0 and b > 2", schema))


def test_a_row_that_breaks_a_constraint_never_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    synthesizer = fixed_synthesizer(_schema("{at_most: [a, b]}", columns=SMALL))
    monkeypatch.setattr(
        constrained.GroupSampler, "held", lambda self, positions: np.ones(len(positions["a"]), bool)
    )
    with pytest.raises(InternalError, match=r"constraints\[0\] is broken by"):
        synthesizer.sample(300)


# --- as before


def test_chunks_keep_their_sizes_and_follow_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("privgan.synthesizer.CHUNK", 64)
    synthesizer = fixed_synthesizer(_schema(*LINES))
    first, again = (list(synthesizer.chunks(130, seed=3)) for _ in range(2))
    assert [len(chunk) for chunk in first] == [64, 64, 2]
    pd.testing.assert_frame_equal(pd.concat(first), pd.concat(again))
    assert not pd.concat(first).equals(pd.concat(list(synthesizer.chunks(130, seed=4))))


def test_a_schema_without_constraints_is_sampled_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    synthesizer = fixed_synthesizer(_schema())
    expected = synthesizer.sample(500, seed=1)

    def refuse(*_: object) -> None:
        raise AssertionError("constraints were looked for")

    monkeypatch.setattr("privgan.generator.mixture_sampler.ConstrainedMixture", refuse)
    monkeypatch.setattr("privgan.generator.row_sampler.groups_of", refuse)
    pd.testing.assert_frame_equal(expected, synthesizer.sample(500, seed=1))
    codes = synthesizer.fixed.sample(500, np.random.default_rng([1, 2]))
    index = synthesizer.encoder.names.index("u")
    assert expected["u"].tolist() == [int("123"[code]) for code in codes[:, index]]


def test_customers_with_several_rows_hold_them_too() -> None:
    head = HEAD.replace("unit: row", "unit: id\nmax_rows_per_unit: 3")
    schema = _schema(
        *LINES,
        columns='  - {name: id, kind: identifier, pattern: "S{:05d}"}\n' + COLUMNS,
        head=head,
    )
    synthesizer = fixed_synthesizer(schema, rows_of_each=(0.2, 0.3, 0.5))
    rows = synthesizer.sample(3_000, seed=1)
    assert broken_constraints(rows, schema) == ()
    assert violations(rows, schema) == ()
    each = rows["id"].value_counts()
    assert sorted(each.unique()) == [1, 2, 3]
    assert each.eq(3).mean() == pytest.approx(0.5, abs=5 * np.sqrt(0.25 / len(each)))


def test_a_saved_model_holds_its_constraints_again(tmp_path: Path) -> None:
    synthesizer = fixed_synthesizer(_schema(*LINES))
    synthesizer.save(tmp_path / "model")
    again = load_synthesizer(tmp_path / "model")
    assert again.schema == synthesizer.schema
    rows = again.sample(400, seed=1)
    assert broken_constraints(rows, again.schema) == ()
    free = replace(again, schema=replace(again.schema, constraints=())).sample(400, seed=1)
    assert len(broken_constraints(free, again.schema)) == len(LINES)

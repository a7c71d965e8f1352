"""Profiles are completed by the model's own conditional distribution."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.errors import IncompleteError, UsageError
from privgan.generator import completion
from privgan.generator.completion import Completed, Completer
from privgan.synthesizer import Synthesizer, load_synthesizer
from privgan.table.conform import conform, violations
from privgan.table.profiles import profiles_of
from privgan.table.violations import broken_constraints
from tests.constrained import fixed_synthesizer, network_synthesizer, schema_of
from tests.generator.test_constrained import COLUMNS, LINES, RULES, SMALL, _schema, _shares

EXAMPLE = Path(__file__).parents[2] / "reports" / "example" / "release" / "model"
COMBINED = (
    "{combinations: [t, u], allowed: [[x, true], [null, false], [z, true]]}",
    "{at_most: [a, b]}",
)


def _model(kind: str, *lines: str, columns: str = SMALL) -> Synthesizer:
    schema = _schema(*lines, columns=columns)
    if kind == "network":
        return network_synthesizer(schema, 3)
    return fixed_synthesizer(schema, 3, entries=12, evenness=0.6)


def completed(
    model: Synthesizer, frame: pd.DataFrame, seed: int = 1, marker: str | None = None
) -> Completed:
    """All profiles of a frame, completed."""
    parts = list(Completer(model, seed).chunks(profiles_of(frame, model.schema, marker)))
    return Completed(
        pd.concat([part.rows for part in parts], ignore_index=True),
        np.concatenate([part.probability for part in parts]),
        np.concatenate([part.worth for part in parts]),
    )


# --- the distribution


@pytest.mark.parametrize(
    ("kind", "lines", "known"),
    [
        ("mixture", (), {"t": "x"}),
        ("mixture", RULES, {"b": 2}),
        ("network", (), {"b": 2}),
        pytest.param("mixture", ("{at_most: [a, b]}",), {"b": 1, "t": "z"}, marks=pytest.mark.slow),
        pytest.param("mixture", ("{at_most: [a, b]}",), {"u": "True"}, marks=pytest.mark.slow),
        pytest.param("mixture", COMBINED, {"t": "x"}, marks=pytest.mark.slow),
        pytest.param("network", RULES, {"a": 0}, marks=pytest.mark.slow),
        pytest.param("network", RULES, {"u": "True"}, marks=pytest.mark.slow),
        pytest.param("network", ("{at_most: [a, b]}",), {"t": "x"}, marks=pytest.mark.slow),
    ],
)
def test_completed_rows_have_the_models_exact_conditional_distribution(
    kind: str, lines: tuple[str, ...], known: dict[str, Any]
) -> None:
    """Each row's share is within 5 standard errors of Bayes' rule, by enumeration of all rows.

    Rows with fewer than 30 expected draws count as one. At most 150 shares a case: a fresh seed
    fails with probability below 1e-3 a case.
    """
    model, draws = _model(kind, *lines), 20_000
    typed, shares = _shares(model)
    for name, value in known.items():
        shares = shares * typed[name].eq(value).fillna(False).to_numpy(dtype=bool)
    shares /= shares.sum()
    found = completed(model, pd.DataFrame({name: [value] * draws for name, value in known.items()}))
    drawn = conform(found.rows, model.schema)
    keys = ["a", "b", "t", "u"]
    wanted = (
        typed.assign(share=shares, a=typed["a"].astype(float))
        .fillna({"a": -1, "t": ""})
        .set_index(keys)["share"]
    )
    counts = drawn.fillna({"a": -1, "t": ""}).groupby(keys).size()
    counts = counts.reindex(wanted.index, fill_value=0)
    assert counts.sum() == draws
    common = (wanted * draws >= 30).to_numpy()
    observed = np.append(counts[common], counts[~common].sum()) / draws
    expected = np.append(wanted[common], wanted[~common].sum())
    errors = np.sqrt(expected * (1 - expected) / draws) + 1e-12
    assert 3 < common.sum() <= 150
    assert (np.abs(observed - expected) / errors).max() < 5


@pytest.mark.parametrize("kind", ["mixture", pytest.param("network", marks=pytest.mark.slow)])
@pytest.mark.parametrize("lines", [(), pytest.param(RULES, marks=pytest.mark.slow)])
def test_hiding_cells_and_completing_them_changes_no_share(
    kind: str, lines: tuple[str, ...]
) -> None:
    """Of the model's own rows each loses other cells: the pairs of columns stay as they are.

    Some 150 pairs of values with 100 and more rows, to 5 standard errors of the difference: a fresh
    seed fails with probability below 1e-3.
    """
    model, rows = _model(kind, *lines), 20_000
    before = conform(model.sample(rows, seed=2), model.schema)
    rng = np.random.default_rng(0)
    # An empty cell gets a value, so only cells with one are hidden.
    texts = before.astype(object).where(before.notna(), "NA")
    hidden = texts.mask((rng.random(before.shape) < 0.5) & before.notna().to_numpy(), None)
    after = conform(completed(model, hidden, marker="NA").rows, model.schema)
    pairs = 0
    for one, other in combinations(before.columns, 2):
        counts = [
            frame.astype("string").fillna("").groupby([one, other]).size()
            for frame in (before, after)
        ]
        both = pd.concat(counts, axis=1).fillna(0).to_numpy()
        both = both[both.sum(1) >= 200]
        pairs += len(both)
        # The same rows twice, half of their cells alike: the error is at most that of two samples.
        errors = np.sqrt(both.sum(1) * (1 - both.sum(1) / (2 * rows)))
        assert (np.abs(both[:, 0] - both[:, 1]) / errors).max() < 5
    assert pairs > 30


# --- every row


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mixture", "network"])
def test_given_values_are_kept_and_constraints_held(kind: str) -> None:
    _check_kept({LINES[0], LINES[3], LINES[5]}, 4, kind, 0.6)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.sets(st.sampled_from(LINES)),
    st.integers(0, 10_000),
    st.sampled_from(["mixture", "network"]),
    st.floats(0.1, 0.9),
)
def test_every_given_value_is_kept_and_every_constraint_held(
    lines: set[str], seed: int, kind: str, share: float
) -> None:
    _check_kept(lines, seed, kind, share)


def _check_kept(lines: set[str], seed: int, kind: str, share: float) -> None:
    """Of rows that exist some cells are hidden; the others come back as they were, in order."""
    schema = _schema(*sorted(lines), columns=COLUMNS)
    model = (
        fixed_synthesizer(schema, seed) if kind == "mixture" else network_synthesizer(schema, seed)
    )
    try:
        rows = model.sample(40, seed=seed)
    except IncompleteError:
        return  # Of this model no row holds the constraints.
    rng = np.random.default_rng(seed)
    hidden = rows.astype(object).mask(rng.random(rows.shape) < share)
    hidden.iloc[0] = None
    hidden = hidden[rng.permutation(rows.columns)[: rng.integers(1, rows.shape[1] + 1)]]
    hidden.loc[0, hidden.columns[0]] = None
    found = completed(model, hidden, seed=seed)
    assert violations(found.rows, schema) == ()
    assert broken_constraints(found.rows, schema) == ()
    for name in hidden:
        given_here = hidden[name].notna().to_numpy()
        kept = found.rows[name][given_here].tolist()
        assert kept == rows[name][given_here].tolist()
    assert ((found.probability > 0) & (found.probability <= 1 + 1e-6)).all()


TIED = """\
  - {name: orders, kind: integer, lower: 0, upper: 9}
  - {name: last, kind: integer, lower: 0, upper: 365, missing: true}
  - {name: tier, kind: categorical, categories: [low, high], missing: true, missing_markers: ["?"]}
"""
RULE = '  - {when: "orders = 0", then: "last is missing"}\n'


@pytest.mark.parametrize("make", [fixed_synthesizer, network_synthesizer])
def test_an_imputed_cell_has_a_value_unless_the_constraints_leave_none(make: object) -> None:
    assert callable(make)
    model = make(schema_of(TIED, RULE), 2)
    frame = pd.DataFrame(
        {"orders": ["0", "3"] * 60, "last": [None, ""] * 60, "tier": ["?", ""] * 60}
    )
    rows = completed(model, frame).rows
    assert rows["last"].isna().tolist() == [True, False] * 60
    assert rows["tier"].isna().tolist() == [True, False] * 60
    if make is fixed_synthesizer:  # Of this network's rows next to none lacks a tier.
        assert completed(model, frame[["orders"]]).rows["tier"].isna().any()
    marked = completed(model, frame.replace({"tier": {"": "none"}}), marker="none").rows
    assert marked["tier"].isna().all()


def test_a_rare_profile_is_drawn_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "_TIMES", (1,))
    monkeypatch.setattr(completion, "_SHARED", 1)
    model = _model("mixture", *COMBINED)
    frame = pd.DataFrame({"b": [0] * 20, "u": ["true"] * 20})
    found = completed(model, frame)
    assert broken_constraints(found.rows, model.schema) == ()
    assert set(found.rows["b"]) == {0}
    assert set(found.rows["t"]) == {"x", "z"}
    monkeypatch.setattr(completion, "_MOST_ALONE", 2)
    with pytest.raises(IncompleteError, match=r"given: the model gives [0-9]+ of the profiles"):
        completed(model, frame)


def test_a_profile_that_cannot_exist_is_told_by_its_row() -> None:
    model = _model("mixture", "{at_most: [a, b]}", '{when: "t = x", then: "u = true"}')
    with pytest.raises(UsageError, match=r"given: row 2 cannot exist beside constraints\[0\]"):
        completed(model, pd.DataFrame({"a": [1, 5], "t": ["y", "y"]}))
    with pytest.raises(UsageError, match=r"constraints\[1\] .* is broken by 1 of the .*\(row 3\)"):
        completed(model, pd.DataFrame({"t": ["y", "x", "x"], "u": ["false", "true", "false"]}))


# --- probabilities, chunks, seeds


@pytest.mark.parametrize("kind", ["mixture", "network"])
def test_probabilities_are_those_of_the_model(kind: str) -> None:
    """Exact of a mixture; of a network within 5 standard errors of 30,000 proposals at most."""
    model = _model(kind)
    typed, shares = _shares(model)
    frame = pd.DataFrame({"t": ["x", "y", "z", "NA"], "b": [0, 1, 2, 3]})
    wanted = [
        shares[
            (typed["b"] == number).to_numpy()
            & (typed["t"].isna() if text == "NA" else typed["t"] == text).to_numpy()
        ].sum()
        for text, number in zip(frame["t"], frame["b"], strict=True)
    ]
    many = pd.concat([frame] * 400, ignore_index=True)
    found = completed(model, many, marker="NA").probability.reshape(400, 4)
    if kind == "mixture":
        np.testing.assert_allclose(found[0], wanted, rtol=1e-4)
    else:
        errors = found.std(0) / np.sqrt(400) + 1e-9
        assert (np.abs(found.mean(0) - wanted) / errors).max() < 5


def test_chunks_go_on_and_a_seed_gives_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "CHUNK", 40)
    model = _model("mixture", *RULES)
    frame = pd.DataFrame({"b": np.arange(100) % 5})
    first, again, other = (completed(model, frame, seed=seed).rows for seed in (1, 1, 2))
    assert first["b"].tolist() == frame["b"].tolist()
    assert first.equals(again)
    assert not first.equals(other)


def test_rows_of_a_profile_pick_even_proposals_once_and_others_by_their_weight() -> None:
    rng = np.random.default_rng(0)
    firsts, times = np.array([0, 40]), 2
    places, effective = completion._picked(np.zeros(2 * 60), firsts, times, rng)
    assert effective == pytest.approx(np.full(60, 2.0))
    assert np.bincount(places).max() == 1
    assert (places[:40] < 80).all()
    assert (places[40:] >= 80).all()
    weights = np.array([0.5, 0.25, 0.125, 0.125, 0.0, 0.0])
    with np.errstate(divide="ignore"):
        logs = np.log(np.tile(weights, 500))
    picked, worth = completion._picked(logs, np.arange(0, 1_500, 3), times, rng)
    found = np.bincount(picked % 6, minlength=6) / 1_500
    assert found == pytest.approx(weights, abs=0.02)
    assert worth == pytest.approx(np.full(1_500, 1 / (weights**2).sum() / 3))
    # Whatever its place among the rows of its profile, a row picks by the weights alone.
    for place in range(3):
        found = np.bincount(picked[place::3] % 6, minlength=6) / 500
        assert found == pytest.approx(weights, abs=0.1)


# --- figures, of the released example: 22 columns, 4 constraints, made by an earlier version


@pytest.mark.slow
def test_a_hundred_thousand_profiles_take_less_than_ten_seconds_of_one_core(
    record_property: Callable[[str, object], None],
) -> None:
    model = load_synthesizer(EXAMPLE)
    rows = model.sample(100_000, seed=3)
    hidden = rows.drop(columns=["customer_id", "name", "email"])
    rng = np.random.default_rng(0)
    frames = {
        "two columns": hidden[["age", "membership_tier"]],
        "half of the columns": hidden[hidden.columns[::2]],
        "holes": hidden.astype(object).mask(rng.random(hidden.shape) < 0.3),
    }
    for what, frame in frames.items():
        took, worth = _timed(model, frame)
        record_property(what, f"{took:.1f} s of one core, {worth:.3f} worth")
        assert took < 10, what


def _timed(model: Synthesizer, frame: pd.DataFrame) -> tuple[float, float]:
    """Seconds of one core that completing takes, and what a row is worth."""
    begun = time.process_time()
    found = completed(model, frame)
    return time.process_time() - begun, float(found.worth.mean())


@pytest.mark.slow
def test_a_hundred_thousand_profiles_of_a_random_network_take_less_than_ten_seconds(
    record_property: Callable[[str, object], None],
) -> None:
    model = network_synthesizer(load_synthesizer(EXAMPLE).schema, 3)
    frame = model.sample(100_000, seed=3)[["age", "membership_tier"]]
    took, worth = _timed(model, frame)
    record_property("two columns", f"{took:.1f} s of one core, {worth:.3f} worth")
    assert took < 10
    assert worth > 0.99


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"),
    [("membership_tier", "gold"), ("orders_12m", 2), ("converted", True), ("age", 40)],
)
def test_conditional_shares_are_those_of_a_large_unconditional_sample(
    name: str, value: Any
) -> None:
    """Within three standard errors of both samples: 400,000 rows, and 50,000 completed ones.

    Some 60 shares of ten bins a case. A fresh seed breaks each with probability 0.0027, so that a
    case fails with one in seven; the seeds are fixed.
    """
    model = load_synthesizer(EXAMPLE)
    whole = pd.concat(list(model.chunks(400_000, seed=11)), ignore_index=True)
    sample = whole[whole[name].eq(value).fillna(False).to_numpy(dtype=bool)]
    found = completed(model, pd.DataFrame({name: [value] * 50_000}), seed=11).rows
    worst = 0.0
    for column in ("age", "gender", "membership_tier", "orders_12m", "spend_12m", "recency_days",
                   "converted", "churned", "region", "income_band"):  # fmt: skip
        if column == name:
            continue
        ends = (
            np.unique(whole[column].quantile(np.linspace(0, 1, 7)[1:-1]))
            if (
                pd.api.types.is_numeric_dtype(whole[column])
                and not pd.api.types.is_bool_dtype(whole[column])
            )
            else None
        )
        bins = [
            np.searchsorted(ends, frame[column].astype(float), side="right")
            if ends is not None
            else frame[column].astype("string").fillna("").to_numpy()
            for frame in (sample, found)
        ]
        for kind in np.unique(bins[0]):
            one, two = ((part == kind).mean() for part in bins)
            pooled = (one * len(bins[0]) + two * len(bins[1])) / (len(bins[0]) + len(bins[1]))
            error = np.sqrt(pooled * (1 - pooled) * (1 / len(bins[0]) + 1 / len(bins[1])))
            worst = max(worst, abs(one - two) / max(error, 1e-12))
    assert worst < 3, f"{len(sample):,} rows of 400,000 have the value"

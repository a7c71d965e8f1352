"""Rows of a network under conditions and constraints.

That rows under constraints follow the exact conditional distribution is in ``test_constrained``.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from privgan.domain.conditions import ColumnCondition
from privgan.domain.predicates import met, parse_predicates
from privgan.domain.value_sets import Axis, shares_of
from privgan.errors import IncompleteError
from privgan.generator import importance, network_sampler, tilts
from privgan.generator.row_sampler import RowSampler
from privgan.schema.schema import Schema
from privgan.synthesizer import Synthesizer, load_synthesizer
from privgan.table.conform import conform, violations
from privgan.table.violations import broken_constraints
from tests.constrained import HEAD, network_synthesizer, schema_of
from tests.generator.test_constrained import CHAIN, COLUMNS, LINES, SMALL, WHERES


def schema(*lines: str, columns: str = COLUMNS, head: str = HEAD) -> Schema:
    return schema_of(columns, "".join(f"  - {line}\n" for line in lines), head)


# --- every row


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    st.sets(st.sampled_from(LINES)),
    st.sampled_from(WHERES),
    st.integers(0, 10_000),
    st.sampled_from([0.3, 1.0, 2.5]),
    st.sampled_from([1, 40]),
)
def test_every_row_holds_every_constraint_and_condition(
    lines: set[str], where: str | None, seed: int, strength: float, attempts: int
) -> None:
    small = schema(*sorted(lines))
    synthesizer = network_synthesizer(small, seed, strength=strength)
    conditions = parse_predicates(where, small) if where else ()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network_sampler, "ATTEMPTS", attempts)
        try:
            rows = synthesizer.sample(150, seed=seed, where=conditions)
        except IncompleteError:
            assert strength > 2  # Softmaxes near 0 and 1: a condition may be next to impossible.
            return
    assert len(rows) == 150
    assert violations(rows, small) == ()
    assert broken_constraints(rows, small) == ()
    typed = conform(rows, small)
    assert all(met(condition, typed).all() for condition in conditions)


# --- conditions


CODES = """\
  - {name: a, kind: categorical, categories: [x, y, z]}
  - {name: b, kind: integer, lower: 0, upper: 3}
  - {name: c, kind: boolean}
  - {name: d, kind: integer, lower: 0, upper: 39}
"""


def conditional(synthesizer: Synthesizer, where: str) -> pd.Series:
    """The exact share of each row of codes among those that meet the conditions."""
    encoder, shown = synthesizer.encoder, synthesizer.schema
    every = np.array(list(product(*map(range, encoder.sizes))))
    shares = np.exp(synthesizer.distribution.log_likelihood(every))
    for condition in parse_predicates(where, shown):
        assert isinstance(condition, ColumnCondition)
        index, axis = encoder.names.index(condition.column.name), Axis(condition.column)
        column = encoder.columns[index]
        kept = column.within * shares_of(column.cells, axis, axis.allowed_by(condition))
        shares *= np.bincount(column.code_of, kept, minlength=column.size)[every[:, index]]
    return pd.Series(shares / shares.sum(), index=pd.MultiIndex.from_arrays(every.T))


@pytest.mark.parametrize(
    "where", ["a = z", "d >= 30", "b = 1 and c = true", "a != x and d < 7", "c = false and d = 3"]
)
@pytest.mark.parametrize("ahead", [True, False])
def test_rows_follow_the_exact_conditional_distribution(
    where: str, ahead: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With tilts and without: by chi-square over rows of codes with 20 and more expected.

    A fresh seed fails with probability 1e-4 in each of ten cases.
    """
    if not ahead:
        monkeypatch.setattr(network_sampler, "fitted_tilts", lambda *_: {})
    synthesizer = network_synthesizer(schema(columns=CODES), 8)
    draws = 20_000
    chunks = synthesizer.chunks(draws, seed=3, where=parse_predicates(where, synthesizer.schema))
    drawn = pd.concat(list(chunks))
    assert chunks.note is None
    codes = synthesizer.encoder.encode(conform(drawn, synthesizer.schema))
    wanted = conditional(synthesizer, where) * draws
    counts = pd.Series(list(map(tuple, codes))).value_counts().reindex(wanted.index, fill_value=0)
    assert counts.sum() == draws
    assert counts[wanted == 0].sum() == 0
    often = (wanted >= 20).to_numpy()
    assert often.sum() > 5
    found = np.append(counts[often], counts[~often].sum())
    expected = np.append(wanted[often], wanted[~often].sum())
    if expected[-1] < 5:
        found, expected = found[:-1], expected[:-1] * found[:-1].sum() / expected[:-1].sum()
    assert stats.chisquare(found, expected).pvalue > 1e-4


def test_the_conditions_probability_is_near_the_exact_one() -> None:
    synthesizer = network_synthesizer(schema(columns=CODES), 8)
    encoder = synthesizer.encoder
    every = np.array(list(product(*map(range, encoder.sizes))))
    shares = np.exp(synthesizer.distribution.log_likelihood(every))
    for where, held in (("c = true", every[:, 2] == 1), ("a = x and c = true", None)):
        exact = shares[held if held is not None else (every[:, 0] == 0) & (every[:, 2] == 1)].sum()
        conditions = parse_predicates(where, synthesizer.schema)
        sampler = RowSampler(synthesizer, 0, conditions, balanced=False).sampler
        assert sampler.probability == pytest.approx(exact, rel=0.1)


def late() -> Synthesizer:
    """The last column depends on the others; its last code is rare."""
    return network_synthesizer(schema(columns=CODES), 5, strength=2.0, shifts={"c": [0.0, -6.0]})


def test_tilts_lead_to_rare_late_codes() -> None:
    synthesizer = late()
    allowed = {2: np.array([0.0, 1.0])}
    network = synthesizer.distribution
    guides = lambda rows: network_sampler._guides((), allowed, rows)  # noqa: E731
    plain = tilts.draw_block(network, 8_192, np.random.default_rng(1), guides(8_192))
    found = tilts.fitted_tilts(network, guides)
    led = tilts.draw_block(network, 8_192, np.random.default_rng(1), guides(8_192), found)
    before, after = (importance.effective(importance.relative(x.logs)) for x in (plain, led))
    assert after > 3 * before
    assert np.exp(led.logs).mean() == pytest.approx(np.exp(plain.logs).mean(), rel=0.3)


def test_rows_that_repeat_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "_MOST_TIMES", 1)
    monkeypatch.setattr(importance, "_MOST_ROWS", 1)
    monkeypatch.setattr(network_sampler, "fitted_tilts", lambda *_: {})
    synthesizer = late()
    chunks = synthesizer.chunks(1_000, where=parse_predicates("c = true", synthesizer.schema))
    assert chunks.note is None
    assert len(pd.concat(list(chunks))) == 1_000
    told = chunks.note
    assert told is not None
    assert "1,000 rows repeat others" in told
    assert 1 <= int(told.split("tell as much as ")[1].split()[0].replace(",", "")) < 700


def test_conditions_of_next_to_no_probability_are_refused() -> None:
    synthesizer = network_synthesizer(
        schema(columns=CODES), 5, strength=0.1, shifts={"c": [0.0, -40.0]}
    )
    with pytest.raises(IncompleteError, match="next to no probability; widen one of them"):
        synthesizer.sample(10, where=parse_predicates("c = true", synthesizer.schema))
    assert (
        len(synthesizer.sample(10, where=parse_predicates("c = false", synthesizer.schema))) == 10
    )


# --- constraints


def test_rare_rules_and_combinations_are_drawn() -> None:
    """What they leave has a probability of some 1e-13."""
    small = schema(
        "{combinations: [t, u], allowed: [[z, true]]}",
        '{when: "u = true", then: "b = 4"}',
        columns=SMALL,
    )
    shifts = {"t": [0.0, 0.0, -10.0, 0.0], "u": [0.0, -10.0], "b": [0.0, 0.0, 0.0, 0.0, -10.0]}
    rows = network_synthesizer(small, strength=0.5, shifts=shifts).sample(1_000, seed=1)
    assert set(map(tuple, rows[["t", "u", "b"]].to_numpy())) == {("z", True, 4)}
    assert rows["a"].nunique() == 6


def test_what_stays_broken_is_repaired() -> None:
    """The network gives a < b < c next to no probability where b is not missing."""
    small = schema("{below: [a, b]}", "{below: [b, c]}", columns=CHAIN)
    high, low = [0.0] * 5 + [14.0], [14.0] + [0.0] * 5
    shifts = {"a": high, "b": [*low, -14.0], "c": low}
    synthesizer = network_synthesizer(small, strength=0.3, shifts=shifts)
    rows = synthesizer.sample(500, seed=2)
    assert broken_constraints(rows, small) == ()
    assert len(rows) == 500
    assert rows["b"].notna().mean() > 0.9
    assert len(set(rows["a"])) > 1
    pd.testing.assert_frame_equal(rows, synthesizer.sample(500, seed=2))


def test_a_repaired_column_follows_its_distribution_given_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One order and no second attempt: c follows p(c | a, b, d, c > b), by chi-square (1e-4)."""
    monkeypatch.setattr(network_sampler, "ATTEMPTS", 1)
    columns = """\
  - {name: b, kind: integer, lower: 0, upper: 5}
  - {name: c, kind: integer, lower: 0, upper: 6}
  - {name: d, kind: boolean}
"""
    small = schema("{below: [b, c]}", '{when: "b >= 0", then: "b = 3"}', columns=columns)
    synthesizer = network_synthesizer(small, 4)
    sampler = RowSampler(synthesizer, 0, (), balanced=False).sampler
    group = sampler._groups[0].of
    codes = np.tile(np.array([[3, 0, 1]]), (8_000, 1))
    left = network_sampler.Drawn(
        codes, [np.zeros(8_000, np.int64)], {"b": codes[:, 0], "c": codes[:, 1]}
    )
    found = sampler._repaired(left, np.random.default_rng(0))
    assert group.held(found.positions).all()
    every = np.array([[3, code, 1] for code in range(7)])
    likely = np.exp(synthesizer.distribution.log_likelihood(every))[4:]
    counts = np.bincount(found.positions["c"], minlength=7)
    assert counts[:4].sum() == 0
    assert stats.chisquare(counts[4:], likely / likely.sum() * 8_000).pvalue > 1e-4


def test_constraints_that_the_network_cannot_hold_are_named() -> None:
    rules = ('{when: "u = true", then: "t = x"}', '{when: "u = false", then: "t = x"}')
    small = schema("{at_most: [a, b]}", *rules, columns=SMALL)
    synthesizer = network_synthesizer(small, strength=0.1, shifts={"t": [-200.0]})
    named = r"no probability.*constraints\[1\] \(when u = true, then t = x\); constraints\[2\]"
    with pytest.raises(IncompleteError, match=named) as error:
        synthesizer.sample(10)
    assert "constraints[0]" not in str(error.value)
    assert "fit again" in str(error.value)


def test_conditions_against_a_constraint_are_named() -> None:
    small = schema(
        '{when: "a = 0", then: "b = 0"}',
        "{combinations: [t, u], allowed: [[x, true]]}",
        columns=SMALL,
    )
    with pytest.raises(
        IncompleteError, match=r"where on a, b.*constraints\[0\] \(when a = 0, then b = 0\); widen"
    ):
        network_synthesizer(small).sample(10, where=parse_predicates("a = 0 and b > 2", small))


# --- as of a mixture


@pytest.mark.slow
def test_chunks_keep_their_sizes_and_follow_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("privgan.synthesizer.CHUNK", 64)
    for small in (schema(*LINES), schema()):
        synthesizer = network_synthesizer(small)
        first, again = (list(synthesizer.chunks(130, seed=3)) for _ in range(2))
        assert [len(chunk) for chunk in first] == [64, 64, 2]
        pd.testing.assert_frame_equal(pd.concat(first), pd.concat(again))
        assert not pd.concat(first).equals(pd.concat(list(synthesizer.chunks(130, seed=4))))
        balanced = pd.concat(list(synthesizer.chunks(130, seed=3, balanced=True)))
        pd.testing.assert_frame_equal(pd.concat(first), balanced)


def test_customers_with_several_rows_hold_them_too() -> None:
    small = schema(
        *LINES,
        columns='  - {name: id, kind: identifier, pattern: "S{:05d}"}\n' + COLUMNS,
        head=HEAD.replace("unit: row", "unit: id\nmax_rows_per_unit: 3"),
    )
    rows = network_synthesizer(small, rows_of_each=(0.2, 0.3, 0.5)).sample(3_000, seed=1)
    assert broken_constraints(rows, small) == ()
    assert violations(rows, small) == ()
    each = rows["id"].value_counts()
    assert sorted(each.unique()) == [1, 2, 3]
    assert each.eq(3).mean() == pytest.approx(0.5, abs=5 * np.sqrt(0.25 / len(each)))


def test_a_saved_network_draws_the_same_rows_again(tmp_path: Path) -> None:
    synthesizer = network_synthesizer(schema(*LINES))
    synthesizer.save(tmp_path / "model")
    again = load_synthesizer(tmp_path / "model")
    pd.testing.assert_frame_equal(again.sample(300, seed=1), synthesizer.sample(300, seed=1))
    free = replace(again, schema=replace(again.schema, constraints=())).sample(400, seed=1)
    assert len(broken_constraints(free, again.schema)) == len(LINES)
    again.save(tmp_path / "again")
    for path in sorted((tmp_path / "model").iterdir()):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_a_network_of_one_column_is_drawn_and_filed(tmp_path: Path) -> None:
    small = schema(columns="  - {name: a, kind: integer, lower: 0, upper: 3}\n")
    network_synthesizer(small).save(tmp_path / "model")
    rows = load_synthesizer(tmp_path / "model").sample(2_000, seed=1)
    assert set(rows["a"]) == {0, 1, 2, 3}

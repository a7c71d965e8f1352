"""The budget's shares, and the marginals measured without a choice, from public facts."""

import itertools
import json
import math
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.errors import UsageError
from privgan.planning.plan import GeneratorKind, StepKind
from privgan.planning.planner import PlanOptions, make_plan
from privgan.planning.workload import (
    BY_DIFFERENCE,
    FEWEST_CODES,
    MOST_CODES,
    longer_fit,
    measured_at_once,
    more_entries,
    number_of_codes,
    share_of_one_way,
    share_of_triples,
    small_triples,
    target_weight,
)
from privgan.privacy.budget import PrivacyBudget
from privgan.schema.schema import Schema, with_target
from privgan.table.schema_file import load_schema, parse_schema

ADULT = Path(__file__).parents[1] / "data" / "schemas" / "adult.yaml"
LIMITS = make_plan(load_schema(ADULT), PrivacyBudget(epsilon=1), public_rows=32_561).marginals


def test_triples_get_more_as_epsilon_and_rows_grow() -> None:
    facts = [(0.3, 10_000), (1, 40_000), (3, 40_000), (10, 40_000)]
    shares = [share_of_triples(epsilon, customers, 15) for epsilon, customers in facts]
    assert shares == sorted(shares)
    assert shares[:2] == [0.0, 0.0]
    assert 0.3 < shares[2] < shares[3] == 0.6
    assert share_of_triples(3, 40_000, 60) < share_of_triples(3, 40_000, 30) < shares[2]


def test_finer_noise_is_fitted_longer_within_limits() -> None:
    steps = [longer_fit(1_000, epsilon, 40_000) for epsilon in (0.5, 3, 6, 10)]
    assert steps == [1_000, 1_000, 2_000, 2_500]


def test_wide_tables_have_more_entries_within_limits() -> None:
    codes = ((15, 200), (30, 360), (45, 400), (60, 240), (60, 600))
    assert [more_entries(1_000, *facts) for facts in codes] == [1_000, 1_000, 1_500, 2_000, 1_666]
    assert more_entries(1_000, 200, 1_400) == 1_000, "never fewer than a narrow table's"


@pytest.mark.parametrize(("columns", "entries"), [(20, 1_000), (60, 2_000)])
def test_the_plan_has_entries_for_its_columns(columns: int, entries: int) -> None:
    made = make_plan(_tokens(columns), PrivacyBudget(epsilon=1), public_rows=20_000)
    assert made.generator.entries == entries


def _tokens(columns: int) -> Schema:
    """A schema of columns with four categories each."""
    facts = [
        {"name": f"c{place}", "kind": "categorical", "categories": list("abcd")}
        for place in range(columns)
    ]
    named = {"format": "privgan.schema/1", "dataset": "many", "unit": "row"}
    return parse_schema(json.dumps(named | {"columns": facts}))


def test_columns_have_fewer_codes_where_pairs_are_hardly_seen() -> None:
    codes = [
        number_of_codes(rows, noise)
        for rows, noise in ((500, 500), (9_864, 56), (32_561, 46), (32_561, 6))
    ]
    assert codes == [FEWEST_CODES, FEWEST_CODES, MOST_CODES, MOST_CODES]
    assert (
        MOST_CODES % FEWEST_CODES == 0
    )  # Tenths are twentieths too: no code of one cuts through codes of the other.


def test_single_columns_get_more_where_pairs_are_hardly_seen() -> None:
    shares = [
        share_of_one_way(rows, noise)
        for rows, noise in ((32_561, 46), (9_864, 56), (4_000, 62), (1_176, 36), (1_176, 99))
    ]
    assert shares == [0.08, 0.08, pytest.approx(0.198), pytest.approx(0.392), 0.4]


def test_a_small_table_of_many_columns_is_planned_so() -> None:
    schema = load_schema(ADULT)
    few, many = (
        make_plan(schema, PrivacyBudget(epsilon=1), public_rows=rows).of_kind(StepKind.MARGINAL)
        for rows in (2_000, 32_561)
    )
    pairs = [
        make_plan(schema, PrivacyBudget(epsilon=1), public_rows=rows).step("pairs").noise
        for rows in (2_000, 32_561)
    ]
    assert few[0].noise < 0.6 * many[0].noise
    assert pairs[0] > pairs[1]


def test_the_planned_codes_follow_from_public_facts() -> None:
    schema = load_schema(ADULT)
    weak, strong = (
        make_plan(schema, PrivacyBudget(epsilon=epsilon), public_rows=32_561)
        for epsilon in (0.5, 10)
    )
    assert weak.marginals.max_codes < strong.marginals.max_codes == MOST_CODES


@pytest.mark.parametrize("target", [None, "income", "race", "age"])
def test_all_pairs_are_measured_once_and_those_of_the_target_by_a_step_of_their_own(
    target: str | None,
) -> None:
    schema = with_target(load_schema(ADULT), target)
    place = [column.name for column in schema.modelled].index(target or "income")
    found = measured_at_once(schema, LIMITS)
    kinds = [
        StepKind.TARGET_DIFFERENCES,
        StepKind.DIFFERENCES,
        StepKind.TARGET_PAIRS,
        StepKind.PAIRS,
    ]
    pairs = {kind: list(found.get(kind, ())) for kind in kinds}
    assert sorted(itertools.chain(*pairs.values())) == list(
        itertools.combinations(range(len(schema.modelled)), 2)
    )
    for with_target_in, without in (
        kinds[:2],
        kinds[2:],
        (StepKind.TARGET_TRIPLES, StepKind.TRIPLES),
    ):
        assert all(place in clique for clique in found.get(with_target_in, ()))
        assert not any(place in clique for clique in found.get(without, ()))
    binary = {
        place for place, column in enumerate(schema.modelled) if column.name in {"sex", "income"}
    }
    for kind, cliques in pairs.items():
        assert all(bool(binary & set(clique)) == (kind in BY_DIFFERENCE) for clique in cliques)


def test_the_target_gets_its_weight_and_what_it_gets_the_others_pay() -> None:
    schema, budget = load_schema(ADULT), PrivacyBudget(epsilon=3)
    plan = make_plan(
        schema, budget, public_rows=32_561, options=PlanOptions(canary_probability=0.0)
    )
    weight = target_weight(3.0, 32_561, 0.08)
    assert weight == 4.0
    for kind in ("differences", "triples"):
        ratio = (plan.step(kind).noise / plan.step(f"{kind}:target").noise) ** 2
        assert ratio == pytest.approx(weight, rel=1e-4)
    assert (plan.step("differences").noise / plan.step("pairs").noise) ** 2 == pytest.approx(
        2, rel=1e-4
    )
    assert [target_weight(epsilon, 40_000, 0.08) for epsilon in (0.1, 0.5, 1.0, 1.1, 10)] == [
        1.0,
        1.0,
        3.5,
        4.0,
        4.0,
    ]
    assert [target_weight(0.2, 1_000, share) for share in (0.08, 0.24, 0.4)] == [1.0, 2.5, 4.0]
    assert {
        target_weight(epsilon, 40_000, 0.08, by_difference=True) for epsilon in (0.1, 1.0, 10.0)
    } == {4.0}


def test_pairs_with_a_target_of_two_values_are_measured_closely_even_where_little_is_seen() -> None:
    budget = PrivacyBudget(epsilon=0.5)
    plan = make_plan(
        load_schema(ADULT), budget, public_rows=15_000, options=PlanOptions(canary_probability=0.0)
    )
    assert (
        plan.step("differences").noise / plan.step("differences:target").noise
    ) ** 2 == pytest.approx(4, rel=1e-4)
    by_race = with_target(load_schema(ADULT), "race")
    whole = make_plan(
        by_race, budget, public_rows=15_000, options=PlanOptions(canary_probability=0.0)
    )
    assert (whole.step("pairs").noise / whole.step("pairs:target").noise) ** 2 < 1.1


def test_a_table_of_two_columns_is_one_pair() -> None:
    text = """{format: privgan.schema/1, dataset: two, unit: row, columns: [
        {name: a, kind: categorical, categories: [x, y]},
        {name: b, kind: categorical, categories: [u, v, w]}]}"""
    plan = make_plan(parse_schema(text), PrivacyBudget(epsilon=3), public_rows=5_000)
    assert [step.name for step in plan.steps] == ["marginal:a", "marginal:b", "differences:target"]
    assert plan.cost is not None
    assert 0.99 * 3 < plan.cost.epsilon <= 3


@settings(max_examples=50)
@given(
    st.lists(st.integers(2, 60), min_size=1, max_size=12),
    st.integers(8, 3_000),
    st.integers(8, 20_000),
)
def test_small_triples_are_the_smallest_and_stay_within_their_limits(
    sizes: list[int], largest: int, together: int
) -> None:
    limits = replace(LIMITS, largest_triple=largest, triple_cells=together)
    found = small_triples(tuple(sizes), limits)
    cells = [math.prod(sizes[column] for column in triple) for triple in found]
    assert cells == sorted(cells)
    assert sum(cells) <= together
    assert all(part <= largest for part in cells)
    left = set(itertools.combinations(range(len(sizes)), 3)) - set(found)
    if left:
        smallest = min(math.prod(sizes[column] for column in triple) for triple in left)
        assert smallest > largest or smallest + sum(cells) > together


def test_the_whole_budget_goes_to_marginals_unless_the_critic_is_given_some() -> None:
    schema, budget = load_schema(ADULT), PrivacyBudget(epsilon=3)
    plain = make_plan(schema, budget, public_rows=32_561)
    assert plain.critic is None
    hybrid = make_plan(schema, budget, public_rows=32_561, marginal_share=0.5)
    assert hybrid.critic is not None
    assert hybrid.step("pairs").noise > 1.2 * plain.step("pairs").noise
    with pytest.raises(UsageError, match="resumable"):
        make_plan(
            schema,
            budget,
            public_rows=32_561,
            kind=GeneratorKind.MIXTURE,
            options=PlanOptions(resumable=True),
        )


@pytest.mark.parametrize(
    ("widest", "kinds"),
    [
        (1, {"1-way marginal"}),
        (2, {"2-way marginals", "differences in 2-way marginals of the target", "chosen marginal"}),
    ],
)
def test_a_plan_may_stop_at_narrow_marginals(widest: int, kinds: set[str]) -> None:
    options = PlanOptions(widest=widest)
    plan = make_plan(
        load_schema(ADULT),
        PrivacyBudget(epsilon=3),
        public_rows=32_561,
        marginal_share=0.2,
        options=options,
    )
    found = {step.kind.value for step in plan.steps}
    assert kinds <= found
    assert "small 3-way marginals" not in found
    assert ("2-way marginals" in found) == (widest == 2)
    with pytest.raises(UsageError, match="1 to 6"):
        make_plan(
            load_schema(ADULT),
            PrivacyBudget(epsilon=3),
            public_rows=32_561,
            options=PlanOptions(widest=7),
        )


def test_small_triples_of_two_thousand_columns_are_found_at_once() -> None:
    """There are a thousand million triples of 2,000 columns; the schema may have as many."""
    for sizes, number in (((2,) * 2_000, 18_750), ((48,) * 2_000, 0), ((1, 2) * 1_000, 150_000)):
        before = time.process_time()
        found = small_triples(sizes, replace(LIMITS, largest_triple=2_000, triple_cells=150_000))
        assert time.process_time() - before < 5
        assert len(found) == number
        assert found[:1] == [(0, 1, 2) if len(set(sizes)) == 1 else (0, 2, 4)][: len(found)]

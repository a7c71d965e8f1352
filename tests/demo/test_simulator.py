"""The simulator against its own exact truth.

Seeds are fixed, failure probabilities are for a fresh seed.
"""

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path

import numpy
import pandas
import pytest

from privgan import demo
from privgan.demo.graph import LATENT, customer_network
from privgan.demo.network import Network, Node
from privgan.demo.parameters import AGE_GROUPS, EDUCATION_GIVEN_AGE_GROUP, REFERENCE_DATE
from privgan.errors import UsageError
from privgan.table.conform import violations
from privgan.table.files import read_table
from privgan.table.schema_file import load_schema, parse_schema
from privgan.table.violations import broken_constraints
from tests.constrained import fixed_synthesizer

ROWS = 60_000
# Two-sided normal tail at 5.5 standard errors is 4e-8; with some 650 cells a fresh seed fails with
# probability < 1e-4, the binomial's heavier tail in cells of 30 and more expected rows included.
STANDARD_ERRORS = 5.5
SMALLEST_EXPECTED = 30


@pytest.fixture(scope="module")
def table() -> pandas.DataFrame:
    return demo.simulate_customers(ROWS, seed=20)


def as_text(column: pandas.Series) -> pandas.Series:
    text = column.astype(object).where(column.notna(), "").astype(str)
    return text.str.lower() if column.dtype == bool else text


def assert_frequencies(observed: pandas.Series, truth: dict[str, float]) -> None:
    counts = observed.value_counts()
    assert set(counts.index) <= set(truth)
    for value, probability in truth.items():
        expected = probability * len(observed)
        if expected >= SMALLEST_EXPECTED:
            allowed = STANDARD_ERRORS * numpy.sqrt(expected * (1.0 - probability))
            assert abs(counts.get(value, 0) - expected) <= allowed, value


@pytest.mark.parametrize("column", demo.discrete_columns())
def test_every_discrete_column_follows_its_true_marginal(
    table: pandas.DataFrame, column: str
) -> None:
    assert_frequencies(as_text(table[column]), demo.true_marginal(column))


@pytest.mark.parametrize(
    ("column", "given"),
    [
        ("converted", "acquisition_channel"),
        ("converted", "ad_clicks"),
        ("churned", "support_tickets"),
        ("nps", "churned"),
        ("income_band", "education"),
        ("membership_tier", "acquisition_channel"),
        ("fraud_flag", "acquisition_channel"),
    ],
)
def test_pairs_follow_their_true_conditional(
    table: pandas.DataFrame, column: str, given: str
) -> None:
    truth = demo.true_conditional(column, given=given)
    for value, part in table.groupby(as_text(table[given])):
        assert_frequencies(as_text(part[column]), truth[value])


def test_the_frequency_check_can_fail(table: pandas.DataFrame) -> None:
    wrong = {"female": 0.49, "male": 0.49, "diverse": 0.02}
    with pytest.raises(AssertionError):
        assert_frequencies(table["gender"], wrong)


def test_mean_spend_by_tier_is_true_within_sampling_error(table: pandas.DataFrame) -> None:
    spend = table.groupby("membership_tier")["spend_12m"]
    error = spend.std() / numpy.sqrt(spend.size())
    for tier, mean in demo.true_mean_spend().items():
        assert abs(spend.mean()[tier] - mean) <= STANDARD_ERRORS * error[tier]


def test_hidden_bands_agree_with_the_days_and_amounts_drawn(table: pandas.DataFrame) -> None:
    network = customer_network()
    recency = numpy.searchsorted((30, 90, 180, 365), table["recency_days"])
    spend = numpy.searchsorted((0.0, 250.0, 1000.0), table["spend_12m"])
    for name, codes in (("recency_band", recency), ("spend_band", spend)):
        truth = dict(enumerate(network.joint(name).tolist()))
        assert_frequencies(pandas.Series(codes), truth)


def test_truth_agrees_with_a_sum_written_out_by_hand() -> None:
    by_hand = sum(
        share * EDUCATION_GIVEN_AGE_GROUP[group][3] for group, share in AGE_GROUPS.items()
    )
    assert demo.true_marginal("education")["bachelor"] == pytest.approx(by_hand, abs=1e-12)


def test_joint_agrees_with_brute_force_on_a_small_network() -> None:
    rng = numpy.random.default_rng(0)
    first, second = rng.dirichlet([1, 1]), rng.dirichlet([1, 1, 1], 2)
    third = rng.dirichlet([1, 1], (2, 3))
    nodes = [("a", (), first), ("b", ("a",), second), ("c", ("a", "b"), third)]
    network = Network(
        Node(name=name, values=tuple("012")[: table.shape[-1]], parents=parents, table=table)
        for name, parents, table in nodes
    )
    expected = numpy.zeros((2, 3))
    for a, b, c in numpy.ndindex(2, 3, 2):
        expected[c, b] += first[a] * second[a, b] * third[a, b, c]
    numpy.testing.assert_allclose(network.joint("c", "b"), expected)


def test_every_table_is_a_distribution_of_the_right_shape() -> None:
    nodes = customer_network().nodes
    for node in nodes.values():
        assert node.table.shape == (
            *(len(nodes[parent].values) for parent in node.parents),
            len(node.values),
        )
        assert node.table.min() >= 0.0
        numpy.testing.assert_allclose(node.table.sum(axis=-1), 1.0, rtol=0, atol=1e-9)


def test_same_seed_gives_the_same_table_and_another_seed_another() -> None:
    first = demo.simulate_customers(200, seed=3)
    pandas.testing.assert_frame_equal(first, demo.simulate_customers(200, seed=3))
    assert not first.equals(demo.simulate_customers(200, seed=4))


@pytest.mark.parametrize("rows", [1, 2, 17])
def test_any_number_of_rows(rows: int) -> None:
    table = demo.simulate_customers(rows, seed=1)
    assert len(table) == rows
    assert violations(table, parse_schema(demo.demo_schema_yaml())) == ()


@pytest.mark.parametrize("rows", [0, -1, 100_000_000])
def test_an_impossible_number_of_rows_is_refused(rows: int) -> None:
    with pytest.raises(UsageError, match=f"rows is {rows}"):
        demo.simulate_customers(rows)


def test_truth_refuses_columns_without_an_exact_distribution() -> None:
    with pytest.raises(UsageError, match="spend_12m"):
        demo.true_marginal("spend_12m")
    with pytest.raises(UsageError, match="two different columns"):
        demo.true_conditional("gender", given="gender")


def test_every_value_lies_inside_the_schema(table: pandas.DataFrame) -> None:
    assert violations(table, parse_schema(demo.demo_schema_yaml())) == ()


def test_written_files_read_back_and_conform(tmp_path: Path) -> None:
    csv, schema_file = demo.write_demo(tmp_path / "new" / "folder", rows=300, seed=5)
    schema, read = load_schema(schema_file), read_table(csv)
    assert (schema.dataset, schema.unit.column, schema.unit.max_rows) == (
        "retail-demo",
        "customer_id",
        1,
    )
    assert tuple(read.columns) == schema.names
    assert violations(read, schema) == ()


def test_structural_zeros_and_order_between_columns(table: pandas.DataFrame) -> None:
    idle = table["orders_12m"] == 0
    assert 0.2 < idle.mean() < 0.35
    assert ((table["spend_12m"] == 0) == idle).all()
    assert ((table["average_basket"] == 0) == idle).all()
    assert numpy.allclose(
        table["spend_12m"], table["orders_12m"] * table["average_basket"], atol=1e-6
    )
    assert (table["ad_clicks"] <= table["ad_impressions"]).all()
    tenure = (pandas.Timestamp(REFERENCE_DATE) - table["sign_up_date"]).dt.days
    assert (table["recency_days"] <= tenure).all()
    assert ((table["recency_days"] > 365) <= idle).all()


def test_simulated_and_synthetic_rows_hold_the_schemas_constraints(table: pandas.DataFrame) -> None:
    schema = parse_schema(demo.demo_schema_yaml())
    assert len(schema.constraints) == 4
    assert broken_constraints(table, schema) == ()
    synthesizer = fixed_synthesizer(schema, seed=1)
    assert broken_constraints(synthesizer.sample(2_000, seed=1), schema) == ()
    free = replace(synthesizer, schema=replace(schema, constraints=())).sample(2_000, seed=1)
    assert [place for place, _ in broken_constraints(free, schema)] == [0, 1, 2, 3]


def test_only_income_and_nps_are_missing_and_not_at_random(table: pandas.DataFrame) -> None:
    missing = table.isna().mean()
    assert set(missing[missing > 0].index) == {"income_band", "nps"}
    by_channel = table["nps"].isna().groupby(table["acquisition_channel"]).mean()
    assert by_channel["store"] > by_channel["email"] + 0.1


def test_identifiers_are_unique_and_addresses_reserved(table: pandas.DataFrame) -> None:
    assert table["customer_id"].is_unique
    assert table["email"].is_unique
    assert table["customer_id"].str.fullmatch(r"C\d{8}").all()
    assert table["email"].str.fullmatch(r"[a-z]+\.[a-z]+\d+@example\.(com|org|net)").all()


def risk(table: pandas.DataFrame, column: str, mask: pandas.Series) -> float:
    return float(table.loc[mask, column].mean() / table.loc[~mask, column].mean())


def test_dependencies_are_strong_enough_to_be_worth_learning(table: pandas.DataFrame) -> None:
    assert risk(table, "converted", table["ad_clicks"] >= 2) > 2.0
    assert risk(table, "churned", table["recency_days"] > 365) > 3.0
    assert risk(table, "fraud_flag", table["acquisition_channel"] == "affiliate") > 2.0
    games = table["preferred_category"].str.startswith("games")
    assert games[table["age"] <= 24].mean() > 3 * games[table["age"] >= 55].mean()
    counts = table["preferred_category"].value_counts()
    assert len(counts) == 240
    assert counts.iloc[0] > 50 * counts.iloc[-1]


def test_sign_up_dates_stay_between_launch_and_reference(table: pandas.DataFrame) -> None:
    assert table["sign_up_date"].min() >= pandas.Timestamp(dt.date(2016, 1, 1))
    assert table["sign_up_date"].max() <= pandas.Timestamp(REFERENCE_DATE)


def test_the_readme_draws_the_graph_that_is_drawn_from() -> None:
    text = (Path(demo.__file__).parent / "README.md").read_text(encoding="utf-8")
    graph = text.split("## Graph")[1].split("Columns that are finer")[0]
    rows = re.findall(r"^\| (\*?)(\w+)\*? \| ([\w, –]+) \|", graph, flags=re.MULTILINE)
    written = {
        name: tuple(re.findall(r"\w+", parents)) for _, name, parents in rows if name != "variable"
    }
    assert written == {node.name: node.parents for node in customer_network().nodes.values()}
    assert {name for star, name, _ in rows if star} == LATENT

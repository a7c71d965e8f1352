"""The simulated orders against their own closed-form truth.

Seeds are fixed, failure probabilities are for a fresh seed. Each check allows 5.5 standard errors:
for a normal variable that is 4e-8, both sides together. With some 1,200 cells here a fresh seed
fails with probability < 1e-3, the heavier tail in cells of 30 and more expected rows included.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy
import pandas
import pytest
from scipy import stats

from privgan import demo
from privgan.demo import order_parameters as q
from privgan.demo import orders_truth as truth
from privgan.demo.graph import CATEGORIES, GROUPS
from privgan.demo.parameters import DAYS_PER_YEAR, LAUNCH_DATE, REFERENCE_DATE
from privgan.demo.purchases import rate_law, spans_of
from privgan.demo.seasons import day_factors, moments, shop_time
from privgan.demo.shoppers import read_shoppers
from privgan.errors import UsageError

STANDARD_ERRORS = 5.5
SMALLEST_EXPECTED = 30
KOLMOGOROV = 1e-7  # smallest p-value of a Kolmogorov-Smirnov test that passes
TODAY = pandas.Timestamp(REFERENCE_DATE)


@dataclass(frozen=True)
class World:
    customers: pandas.DataFrame  # the index is customer_id
    orders: pandas.DataFrame  # by customer and time, with facts about the customer and the previous
    lines: pandas.DataFrame  # with facts about the order and the product
    expected: pandas.DataFrame  # the truth by customer


@pytest.fixture(scope="module")
def world() -> World:
    shop = demo.simulate_shop(12_000, seed=31)
    customers = shop.customers.set_index("customer_id", drop=False)
    customers["own"] = customers["preferred_category"].str.rpartition("_")[0]
    orders = shop.orders.sort_values(["customer_id", "order_id"])
    facts = customers[["own", "acquisition_channel", "preferred_category", "orders_12m"]]
    orders = orders.join(facts, on="customer_id")
    orders["month"] = orders["ordered_at"].dt.month
    orders["previous"] = orders.groupby("customer_id")["department"].shift()
    days = (TODAY - orders["ordered_at"].dt.normalize()).dt.days
    orders["recent"] = days <= DAYS_PER_YEAR
    lines = shop.order_lines.merge(shop.products[["product_id", "category"]], on="product_id")
    lines = lines.merge(orders[["order_id", "department", "preferred_category"]], on="order_id")
    return World(customers, orders, lines, truth.true_orders(customers))


def near(observed: float, expected: float, variance: float) -> bool:
    return abs(observed - expected) <= STANDARD_ERRORS * numpy.sqrt(variance)


def assert_frequencies(observed: pandas.Series, probabilities: dict) -> int:
    """Compare counts with the truth; returns how many cells were large enough."""
    counts, cells = observed.value_counts(), 0
    assert set(counts.index) <= {value for value, share in probabilities.items() if share > 0}
    for value, probability in probabilities.items():
        expected = probability * len(observed)
        if expected >= SMALLEST_EXPECTED:
            cells += 1
            variance = expected * (1.0 - probability) + 1e-9
            assert near(counts.get(value, 0), expected, variance), value
    return cells


def earlier_counts(world: World) -> pandas.Series:
    """Orders that the columns don't tell, by customer."""
    made = world.orders.groupby("customer_id").size().reindex(world.customers.index, fill_value=0)
    return made - world.expected["known"]


def test_the_number_of_earlier_orders_is_as_expected_in_each_tier(world: World) -> None:
    counts = earlier_counts(world)
    assert (counts >= 0).all()
    for _, part in world.expected.groupby(world.customers["membership_tier"]):
        observed = counts[part.index].sum()
        assert near(observed, part["earlier"].sum(), part["earlier_variance"].sum())


def test_the_variance_of_earlier_orders_is_as_expected(world: World) -> None:
    """The squares' own variance is estimated from them."""
    squares = (earlier_counts(world) - world.expected["earlier"]) ** 2
    expected = world.expected["earlier_variance"].sum()
    assert near(squares.sum(), expected, len(squares) * squares.var())


def test_the_check_of_earlier_orders_can_fail(world: World) -> None:
    """Without the orders lost by leaving, 10 % more would be expected."""
    counts, part = earlier_counts(world), world.expected
    wrong = 1.1 * part["earlier"].sum()
    assert not near(counts.sum(), wrong, part["earlier_variance"].sum())


def test_repeat_customers_are_as_many_as_expected(world: World) -> None:
    made = world.expected["known"] + earlier_counts(world)
    for known, part in world.expected.groupby(world.expected["known"].clip(upper=2)):
        chance = part["repeat"]
        variance = (chance * (1.0 - chance)).sum() + 1e-9
        assert near((made[part.index] >= 2).sum(), chance.sum(), variance), known
    once = world.expected.loc[world.expected["known"] == 1, "repeat"]
    assert 0.1 < once.mean() < 0.9


def test_earlier_orders_are_uniform_in_shop_time(world: World) -> None:
    """Gaps of a Poisson stream: given their number, the moments are uniform."""
    shoppers = read_shoppers(world.customers)
    spans = spans_of(shoppers)
    facts = pandas.DataFrame(
        {"joined": spans.joined, "opened": spans.opened, "active": shoppers.orders > 0},
        index=world.customers.index,
    )
    orders = world.orders.join(facts, on="customer_id")
    orders = orders[~orders["recent"] & orders["active"]]
    minutes = (orders["ordered_at"] - pandas.Timestamp(LAUNCH_DATE)) / pandas.Timedelta(days=1)
    day = minutes.astype(int).to_numpy()
    inside = (minutes - day).to_numpy() * 24
    clock = numpy.concatenate([[0.0], numpy.cumsum(q.HOUR_SHARE)])
    passed = numpy.interp(inside, numpy.arange(25), clock)
    time = shop_time(day) + passed * day_factors()[day]
    place = (time - orders["joined"]) / (orders["opened"] - orders["joined"])
    assert len(place) > 10_000
    assert stats.kstest(place, "uniform").pvalue > KOLMOGOROV


def test_the_last_12_months_follow_the_season(world: World) -> None:
    expected = truth.true_orders_by_month(world.customers)
    observed = world.orders["ordered_at"].dt.strftime("%Y-%m").value_counts()
    for month in pandas.period_range("2025-01", "2025-12", freq="M").astype(str):
        assert near(observed[month], expected[month], expected[month]), month
    flat = pandas.Series(expected["2025-01":"2025-12"].mean(), index=expected.index)
    assert not near(observed["2025-02"], flat["2025-02"], flat["2025-02"])


def test_months_add_up_to_all_orders(world: World) -> None:
    expected = truth.true_orders_by_month(world.customers)
    total = (world.expected["known"] + world.expected["earlier"]).sum()
    assert expected.sum() == pytest.approx(total)
    assert (expected.index[0], expected.index[-1], len(expected)) == ("2016-01", "2025-12", 120)
    assert near(len(world.orders), total, world.expected["earlier_variance"].sum())


def test_departments_follow_their_transitions(world: World) -> None:
    cells = 0
    later = world.orders.dropna(subset="previous")
    for own in GROUPS[:4]:
        for month in (4, 8, 12):
            matrix = truth.true_transitions(own, month)
            part = later[(later["own"] == own) & (later["month"] == month)]
            for previous, rows in part.groupby("previous"):
                cells += assert_frequencies(rows["department"], matrix.loc[previous].to_dict())
    assert cells > 50


def test_as_many_orders_stay_in_their_department_as_expected(world: World) -> None:
    """Given the previous orders each is a coin of its own: their sum is a martingale's."""
    later = world.orders.dropna(subset="previous")
    matrices = {
        (own, month): truth.true_transitions(own, month) for own in GROUPS for month in range(1, 13)
    }
    keys = zip(later["own"], later["month"], later["previous"], strict=True)
    chance = numpy.array([matrices[own, month].at[last, last] for own, month, last in keys])
    stayed = (later["department"] == later["previous"]).sum()
    variance = (chance * (1.0 - chance)).sum()
    assert near(stayed, chance.sum(), variance)
    assert not near(stayed, 0.95 * chance.sum(), variance)


def test_first_orders_follow_their_own_distribution(world: World) -> None:
    first = world.orders[world.orders["previous"].isna()]
    for (own, month), rows in first.groupby(["own", "month"]):
        expected = truth.true_first_department(own, month)
        assert_frequencies(rows["department"], expected.to_dict())


def test_transitions_are_distributions_and_differ_by_month_and_customer() -> None:
    for own in GROUPS:
        for month in range(1, 13):
            matrix = truth.true_transitions(own, month)
            numpy.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    garden = [truth.true_transitions("books", month).loc["books", "garden"] for month in (4, 12)]
    assert garden[0] > 5 * garden[1]
    assert truth.true_transitions("books", 4).loc["toys", "books"] > 0.3


def test_channels_follow_how_the_customer_came(world: World) -> None:
    expected = truth.true_channels()
    for acquired, rows in world.orders.groupby("acquisition_channel"):
        assert assert_frequencies(rows["channel"], expected[acquired]) == 4


def test_lines_and_returns_follow_the_department(world: World) -> None:
    lines, back = world.lines, world.lines["quantity"] < 0
    sold = lines[~back].groupby("order_id").size()
    count = world.orders.set_index("order_id").assign(sold=sold)
    for department, rows in count.groupby("department"):
        assert_frequencies(rows["sold"], truth.true_lines()[department])
        sales = (lines["department"] == department) & ~back
        returns = (lines["department"] == department) & back
        rate = truth.true_returns()[department]
        variance = sales.sum() * rate * (1.0 - rate)
        assert near(returns.sum(), sales.sum() * rate, variance), department


def test_categories_follow_department_and_preference(world: World) -> None:
    sales = world.lines[world.lines["quantity"] > 0]
    for own in ("fashion_01", "fashion_02", "garden_01"):
        for department in ("fashion", "garden"):
            rows = sales[(sales["preferred_category"] == own) & (sales["department"] == department)]
            assert_frequencies(rows["category"], truth.true_categories(department, own))


def earlier_logs(world: World) -> pandas.DataFrame:
    orders = world.orders[~world.orders["recent"] & (world.orders["orders_12m"] > 0)]
    level = world.customers["average_basket"].reindex(orders["customer_id"]).to_numpy()
    # Above its smallest amount an order is gamma around the level; in logs this moves little.
    log = numpy.log(orders["amount"].clip(lower=0.01))
    return pandas.DataFrame({"customer": orders["customer_id"], "log": log, "level": level})


def test_log_amounts_vary_around_the_customers_level_as_stated(world: World) -> None:
    """The smallest amount and cents move mean and variance by less than 1 %."""
    logs = earlier_logs(world)
    centred = logs["log"] - numpy.log(logs["level"])
    count, spread = len(centred), truth.within_log_variance()
    assert abs(centred.mean() - truth.amount_log_mean(1.0)) <= 0.01 + STANDARD_ERRORS * numpy.sqrt(
        spread / count
    )
    error = ((centred - centred.mean()) ** 2).std() / numpy.sqrt(count)
    assert abs(centred.var() - spread) <= 0.01 * spread + STANDARD_ERRORS * error


def test_two_amounts_of_one_customer_correlate_as_stated(world: World) -> None:
    """Fisher's z of pairs, one a customer, has the standard error 1 / sqrt(pairs - 3)."""
    logs = earlier_logs(world)
    pairs = logs.groupby("customer")["log"].agg(["first", "last", "size"])
    pairs = pairs[pairs["size"] >= 2]
    expected = truth.true_amount_correlation(world.customers.loc[pairs.index])
    observed = pairs["first"].corr(pairs["last"])
    error = 1.0 / numpy.sqrt(len(pairs) - 3)
    assert abs(numpy.arctanh(observed) - numpy.arctanh(expected)) <= 0.02 + STANDARD_ERRORS * error
    assert abs(expected - truth.true_amount_correlation()) < 0.1
    assert 0.4 < expected < 0.6


@pytest.mark.parametrize("recent", [2, 5])
def test_log_amounts_vary_less_where_their_sum_is_given(world: World, recent: int) -> None:
    orders = world.orders[world.orders["recent"] & (world.orders["orders_12m"] == recent)]
    level = world.customers["average_basket"].reindex(orders["customer_id"]).to_numpy()
    centred = numpy.log(orders["amount"]) - numpy.log(level)
    expected = truth.within_log_variance(recent)
    # The orders of one customer depend on each other; one in each customer does not.
    picked = centred[~orders["customer_id"].duplicated(keep="last")]
    error = ((picked - picked.mean()) ** 2).std() / numpy.sqrt(len(picked))
    assert abs(picked.var() - expected) <= 0.01 * expected + STANDARD_ERRORS * error
    assert expected < truth.within_log_variance()
    assert truth.within_log_variance(1) == 0.0


def test_the_law_of_the_rate_agrees_with_numerical_integration() -> None:
    customers = demo.simulate_customers(40, seed=2)
    shoppers = read_shoppers(customers)
    spans, law = spans_of(shoppers), rate_law(shoppers)
    rate = numpy.linspace(1e-7, 1.0, 400_001)
    for row in numpy.flatnonzero(spans.known > 0)[:20]:
        leaving = q.LEAVING[shoppers.acquisition[row]]
        yearly = q.ORDERS_PER_YEAR[shoppers.tier[row]]
        left = spans.left[row]
        log = (q.RATE_SHAPE - 1 + spans.known[row]) * numpy.log(rate) - rate * (
            q.RATE_SHAPE * DAYS_PER_YEAR / yearly
            + leaving * (spans.opened - spans.joined)[row]
            + (spans.closed - spans.opened)[row]
        )
        density = numpy.exp(log - log.max())
        stays = density * (1.0 - leaving) * numpy.exp(-rate * left)
        both = density * leaving + stays
        assert law.staying[row] == pytest.approx(stays.sum() / both.sum(), rel=1e-3)
        for order in (1, 2):
            expected = (both * rate**order).sum() / both.sum()
            assert law.moment(order)[row] == pytest.approx(expected, rel=1e-3)


def test_who_did_not_order_for_long_has_probably_left(world: World) -> None:
    staying = world.expected["staying"]
    idle = world.customers["recency_days"] > 2 * DAYS_PER_YEAR
    assert staying[idle].mean() < 0.5 < 0.7 < staying[~idle].mean()


def test_shop_time_and_calendar_moments_agree() -> None:
    days = numpy.arange(0, 3_600, 7)
    back = moments(shop_time(days))
    assert (back == numpy.datetime64(LAUNCH_DATE, "m") + days.astype("timedelta64[D]")).all()
    assert shop_time(365) - shop_time(0) == pytest.approx(day_factors()[:365].sum())
    assert day_factors()[:365].mean() == pytest.approx(1.0, abs=0.01)
    for factors in (q.MONTH_FACTOR, q.WEEKDAY_FACTOR):
        assert numpy.mean(factors) == pytest.approx(1.0)
    assert sum(q.HOUR_SHARE) == pytest.approx(1.0)


def test_a_days_factor_is_that_of_its_month_times_its_weekday() -> None:
    days = pandas.date_range(LAUNCH_DATE, REFERENCE_DATE)
    expected = [truth.true_season()[day.month] * q.WEEKDAY_FACTOR[day.weekday()] for day in days]
    numpy.testing.assert_allclose(day_factors(), expected)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: truth.true_transitions("shoes", 1), "department is 'shoes'; allowed are fashion"),
        (lambda: truth.true_transitions("books", 0), "month is 0; allowed are 1 to 12"),
        (lambda: truth.true_categories("books", "books_99"), "own_category 'books_99'"),
    ],
)
def test_truth_refuses_what_is_not_in_the_model(ask: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ask()


def test_every_category_of_a_department_may_be_bought() -> None:
    for department in GROUPS:
        shares = truth.true_categories(department, CATEGORIES[0])
        assert sum(shares.values()) == pytest.approx(1.0)
        assert min(shares.values()) > 0


def test_the_page_states_the_true_figures() -> None:
    page = (Path(demo.__file__).parent / "README.md").read_text(encoding="utf-8")
    figures = dict(re.findall(r"^\| ([^|]+?) \| ([\d.]+) \|$", page, flags=re.MULTILINE))
    correlation = figures["correlation of the log amounts of two earlier orders of a customer"]
    assert float(correlation) == round(truth.true_amount_correlation(), 2)
    within = figures["variance of the log of an earlier order's amount, given the customer"]
    assert float(within) == round(truth.within_log_variance(), 3)

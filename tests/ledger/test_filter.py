"""The lifetime filters keep the data set's total inside its budget, for any runs."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import pytest
from dp_accounting import dp_event

from privgan.errors import BudgetExceededError, UsageError
from privgan.ledger.filter import DISCOVERY_SHARE, ORDERS, Filter, RdpFilter
from privgan.ledger.ledger import PrivacyLedger, RunFacts
from privgan.privacy import accountant, events
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.events import (
    Composed,
    Discovery,
    DiscreteGaussian,
    DiscreteLaplace,
    DpEvent,
    ExponentialMechanism,
    dp_sgd,
)

LIFETIME = PrivacyBudget(epsilon=3.0, delta=1e-5)
RUN = PrivacyBudget(epsilon=2.0, delta=1e-6)
COUNT = DiscreteGaussian(20.0, 1)


def _charged(ledger: PrivacyLedger) -> list[DpEvent]:
    written = [{**entry.body} for entry in ledger.entries("a") if entry.kind == "charge"]
    return [
        events.from_json({key: value for key, value in body.items() if key != "step"})
        for body in written
    ]


def _spend(
    ledger: PrivacyLedger,
    steps: Mapping[str, DpEvent],
    *,
    told: bool = True,
    budget: PrivacyBudget = RUN,
) -> None:
    planned = list(steps.values()) if told else None
    with ledger.run("a", budget, secret=True, about=RunFacts(planned=planned or ())) as run:
        run.approve("model", steps, budget)
        for name, event in steps.items():
            run.charge(name, event)


def _any_steps(coins: random.Random) -> dict[str, DpEvent]:
    """Events of every kind, each cheap enough for a run of its own."""
    makers = [
        lambda: DiscreteGaussian(coins.choice([5, 8, 13]), coins.choice([1, 1, 2])),
        lambda: Discovery(coins.choice([8, 13]), 1, coins.choice([1e-8, 4e-7, 6e-7])),
        lambda: DiscreteLaplace(coins.uniform(0.05, 0.4), 1),
        lambda: ExponentialMechanism(coins.uniform(0.1, 0.6)),
        lambda: dp_sgd(
            noise_multiplier=coins.uniform(1.5, 3), sample_rate=0.02, steps=coins.randrange(50, 200)
        ),
    ]
    return {f"step{i}": coins.choice(makers)() for i in range(coins.randrange(1, 4))}


@pytest.mark.parametrize("kind", [Filter.SUM, Filter.RDP])
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))]
)
def test_whatever_is_run_the_total_never_exceeds_the_lifetime_budget(
    ledger: PrivacyLedger, kind: Filter, seed: int
) -> None:
    coins, granted, refused = random.Random(seed), 0, 0
    ledger.set_lifetime("a", LIFETIME, kind)
    while refused < 3:
        steps = _any_steps(coins)
        cost = accountant.epsilon_by_rdp(Composed(list(steps.values())), 2e-6)
        try:
            budget = PrivacyBudget(epsilon=cost * coins.uniform(1.0, 1.2), delta=2e-6)
            _spend(ledger, steps, told=coins.random() < 0.5, budget=budget)
            granted += 1
        except BudgetExceededError as error:
            refused, (asked, left) = refused + 1, (error.asked, error.left)
        account = ledger.account("a")
        if kind is Filter.SUM:
            assert account.epsilon <= LIFETIME.epsilon * (1 + 1e-9)
            assert account.delta <= LIFETIME.delta * (1 + 1e-9)
        else:
            assert account.rdp is not None
            assert account.rdp.admits(account.rdp_cost)
        assert account.lifetime_spent <= LIFETIME.epsilon * (1 + 1e-9)
    assert asked > left >= 0
    assert granted > 1
    spent = accountant.spent(_charged(ledger), LIFETIME.delta)
    assert max(spent.epsilon, spent.epsilon_rdp) <= LIFETIME.epsilon
    assert spent.discovery_delta < LIFETIME.delta


@pytest.mark.slow
def test_the_rdp_filter_lets_more_runs_pass_than_the_sum(ledger: PrivacyLedger) -> None:
    passed, count = {}, DiscreteGaussian(10.0, 1)
    cost = PrivacyBudget(epsilon=accountant.spent([count], 1e-6).epsilon, delta=1e-6)
    for kind in Filter:
        fresh = f"a-{kind}"
        ledger.set_lifetime(fresh, LIFETIME, kind)
        for passed[kind] in range(100):
            try:
                with ledger.run(fresh, cost, secret=True, about=RunFacts(planned=[count])) as run:
                    run.approve("model", {"one": count}, cost)
            except BudgetExceededError:
                break
    assert passed[Filter.SUM] == min(
        math.floor(LIFETIME.epsilon / cost.epsilon), round(LIFETIME.delta / cost.delta)
    )
    assert 2 * passed[Filter.SUM] < passed[Filter.RDP] < 100


@pytest.mark.parametrize(
    "budget", [PrivacyBudget(epsilon=e, delta=d) for e in (0.05, 1, 6, 50) for d in (1e-9, 1e-5)]
)
def test_the_order_is_the_one_that_lets_the_most_noisy_counts_pass(budget: PrivacyBudget) -> None:
    found = RdpFilter.of(budget)
    assert found.delta + found.discovery_delta == pytest.approx(budget.delta)
    assert found.discovery_delta == pytest.approx(DISCOVERY_SHARE * budget.delta)
    assert found.epsilon(found.allowance) == pytest.approx(budget.epsilon)
    for order in ORDERS:
        lost = math.log1p(-1 / order) - math.log(found.delta * order) / (order - 1)
        assert (budget.epsilon - lost) / order <= found.allowance / found.order * (1 + 1e-9)


def test_a_refused_plan_leaves_no_trace_and_says_what_is_missing(ledger: PrivacyLedger) -> None:
    ledger.set_lifetime("a", PrivacyBudget(epsilon=1.0, delta=1e-5), Filter.RDP)
    before = ledger.head()
    with pytest.raises(
        BudgetExceededError, match=r"RDP of order \d+ = .* left \(short .*set_lifetime"
    ) as caught:
        _spend(ledger, {"one": DiscreteGaussian(2.0, 1)})
    assert caught.value.exit_code == 4
    assert ledger.head() == before


def test_a_plan_that_is_not_told_at_the_start_is_held_against_the_filter_when_it_is_approved(
    ledger: PrivacyLedger,
) -> None:
    ledger.set_lifetime("a", PrivacyBudget(epsilon=1.0, delta=1e-5), Filter.RDP)
    with pytest.raises(BudgetExceededError, match="stage model of this run asks RDP"):
        _spend(ledger, {"one": DiscreteGaussian(3.0, 1)}, told=False)
    assert [entry.kind for entry in ledger.entries("a")] == ["lifetime", "run"]


def _share(part: float) -> DpEvent:
    """An event that costs a part of the allowance."""
    found = RdpFilter.of(LIFETIME)
    return events.Composed(
        [dp_event.GaussianDpEvent(math.sqrt(found.order / (2 * part * found.allowance)))]
    )


def test_what_a_run_plans_is_reserved_against_runs_beside_it(ledger: PrivacyLedger) -> None:
    ledger.set_lifetime("a", LIFETIME, Filter.RDP)
    stage = PrivacyBudget(epsilon=5.0, delta=1e-6)
    large = PrivacyBudget(epsilon=20.0, delta=1e-5)
    with ledger.run("a", large, secret=True, about=RunFacts(planned=[_share(0.6)])) as run:
        with (
            pytest.raises(BudgetExceededError),
            ledger.run("a", large, secret=True, about=RunFacts(planned=[_share(0.6)])),
        ):
            pass
        with ledger.run("a", large, secret=True) as other:
            with pytest.raises(BudgetExceededError):
                other.approve("model", {"one": _share(0.6)}, stage)
            other.approve("model", {"one": _share(0.1)}, stage)
        run.approve("first", {"one": _share(0.6)}, stage)
        with pytest.raises(BudgetExceededError, match="stage second"):
            run.approve("second", {"two": _share(0.4)}, stage)
        run.approve("second", {"two": _share(0.2)}, stage)
    assert ledger.account("a").rdp_cost.rdp == pytest.approx(0.9 * RdpFilter.of(LIFETIME).allowance)


def test_runs_of_before_count_when_a_filter_is_set(ledger: PrivacyLedger) -> None:
    _spend(ledger, {"one": _share(0.6)}, budget=PrivacyBudget(epsilon=5.0, delta=1e-6))
    with pytest.raises(UsageError, match=r"by RDP of order \d+.* is already spent"):
        ledger.set_lifetime("a", PrivacyBudget(epsilon=0.5, delta=1e-5), Filter.RDP)
    ledger.set_lifetime("a", LIFETIME, Filter.RDP)
    assert ledger.account("a").rdp_cost.rdp == pytest.approx(0.6 * RdpFilter.of(LIFETIME).allowance)
    with pytest.raises(BudgetExceededError):
        _spend(ledger, {"one": _share(0.6)}, budget=PrivacyBudget(epsilon=5.0, delta=1e-6))


def test_discoveries_have_a_share_of_delta_for_all_runs_together(ledger: PrivacyLedger) -> None:
    ledger.set_lifetime("a", LIFETIME, Filter.RDP)
    found = {"one": Discovery(60.0, 1, 0.6 * DISCOVERY_SHARE * LIFETIME.delta)}
    _spend(ledger, found, budget=PrivacyBudget(epsilon=1.0, delta=3e-6))
    with pytest.raises(BudgetExceededError, match=r"δ of discoveries = 1\.5e-06, 1e-06 left"):
        _spend(ledger, found, budget=PrivacyBudget(epsilon=1.0, delta=3e-6))


def test_the_sum_says_whether_epsilon_or_delta_is_missing(ledger: PrivacyLedger) -> None:
    ledger.set_lifetime("a", PrivacyBudget(epsilon=50, delta=1.5e-6))
    _spend(ledger, {"one": COUNT})
    with pytest.raises(BudgetExceededError, match=r"asks δ = 1e-06, 5e-07 left \(short 5e-07\)"):
        _spend(ledger, {"one": COUNT})


def test_coins_that_are_not_secret_leave_the_filter_nothing(ledger: PrivacyLedger) -> None:
    ledger.set_lifetime("a", LIFETIME, Filter.RDP)
    with ledger.run("a", RUN, secret=False, about=RunFacts(planned=[COUNT])) as run:
        run.approve("model", {"one": COUNT}, RUN)
        run.charge("one", COUNT)
    assert ledger.account("a").lifetime_spent == math.inf
    with pytest.raises(BudgetExceededError, match="0 left"):
        _spend(ledger, {"one": COUNT})


def test_the_reserve_of_a_plan_counts_whether_it_is_used_or_not(ledger: PrivacyLedger) -> None:
    ledger.set_lifetime("a", LIFETIME, Filter.RDP)
    stage = PrivacyBudget(epsilon=5.0, delta=1e-6)
    with ledger.run("a", stage, secret=True) as run:
        run.approve("model", {"critic": _share(0.5), "critic:reserve": _share(0.2)}, stage)
        run.charge("critic", _share(0.5))
        run.checkpoint(lineage=1, step=1, digest="d", clean=False)
    before = ledger.account("a").rdp_cost
    ledger.resume("a", run.identity, lineage=1, digest="d", reserve="critic:reserve")
    assert ledger.account("a").rdp_cost == before
    assert before.rdp == pytest.approx(0.7 * RdpFilter.of(LIFETIME).allowance)


def test_a_budget_too_small_for_the_conversion_is_refused() -> None:
    with pytest.raises(UsageError, match="leaves nothing to the rdp filter"):
        RdpFilter.of(PrivacyBudget(epsilon=1e-3, delta=1e-12))

"""Which generator a plan trains: asked for or decided, and what its DP-SGD costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from privgan.errors import UsageError
from privgan.planning.dpsgd_settings import RatioCriticSettings
from privgan.planning.plan import GeneratorKind, Plan, StepKind
from privgan.planning.plan_facts import PlanFacts
from privgan.planning.planner import PlanOptions, make_plan, with_domain
from privgan.planning.workload import (
    SHARE_BESIDE_CRITIC,
    SHARE_BESIDE_NETWORK,
    network_pays,
)
from privgan.privacy import accountant
from privgan.privacy.budget import PrivacyBudget, PrivacyUnit
from privgan.privacy.events import Composed
from privgan.release.verification.plan import _trained
from tests.planning.test_planner import SCHEMA
from tests.thinning import some

SEVERAL = replace(SCHEMA, unit=PrivacyUnit(column="id", max_rows=3))
TWO_COLUMNS = replace(SCHEMA, columns=SCHEMA.columns[:2])


def _plan(
    epsilon: float = 3.0, rows: int | None = 20_000, *, resumable: bool = False, **more: Any
) -> Plan:
    more = {"schema": SCHEMA, "effort": "quick", **more}
    return make_plan(
        more.pop("schema"),
        PrivacyBudget(epsilon=epsilon, delta=1e-6),
        public_rows=rows,
        options=PlanOptions(resumable=resumable),
        **more,
    )


def test_auto_is_resumable_where_it_ends_in_dp_sgd() -> None:
    network, mixture = (_plan(rows=rows, resumable=True) for rows in (300_000, 20_000))
    assert (network.kind, network.resumable) == (GeneratorKind.NETWORK, True)
    assert network.network is not None
    assert network.network.checkpoint_interval > 0
    assert (mixture.kind, mixture.resumable) == (GeneratorKind.MIXTURE, False)
    assert mixture == _plan(rows=20_000)


# A tenth of the customers is left out as canaries.
@pytest.mark.parametrize(
    ("epsilon", "rows", "kind"),
    [
        (3.0, 224_000, GeneratorKind.NETWORK),
        (3.0, 220_000, GeneratorKind.MIXTURE),
        (1.0, 670_000, GeneratorKind.NETWORK),
        (1.0, 663_000, GeneratorKind.MIXTURE),
        (3.0, 5_000, GeneratorKind.MIXTURE),
    ],
)
def test_auto_takes_what_pays(epsilon: float, rows: int, kind: GeneratorKind) -> None:
    plan = _plan(epsilon, rows)
    assert plan.kind is kind
    assert network_pays(epsilon, plan.kept_in_customers, 4) is (kind is GeneratorKind.NETWORK)
    assert (plan.network is None) is (kind is GeneratorKind.MIXTURE)
    assert plan.critic is None
    wanted = SHARE_BESIDE_NETWORK if kind is GeneratorKind.NETWORK else 1.0
    assert plan.marginal_share == wanted


def test_two_columns_leave_a_network_nothing_to_find() -> None:
    assert _plan(10.0, 900_000, schema=TWO_COLUMNS).kind is GeneratorKind.MIXTURE
    assert _plan(10.0, 900_000, schema=TWO_COLUMNS, kind=GeneratorKind.NETWORK).network is not None


def test_auto_waits_for_the_row_count() -> None:
    plan = _plan(3.0, None)
    assert (plan.kind, plan.marginal_share, plan.network) == (GeneratorKind.AUTO, None, None)
    assert with_domain(plan, SCHEMA, 300_000).kind is GeneratorKind.NETWORK
    assert with_domain(plan, SCHEMA, 5_000).kind is GeneratorKind.MIXTURE


@pytest.mark.parametrize(
    ("asked", "kind", "share", "trained"),
    [
        ({}, GeneratorKind.MIXTURE, 1.0, None),
        ({"kind": "mixture"}, GeneratorKind.MIXTURE, 1.0, None),
        ({"kind": "mixture", "marginal_share": 0.7}, GeneratorKind.MIXTURE, 0.7, "critic"),
        ({"marginal_share": 0.7}, GeneratorKind.MIXTURE, 0.7, "critic"),
        ({"kind": "network"}, GeneratorKind.NETWORK, SHARE_BESIDE_NETWORK, "network"),
        ({"kind": "network", "marginal_share": 0.7}, GeneratorKind.NETWORK, 0.7, "network"),
        ({"kind": "gan"}, GeneratorKind.GAN, SHARE_BESIDE_CRITIC, "critic"),
        ({"kind": "gan", "marginal_share": 0.3}, GeneratorKind.GAN, 0.3, "critic"),
    ],
    ids=str,
)
def test_what_is_asked_for_is_planned(
    asked: dict[str, Any], kind: GeneratorKind, share: float, trained: str | None
) -> None:
    plan = _plan(**asked)
    assert (plan.kind, plan.marginal_share) == (kind, share)
    found = [name for name in ("network", "critic") if getattr(plan, name) is not None]
    assert found == ([trained] if trained else [])
    assert [step.name for step in plan.steps if step.mechanism is None] == found


def test_the_default_of_a_large_table_is_what_is_planned_when_it_is_asked_for() -> None:
    """So a plan is made again from what a release states."""
    plan = _plan(3.0, 150_000)
    again = _plan(3.0, 150_000, kind=plan.kind, marginal_share=plan.marginal_share)
    assert again.fingerprint() == plan.fingerprint()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"kind": "ctgan"}, "the generator is 'ctgan'; allowed: auto, mixture, network, gan"),
        ({"kind": ""}, "allowed: auto"),
        ({"kind": "network", "marginal_share": 1.0}, "share must be below 1"),
        (
            {"kind": "gan", "marginal_share": 1.0},
            "critic is trained by DP-SGD; the marg",
        ),
        ({"kind": "network", "marginal_share": 0.01}, "must be in 0.05 to 1"),
        ({"resumable": True, "kind": "mixture"}, "needs DP-SGD"),
        ({"resumable": True, "marginal_share": 1.0}, "needs DP-SGD"),
    ],
    ids=str,
)
def test_what_makes_no_plan_is_refused(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        _plan(**asked)


@pytest.mark.parametrize(
    ("kind", "name", "again"),
    [
        (GeneratorKind.NETWORK, "network", StepKind.NETWORK_AGAIN),
        (GeneratorKind.GAN, "critic", StepKind.CRITIC_AGAIN),
    ],
    ids=["network", "gan"],
)
@pytest.mark.parametrize("several", [False, True], ids=["one row", "several rows"])
@pytest.mark.parametrize("resumable", some([False, True], 2), ids=["plain", "resumable"])
def test_all_events_together_cost_at_most_the_budget(
    kind: GeneratorKind, name: str, again: StepKind, several: bool, resumable: bool
) -> None:
    """By privacy loss distributions, the reserve included; and little is wasted."""
    if several:
        plan = _plan(schema=SEVERAL, kind=kind, resumable=resumable)
        plan = with_domain(plan, SEVERAL, 30_000, (0.5, 0.3, 0.2))
    else:
        plan = _plan(kind=kind, resumable=resumable)
    joint = Composed([step.event for step in plan.steps])
    delta, most = plan.model_budget.delta, plan.model_budget.epsilon
    assert 0.95 * most <= accountant.epsilon_by_pld(joint, delta) <= most
    trained = plan.trained
    assert trained is not None
    assert plan.step(name).event == trained.event
    assert trained.expected_batch_size == round(trained.sample_rate * plan.kept_in_customers)
    assert [step.event for step in plan.of_kind(again)] == (
        [trained.event_of(trained.checkpoint_interval)] if resumable else []
    )


def test_a_gan_measures_single_columns_and_its_critic_gets_the_rest() -> None:
    plan = _plan(kind=GeneratorKind.GAN)
    counted = {step.kind for step in plan.steps if step.mechanism is not None}
    assert counted == {StepKind.CELL_HISTOGRAM, StepKind.MARGINAL}
    assert isinstance(plan.critic, RatioCriticSettings)
    assert (plan.network, plan.marginals.widest) == (None, 1)
    more = _plan(kind=GeneratorKind.GAN, marginal_share=0.5).critic
    assert more is not None
    assert plan.critic.noise_multiplier < more.noise_multiplier


@pytest.mark.parametrize("rows", [5_000, 900_000])
def test_the_default_of_any_table_is_never_a_gan(rows: int) -> None:
    assert _plan(3.0, rows).kind is not GeneratorKind.GAN


def test_a_gans_plan_is_made_again_from_what_a_release_states() -> None:
    plan = _plan(kind=GeneratorKind.GAN)
    options = PlanOptions(widest=plan.marginals.widest)
    again = make_plan(
        SCHEMA,
        plan.budget,
        public_rows=plan.rows,
        effort=plan.effort,
        kind=plan.kind,
        marginal_share=plan.marginal_share,
        options=options,
    )
    assert again.fingerprint() == plan.fingerprint()


def test_several_rows_of_a_customer_cost_marginals_more_and_dp_sgd_nothing() -> None:
    """A customer's rows are clipped as one, so that its event is the same."""
    one, several = (
        with_domain(
            _plan(rows=None, schema=schema, kind=GeneratorKind.NETWORK), schema, 30_000, shares
        )
        for schema, shares in ((SCHEMA, (1.0,)), (SEVERAL, (0.5, 0.3, 0.2)))
    )
    assert one.network is not None
    assert several.network is not None
    first, second = (plan.of_kind(StepKind.MARGINAL)[0].noise for plan in (one, several))
    assert second > 2.5 * first
    assert several.network.noise_multiplier == pytest.approx(one.network.noise_multiplier, rel=0.2)


Change = Callable[[dict[str, Any]], object]


def _of_network(**changes: Any) -> Change:
    return lambda plan: plan["settings"]["network"].update(changes)


def _without_step(plan: dict[str, Any]) -> None:
    steps = plan["stages"][-1]["steps"]
    steps[:] = [step for step in steps if step["name"] != "network"]


LIES: dict[str, tuple[Change, str]] = {
    "more steps": (_of_network(steps=151), "not what the network's settings say"),
    "less noise": (_of_network(noise_multiplier=0.5), "not what the network's settings say"),
    "more rows": (_of_network(sample_rate=0.06), "not what the network's settings say"),
    "another batch": (_of_network(expected_batch_size=7), "expected batch is 7"),
    "no clipping": (_of_network(max_grad_norm=0.0), "clip norm is not above 0"),
    "no reserve": (_of_network(checkpoint_interval=0), "network steps in reserve"),
    "no network": (
        lambda plan: plan["settings"].update(network=None),
        "do not both have a network",
    ),
    "no network's step": (_without_step, "do not both have a network"),
    "a critic beside it": (
        lambda plan: plan["settings"].update(critic=plan["settings"]["network"]),
        "do not both have a critic",
    ),
    "not resumable": (lambda plan: plan.update(resumable=False), "network steps in reserve"),
}


@cache
def _text(kind: GeneratorKind) -> str:
    return json.dumps(_plan(kind=kind, resumable=True).to_json())


def _json(kind: GeneratorKind = GeneratorKind.NETWORK) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(_text(kind))
    return made


@pytest.mark.parametrize("kind", [GeneratorKind.NETWORK, GeneratorKind.GAN])
def test_a_plan_with_dp_sgd_agrees_with_itself(kind: GeneratorKind) -> None:
    assert list(_trained(PlanFacts.from_json(_json(kind)))) == []


@pytest.mark.parametrize(
    ("name", "value"), [("steps", 301), ("noise_multiplier", 0.5), ("sample_rate", 0.2)]
)
def test_a_lie_about_a_gans_critic_is_found(name: str, value: float) -> None:
    plan = _json(GeneratorKind.GAN)
    plan["settings"]["critic"][name] = value
    problems = "\n".join(_trained(PlanFacts.from_json(plan)))
    assert "not what the critic's settings say" in problems


def test_a_plan_of_before_there_was_a_network_agrees_with_itself() -> None:
    plan: dict[str, Any] = json.loads(json.dumps(_plan(marginal_share=0.6).to_json()))
    del plan["settings"]["network"], plan["kind"]
    assert list(_trained(PlanFacts.from_json(plan))) == []


@pytest.mark.parametrize("kind", LIES)
def test_a_lie_about_the_network_is_found(kind: str) -> None:
    change, told = LIES[kind]
    plan = _json()
    change(plan)
    assert told in "\n".join(_trained(PlanFacts.from_json(plan)))

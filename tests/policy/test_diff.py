"""Differences of policies; a stricter policy never passes what a looser one fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.policy import (
    ColumnComparison,
    ColumnFact,
    ColumnGate,
    Comparison,
    Gate,
    Policy,
    Scope,
    VerdictStatus,
    evaluate,
    load_policy,
    shipped_policies,
)
from privgan.policy.policy_file import parse_policy
from privgan.policy.words import Change, differences

NUMBERS = (
    "guarantee.epsilon",
    "noisy.tvd1",
    "synthetic.rows",
    "attack.membership.advantage.high",
    "utility.tstr_auc.low",
)
LAW = settings(max_examples=60)
VERDICTS = ("REFUTED", "NOT_REFUTED", "INCONCLUSIVE")


def number_gate(fact: str, comparison: Comparison, threshold: float) -> Gate:
    scope = Scope.INTERNAL if fact.startswith(("attack", "utility")) else Scope.PUBLIC
    return Gate(
        fact=fact,
        comparison=comparison,
        threshold=threshold,
        scope=scope,
        reason="Because.",
        advice="Change it.",
    )


def policy_of(*gates: Gate, columns: tuple[ColumnGate, ...] = (), attempts: int = 3) -> Policy:
    return Policy(
        name="p",
        version="1",
        purpose="Tests.",
        attempts_per_dataset=attempts,
        gates=gates,
        columns=columns,
    )


thresholds = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
number_gates = st.builds(
    number_gate,
    st.sampled_from(NUMBERS),
    st.sampled_from([Comparison.AT_MOST, Comparison.AT_LEAST]),
    thresholds,
)
verdict_gates = st.sets(st.sampled_from(VERDICTS), min_size=1).map(
    lambda allowed: Gate(
        fact="audit.verdict",
        comparison=Comparison.ONE_OF,
        threshold=tuple(sorted(allowed)),
        scope=Scope.INTERNAL,
        reason="Because.",
        advice="Change it.",
    )
)
column_gates = st.builds(
    lambda role, values: ColumnGate(
        roles=(role,),
        comparison=ColumnComparison.AT_MOST_VALUES,
        threshold=values,
        reason="Because.",
        advice="Change it.",
    ),
    st.sampled_from(["other", "quasi-identifier"]),
    st.integers(1, 5),
)


def _once(gates: list[Any]) -> tuple[Any, ...]:
    """One gate for each fact and comparison, as a policy file must have."""
    return tuple({(gate.fact, gate.comparison): gate for gate in gates}.values())


policies = st.builds(
    lambda gates, columns, attempts: policy_of(
        *_once(gates), columns=_once(columns), attempts=attempts
    ),
    st.lists(st.one_of(number_gates, verdict_gates), min_size=1, max_size=6),
    st.lists(column_gates, max_size=2),
    st.integers(1, 4),
)
facts = st.fixed_dictionaries(
    {}, optional={**dict.fromkeys(NUMBERS, thresholds), "audit.verdict": st.sampled_from(VERDICTS)}
)
schemas = st.lists(
    st.builds(
        ColumnFact,
        name=st.sampled_from("abc"),
        kind=st.just("categorical"),
        role=st.sampled_from(["other", "quasi-identifier"]),
        invented=st.booleans(),
        values=st.integers(1, 6),
    ),
    max_size=3,
)


@LAW
@given(policies)
def test_nothing_differs_from_itself(policy: Policy) -> None:
    assert differences(policy, policy) == ()


def tightened(rule: Any, step: float) -> Any:
    """The rule with a threshold that is as strict or stricter."""
    if isinstance(rule, ColumnGate):
        return replace(rule, threshold=max(1, rule.threshold - round(4 * step)))
    if isinstance(rule.threshold, tuple):
        return replace(
            rule, threshold=rule.threshold[: max(1, len(rule.threshold) - round(4 * step))]
        )
    return replace(
        rule, threshold=rule.threshold + (step if rule.comparison is Comparison.AT_LEAST else -step)
    )


@LAW
@given(policies, st.lists(thresholds, min_size=8, max_size=8), facts, schemas)
def test_a_stricter_policy_never_passes_what_the_other_one_fails(
    first: Policy, steps: list[float], found: dict[str, Any], columns: list[ColumnFact]
) -> None:
    pairs = zip(first.rules, steps, strict=False)
    rules = [tightened(rule, step) for rule, step in pairs]
    gates, own = rules[: len(first.gates)], rules[len(first.gates) :]
    second = replace(first, gates=tuple(gates), columns=tuple(own))
    assert {difference.change for difference in differences(first, second)} <= {Change.STRICTER}
    assert evaluate(second, found, columns).status is not VerdictStatus.PASS or (
        evaluate(first, found, columns).status is VerdictStatus.PASS
    )


@LAW
@given(policies, number_gates, facts, schemas)
def test_one_more_gate_is_stricter(
    policy: Policy, more: Gate, found: dict[str, Any], columns: list[ColumnFact]
) -> None:
    if (more.fact, more.comparison) not in {(gate.fact, gate.comparison) for gate in policy.gates}:
        stricter = replace(policy, gates=(*policy.gates, more))
        assert [difference.change for difference in differences(policy, stricter)] == [Change.ADDED]
        assert [difference.change for difference in differences(stricter, policy)] == [
            Change.REMOVED
        ]
        passed = evaluate(stricter, found, columns).status is VerdictStatus.PASS
        assert not passed or evaluate(policy, found, columns).status is VerdictStatus.PASS


@LAW
@given(policies, policies)
def test_the_way_back_is_the_mirror_image(first: Policy, second: Policy) -> None:
    mirror = {
        Change.ADDED: Change.REMOVED,
        Change.REMOVED: Change.ADDED,
        Change.STRICTER: Change.LOOSER,
        Change.LOOSER: Change.STRICTER,
    }
    there = {(difference.what, difference.change) for difference in differences(first, second)}
    back = {
        (difference.what, mirror.get(difference.change, difference.change))
        for difference in differences(second, first)
    }
    assert there == back


@LAW
@given(policies, policies)
def test_two_policies_have_one_fingerprint_only_where_they_say_the_same(
    first: Policy, second: Policy
) -> None:
    assert (first == second) == (first.fingerprint() == second.fingerprint())
    assert replace(first, file="elsewhere.yaml").fingerprint() == first.fingerprint()


@pytest.mark.parametrize("name", shipped_policies())
def test_the_fingerprint_does_not_follow_comments_or_the_order_of_keys(name: str) -> None:
    import yaml

    text = shipped_policies()[name].read_text(encoding="utf-8")
    policy = load_policy(name)
    assert (
        parse_policy("# another comment\n\n" + text, "x.yaml").fingerprint() == policy.fingerprint()
    )
    data = yaml.safe_load(text)
    turned = {key: data[key] for key in reversed(data)}
    turned["gates"] = [{key: gate[key] for key in reversed(gate)} for gate in data["gates"]]
    written = yaml.safe_dump(turned, sort_keys=False, allow_unicode=True)
    assert parse_policy(written, "y.yaml").fingerprint() == policy.fingerprint()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"threshold": 2.0},
            "stricter: guarantee.epsilon at_most: at most 3 (public) -> at most 2 (public)",
        ),
        (
            {"threshold": 4.0},
            "looser: guarantee.epsilon at_most: at most 3 (public) -> at most 4 (public)",
        ),
        (
            {"scope": Scope.INTERNAL},
            "changed: guarantee.epsilon at_most: at most 3 (public) -> at most 3 (internal)",
        ),
        ({"reason": "Otherwise."}, "reworded: guarantee.epsilon at_most: at most 3 (public)"),
    ],
)
def test_each_change_in_words(change: dict[str, Any], told: str) -> None:
    gate = number_gate("guarantee.epsilon", Comparison.AT_MOST, 3.0)
    [difference] = differences(policy_of(gate), policy_of(replace(gate, **change)))
    assert str(difference) == told
    assert difference.decides is not told.startswith("reworded")

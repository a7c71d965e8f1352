"""Policies: grammar, all mistakes at once, verdicts that fail closed, and public parts."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import pytest

from privgan.errors import DocumentError, InternalError, UsageError
from privgan.metric import Exposure
from privgan.policy import (
    GateStatus,
    Policy,
    Scope,
    VerdictStatus,
    evaluate,
    explain,
    fact_vocabulary,
    load_context,
    load_policy,
    shipped_policies,
)
from tests.policy.sound import COLUMNS, SHIPPED, SOUND

GENERAL = ("internal-analytics", "partner-share", "public-release")
GATE = """  - fact: {fact}
    {rule}
    scope: {scope}
    reason: Because.
    advice: Change it.
"""


def written(folder: Path, *gates: tuple[str, str, str], head: str = "") -> str:
    path = folder / "own.yaml"
    text = (
        'format: privgan.policy/1\nname: own\nversion: "1.0"\npurpose:'
        f" Tests.\nattempts_per_dataset: 3\n{head}gates:\n"
    )
    path.write_text(
        text
        + "".join(GATE.format(fact=fact, rule=rule, scope=scope) for fact, rule, scope in gates)
    )
    return str(path)


def own(folder: Path, *gates: tuple[str, str, str]) -> Policy:
    return load_policy(written(folder, *gates))


def mistakes(folder: Path, *gates: tuple[str, str, str]) -> str:
    with pytest.raises(DocumentError) as caught:
        own(folder, *gates)
    return str(caught.value)


def test_exactly_these_policies_are_shipped() -> None:
    assert tuple(shipped_policies()) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_policy_passes_a_sound_run(name: str) -> None:
    verdict = evaluate(load_policy(name), SOUND, COLUMNS)
    assert verdict.status is VerdictStatus.PASS, [
        explain(o) for o in verdict.outcomes if o.status != "PASS"
    ]
    assert verdict.to_public_json()["internal_checks"] == "passed"


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("guarantee.epsilon", 10.01),
        ("guarantee.epsilon", math.inf),
        ("accounting.complete", False),
        ("audit.verdict", "REFUTED"),
        ("attack.membership.advantage.high", 0.6),
    ],
)
def test_shipped_policy_refuses_an_unsound_run(name: str, fact: str, value: Any) -> None:
    assert evaluate(load_policy(name), SOUND | {fact: value}, COLUMNS).status is VerdictStatus.FAIL


@pytest.mark.parametrize("name", SHIPPED)
def test_each_fact_that_is_missing_blocks(name: str) -> None:
    policy = load_policy(name)
    for fact in {gate.fact for gate in policy.gates}:
        known = {key: value for key, value in SOUND.items() if key != fact}
        assert evaluate(policy, known, COLUMNS).status is VerdictStatus.INCONCLUSIVE


def test_policies_grow_stricter() -> None:
    limits = [
        next(g.threshold for g in load_policy(n).gates if g.fact == "guarantee.epsilon")
        for n in GENERAL
    ]
    assert limits == [10, 5, 3]
    assert not [
        gate for gate in load_policy("internal-analytics").gates if gate.fact.startswith("context.")
    ]
    assumed = SOUND | {"schema.assumed_public_facts": 1}
    assert evaluate(load_policy("partner-share"), assumed, COLUMNS).status is VerdictStatus.PASS
    assert evaluate(load_policy("public-release"), assumed, COLUMNS).status is VerdictStatus.FAIL


@pytest.mark.parametrize("name", SHIPPED)
def test_small_tables_are_not_refused_for_an_inconclusive_audit(name: str) -> None:
    assert (
        evaluate(load_policy(name), SOUND | {"audit.verdict": "INCONCLUSIVE"}, COLUMNS).status
        is VerdictStatus.PASS
    )


def test_unknown_policy_names_the_shipped_ones() -> None:
    with pytest.raises(
        UsageError, match=r"did you mean 'partner-share'.*internal-analytics, iso-27559"
    ):
        load_policy("partner-shared")
    with pytest.raises(UsageError, match="not found"):
        load_policy("./nowhere.yaml")


def test_every_mistake_is_reported_at_once_with_its_line(tmp_path: Path) -> None:
    text = mistakes(
        tmp_path,
        ("guarantee.epsilom", "at_most: 3", "public"),
        ("attack.membership.auc.high", "at_most: 0.6", "public"),
        ("guarantee.delta", "at_least: 1.0", "public"),
        ("guarantee.delta", "at_most: 0.1", "public"),
        ("accounting.complete", "at_most: 1", "public"),
        ("audit.verdict", "one_of: [MAYBE]", "internal"),
        ("ledger.initialised", "equals: 1", "public"),
        ("synthetic.rows", "at_least: 1\n    at_most: 2", "public"),
    )
    assert "own.yaml: 7 mistakes" in text
    for part in (
        "line 7: guarantee.epsilom: there is no such fact; did you mean 'guarantee.epsilon'",
        "line 14: attack.membership.auc.high: follows from real rows",
        "guarantee.delta: at_least '1.0' and at_most '0.1' can never both hold (gates 3, 4)",
        "accounting.complete: is a boolean, and at_most needs a number",
        "audit.verdict: never is 'MAYBE'",
        "ledger.initialised: is a boolean, found '1'",
        (
            "synthetic.rows: needs exactly one of at_most, at_least, equals, one_of, present; found"
            " at_most and at_least"
        ),
    ):
        assert part in text, text


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("at_most: 1", "at_least: 2", True),
        ("at_most: 2", "at_least: 2", False),
        ("equals: 3", "at_most: 2", True),
        ("at_least: 4", "equals: 3", True),
        ("equals: 3", "equals: 4", True),
        ("equals: 3", "at_least: 3", False),
        ("present: true", "at_least: 3", False),
        ("at_most: 1", "at_most: 1", True),
        ("at_most: 1", "at_most: 2", True),
    ],
)
def test_contradictions(tmp_path: Path, one: str, other: str, clash: bool) -> None:
    gates = ("synthetic.rows", one, "public"), ("synthetic.rows", other, "public")
    if clash:
        assert "1 mistake" in mistakes(tmp_path, *gates)
    else:
        assert len(own(tmp_path, *gates).gates) == 2


def test_structure_is_checked(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="atempts"):
        load_policy(
            written(tmp_path, ("synthetic.rows", "at_least: 1", "public"), head="atempts: 3\n")
        )
    for scope, rule in (
        ("secret", "at_least: 1"),
        ("public", "at_least: one"),
        ("public", "present: false"),
    ):
        assert "mistake" in mistakes(tmp_path, ("synthetic.rows", rule, scope))


def test_wrong_form_and_wrong_meaning_are_told_at_once_in_the_order_of_lines(
    tmp_path: Path,
) -> None:
    text = mistakes(
        tmp_path,
        ("guarantee.epsilom", "at_most: 3", "public"),
        ("guarantee.delta", "at_most: small", "public"),
        ("noisy.tvd1", "at_most: 7", "secret"),
        ("noisy.tvd1", "at_most: 7", "public"),
    )
    lines = [int(part.split(":")[0]) for part in text.split("line ")[1:]]
    assert lines == sorted(lines)
    assert len(lines) == 6
    for part in (
        "no such fact",
        "found 'small', allowed: a number",
        "found 'secret'",
        "outside of what it can be, 0 to 1",
        "twice",
    ):
        assert part in text, text


@pytest.mark.parametrize(
    ("fact", "rule", "told"),
    [
        ("guarantee.delta", "at_most: 1.5", "at_most 1.5 is outside of what it can be, 0 to 1"),
        ("guarantee.epsilon", "at_most: -1", "0 to ∞"),
        ("fidelity.k_marginal.low", "at_least: 1001", "0 to 1000"),
        ("utility.tstr_r2.low", "at_least: 1.1", "-∞ to 1"),
        ("synthetic.rows", "equals: -3", "equals -3 is outside"),
        (
            "attack.membership.advantage",
            "at_most: 0.3",
            "at_most goes with attack.membership.advantage.high",
        ),
        (
            "attack.membership.advantage.low",
            "at_most: 0.3",
            "at_most goes with attack.membership.advantage.high",
        ),
        ("utility.tstr_auc.high", "at_least: 0.6", "at_least goes with utility.tstr_auc.low"),
    ],
)
def test_a_threshold_that_means_nothing_is_a_mistake(
    tmp_path: Path, fact: str, rule: str, told: str
) -> None:
    scope = "public" if fact_vocabulary()[fact].exposure is Exposure.PUBLIC else "internal"
    text = mistakes(tmp_path, (fact, rule, scope))
    assert "1 mistake\n" in text
    assert told in text


def test_thresholds_at_the_ends_of_the_range_are_none(tmp_path: Path) -> None:
    gates = (
        ("artefacts.findings", "at_most: 0", "internal"),
        ("audit.epsilon_lower_bound", "at_most: 5", "internal"),
    )
    assert len(own(tmp_path, *gates, ("guarantee.delta", "at_most: 1", "public")).gates) == 3


def test_infinite_threshold_is_refused(tmp_path: Path) -> None:
    assert "mistake" in mistakes(tmp_path, ("guarantee.epsilon", "at_most: 1.0e999", "public"))


def test_failure_weighs_more_than_a_missing_fact(tmp_path: Path) -> None:
    policy = own(
        tmp_path,
        ("guarantee.epsilon", "at_most: 3", "public"),
        ("synthetic.rows", "present: true", "public"),
    )
    assert evaluate(policy, {"guarantee.epsilon": 4.0}).status is VerdictStatus.FAIL
    assert evaluate(policy, {"guarantee.epsilon": 2.0}).status is VerdictStatus.INCONCLUSIVE
    assert (
        evaluate(policy, {"guarantee.epsilon": math.nan, "synthetic.rows": 5}).status
        is VerdictStatus.INCONCLUSIVE
    )
    assert (
        evaluate(policy, {"guarantee.epsilon": 3, "synthetic.rows": 5}).status is VerdictStatus.PASS
    )


def test_blank_text_is_missing(tmp_path: Path) -> None:
    policy = own(tmp_path, ("context.reviewer", "present: true", "public"))
    assert evaluate(policy, {"context.reviewer": "  "}).outcomes[0].status is GateStatus.MISSING


@pytest.mark.parametrize("value", ["3", True])
def test_fact_of_the_wrong_type_is_a_bug(tmp_path: Path, value: Any) -> None:
    policy = own(tmp_path, ("guarantee.epsilon", "at_most: 3", "public"))
    with pytest.raises(InternalError):
        evaluate(policy, {"guarantee.epsilon": value})


def test_public_json_holds_nothing_internal(tmp_path: Path) -> None:
    gates = (
        ("guarantee.epsilon", "at_most: 3", "public"),
        ("audit.verdict", "one_of: [NOT_REFUTED]", "internal"),
    )
    policy = own(tmp_path, *gates)
    verdict = evaluate(policy, {"guarantee.epsilon": 2.0, "audit.verdict": "NOT_REFUTED"})
    public = verdict.to_public_json()
    assert [outcome["fact"] for outcome in public["outcomes"]] == ["guarantee.epsilon"]
    assert "NOT_REFUTED" not in str(public)
    assert public["hash"] == policy.fingerprint()
    for facts in ({"audit.verdict": "REFUTED"}, {}):
        failed = evaluate(policy, {"guarantee.epsilon": 2.0, **facts})
        assert not failed.internal_passed
        with pytest.raises(InternalError):
            failed.to_public_json()
        assert failed.to_json()["internal_checks"] == "not passed"


def test_explanation_says_what_to_change(tmp_path: Path) -> None:
    policy = own(tmp_path, ("guarantee.epsilon", "at_most: 3", "public"))
    [failed] = evaluate(policy, {"guarantee.epsilon": 4.0}).outcomes
    assert explain(failed) == "guarantee.epsilon is 4; it must be at most 3. Because. Change it."
    [missing] = evaluate(policy, {}).outcomes
    assert explain(missing).startswith("guarantee.epsilon is not known; it must be at most 3.")


def test_fingerprint_follows_the_meaning(tmp_path: Path) -> None:
    gate = ("guarantee.epsilon", "at_most: 3", "public")
    first = own(tmp_path, gate)
    assert first.fingerprint() == own(tmp_path, gate).fingerprint()
    assert (
        first.fingerprint()
        != own(tmp_path, ("guarantee.epsilon", "at_most: 4", "public")).fingerprint()
    )


def test_vocabulary_is_complete() -> None:
    facts = fact_vocabulary()
    for name, fact in facts.items():
        # How often a candidate failed would tell what the internal gates found.
        internal = (
            name.split(".")[0] in {"fidelity", "utility", "attack", "audit", "artefacts"}
            or name == "ledger.attempts"
        )
        assert (fact.exposure is Exposure.INTERNAL) == internal
        assert fact.description
        if name.endswith((".low", ".high")):
            base = facts[name.rpartition(".")[0]]
            assert (base.type, base.minimum, base.maximum) == (
                fact.type,
                fact.minimum,
                fact.maximum,
            )
    for name in SHIPPED:
        for gate in load_policy(name).gates:
            assert (gate.scope is Scope.INTERNAL) == (
                facts[gate.fact].exposure is Exposure.INTERNAL
            )


def test_context_gives_facts(tmp_path: Path) -> None:
    path = tmp_path / "context.yaml"
    path.write_text("format: privgan.context/1\nreviewer: J. Okafor\nexpiry: 2027-01-31\n")
    context = load_context(path)
    assert context.facts(dt.date(2027, 1, 31)) == {
        "context.reviewer": "J. Okafor",
        "context.expiry": "2027-01-31",
        "context.not_expired": True,
    }
    assert context.facts(dt.date(2027, 2, 1))["context.not_expired"] is False


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("expiry: 2027-02-30\nreview_date: 2026-13-01", "3 mistakes|2 mistakes"),
        ("expiry: 2026-01-01\nreview_date: 2026-01-02", "before the review"),
        ("reviwer: me", "reviwer"),
        ("reviewer: ''", "reviewer"),
    ],
)
def test_context_mistakes(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "context.yaml"
    path.write_text(f"format: privgan.context/1\n{text}\n")
    with pytest.raises(DocumentError, match=words):
        load_context(path)


@pytest.mark.parametrize("name", ["partner-share", "public-release"])
def test_generator_that_copies_one_customer_in_five_fails(name: str) -> None:
    """Upper ends measured on 1,000 + 1,000 simulated canaries.

    The advantage alone would let partner-share pass.
    """
    copier = {
        "attack.membership.advantage.high": 0.25,
        "attack.membership.tpr_at_fpr_0.01.high": 0.23,
    }
    assert evaluate(load_policy(name), SOUND | copier, COLUMNS).status is VerdictStatus.FAIL

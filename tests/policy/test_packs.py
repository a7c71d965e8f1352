"""Packs after written standards: clauses are named, no compliance is claimed, Chinese is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from privgan.policy import VerdictStatus, evaluate, fact_vocabulary, load_policy, shipped_policies
from privgan.policy.context import Context
from tests.policy.sound import COLUMNS, PACKS, SHIPPED, SOUND

CHINESE = re.compile("[\u4e00-\u9fff]")
CLAIMS = re.compile(
    r"\b(certif(y|ies|ied)|guarantees compliance|is compliant|makes you compliant)\b", re.IGNORECASE
)
# What must fail each pack: a fact that its standard is about.
BREAKS: dict[str, dict[str, Any]] = {
    "wp216": {"attack.linkability.excess.high": 0.5},
    "nist-sp-800-226": {"guarantee.unit_declared": False},
    "iso-27559": {"context.review_not_due": False},
    "hipaa-expert": {"context.not_expired": False},
    "pipl": {"attack.copies.flagged": 1.0},
    "eu-ai-act-10": {"fidelity.category_coverage.low": 0.5},
}
# Facts that only people can state, without which a pack is inconclusive.
PEOPLE = {
    "wp216": "legal_basis",
    "nist-sp-800-226": "threat_model",
    "iso-27559": "agreement",
    "hipaa-expert": "expert_qualification",
    "pipl": "impact_assessment",
    "eu-ai-act-10": "bias_examination",
}


@pytest.mark.parametrize("name", PACKS)
def test_every_gate_names_the_clause_that_it_serves(name: str) -> None:
    policy = load_policy(name)
    assert policy.standard
    for rule in policy.rules:
        assert rule.clause
        assert rule.reason.endswith(f"After {rule.clause}.")


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_says_that_it_makes_nobody_compliant_and_what_a_person_must_still_do(
    name: str,
) -> None:
    policy = load_policy(name)
    assert "makes nobody compliant by itself" in policy.purpose
    assert "must still" in policy.purpose
    assert "并不构成合规" in policy.purpose_zh
    assert "仍须由" in policy.purpose_zh
    text = " ".join([policy.purpose, *(f"{rule.reason} {rule.advice}" for rule in policy.rules)])
    assert not CLAIMS.search(text.replace("certifies nothing", ""))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_text_is_there_in_chinese(name: str) -> None:
    policy = load_policy(name)
    assert CHINESE.search(policy.purpose_zh)
    for rule in policy.rules:
        for text in (rule.reason_zh, rule.advice_zh):
            assert CHINESE.search(text), rule.fact


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_fails_what_its_standard_forbids_and_waits_for_what_people_must_state(
    name: str,
) -> None:
    policy = load_policy(name)
    assert evaluate(policy, SOUND | BREAKS[name], COLUMNS).status is VerdictStatus.FAIL
    unsaid = {fact: value for fact, value in SOUND.items() if fact != f"context.{PEOPLE[name]}"}
    assert evaluate(policy, unsaid, COLUMNS).status is VerdictStatus.INCONCLUSIVE


@pytest.mark.parametrize("name", PACKS)
def test_a_column_that_names_somebody_and_is_modelled_fails(name: str) -> None:
    from dataclasses import replace

    spoilt = (replace(COLUMNS[0], invented=False, values=10), *COLUMNS[1:])
    assert evaluate(load_policy(name), SOUND, spoilt).status is VerdictStatus.FAIL
    assert evaluate(load_policy(name), SOUND, None).status is VerdictStatus.INCONCLUSIVE


def test_wp216_asks_its_three_questions_of_the_audit() -> None:
    asked = {gate.fact for gate in load_policy("wp216").gates if "question" in gate.clause}
    assert {
        f"attack.{question}.excess.high"
        for question in ("singling_out", "linkability", "inference")
    } <= asked


def test_hipaa_refuses_a_date_to_the_day_as_quasi_identifier() -> None:
    from dataclasses import replace

    birth = replace(COLUMNS[1], name="born", kind="date", values=30_000)
    verdict = evaluate(load_policy("hipaa-expert"), SOUND, (*COLUMNS, birth))
    [failed] = [outcome for outcome in verdict.outcomes if outcome.status == "FAIL"]
    assert failed.breaking == ("born",)


def test_the_context_s_keys_agree_everywhere() -> None:
    """Context file, policy, manifest and allow-list have the same keys."""
    from dataclasses import fields

    from privgan.files.documents import json_schema
    from privgan.files.fields import MANIFEST, declared_fields

    stated = {part.name for part in fields(Context)}
    derived = {"not_expired", "review_not_due"}
    assert set(json_schema("privgan.context/1")["properties"]) - {"format"} == stated
    assert {
        name.removeprefix("context.") for name in fact_vocabulary() if name.startswith("context.")
    } == stated | derived
    assert set(json_schema("privgan.manifest/1")["properties"]["context"]["properties"]) == stated
    assert {
        path.partition(".")[2] for path in declared_fields(MANIFEST) if path.startswith("context.")
    } == stated


def test_the_packs_lie_where_the_wheel_takes_them_from() -> None:
    root = Path(__file__).parents[2]
    assert '"policies" = "privgan/policies"' in (root / "pyproject.toml").read_text(
        encoding="utf-8"
    )
    assert {path.parent for path in shipped_policies().values()} == {root / "policies"}

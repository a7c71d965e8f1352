"""Waivers: their end day, facts that cannot be waived, and where waivers are shown."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from privgan.errors import DocumentError
from privgan.policy import (
    GateStatus,
    Policy,
    VerdictStatus,
    Waiver,
    evaluate,
    explain,
    load_waivers,
    waived,
)
from tests.policy.sound import gate, make_policy

TODAY = dt.date(2026, 11, 21)
SECRET = "we accept the risk of this small table"


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    return make_policy(
        tmp_path,
        gate("guarantee.epsilon", "at_most: 3"),
        gate("accounting.complete", "equals: true"),
        gate("attack.membership.advantage.high", "at_most: 0.2", "internal"),
        gate("audit.verdict", "one_of: [NOT_REFUTED]", "internal"),
        gate("artefacts.findings", "at_most: 0", "internal"),
    )


SOUND: dict[str, Any] = {
    "guarantee.epsilon": 2.0,
    "accounting.complete": True,
    "attack.membership.advantage.high": 0.1,
    "audit.verdict": "NOT_REFUTED",
    "artefacts.findings": 0,
}


def write(folder: Path, *entries: tuple[str, str], policy: str = "own") -> Path:
    path = folder / "waivers.yaml"
    body = "".join(
        f"  - {{fact: '{fact}', who: A. Officer, why: {SECRET}, until: {until}}}\n"
        for fact, until in entries
    )
    path.write_text(
        f"format: privgan.waivers/1\npolicy: {policy}\nwaivers:\n{body}", encoding="utf-8"
    )
    return path


def with_waivers(
    policy: Policy, folder: Path, *entries: tuple[str, str], today: dt.date = TODAY
) -> Policy:
    return waived(policy, load_waivers(write(folder, *entries), policy), today)


def test_a_waived_gate_blocks_nothing_and_says_who_why_and_until_when(
    policy: Policy, tmp_path: Path
) -> None:
    allowed = with_waivers(policy, tmp_path, ("guarantee.epsilon", "2026-12-31"))
    facts = SOUND | {"guarantee.epsilon": 4.0}
    assert evaluate(policy, facts).status is VerdictStatus.FAIL
    verdict = evaluate(allowed, facts)
    assert verdict.status is VerdictStatus.PASS
    [outcome] = [outcome for outcome in verdict.outcomes if outcome.status is GateStatus.WAIVED]
    expected = (
        "guarantee.epsilon is 4; it must be at most 3. Waived by A. Officer until 2026-12-31:"
        f" {SECRET}"
    )
    assert explain(outcome) == expected
    public = verdict.to_public_json()
    assert public["public_checks"] == "passed with waivers"
    assert public["outcomes"][0]["waiver"] == {
        "who": "A. Officer",
        "why": SECRET,
        "until": "2026-12-31",
    }


def test_a_gate_that_passes_needs_no_waiver_and_shows_none(policy: Policy, tmp_path: Path) -> None:
    allowed = with_waivers(policy, tmp_path, ("guarantee.epsilon", "2026-12-31"))
    verdict = evaluate(allowed, SOUND)
    assert {outcome.status for outcome in verdict.outcomes} == {GateStatus.PASS}
    assert SECRET not in json.dumps(verdict.to_public_json())


def test_an_internal_waiver_shows_in_nothing_that_leaves(policy: Policy, tmp_path: Path) -> None:
    allowed = with_waivers(policy, tmp_path, ("attack.membership.advantage.high", "2026-12-31"))
    failing = evaluate(allowed, SOUND | {"attack.membership.advantage.high": 0.9})
    sound, plain = evaluate(allowed, SOUND), evaluate(policy, SOUND)
    assert failing.status is VerdictStatus.PASS
    assert failing.to_public_json() == sound.to_public_json() == plain.to_public_json()
    assert (
        failing.to_public_json()["own_hash"]
        == policy.fingerprint()
        == plain.to_public_json()["hash"]
    )
    assert "WAIVED" in json.dumps(failing.to_json())
    assert failing.to_json()["hash"] == allowed.fingerprint() != policy.fingerprint()


def test_the_hash_that_leaves_bears_the_public_waivers_alone(
    policy: Policy, tmp_path: Path
) -> None:
    public, internal = (
        ("guarantee.epsilon", "2026-12-31"),
        ("attack.membership.advantage.high", "2026-12-31"),
    )
    one, both = (
        with_waivers(policy, tmp_path, public),
        with_waivers(policy, tmp_path, public, internal),
    )
    assert (
        evaluate(both, SOUND).to_public_json()["hash"] == one.fingerprint() != policy.fingerprint()
    )


@pytest.mark.parametrize(
    ("today", "holds"), [(dt.date(2026, 12, 31), True), (dt.date(2027, 1, 1), False)]
)
def test_an_expired_waiver_is_as_if_absent_and_says_so(
    policy: Policy, tmp_path: Path, today: dt.date, holds: bool
) -> None:
    allowed = with_waivers(policy, tmp_path, ("guarantee.epsilon", "2026-12-31"), today=today)
    verdict = evaluate(allowed, SOUND | {"guarantee.epsilon": 4.0})
    assert (verdict.status is VerdictStatus.PASS) is holds
    assert (allowed.fingerprint() == policy.fingerprint()) is not holds
    if not holds:
        assert "The waiver by A. Officer ended on 2026-12-31 and counts no more." in explain(
            verdict.outcomes[0]
        )
        assert explain(verdict.outcomes[0]).endswith("Because. Change it.")


def test_a_missing_fact_can_be_waived_by_a_person_too(policy: Policy, tmp_path: Path) -> None:
    allowed = with_waivers(policy, tmp_path, ("attack.membership.advantage.high", "2026-12-31"))
    facts = _without("attack.membership.advantage.high")
    assert evaluate(policy, facts).status is VerdictStatus.INCONCLUSIVE
    assert evaluate(allowed, facts).status is VerdictStatus.PASS


@pytest.mark.parametrize("fact", ["accounting.complete", "audit.verdict", "artefacts.findings"])
def test_what_nobody_may_waive(policy: Policy, tmp_path: Path, fact: str) -> None:
    with pytest.raises(DocumentError, match=f"line 4: .*{fact} cannot be waived: "):
        with_waivers(policy, tmp_path, (fact, "2026-12-31"))


@pytest.mark.parametrize(
    ("fact", "value"),
    [("accounting.complete", False), ("audit.verdict", "REFUTED"), ("artefacts.findings", 3)],
)
def test_a_waiver_of_what_nobody_may_waive_counts_for_nothing_wherever_it_comes_from(
    policy: Policy, fact: str, value: object
) -> None:
    """A policy made in Python does not pass the reader of the waivers file."""
    waiver = Waiver(fact=fact, who="Mallory", why="trust me", until=dt.date(2099, 1, 1))
    for facts, status in (
        (SOUND | {fact: value}, VerdictStatus.FAIL),
        (_without(fact), VerdictStatus.INCONCLUSIVE),
    ):
        verdict = evaluate(replace(policy, waivers=(waiver,)), facts)
        assert verdict.status is status
        assert GateStatus.WAIVED not in {outcome.status for outcome in verdict.outcomes}


def _without(fact: str) -> dict[str, Any]:
    return {name: value for name, value in SOUND.items() if name != fact}


def test_every_mistake_at_once(policy: Policy, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        ("guarantee.epsilom", "2026-12-31"),
        ("guarantee.epsilon", "2026-02-30"),
        ("guarantee.epsilon", "2026-12-31"),
        policy="other",
    )
    with pytest.raises(DocumentError) as caught:
        load_waivers(path, policy)
    told = str(caught.value)
    assert "4 mistakes" in told
    for part in (
        "line 2: policy: is for 'other'",
        "did you mean 'guarantee.epsilon'",
        "no day 2026-02-30",
        "line 6: waivers[2]",
    ):
        assert part in told, told


@pytest.mark.parametrize("left_out", ["who", "why", "until"])
def test_who_why_and_until_are_needed(policy: Policy, tmp_path: Path, left_out: str) -> None:
    path = write(tmp_path, ("guarantee.epsilon", "2026-12-31"))
    text = (
        path.read_text().replace(f"{left_out}:", "# ", 1)
        if left_out == "until"
        else path.read_text()
    )
    text = text.replace("who: A. Officer", "who: ' '") if left_out == "who" else text
    text = text.replace(f"why: {SECRET}, ", "") if left_out == "why" else text
    path.write_text(text.replace("# ", "other: "), encoding="utf-8")
    with pytest.raises(DocumentError, match=left_out):
        load_waivers(path, policy)


def test_a_column_gate_is_waived_by_its_own_name(tmp_path: Path) -> None:
    from tests.policy.sound import COLUMNS, columns

    policy = make_policy(
        tmp_path,
        gate("synthetic.rows", "at_least: 1"),
        more="columns:\n" + columns("name: spend", "dropped: true"),
    )
    waiver = Waiver(fact=policy.columns[0].fact, who="A.", why="needed", until=TODAY)
    verdict = evaluate(waived(policy, [waiver], TODAY), {"synthetic.rows": 3}, COLUMNS)
    assert [outcome.status for outcome in verdict.outcomes] == [GateStatus.PASS, GateStatus.WAIVED]

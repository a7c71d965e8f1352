"""A verdict as JUnit XML and SARIF 2.1.0: valid, safe with hostile texts, nothing internal."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.cli.verdicts import VerdictFiles
from privgan.errors import InternalError, UsageError
from privgan.policy import Comparison, Gate, Policy, Scope, Verdict, Waiver, evaluate
from privgan.policy.exports import junit, sarif
from privgan.policy.policy import plain

LAW = settings(max_examples=60)
HOSTILE = (
    "<script>alert(1)</script> ]]> & \" ' \x00\x07\x1b[31m \u202eltr \ud800 =cmd|' /C calc'!A0 "
    + "x" * 10_000
)
INTERNAL_FACT, INTERNAL_VALUE, INTERNAL_REASON = (
    "attack.membership.advantage.high",
    0.123456,
    "Nobody may be found.",
)


def gate(
    fact: str, threshold: Any, comparison: Comparison = Comparison.AT_MOST, **texts: str
) -> Gate:
    scope = Scope.INTERNAL if fact.startswith("attack") else Scope.PUBLIC
    words = {"reason": "Because.", "advice": "Change it."} | texts
    return Gate(fact=fact, comparison=comparison, threshold=threshold, scope=scope, **words)


POLICY = Policy(
    name="own",
    version="1.0",
    purpose="Tests.",
    attempts_per_dataset=3,
    file="own policy.yaml",
    gates=(
        gate("guarantee.epsilon", 3.0, line=7),
        gate("guarantee.delta", 1e-6, clause="Article 1"),
        gate("context.reviewer", True, Comparison.PRESENT),
        gate("synthetic.rows", 10.0, Comparison.AT_LEAST),
        gate(INTERNAL_FACT, 0.2, reason=INTERNAL_REASON),
    ),
    waivers=(
        Waiver(fact="synthetic.rows", who="A. Officer", why="a test", until=dt.date(2030, 1, 1)),
    ),
)
# One gate of each kind: failed, passed, missing, waived.
FACTS = {
    "guarantee.epsilon": 4.0,
    "guarantee.delta": 1e-7,
    "synthetic.rows": 5,
    INTERNAL_FACT: INTERNAL_VALUE,
}


@pytest.fixture
def verdict() -> Verdict:
    return evaluate(POLICY, FACTS)


def cases(text: str) -> dict[str, list[str]]:
    root = ElementTree.fromstring(text)
    return {
        str(case.get("name")).partition(":")[0]: [part.tag for part in case]
        for case in root.iter("testcase")
    }


def test_junit_has_one_case_a_gate_and_right_counts(verdict: Verdict) -> None:
    text = junit(verdict, shareable=False)
    assert cases(text) == {
        "guarantee.epsilon": ["failure"],
        "guarantee.delta": [],
        "context.reviewer": ["error"],
        "synthetic.rows": ["skipped"],
        INTERNAL_FACT: [],
    }
    root = ElementTree.fromstring(text)
    assert root.tag == "testsuites"
    [suite] = root
    for element in (root, suite):
        counts = {name: element.get(name) for name in ("tests", "failures", "errors", "skipped")}
        assert counts == {"tests": "5", "failures": "1", "errors": "1", "skipped": "1"}
    found = {part.get("name"): part.get("value") for part in root.iter("property")}
    assert found["exposure"].startswith("INTERNAL")
    assert found["policy.hash"] == POLICY.fingerprint()
    [failure] = root.iter("failure")
    assert (
        failure.get("message")
        == failure.text
        == "guarantee.epsilon is 4; it must be at most 3. Because. Change it."
    )
    for case in root.iter("testcase"):
        assert {"name", "classname", "time"} <= set(case.keys())


def required(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    assert set(keys) <= set(value), value
    return value


def check_sarif(text: str) -> dict[str, Any]:
    """Check a log against SARIF 2.1.0 (sections 3.13 to 3.27); return its run."""
    log = required(json.loads(text), "version", "runs", "$schema")
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    driver = required(
        required(required(run, "tool", "results")["tool"], "driver")["driver"], "name"
    )
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", driver["semanticVersion"])
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    identities = [required(rule, "id")["id"] for rule in driver["rules"]]
    assert len(set(identities)) == len(identities)
    for rule in driver["rules"]:
        for key in ("shortDescription", "fullDescription", "help"):
            assert required(rule[key], "text")["text"]
    for result in run["results"]:
        assert required(required(result, "message")["message"], "text")["text"]
        assert identities[result["ruleIndex"]] == result["ruleId"]
        assert result["kind"] in {
            "pass",
            "open",
            "informational",
            "notApplicable",
            "review",
            "fail",
        }
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["kind"] == "fail" or result["level"] == "none"
        for location in result["locations"]:
            place = location["physicalLocation"]
            assert re.fullmatch(r"[A-Za-z0-9._~%/-]+", place["artifactLocation"]["uri"])
            assert place["region"]["startLine"] >= 1
        for suppression in result.get("suppressions", []):
            assert required(suppression, "kind")["kind"] in {"inSource", "external"}
            assert suppression["status"] in {"accepted", "underReview", "rejected"}
    return run


def test_sarif_holds_what_the_specification_requires(verdict: Verdict) -> None:
    run = check_sarif(sarif(verdict, version="0.1.0", shareable=False))
    assert run["properties"]["exposure"].startswith("INTERNAL")
    assert len(run["tool"]["driver"]["rules"]) == 5
    found = {
        result["ruleId"]: (result["level"], "suppressions" in result) for result in run["results"]
    }
    assert found == {
        "guarantee.epsilon.at_most": ("error", False),
        "context.reviewer.present": ("error", False),
        "synthetic.rows.at_least": ("warning", True),
    }
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert unquote(place["artifactLocation"]["uri"]) == "own policy.yaml"
    assert place["region"]["startLine"] == 7


@pytest.mark.parametrize("form", ["junit", "sarif"])
def test_what_is_shareable_has_the_public_gates_and_one_word_on_the_rest(
    verdict: Verdict, form: str
) -> None:
    text = (
        junit(verdict, shareable=True)
        if form == "junit"
        else sarif(verdict, version="0.1.0", shareable=True)
    )
    for internal in (INTERNAL_FACT, "attack", "0.123456", INTERNAL_REASON, "INTERNAL"):
        assert internal not in text
    assert "passed" in text
    assert POLICY.fingerprint() in text
    if form == "junit":
        assert set(cases(text)) == {
            "guarantee.epsilon",
            "guarantee.delta",
            "context.reviewer",
            "synthetic.rows",
            "internal_checks",
        }
    else:
        assert check_sarif(text)["properties"]["internalChecks"] == "passed"


@pytest.mark.parametrize("value", [0.9, None], ids=["failed", "missing"])
def test_nothing_is_shareable_where_the_internal_checks_did_not_pass(value: float | None) -> None:
    facts = {name: found for name, found in FACTS.items() if name != INTERNAL_FACT} | (
        {INTERNAL_FACT: value} if value else {}
    )
    failed = evaluate(POLICY, facts)
    with pytest.raises(InternalError):
        junit(failed, shareable=True)
    with pytest.raises(InternalError):
        sarif(failed, version="0.1.0", shareable=True)
    assert "not passed" in junit(failed, shareable=False)


@pytest.mark.parametrize("public", [True, False], ids=["beside a public waiver", "alone"])
def test_verdicts_that_differ_in_internal_waivers_alone_leave_the_same_bytes(public: bool) -> None:
    gates = POLICY.gates if public else POLICY.gates[-1:]
    plain_policy = replace(POLICY, gates=gates, waivers=POLICY.waivers if public else ())
    secret = Waiver(
        fact=INTERNAL_FACT, who="Somebody Special", why="a secret reason", until=dt.date(2030, 1, 1)
    )
    waived = replace(plain_policy, waivers=(secret, *plain_policy.waivers))
    other = replace(
        plain_policy, waivers=(replace(secret, who="Somebody Else"), *plain_policy.waivers)
    )
    cases = [(plain_policy, 0.1), (waived, 0.1), (waived, 0.9), (other, 0.9)]
    found = [evaluate(policy, FACTS | {INTERNAL_FACT: value}) for policy, value in cases]
    writers: list[Callable[[Verdict], str]] = [
        lambda verdict: json.dumps(verdict.to_public_json()),
        lambda verdict: junit(verdict, shareable=True),
        lambda verdict: sarif(verdict, version="0.1.0", shareable=True),
    ]
    for write in writers:
        assert len({write(verdict) for verdict in found}) == 1
        assert plain_policy.fingerprint() in write(found[0])
    # Inside the three ways to judge stay apart: the ledger counts each as an evaluation of its own.
    assert len({verdict.to_json()["hash"] for verdict in found}) == 3


@pytest.fixture
def release(tmp_path: Path) -> Path:
    (tmp_path / "release" / "model").mkdir(parents=True)
    for name in ("manifest.json", "manifest.sha256", "model/model.json"):
        (tmp_path / "release" / name).write_text("{}")
    (tmp_path / "link").symlink_to(tmp_path / "release" / "model", target_is_directory=True)
    return tmp_path / "release"


def asked(path: Path) -> VerdictFiles:
    return VerdictFiles.asked({"junit": path, "sarif": None, "shareable": False})


@pytest.mark.parametrize(
    "name",
    [
        "x.xml",
        "model/x.xml",
        "model/model.json",
        "model/../x.xml",
        "../link/x.xml",
        "../link/model.json",
    ],
)
def test_no_verdict_is_written_into_a_release_and_none_of_its_files_removed(
    release: Path, name: str
) -> None:
    before = sorted(release.rglob("*"))
    with pytest.raises(UsageError, match="a release holds nothing but what its manifest lists"):
        asked(release / name)
    assert sorted(release.rglob("*")) == before


def test_a_verdict_may_stand_beside_a_release_and_below_another_program_s_manifest(
    release: Path,
) -> None:
    (release.parent / "manifest.json").write_text("{}")
    assert asked(release.parent / "x.xml").junit == release.parent / "x.xml"


def hostile(text: str) -> Verdict:
    """A verdict with a hostile text wherever a text can come from outside."""
    gates = (
        gate(
            "context.reviewer",
            ("another",),
            Comparison.ONE_OF,
            reason=text,
            advice=text,
            clause=text,
        ),
    )
    waiver = Waiver(fact="synthetic.rows", who=text, why=text, until=dt.date(2030, 1, 1))
    gates += (gate("synthetic.rows", 10.0, Comparison.AT_LEAST),)
    policy = replace(
        POLICY,
        name=text,
        version=text,
        file=text.encode("utf-8", "replace").decode(),
        gates=gates,
        waivers=(waiver,),
    )
    return evaluate(
        replace(policy, name="own"), {"context.reviewer": text + "x", "synthetic.rows": 5}
    )


def check_hostile(text: str) -> None:
    found = hostile(text)
    root = ElementTree.fromstring(junit(found, shareable=False).encode("utf-8"))
    assert {element.tag for element in root.iter()} == {
        "testsuites",
        "testsuite",
        "properties",
        "property",
        "testcase",
        "failure",
        "skipped",
    }
    run = check_sarif(sarif(found, version="0.1.0", shareable=False))
    assert len(run["results"]) == 2
    assert plain(text) in run["results"][0]["message"]["text"]


def test_hostile_texts_stay_texts() -> None:
    check_hostile(HOSTILE)
    written = (
        junit(hostile(HOSTILE), shareable=False),
        json.loads(sarif(hostile(HOSTILE), version="0.1.0", shareable=False)),
    )
    assert "<script" not in written[0]
    for character in "\x00\x07\x1b\u202e\ud800":
        assert character not in written[0] + json.dumps(written[1], ensure_ascii=False)


@LAW
@given(st.text(min_size=1).filter(str.strip))
def test_any_text_stays_a_text(text: str) -> None:
    check_hostile(text)

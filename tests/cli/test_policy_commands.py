"""``privgan policy``: init, check, explain, diff, list; exit codes and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from privgan.cli.main import execute
from privgan.policy import fact_vocabulary, load_policy, shipped_policies

Capture = pytest.CaptureFixture[str]
WRONG = """format: privgan.policy/1
name: own
version: "1.0"
purpose: Tests.
attempts_per_dataset: 0
gates:
  - {fact: guarantee.epsilom, at_most: 3, scope: public, reason: R., advice: A.}
  - {fact: guarantee.delta, at_most: 2, scope: public, reason: R., advice: A.}
  - {fact: accounting.complete, equals: maybe, scope: public, reason: R., advice: A.}
"""


def told(capsys: Capture, *arguments: object, code: int = 0) -> Any:
    """What a command with --json prints."""
    assert execute(["policy", *map(str, arguments), "--json"]) == code
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("base", [None, *shipped_policies()])
def test_init_writes_a_valid_commented_policy(
    tmp_path: Path, base: str | None, capsys: Capture
) -> None:
    path = tmp_path / "our-policy.yaml"
    more = ("--from", base) if base else ()
    assert execute(["policy", "init", str(path), *more]) == 0
    assert "policy check" in capsys.readouterr().out
    made = load_policy(str(path))
    assert made.name == "our-policy"
    assert path.read_text(encoding="utf-8").count("#") >= 8
    if base:
        assert told(capsys, "diff", base, path) == {
            "alike": True,
            "differences": [{"change": "reworded", "what": "name", "before": "", "after": ""}],
        }


def test_init_refuses_a_file_that_is_there_a_wrong_name_and_an_unknown_base(
    tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text("mine")
    for arguments, words in (
        ((str(path),), "is there already"),
        ((str(tmp_path / "ours.txt"),), "is a .yaml file"),
        ((str(tmp_path / "Our Policy.yaml"),), "is no policy's name"),
        ((str(tmp_path / "new.yaml"), "--from", "partner-shre"), "did you mean 'partner-share'"),
        ((str(tmp_path / "no" / "new.yaml"),), "no"),
    ):
        assert execute(["policy", "init", *arguments]) == 2
        assert words in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert {entry.name for entry in tmp_path.iterdir()} == {"ours.yaml"}


def test_check_tells_every_mistake_with_its_line_and_ends_with_2(
    tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(WRONG)
    assert execute(["policy", "check", str(path)]) == 2
    err = capsys.readouterr().err
    assert "own.yaml: 4 mistakes" in err
    for line in (5, 7, 8, 9):
        assert f"line {line}: " in err
    found = told(capsys, "check", path, code=2)
    assert found["ok"] is False
    assert len(found["mistakes"]) == 4


def test_check_of_a_valid_policy_and_its_waivers(tmp_path: Path, capsys: Capture) -> None:
    assert execute(["policy", "check", "partner-share"]) == 0
    assert "13 public and 6 internal gates" in capsys.readouterr().out
    waivers = tmp_path / "waivers.yaml"
    entry = (
        "{fact: ledger.total_epsilon, who: A. Officer, why: last release of the year, until:"
        " 2099-12-31}"
    )
    waivers.write_text(f"format: privgan.waivers/1\npolicy: partner-share\nwaivers:\n  - {entry}\n")
    found = told(capsys, "check", "partner-share", "--waivers", waivers)
    assert (found["ok"], found["waivers"]) == (True, 1)
    assert found["hash"] != load_policy("partner-share").fingerprint()
    waivers.write_text(waivers.read_text().replace("ledger.total_epsilon", "accounting.complete"))
    [mistake] = told(capsys, "check", "partner-share", "--waivers", waivers, code=2)["mistakes"]
    assert mistake.startswith("line 4: waivers[0]: accounting.complete cannot be waived")


@pytest.mark.parametrize("name", shipped_policies())
def test_explain_says_every_gate_its_reason_scope_and_clause_in_both_languages(
    name: str, capsys: Capture
) -> None:
    policy = load_policy(name)
    for lang in ("en", "zh"):
        assert execute(["policy", "explain", name, "--lang", lang]) == 0
        text = capsys.readouterr().out
        assert policy.fingerprint() in text
        assert (policy.purpose_zh if lang == "zh" else policy.purpose) in text
        for rule in policy.rules:
            reason, advice = rule.in_language(lang)
            for part in (rule.fact, rule.condition(lang), reason, advice, rule.clause):
                assert part in text
    found = told(capsys, "explain", name)
    assert [rule["fact"] for rule in found["rules"]] == [rule.fact for rule in policy.rules]
    assert found["hash"] == policy.fingerprint()


def test_diff_ends_with_0_where_both_decide_alike_and_with_1_where_not(
    tmp_path: Path, capsys: Capture
) -> None:
    assert execute(["policy", "diff", "public-release", "public-release"]) == 0
    assert capsys.readouterr().out == "both decide alike\n"
    path = tmp_path / "ours.yaml"
    text = shipped_policies()["public-release"].read_text(encoding="utf-8")
    path.write_text(
        text.replace("at_most: 3\n", "at_most: 2\n", 1).replace(
            "attempts_per_dataset: 2", "attempts_per_dataset: 5"
        )
    )
    assert execute(["policy", "diff", "public-release", str(path)]) == 1
    out = capsys.readouterr().out
    assert "stricter: guarantee.epsilon at_most: at most 3 (public) -> at most 2 (public)" in out
    assert "looser: attempts_per_dataset: 2 -> 5" in out


def test_list_names_all_policies_and_all_facts(capsys: Capture) -> None:
    assert [entry["name"] for entry in told(capsys, "list")] == list(shipped_policies())
    assert {entry["name"] for entry in told(capsys, "list", "--facts")} == set(fact_vocabulary())
    assert execute(["policy", "list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(shipped_policies())
    assert execute(["policy", "list", "--facts"]) == 0
    assert "guarantee.delta (number, 0 to 1; public): Delta of this run." in capsys.readouterr().out


def test_a_hostile_policy_reaches_the_terminal_as_text(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "own.yaml"
    text = WRONG[: WRONG.index("gates:")].replace(
        "attempts_per_dataset: 0", "attempts_per_dataset: 1"
    )
    gate = (
        '{fact: synthetic.rows, at_least: 1, scope: public, reason: "\\e[2J\\u202Egnp.exe", advice:'
        ' "\\a"}'
    )
    path.write_text(f"{text}gates:\n  - {gate}\n")
    assert execute(["policy", "explain", str(path)]) == 0
    out = capsys.readouterr().out
    assert "\\u001b[2J\\u202egnp.exe" in out
    for character in "\x1b\u202e\x07":
        assert character not in out

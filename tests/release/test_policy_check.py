"""The policy of a release: forbidden waivers, and texts that a terminal would obey."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from privgan.errors import PolicyFailedError
from privgan.policy import GateStatus, VerdictStatus, Waiver
from privgan.policy.policy import UNWAIVABLE, Comparison, Gate, Scope
from privgan.policy.policy_file import load_policy
from privgan.policy.verdict import Outcome
from privgan.release import verify_release, write_release
from tests.release.changes import NOW, edited
from tests.release.making import contents_of, passed

MALLORY = Waiver(
    fact="accounting.complete", who="Mallory", why="trust me", until=dt.date(2099, 1, 1)
)


def unaccounted() -> Outcome:
    gate = Gate(
        fact=MALLORY.fact,
        comparison=Comparison.EQUALS,
        threshold=True,
        scope=Scope.PUBLIC,
        reason="Because.",
        advice="Account.",
    )
    return Outcome(gate=gate, status=GateStatus.WAIVED, value=False, waiver=MALLORY)


def test_no_release_is_written_by_a_waiver_of_what_nobody_may_waive(
    tmp_path: Path, facts: Any
) -> None:
    files, verdict = (
        contents_of(tmp_path),
        replace(passed(), outcomes=(*passed().outcomes, unaccounted())),
    )
    assert verdict.status is VerdictStatus.PASS
    with pytest.raises(
        PolicyFailedError,
        match=r"accounting\.complete cannot be waived: without complete accounting",
    ):
        write_release(tmp_path / "out", files, facts, verdict)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("fact", UNWAIVABLE)
def test_a_release_with_a_waiver_of_what_nobody_may_waive_does_not_verify(
    release: Path, fact: str
) -> None:
    def waive(manifest: dict[str, Any]) -> None:
        policy = manifest["policy"]
        policy["outcomes"].append(unaccounted().to_json() | {"fact": fact})
        policy.update(own_hash=policy["hash"], hash="ef" * 32, public_checks="passed with waivers")

    edited(waive)(release)
    found = verify_release(release, now=NOW)
    assert (
        f"policy: '{fact}' did not pass, and cannot be waived: {UNWAIVABLE[fact]}" in found.problems
    )


@pytest.mark.parametrize("key", ["name", "version"])
def test_a_hostile_name_or_version_is_obeyed_by_no_terminal(release: Path, key: str) -> None:
    edited(
        lambda manifest: manifest["policy"].update(
            {key: "x\x1b[2J\x1b[Hintact, signed\x1b[8m\u202e"}
        )
    )(release)
    for policy in (
        load_policy("partner-share"),
        replace(load_policy("partner-share"), **{key: "y\x1b[8m\u202e"}),
    ):
        [problem] = verify_release(release, now=NOW, policy=policy).problems
        assert problem.startswith("policy: is ")
        assert problem.isascii()
        assert problem.isprintable()

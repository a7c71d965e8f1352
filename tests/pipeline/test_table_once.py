"""Each command reads and conforms the owner's table once.

A run reads its synthetic table at most once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from privgan.cli.main import execute
from privgan.generator.refine import Refinement
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner import owners_table
from privgan.pipeline import interrupted
from privgan.pipeline import run as running
from privgan.pipeline.read_candidate import ReadCandidate
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import Judging, fit_table
from privgan.policy.context import Context
from privgan.policy.policy import Policy
from privgan.policy.policy_file import load_policy
from privgan.progress import Progress

ONCE = Counter({"source": 1, "conformed": 1})


class _Crash(Exception):
    """The process died."""


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often a source was read, an owner's table conformed, and a Parquet file read."""
    counts: Counter[str] = Counter()

    def counting(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **more: Any) -> Any:
            counts[name] += 1
            return plain(*given, **more)

        return counted

    monkeypatch.setattr(owners_table, "read_source", counting("source", owners_table.read_source))
    monkeypatch.setattr(owners_table, "conform", counting("conformed", owners_table.conform))
    monkeypatch.setattr(pd, "read_parquet", counting("parquet", pd.read_parquet))
    yield counts
    assert counts["source"] <= 1


def _lenient() -> Policy:
    """The policy for inside use with its public gates alone.

    A small fit passes, and all stages run.
    """
    policy = load_policy("internal-analytics")
    return replace(policy, gates=tuple(gate for gate in policy.gates if gate.scope == "public"))


@pytest.mark.slow
def test_a_run_to_its_release(
    seen: Counter[str],
    purchase_request: RunRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("privgan.pipeline.preflight.check_impostor", lambda *_: None)
    monkeypatch.setattr("privgan.pipeline.releasing.check_impostor", lambda *_: None)
    ledger = PrivacyLedger.open(str(tmp_path / "ledger.sqlite"))
    judging = Judging(policy=_lenient(), context=Context())
    outcome = running.run(
        purchase_request, judging, lambda _: ledger, tmp_path / "out", Progress(quiet=True)
    )
    assert outcome.release == tmp_path / "out" / "release"
    assert seen["parquet"] <= 1
    assert seen - Counter(parquet=1) == ONCE


def test_a_fit(seen: Counter[str], purchase_request: RunRequest, tmp_path: Path) -> None:
    fit_table(
        purchase_request, PrivacyLedger.open(str(tmp_path / "ledger.sqlite")), tmp_path / "out"
    )
    assert seen == ONCE


@pytest.mark.slow
@pytest.mark.parametrize("judged", [False, True], ids=["fit", "run"])
def test_what_goes_on_from_a_checkpoint(
    judged: bool,
    seen: Counter[str],
    purchase_request: RunRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger, out, quiet = (
        PrivacyLedger.open(str(tmp_path / "ledger.sqlite")),
        tmp_path / "out",
        Progress(quiet=True),
    )
    step = Refinement._critic_step

    def crashing(self: Refinement, *rest: Any) -> None:
        if self.step == 11:
            raise _Crash
        step(self, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Refinement, "_critic_step", crashing)
        with pytest.raises(_Crash):
            fit_table(purchase_request, ledger, out)
    seen.clear()
    if not judged:
        interrupted.resume_candidate(out, purchase_request.table, ledger, quiet)
        assert seen == ONCE
        return
    judging = Judging(policy=load_policy("internal-analytics"), context=Context())
    monkeypatch.setattr(interrupted, "finish", lambda run, candidate, *_: candidate)
    assert isinstance(
        interrupted.resume_run(purchase_request.table, judging, ledger, out, quiet), ReadCandidate
    )
    assert seen == ONCE


@pytest.mark.slow
def test_an_audit_and_a_release_of_a_candidate(
    seen: Counter[str],
    purchase_request: RunRequest,
    tmp_path: Path,
    ledger_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fit_table(purchase_request, PrivacyLedger.open(str(ledger_path)), tmp_path / "out")
    seen.clear()
    execute(["audit", str(tmp_path / "out"), str(purchase_request.table), "--quiet"])
    assert "verdict" in capsys.readouterr().out
    assert seen == ONCE + Counter(parquet=1)
    seen.clear()
    execute(
        [
            "release",
            str(tmp_path / "out"),
            "--policy",
            "internal-analytics",
            "--out",
            str(tmp_path / "released"),
        ]
    )
    assert seen["source"] == seen["conformed"] == 0
    assert seen["parquet"] <= 1

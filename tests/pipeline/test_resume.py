"""An interrupted fit resumes once from its checkpoint, with fresh noise.

It pays for repeated steps.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open

from privgan.errors import BudgetExceededError, UsageError
from privgan.generator.refine import Refinement
from privgan.ledger.ledger import PrivacyLedger
from privgan.ledger.runs import RunLedger
from privgan.measurement.marginals import Marginal, Measurements
from privgan.metric import Metric
from privgan.pipeline import fitting
from privgan.pipeline.candidate import AUDIT_FILE, Candidate
from privgan.pipeline.interrupted import resume_candidate, resume_run
from privgan.pipeline.judging import accounting_complete
from privgan.pipeline.purging import purge
from privgan.pipeline.read_candidate import ReadCandidate
from privgan.pipeline.request import RunRequest
from privgan.pipeline.resuming import newest_checkpoint
from privgan.pipeline.run import Judging, fit_table
from privgan.policy.context import Context
from privgan.policy.policy_file import load_policy
from privgan.progress import Progress
from privgan.release.verification.verify import verify_release
from privgan.sources import SourceOptions
from tests.thinning import some

QUIET = Progress(quiet=True)


class _Crash(BaseException):
    """Ends a process as a power failure does: nothing catches it."""


def _interrupt_at(
    monkeypatch: pytest.MonkeyPatch, step: int, stop: Callable[[], BaseException]
) -> None:
    plain = Refinement._critic_step

    def stopping(self: Refinement, *arguments: object) -> None:
        if self.step == step:
            raise stop()
        plain(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Refinement, "_critic_step", stopping)


def _stopped(
    request: RunRequest, folder: Path, step: int, stop: Callable[[], BaseException]
) -> tuple[PrivacyLedger, Path]:
    """A fit that was stopped before a step."""
    ledger, out = PrivacyLedger.open(str(folder / "ledger.sqlite")), folder / "out"
    with pytest.MonkeyPatch.context() as patch:
        _interrupt_at(patch, step, stop)
        with pytest.raises((_Crash, KeyboardInterrupt)):
            fit_table(request, ledger, out)
    return ledger, out


def _charged(ledger: PrivacyLedger) -> list[str]:
    return [entry.body["step"] for entry in ledger.entries("purchases") if entry.kind == "charge"]


@pytest.mark.slow
def test_a_fit_from_a_query_goes_on_with_the_same_query(
    tmp_path: Path, purchase_request: RunRequest
) -> None:
    database, query = tmp_path / "shop.sqlite", "select * from purchases order by rowid"
    with closing(sqlite3.connect(database)) as connection:
        pd.read_csv(purchase_request.table).to_sql("purchases", connection, index=False)
    asked = replace(purchase_request, table=database, source=SourceOptions(query=query))
    ledger, out = _stopped(asked, tmp_path, 11, _Crash)
    for wrong in (None, query.replace("rowid", "amount")):
        with pytest.raises(UsageError, match="the query"):
            resume_candidate(out, database, ledger, QUIET, query=wrong)
    candidate = resume_candidate(out, f"sqlite:///{database}", ledger, QUIET, query=query)
    assert candidate.record.guarantee.epsilon == 6
    assert not any(
        b"order by rowid" in path.read_bytes() for path in out.rglob("*") if path.is_file()
    )


def test_after_a_crash_the_steps_run_again_are_paid_from_the_reserve(
    tmp_path: Path, purchase_request: RunRequest
) -> None:
    ledger, out = _stopped(purchase_request, tmp_path, 11, _Crash)
    assert "critic:reserve" not in _charged(ledger)
    candidate = resume_candidate(out, purchase_request.table, ledger, QUIET)
    assert _charged(ledger)[-1] == "critic:reserve"
    record = candidate.record
    assert record.guarantee.epsilon == 6
    assert ledger.account("purchases").epsilon == 6
    assert accounting_complete(record, ledger.history(record.dataset))
    assert not list(candidate.files.internal.glob("internal-checkpoint-*"))
    with pytest.raises(UsageError, match="no checkpoint"):
        resume_candidate(out, purchase_request.table, ledger, QUIET)


@pytest.mark.slow
def test_after_an_interrupt_nothing_is_run_again(
    tmp_path: Path, purchase_request: RunRequest
) -> None:
    ledger, out = _stopped(purchase_request, tmp_path, 13, KeyboardInterrupt)
    done: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        plain = Refinement._critic_step
        patch.setattr(
            Refinement,
            "_critic_step",
            lambda self, *rest: (done.append(self.step), plain(self, *rest))[1],
        )
        candidate = resume_candidate(out, purchase_request.table, ledger, QUIET)
    assert done == list(range(13, 40))
    assert "critic:reserve" not in _charged(ledger)
    assert accounting_complete(candidate.record, ledger.history(candidate.record.dataset))


@pytest.mark.slow
def test_a_second_crash_finds_the_reserve_spent(
    tmp_path: Path, purchase_request: RunRequest
) -> None:
    ledger, out = _stopped(purchase_request, tmp_path, 5, _Crash)
    with pytest.MonkeyPatch.context() as patch:
        _interrupt_at(patch, 9, _Crash)
        with pytest.raises(_Crash):
            resume_candidate(out, purchase_request.table, ledger, QUIET)
    with pytest.raises(BudgetExceededError, match="reserve") as refused:
        resume_candidate(out, purchase_request.table, ledger, QUIET)
    assert refused.value.exit_code == 4
    assert purge(out, ledger) > 0


@pytest.mark.slow
def test_a_copy_of_a_checkpoint_does_not_go_on_again(
    tmp_path: Path, purchase_request: RunRequest
) -> None:
    ledger, out = _stopped(purchase_request, tmp_path, 13, KeyboardInterrupt)
    shutil.copytree(out, tmp_path / "copy")
    resume_candidate(out, purchase_request.table, ledger, QUIET)
    before = ledger.head()
    with pytest.raises(UsageError, match="ended with a candidate"):
        resume_candidate(tmp_path / "copy", purchase_request.table, ledger, QUIET)
    assert ledger.head() == before


@pytest.mark.slow
@pytest.mark.parametrize("written", [1.0, 0.5])
def test_a_crash_while_a_checkpoint_is_written_leaves_the_one_before(
    tmp_path: Path, purchase_request: RunRequest, monkeypatch: pytest.MonkeyPatch, written: float
) -> None:
    """The file is there, whole or in part, and the ledger has not heard of it."""
    plain = RunLedger.checkpoint

    def crashing(self: RunLedger, *, lineage: int, **rest: Any) -> None:
        if lineage == 3:
            raise _Crash
        plain(self, lineage=lineage, **rest)

    ledger, out = PrivacyLedger.open(str(tmp_path / "ledger.sqlite")), tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(RunLedger, "checkpoint", crashing)
        with pytest.raises(_Crash):
            fit_table(purchase_request, ledger, out)
    path = out / "internal" / "internal-checkpoint-3.safetensors"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * written)])
    candidate = resume_candidate(out, purchase_request.table, ledger, QUIET)
    assert accounting_complete(candidate.record, ledger.history(candidate.record.dataset))


@pytest.mark.slow
def test_a_process_left_behind_does_not_touch_the_candidate(
    tmp_path: Path, purchase_request: RunRequest
) -> None:
    """It slept in its last steps while another resumed from its last checkpoint.

    No checkpoint is due in those steps.
    """
    ledger, out = PrivacyLedger.open(str(tmp_path / "ledger.sqlite")), tmp_path / "out"
    plain, made = Refinement._critic_step, []

    def sleeping(self: Refinement, *rest: Any) -> None:
        if self.step == 39 and not made:
            made.append(None)
            made.append(
                resume_candidate(
                    out, purchase_request.table, PrivacyLedger.open(ledger.url), QUIET
                ).hashes
            )
        plain(self, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Refinement, "_critic_step", sleeping)
        with pytest.raises(UsageError, match="resumed by another process"):
            fit_table(purchase_request, ledger, out)
    (entry,) = (entry for entry in ledger.entries("purchases") if entry.kind == "candidate")
    assert Candidate.find(out).hashes() == entry.body["files"] == made[1]
    assert {"internal-canaries.json", "internal-run.json"} <= {
        path.name for path in (out / "internal").iterdir()
    }


def test_noise_is_fresh_after_a_checkpoint(tmp_path: Path, purchase_request: RunRequest) -> None:
    """Even whoever sets ledger and folder back to the checkpoint draws other noise."""
    ledger, out = _stopped(purchase_request, tmp_path, 38, KeyboardInterrupt)
    shutil.copytree(tmp_path, tmp_path.with_name(tmp_path.name + "-again"))
    again = tmp_path.with_name(tmp_path.name + "-again")
    first = resume_candidate(out, purchase_request.table, ledger, QUIET)
    second = resume_candidate(
        again / "out",
        purchase_request.table,
        PrivacyLedger.open(str(again / "ledger.sqlite")),
        QUIET,
    )
    models = [
        (candidate.files.model / "model.safetensors").read_bytes() for candidate in (first, second)
    ]
    assert models[0] != models[1]


def test_a_checkpoint_keeps_the_groups_of_coarse_marginals(
    tmp_path: Path, purchase_request: RunRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = fitting.measure_rounds
    kept: list[Marginal] = []

    def more(*arguments: Any, **named: Any) -> Measurements:
        known = plain(*arguments, **named)
        groups = tuple(tuple(place % 2 for place in range(size)) for size in known.sizes[:2])
        kept[:] = [
            Marginal(clique=(0, 1), counts=np.full(4, 40.0), standard_deviation=3.0, groups=groups)
        ]
        return known.with_marginals(kept)

    monkeypatch.setattr(fitting, "measure_rounds", more)
    _, out = _stopped(purchase_request, tmp_path, 11, _Crash)
    (path,) = out.rglob("internal-checkpoint-*")
    found = newest_checkpoint(path.parent, 1).measurements
    assert found.marginals[-1].groups == kept[0].groups
    assert {part.groups for part in found.marginals[:-1]} == {None}


def test_a_checkpoint_holds_no_row_and_no_random_state(
    tmp_path: Path, purchase_request: RunRequest
) -> None:
    _, out = _stopped(purchase_request, tmp_path, 13, KeyboardInterrupt)
    (path,) = (out / "internal").glob("internal-checkpoint-*")
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"real-0" not in path.read_bytes()
    with safe_open(path, "pt") as file:
        facts = json.loads(file.metadata()["facts"])
        names = {name.partition(".")[0] for name in file.keys()}  # noqa: SIM118
        sizes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    assert names == {
        "generator",
        "average",
        "critic",
        "generator-adam",
        "critic-adam",
        "codebook",
        "marginal",
        "kept",
    }
    assert set(facts) == {
        *(
            "format",
            "lineage",
            "run",
            "step",
            "plan",
            "rows",
            "rows_of_each",
            "schema",
            "columns",
            "max_cells",
            "marginals",
            "kept",
        )
    }
    rows = sum(1 for _ in purchase_request.table.open()) - 1
    assert all(rows not in shape for shape in sizes.values())


@pytest.mark.parametrize(
    "damage",
    some(["truncated", "changed", "other table", "other order", "other canaries", "gone"]),
)
def test_what_does_not_fit_is_refused_and_charges_nothing(
    tmp_path: Path, purchase_request: RunRequest, damage: str
) -> None:
    ledger, out = _stopped(purchase_request, tmp_path, 13, KeyboardInterrupt)
    (path,) = (out / "internal").glob("internal-checkpoint-*")
    table = purchase_request.table
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "changed":
        path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    elif damage == "other table":
        table = tmp_path / "other.csv"
        table.write_text("\n".join(purchase_request.table.read_text().splitlines()[:-7]) + "\n")
    elif damage == "other order":
        head, *rows = purchase_request.table.read_text().splitlines()
        table = tmp_path / "other.csv"
        table.write_text("\n".join([head, *reversed(rows)]) + "\n")
    elif damage == "other canaries":
        canaries = out / "internal" / "internal-canaries.json"
        data = json.loads(canaries.read_text())
        canaries.write_text(json.dumps(data | {"canary": "00" * (len(data["canary"]) // 2)}))
    else:
        path.unlink()
    before = ledger.head()
    with pytest.raises(UsageError):
        resume_candidate(out, table, ledger, QUIET)
    assert ledger.head() == before


def test_a_fit_that_is_not_resumable_leaves_no_checkpoint(
    tmp_path: Path, purchase_request: RunRequest
) -> None:
    _, out = _stopped(replace(purchase_request, resumable=False), tmp_path, 13, KeyboardInterrupt)
    assert not list((out / "internal").glob("internal-checkpoint-*"))


@pytest.mark.slow
def test_a_run_that_can_never_pass_does_not_go_on(
    tmp_path: Path, purchase_request: RunRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy is judged before the checkpoint is used.

    With another one the same checkpoint still goes on.
    """
    ledger, out = _stopped(purchase_request, tmp_path, 11, _Crash)
    policies = map(load_policy, ("public-release", "internal-analytics"))
    public, analytics = (Judging(policy=policy, context=Context()) for policy in policies)
    blocked = resume_run(purchase_request.table, public, ledger, out, QUIET)
    assert (blocked.release, blocked.candidate) == (None, None)
    assert any("guarantee.epsilon is 6" in reason for reason in blocked.blocked)
    assert not [entry for entry in ledger.entries("purchases") if entry.kind == "resume"]
    assert "critic:reserve" not in _charged(ledger)
    monkeypatch.setattr(
        "privgan.pipeline.run.audit_candidate", lambda candidate, *_, **__: _audited(candidate)
    )
    outcome = resume_run(purchase_request.table, analytics, ledger, out, QUIET)
    assert outcome.release == out / "release"
    assert verify_release(out / "release").ok


def _audited(candidate: ReadCandidate) -> None:
    figures = {"attack.membership.advantage": 0.05, "fidelity.tvd1": 0.05}
    metrics = [
        Metric(name=name, value=0.01, low=0.0, high=high).to_json()
        for name, high in figures.items()
    ]
    candidate.files.write_internal(
        AUDIT_FILE,
        json.dumps({"format": "privgan.audit/1", "verdict": "NOT_REFUTED", "metrics": metrics}),
    )

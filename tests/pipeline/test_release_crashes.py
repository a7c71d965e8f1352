"""A process killed at any moment of a release leaves none, or one that the ledger names once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from privgan.cli.main import execute, main
from privgan.errors import PolicyFailedError, UsageError
from privgan.files.atomic import new_folder
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.undeclared import undeclared_texts
from privgan.pipeline import reporting
from privgan.pipeline.candidate import Candidate
from privgan.pipeline.judging import judge
from privgan.pipeline.purging import purge
from privgan.pipeline.releasing import ReleaseTerms, release_candidate
from privgan.pipeline.scanning import SCAN_FILE, leak_patterns_of, read_scan, scan_candidate
from privgan.policy.context import Context
from privgan.policy.policy_file import load_policy
from privgan.privacy.budget import PrivacyBudget
from privgan.release.leak_scan.leak_patterns import LeakPatterns
from privgan.release.leak_scan.scan import LeakError
from privgan.release.pack import pack_release
from privgan.release.verification.integrity import read_contents
from privgan.release.verification.verify import verify_release
from privgan.table.files import read_table
from privgan.table.schema_file import load_schema
from tests.pipeline.test_colliding_ids import CONTEXT, fitted

EVENTS = (
    "open",
    "os.rename",
    "os.mkdir",
    "os.remove",
    "os.rmdir",
    "os.chmod",
    "sqlite3.connect",
    "fcntl.flock",
)
DATASET = "colliding"


@pytest.fixture(autouse=True, scope="module")
def _brief_fits() -> Iterator[None]:
    """Verification makes the plan again, as the fit made it."""
    from privgan.planning.plan import EFFORTS, Effort

    tiny = Effort(
        entries=40, batch=60, network_steps=5, round_steps=1, final_steps=5, critic_steps=5
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("privgan.planning.model_stage.number_of_rounds", lambda _: 1)
        patch.setitem(EFFORTS, "quick", tiny)  # type: ignore[arg-type]
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scanned and judged candidate, with its table and ledger."""
    folder = tmp_path_factory.mktemp("crashes") / "made"
    candidate, ledger, leak_patterns = fitted(folder, [])
    scan_candidate(candidate, leak_patterns, ledger)
    judge(candidate, load_policy("internal-analytics"), ledger, CONTEXT)
    # Once before all forks, so that a child imports nothing.
    shutil.copytree(folder, folder.parent / "warm")
    Copy(folder.parent / "warm").release()
    return folder


class Copy:
    """A copy of the candidate, to release and to kill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.candidate = Candidate.find(folder / "candidate")
        self.ledger = PrivacyLedger.open(str(folder / "ledger.sqlite"))
        self.out = folder / "out"

    def leak_patterns(self) -> LeakPatterns:
        return leak_patterns_of(
            undeclared_texts(
                read_table(self.folder / "table.csv"), load_schema(self.folder / "schema.yaml")
            )
        )

    def release(self, context: Context = CONTEXT) -> Path:
        verdict = judge(self.candidate, load_policy("internal-analytics"), self.ledger, context)
        return release_candidate(
            self.candidate,
            verdict,
            self.ledger,
            ReleaseTerms(context),
            self.out,
            self.leak_patterns(),
        )

    def entries(self, kind: str) -> list[Any]:
        return [entry for entry in self.ledger.entries(DATASET) if entry.kind == kind]


def copied(made: Path, target: Path) -> Copy:
    shutil.copytree(made, target)
    return Copy(target)


def killed_at(moment: int, work: Callable[[], object]) -> int:
    """Do some work in a child that is killed at its n-th look at the disk.

    Returns the number of looks before, which comes back through a pipe. A moment of 0 never kills
    it.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        count = 0

        def hook(event: str, _: tuple[Any, ...]) -> None:
            nonlocal count
            if event in EVENTS:
                count += 1
                os.write(write, b".")
                if count == moment:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            work()
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        looks = len(pipe.read())
    os.waitpid(child, 0)
    return looks


def moments(looks: int, number: int) -> list[int]:
    """So many different moments, evenly spread, the last ones all.

    There the steps of publishing lie.
    """
    last = list(range(max(1, looks - number // 2), looks + 1))
    spread = [1 + looks * place // (number - len(last) + 1) for place in range(number - len(last))]
    return sorted({*spread, *last})


@pytest.mark.slow
@pytest.mark.parametrize("number", [60])
def test_a_release_killed_at_any_moment_is_named_once(
    made: Path, tmp_path: Path, number: int
) -> None:
    looks = killed_at(0, copied(made, tmp_path / "count").release)
    taken_up = 0
    for moment in moments(looks, number):
        copy = copied(made, tmp_path / str(moment))
        killed_at(moment, copy.release)
        recorded = len(copy.entries("release"))
        assert recorded <= 1
        assert not copy.entries("closed")
        release = copy.out / "release"
        if not release.exists():
            taken_up += recorded
            assert copy.release() == release
        assert not read_contents(release).problems
        if recorded or moment % 5 == 0:  # What the killed process made, and some made anew.
            assert verify_release(release).ok
        digest = hashlib.sha256((release / "manifest.json").read_bytes()).hexdigest()
        assert [entry.body["manifest"] for entry in copy.entries("release")] == [digest]
        assert [path.name for path in copy.out.iterdir()] == ["release"]
    assert taken_up >= 1, "no moment between the record and the name was met"


@pytest.mark.slow
@pytest.mark.parametrize("number", [40])
def test_a_finding_whose_process_is_killed_is_forgotten_or_bars_the_release(
    made: Path, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    render = reporting.render_shareable
    with monkeypatch.context() as patch:
        patch.setattr(
            reporting,
            "render_shareable",
            lambda data, form, language: (
                render(data, form, language) + ("4000017" if form == "md" else "")
            ),
        )
        count = copied(made, tmp_path / "count")
        with pytest.raises(LeakError):
            count.release()
        shutil.rmtree(tmp_path / "count")
        looks = killed_at(0, copied(made, tmp_path / "count").release)
        copies = [
            (copied(made, tmp_path / str(moment)), moment) for moment in moments(looks, number)
        ]
        for copy, moment in copies:
            killed_at(moment, copy.release)
    barred = 0
    for copy, _ in copies:
        assert not (copy.out / "release").exists()
        assert not copy.entries("release")
        scan = read_scan(copy.candidate)
        if copy.entries("closed") or (scan is not None and scan["findings"]):
            barred += 1
            with pytest.raises(PolicyFailedError):
                copy.release()
            assert not (copy.out / "release").exists()
        else:
            assert copy.release().exists()
    assert barred >= 1


@pytest.mark.slow
def test_what_was_left_ready_is_taken_up_only_for_the_same_recipient(
    made: Path, tmp_path: Path
) -> None:
    copy = copied(made, tmp_path / "copy")
    looks = killed_at(0, copied(made, tmp_path / "count").release)
    for moment in range(looks, 0, -1):
        shutil.rmtree(copy.folder)
        copy = copied(made, tmp_path / "copy")
        killed_at(moment, copy.release)
        if copy.entries("release") and not (copy.out / "release").exists():
            break
    other = Context(reviewer="B. Reviewer", purpose="Testing")
    release = copy.release(other)
    assert (
        json.loads((release / "manifest.json").read_text())["context"]["reviewer"] == "B. Reviewer"
    )
    assert len(copy.entries("release")) == 2
    assert [path.name for path in copy.out.iterdir()] == ["release"]


def killed_around_the_record(
    copy: Copy, monkeypatch: pytest.MonkeyPatch, *, recorded: bool
) -> None:
    """Release in a child that is killed right before the ledger's record, or right after it."""
    record = PrivacyLedger.release

    def killed(self: PrivacyLedger, dataset: str, run: str, body: Any, **more: Any) -> None:
        if recorded:
            record(self, dataset, run, body, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(PrivacyLedger, "release", killed)
        killed_at(0, copy.release)
    assert len(copy.entries("release")) == recorded
    assert not (copy.out / "release").exists()
    assert len(list(copy.out.glob(".release.privgan-booked-*"))) == 1


def other_commands(copy: Copy) -> None:
    """What others write into the folder where a bundle waits for its name.

    A zip, a folder, a purge of another run.
    """
    pack_release(copy.folder.parent / "other" / "out" / "release", copy.out / "x.zip")
    with new_folder(copy.out / "table") as partial:
        (partial / "rows.csv").write_text("a")
    with copy.ledger.run("other", PrivacyBudget(epsilon=1), secret=True) as run:
        note = copy.out / "internal" / "internal-run.json"
    note.parent.mkdir()
    note.write_text(json.dumps({"dataset": "other", "run": run.identity}))
    assert purge(copy.out, copy.ledger) == 1


@pytest.mark.parametrize("recorded", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_no_other_command_removes_what_may_be_recorded(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: bool
) -> None:
    copied(made, tmp_path / "other").release()
    copy = copied(made, tmp_path / "copy")
    killed_around_the_record(copy, monkeypatch, recorded=recorded)
    [waiting] = copy.out.glob(".release.privgan-booked-*")
    digest = hashlib.sha256((waiting / "manifest.json").read_bytes()).hexdigest()
    other_commands(copy)
    assert waiting.is_dir()
    release = copy.release()
    assert verify_release(release).ok
    found = hashlib.sha256((release / "manifest.json").read_bytes()).hexdigest()
    assert (found == digest) == recorded  # What the ledger does not name is made anew.
    assert [entry.body["manifest"] for entry in copy.entries("release")] == [found]
    assert sorted(path.name for path in copy.out.iterdir()) == ["release", "table", "x.zip"]


def test_a_purge_removes_its_own_candidate_s_waiting_bundle(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = copied(made, tmp_path / "copy")
    copy.out = copy.candidate.folder
    killed_around_the_record(copy, monkeypatch, recorded=True)
    purge(copy.out, copy.ledger)
    assert not list(copy.out.iterdir())


def test_a_release_that_is_terminated_after_the_record_is_taken_up(
    made: Path, tmp_path: Path
) -> None:
    """SIGTERM ends the command with 130, as Ctrl-C does, and what is recorded stays."""
    copy, record = copied(made, tmp_path / "copy"), PrivacyLedger.release

    def terminated(self: PrivacyLedger, dataset: str, run: str, body: Any, **more: Any) -> None:
        record(self, dataset, run, body, **more)
        os.kill(os.getpid(), signal.SIGTERM)

    asked = [
        "release",
        copy.candidate.folder,
        "--policy",
        "internal-analytics",
        "--ledger",
        copy.ledger.url,
        "--out",
        copy.out,
    ]
    arguments = [str(part) for part in asked]
    child = os.fork()
    if child == 0:  # pragma: no cover
        PrivacyLedger.release = terminated  # type: ignore[method-assign]
        try:
            main(arguments)
        except SystemExit as ended:
            os._exit(int(ended.code or 0))
        finally:
            os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
    assert not (copy.out / "release").exists()
    assert execute(arguments) == 0
    digest = hashlib.sha256((copy.out / "release" / "manifest.json").read_bytes()).hexdigest()
    assert [entry.body["manifest"] for entry in copy.entries("release")] == [digest]


@pytest.mark.slow
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_what_is_recorded_stays_whatever_comes_before_its_name(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """Ctrl-C or a full disk right after the record.

    The next command gives the same bundle its name.
    """
    copy = copied(made, tmp_path / "copy")
    record = PrivacyLedger.release

    def interrupted(self: PrivacyLedger, dataset: str, run: str, body: Any, **more: Any) -> None:
        record(self, dataset, run, body, **more)
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(PrivacyLedger, "release", interrupted)
        with pytest.raises((KeyboardInterrupt, UsageError)):
            copy.release()
    assert not (copy.out / "release").exists()
    release = copy.release()
    digest = hashlib.sha256((release / "manifest.json").read_bytes()).hexdigest()
    assert [entry.body["manifest"] for entry in copy.entries("release")] == [digest]


def test_a_finding_is_remembered_where_its_file_cannot_be_written(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = copied(made, tmp_path / "copy")
    describe, write = reporting.describe_release, Candidate.write_internal

    def full(self: Candidate, name: str, text: str) -> Path:
        if name == SCAN_FILE:
            raise OSError(28, "No space left on device")
        return write(self, name, text)

    with monkeypatch.context() as patch:
        patch.setattr(
            reporting,
            "describe_release",
            lambda facts: describe(facts) | {"retention": "of 4000017"},
        )
        patch.setattr(Candidate, "write_internal", full)
        with pytest.raises(OSError, match="No space"):
            copy.release()
    assert len(copy.entries("closed")) == 1
    with pytest.raises(PolicyFailedError, match="closed"):
        copy.release()

"""Internal files: owner-only, without rows, gone after a crash and after a purge."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from privgan.errors import ReleaseExistsError, UsageError
from privgan.generator.refine import Refinement
from privgan.ledger.ledger import PrivacyLedger
from privgan.pipeline.candidate import Candidate
from privgan.pipeline.judging import check_hashes
from privgan.pipeline.purging import purge
from privgan.pipeline.read_candidate import read_candidate
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import check_free, fit_table
from privgan.privacy.budget import PrivacyBudget

INSIDE = re.compile(
    r"internal-(canaries\.json|run\.json|run\.log|checkpoint-[0-9]+\.safetensors)\Z"
)
CANDIDATE = {
    "candidate.json",
    "marginals",
    "marginals/counts.csv",
    "marginals/marginals.json",
    "model",
    "model/model.json",
    "model/model.safetensors",
    "schema.yaml",
    "synthetic.csv",
    "synthetic.parquet",
}


class _Crash(BaseException):
    """Ends a process as a kill does: nothing catches it."""


@pytest.fixture
def ledger(tmp_path: Path) -> PrivacyLedger:
    return PrivacyLedger.open(str(tmp_path / "ledger.sqlite"))


@pytest.fixture
def out(tmp_path: Path, ledger: PrivacyLedger) -> Path:
    """A run's folder: a release, internal files, and a candidate that a crash left behind."""
    with ledger.run("purchases", PrivacyBudget(epsilon=1), secret=True) as run:
        folder = tmp_path / "out"
    (folder / "release").mkdir(parents=True)
    (folder / "release" / "manifest.json").write_text("{}")
    (folder / "internal" / "candidate" / "model").mkdir(parents=True)
    note = {"dataset": "purchases", "run": run.identity}
    (folder / "internal" / "internal-run.json").write_text(json.dumps(note))
    for name in (
        "internal-audit.json",
        "internal-checkpoint-3.safetensors",
        "candidate/candidate.json",
        "candidate/model/model.json",
    ):
        (folder / "internal" / name).write_text("x")
    return folder


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def purges(ledger: PrivacyLedger) -> list[Any]:
    return [entry.body["files"] for entry in ledger.entries() if entry.kind == "purge"]


class TestPurge:
    def test_everything_inside_goes_and_the_release_stays(
        self, out: Path, ledger: PrivacyLedger
    ) -> None:
        partial = out / ".release.privgan-partial-0123456789abcdef"
        partial.mkdir()
        (partial / "synthetic.csv").write_text("x")
        assert purge(out, ledger) == 6
        assert names(out) == {"release", "release/manifest.json"}
        assert purges(ledger) == [6]
        assert ledger.problems() == ()
        with pytest.raises(UsageError, match="nothing is left to purge"):
            purge(out, ledger)

    def test_a_candidate_of_a_fit_goes_and_what_lies_beside_it_stays(
        self, out: Path, ledger: PrivacyLedger
    ) -> None:
        (out / "model").mkdir()
        for name in (
            "candidate.json",
            "model/model.json",
            "schema.yaml",
            "synthetic.csv",
            "notes.txt",
        ):
            (out / name).write_text("x")
        assert purge(out, ledger) == 9
        assert names(out) == {"release", "release/manifest.json", "notes.txt"}

    @pytest.mark.parametrize("crash", ["while removing", "before the record", "after the record"])
    def test_a_purge_that_was_cut_off_is_done_again(
        self, out: Path, ledger: PrivacyLedger, crash: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def crashing(*_: Any, **__: Any) -> None:
            raise _Crash

        place = {
            "while removing": "privgan.pipeline.purging.remove_leftovers",
            "before the record": "privgan.ledger.ledger.PrivacyLedger.record",
            "after the record": "pathlib.Path.rmdir",
        }[crash]
        with monkeypatch.context() as patch:
            patch.setattr(place, crashing)
            with pytest.raises(_Crash):
                purge(out, ledger)
        if (out / "internal" / "internal-run.json").exists():
            purge(out, ledger)
        assert not list((out / "internal").glob("*"))
        assert len(purges(ledger)) == 1
        assert (out / "release" / "manifest.json").exists()

    def test_links_are_never_followed(
        self, out: Path, ledger: PrivacyLedger, tmp_path: Path
    ) -> None:
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "thesis.txt").write_text("x")
        (out / "internal" / "link").symlink_to(tmp_path / "mine")
        (out / "internal" / "candidate" / "file").symlink_to(tmp_path / "mine" / "thesis.txt")
        for link, target in (
            (tmp_path / "other", out),
            (out.parent / "second" / "internal", out / "internal"),
        ):
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(target)
            with pytest.raises(UsageError, match="is a link"):
                purge(link if link.name == "other" else link.parent, ledger)
        assert (out / "internal" / "internal-audit.json").exists()
        purge(out, ledger)
        assert (tmp_path / "mine" / "thesis.txt").read_text() == "x"

    @pytest.mark.parametrize(
        "damage",
        ["absent", "no JSON", "list", "without run", "unknown run", "link", "other ledger"],
    )
    def test_a_folder_that_is_not_privgan_s_is_refused(
        self, out: Path, ledger: PrivacyLedger, tmp_path: Path, damage: str
    ) -> None:
        note = out / "internal" / "internal-run.json"
        texts = {
            "no JSON": "{",
            "list": "[]",
            "without run": '{"dataset": "purchases"}',
            "unknown run": '{"dataset": "purchases", "run": "0"}',
        }
        if damage == "absent":
            note.unlink()
        elif damage == "link":
            note.rename(tmp_path / "note")
            note.symlink_to(tmp_path / "note")
        elif damage == "other ledger":
            ledger = PrivacyLedger.open(str(tmp_path / "other.sqlite"))
        else:
            note.write_text(texts[damage])
        before = names(out)
        with pytest.raises(UsageError):
            purge(out, ledger)
        assert names(out) == before
        assert purges(ledger) == []


def test_a_fit_writes_no_encoded_row_and_what_a_kill_leaves_goes_with_the_next_command(
    tmp_path: Path,
    purchase_request: RunRequest,
    ledger: PrivacyLedger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every file at any step of the critic phase has a known name and no row."""
    temporary, out, seen = tmp_path / "tmp", tmp_path / "out", set()
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    plain: Callable[..., Any] = Refinement._critic_step

    def watching(self: Refinement, *rest: Any) -> Any:
        seen.update(names(out / "internal"))
        for path in (out / "internal").iterdir():
            assert path.stat().st_mode & 0o077 == 0
            assert b"real-0" not in path.read_bytes()
        assert not [path for path in temporary.rglob("*") if path.is_file()]
        return plain(self, *rest)

    def crashing(_: Candidate) -> None:
        raise _Crash

    with monkeypatch.context() as patch:
        patch.setattr(Refinement, "_critic_step", watching)
        patch.setattr(Candidate, "remove_checkpoints", crashing)
        with pytest.raises(_Crash):
            fit_table(purchase_request, ledger, out)
    assert any(name.startswith("internal-checkpoint-") for name in seen)
    assert all(INSIDE.match(name) for name in seen)
    assert list((out / "internal").glob("internal-checkpoint-*"))
    with pytest.raises(ReleaseExistsError):
        check_free(out)
    check_hashes(read_candidate(Candidate.find(out)), ledger.history("purchases"))
    inside = {
        "internal-canaries.json",
        "internal-run.json",
        "internal-run.log",
        "internal-critic.safetensors",
    }
    assert names(out) == CANDIDATE | {"internal"} | {f"internal/{name}" for name in inside}
    assert {path.stat().st_mode & 0o777 for path in [*out.rglob("*"), out] if path.is_dir()} == {
        0o700
    }
    assert {path.stat().st_mode & 0o777 for path in out.rglob("*") if path.is_file()} == {0o600}
    assert purge(out, ledger) == len(CANDIDATE) - 2 + len(inside)
    assert names(out) == set()

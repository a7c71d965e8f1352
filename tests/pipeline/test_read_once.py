"""A run reads each thing once: counted over one small run, with exact limits."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from privgan.demo import simulate_customers
from privgan.errors import UsageError
from privgan.ledger.ledger import PrivacyLedger
from privgan.ledger.store import Transaction
from privgan.pipeline import read_candidate as reading
from privgan.pipeline import run as running
from privgan.pipeline.candidate import Candidate
from privgan.pipeline.candidate_record import CandidateRecord
from privgan.pipeline.read_candidate import read_candidate
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import (
    Judging,
    Run,
    RunOutcome,
    conforming,
    fit_candidate,
    planned,
    read_for_run,
)
from privgan.policy.context import Context
from privgan.policy.policy_file import load_policy
from privgan.privacy.budget import PrivacyBudget
from privgan.progress import Progress

SCHEMA = """format: privgan.schema/1
dataset: counted
unit: row
columns:
  - {name: gender, kind: categorical, categories: [female, male, diverse]}
  - {name: churned, kind: boolean}
"""
# By the module that opens a file, the most that it opens one.
OPENED = {
    "pipeline/candidate.py": 2,  # Hashed when it is made, and again before it leaves.
    "pipeline/read_candidate.py": 1,
    "release/leak_scan/scan.py": 4,  # Its bytes as they are and unpacked, its values, its metadata.
    "release/contents.py": 2,  # The allow-list; the schema once more, for the tables' columns.
    "release/bundle.py": 1,
    "synthesizer.py": 1,
    "generator/scores.py": 1,
    "pipeline/request.py": 1,
    "pipeline/canaries.py": 1,
    "release/marginal_folder.py": 2,  # Their noise is checked; the report tells what they tell.
    "pipeline/reporting.py": 1,  # The report lists them.
}
# They open files for others.
HELPERS = ("files/safe_open.py",)


@dataclass
class Counts:
    """The events of a run.

    Attributes:
        calls: Name to number of calls.
        opened: File and module to number of times that the module opened it for reading.
        read: Kind of transaction to how often each one read the ledger's entries.
    """

    calls: Counter[str] = field(default_factory=Counter)
    opened: Counter[tuple[str, str]] = field(default_factory=Counter)
    read: list[int] = field(default_factory=list)
    folder: str = ""

    def counted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function that counts its calls."""

        def counting(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            return function(*args, **kwargs)

        return counting

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        """An audit hook, which cannot be taken away: it is deaf without a folder."""
        if event != "open" or not self.folder:
            return
        path, mode, flags = str(args[0]), args[1], args[2]
        reads = "r" in mode if mode else not flags & 3
        if reads and path.startswith(self.folder):
            self.opened[path.removeprefix(self.folder), _opener()] += 1


def _opener() -> str:
    """The module of privgan that opens a file just now."""
    frame = sys._getframe(2)
    while frame.f_back is not None:
        _, found, module = frame.f_code.co_filename.rpartition("privgan/")
        if found and module not in HELPERS and frame.f_code.co_name != "opened":
            return module
        frame = frame.f_back
    return "another"


@dataclass
class Made:
    """A run that was counted."""

    counts: Counts
    outcome: RunOutcome
    record: str


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> RunRequest:
    folder = tmp_path_factory.mktemp("counted")
    simulate_customers(900, seed=1)[["gender", "churned"]].to_csv(folder / "t.csv", index=False)
    (folder / "schema.yaml").write_text(SCHEMA)
    return RunRequest(
        table=folder / "t.csv",
        schema=folder / "schema.yaml",
        budget=PrivacyBudget(epsilon=2),
        public_rows=900,
        effort="quick",
    )


@pytest.fixture(scope="module")
def made(small: RunRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("run")
    counts, url = Counts(), str(folder / "ledger.sqlite")
    sys.addaudithook(counts.hear)
    record: list[str] = []
    discard = Candidate.discard

    def keeping(self: Candidate) -> None:
        counts.folder = ""
        record.append((self.folder / "candidate.json").read_text())
        discard(self)

    with pytest.MonkeyPatch.context() as patch:
        _count(patch, counts)
        patch.setattr(Candidate, "discard", keeping)
        counts.folder = f"{folder}/out/internal/"
        outcome = running.run(
            small,
            Judging(policy=load_policy("internal-analytics"), context=Context()),
            lambda create: (
                PrivacyLedger.open(url, create=create) if create else PrivacyLedger.find(url)
            ),
            folder / "out",
            Progress(quiet=True),
        )
        counts.folder = ""
    return Made(counts, outcome, record[0])


def _count(patch: pytest.MonkeyPatch, counts: Counts) -> None:
    places: list[tuple[str, Any, str]] = [
        ("hashes", Candidate, "hashes"),
        ("record read", Candidate, "record"),
        ("owner's schema", running, "load_schema"),
        ("candidate's schema", reading, "load_schema"),
        ("synthesizer", reading, "load_synthesizer"),
        ("synthetic table", reading.pd, "read_parquet"),
        ("typed synthetic table", reading, "conform"),
        ("audit read", Candidate, "audit"),
        ("scan read", Candidate, "scan"),
        ("ledger read", PrivacyLedger, "history"),
        ("ledger read", PrivacyLedger, "account"),
        ("ledger read", PrivacyLedger, "entries"),
        ("ledger read", PrivacyLedger, "head"),
    ]
    for name, place, attribute in places:
        patch.setattr(place, attribute, counts.counted(name, getattr(place, attribute)))
    parse = CandidateRecord.from_json
    patch.setattr(CandidateRecord, "from_json", counts.counted("record parsed", parse))
    begin, read = Transaction.__init__, Transaction._read

    def beginning(self: Transaction, *args: Any) -> None:
        begin(self, *args)
        self.place = len(counts.read)  # type: ignore[attr-defined]
        counts.read.append(0)

    def reads(self: Transaction, dataset: str | None) -> Any:
        counts.read[self.place] += 1  # type: ignore[attr-defined]
        return read(self, dataset)

    patch.setattr(Transaction, "__init__", beginning)
    patch.setattr(Transaction, "_read", reads)


def test_the_run_is_released(made: Made) -> None:
    assert made.outcome.release is not None


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("owner's schema", 1),
        ("candidate's schema", 0),
        ("record read", 0),
        ("record parsed", 0),
        ("synthesizer", 1),
        ("synthetic table", 1),
        ("typed synthetic table", 1),
        ("audit read", 1),
        ("scan read", 1),
        # When it is made, and once more before it leaves.
        ("hashes", 2),
        # Before the audit, before the verdict, and before the release.
        ("ledger read", 3),
    ],
)
def test_each_is_read_as_often_as_it_must(made: Made, name: str, most: int) -> None:
    assert made.counts.calls[name] == most


def test_no_transaction_reads_the_ledgers_entries_twice(made: Made) -> None:
    assert made.counts.read
    assert max(made.counts.read) == 1


def test_no_file_of_a_run_is_opened_oftener_than_it_must(made: Made) -> None:
    most: Counter[str] = Counter()
    for (_, module), times in made.counts.opened.items():
        most[module] = max(most[module], times)
    assert dict(most) == {module: OPENED.get(module, 0) for module in most}, made.counts.opened
    assert most["pipeline/candidate.py"] == OPENED["pipeline/candidate.py"]
    assert most["pipeline/canaries.py"] == 1


def test_what_is_handed_on_is_what_the_files_say(small: RunRequest, tmp_path: Path) -> None:
    """A run goes on with what it wrote; another command reads the same from the files."""
    ledger = PrivacyLedger.open(str(tmp_path / "ledger.sqlite"))
    folder, quiet = tmp_path / "out", Progress(quiet=True)
    schema, plan = planned(small, folder)
    table = conforming(read_for_run(small, schema, quiet), small, schema, folder)
    run = Run(request=small, plan=plan, table=table, ledger=ledger, progress=quiet)
    written = fit_candidate(run, Candidate(folder, folder / "internal"))
    read = read_candidate(Candidate.find(folder))
    assert read.record == written.record
    assert read.schema == written.schema
    assert read.hashes == written.hashes == written.files.hashes()
    assert read.fingerprint == written.fingerprint
    assert read.synthesizer.guarantee == written.record.guarantee


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda text: text[:-20], "is damaged"),
        (lambda text: "[" * 50_000, "is damaged"),
        (lambda text: text.replace('"rows"', '"lines"', 1), "is damaged"),
        (lambda text: text.replace('"delta": ', '"delta": "x", "was": ', 1), "is damaged"),
        (
            lambda text: text.replace("privgan.candidate/1", "privgan.candidate/9"),
            "of another version",
        ),
    ],
)
def test_a_damaged_record_is_refused_in_words(
    made: Made, tmp_path: Path, damage: Any, told: str
) -> None:
    folder = tmp_path / "candidate"
    folder.mkdir()
    (folder / "candidate.json").write_text(damage(made.record))
    with pytest.raises(UsageError, match=told):
        Candidate.find(folder).record()

"""Store a candidate: the result of a fit before a policy has judged it.

Its ``internal`` folder has mode 0700.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privgan.errors import UsageError
from privgan.naming import call
from privgan.pipeline.canaries import FILE as CANARIES_FILE
from privgan.pipeline.candidate_record import FORMAT, CandidateRecord
from privgan.pipeline.folders import INTERNAL
from privgan.release.table_files import FOLDER, MARGINALS_FOLDER, allowed_source

AUDIT_FILE, REPORT_FILE, LOG_FILE = (
    "internal-audit.json",
    "internal-report.html",
    "internal-run.log",
)
RUN_FILE = "internal-run.json"
SCAN_FILE = "internal-scan.json"
CHECKPOINTS = "internal-checkpoint-*"
_RECORD = "candidate.json"


def internal_report_file(form: str) -> str:
    """The name of the internal report in one form, such as ``html``."""
    return f"{REPORT_FILE.removesuffix('.html')}.{form}"


@dataclass(frozen=True)
class Candidate:
    """The folders of a candidate.

    Attributes:
        folder: Model, synthetic table, schema and record.
        internal: Canaries, audit, internal report and log; mode 0700.
    """

    folder: Path
    internal: Path

    def create(self) -> None:
        """Make the folders of a new candidate, readable by their owner alone."""
        for folder in sorted((self.folder, self.internal), key=lambda path: len(path.parts)):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.chmod(0o700)

    def undo(self) -> None:
        """Remove log, canaries and empty folders after a refusal with nothing made yet.

        A checkpoint's files stay, and so does anything that another process made from one.
        """
        made = ((self.folder / _RECORD).exists(), (self.internal / AUDIT_FILE).exists())
        if any(self.internal.glob(CHECKPOINTS)) or any(made):
            return
        for name in (LOG_FILE, RUN_FILE, CANARIES_FILE):
            (self.internal / name).unlink(missing_ok=True)
        for folder in (self.folder, self.internal, self.internal.parent):
            with contextlib.suppress(OSError):
                folder.rmdir()

    @classmethod
    def find(cls, path: Path | str) -> Candidate:
        """The candidate of a folder.

        The folder itself, or the one that ``privgan run`` left inside it.
        """
        path = Path(path)
        for folder in (path, path / INTERNAL / "candidate"):
            if (folder / _RECORD).exists():
                inside_run = folder.name == "candidate" and folder.parent.name == INTERNAL
                return cls(folder, folder.parent if inside_run else folder / INTERNAL)
        raise UsageError(
            f"{path}: holds no candidate ({_RECORD} is missing); make one with"
            f" {call('Synthesizer.fit')}"
        )

    @property
    def model(self) -> Path:
        """The model's folder."""
        return self.folder / "model"

    @property
    def parquet(self) -> Path:
        """The synthetic table as Parquet."""
        return self.folder / "synthetic.parquet"

    @property
    def csv(self) -> Path:
        """The synthetic table as text."""
        return self.folder / "synthetic.csv"

    @property
    def tables(self) -> Path:
        """The folder of the synthetic tables beside the main one."""
        return self.folder / FOLDER

    @property
    def marginals(self) -> Path:
        """The folder of the noisy marginals."""
        return self.folder / MARGINALS_FOLDER

    @property
    def schema(self) -> Path:
        """The schema."""
        return self.folder / "schema.yaml"

    def write_record(self, record: CandidateRecord) -> None:
        """Write the fit's record; the candidate exists from here on."""
        text = json.dumps(record.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
        (self.folder / _RECORD).write_text(text, encoding="utf-8")

    @property
    def leaving(self) -> tuple[Path, ...]:
        """Every file that a release is made from, and the record."""
        files = [self.parquet, self.csv, self.schema, self.folder / _RECORD]
        folders = self.model, self.marginals, self.tables
        more = [path for folder in folders for path in sorted(folder.glob("*"))]
        return tuple(path for path in (*files, *more) if path.is_file())

    @property
    def released(self) -> dict[str, Path]:
        """The candidate's files that a release holds, by their names in it."""
        return {
            name: path
            for path in self.leaving
            if (name := self.name_of(path)) and allowed_source(name) is not None
        }

    def name_of(self, path: Path) -> str:
        """The name of one of the candidate's files."""
        return path.relative_to(self.folder).as_posix()

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each file that a release is made from, and of the record."""
        return {self.name_of(path): _sha256(path) for path in self.leaving}

    def record(self) -> CandidateRecord:
        """Read the fit's record.

        Raises:
            UsageError: The record is damaged, or of another version.
        """
        try:
            value = json.loads((self.folder / _RECORD).read_text(encoding="utf-8"))
            found = value.get("format") if isinstance(value, dict) else None
            if found == FORMAT:
                return CandidateRecord.from_json(value)
        except (ValueError, RecursionError) as error:
            told = (
                f"{self.folder / _RECORD}: cannot be read ({type(error).__name__}); it is damaged"
            )
            raise UsageError(f"{told}, fit again") from error
        raise UsageError(
            f"{self.folder}: is a candidate of another version ({found!r}); this privgan reads"
            f" {FORMAT}"
        )

    def audit(self) -> dict[str, Any] | None:
        """INTERNAL: the audit's figures, or None where it has not run."""
        return self._internal_json(AUDIT_FILE)

    def scan(self) -> dict[str, Any] | None:
        """INTERNAL: the leak scan's result, or None where none has run."""
        return self._internal_json(SCAN_FILE)

    def _internal_json(self, name: str) -> dict[str, Any] | None:
        path = self.internal / name
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def write_internal(self, name: str, text: str) -> Path:
        """Write one INTERNAL file with mode 0600."""
        path = self.internal / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return path

    def remove_checkpoints(self) -> None:
        """Remove the checkpoints that a finished fit no longer needs."""
        for path in self.internal.glob(CHECKPOINTS):
            path.unlink()

    def discard(self) -> None:
        """Remove the candidate's files, and its folder where it is then empty.

        INTERNAL files stay.
        """
        self.remove_files()
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def remove_files(self) -> None:
        """Remove the candidate's own files by name, and nothing else beside them."""
        for folder in (self.model, self.marginals, self.tables):
            shutil.rmtree(folder, ignore_errors=True)
        for path in (self.parquet, self.csv, self.schema, self.folder / _RECORD):
            path.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Purge what stayed inside of a run or a fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from privgan.errors import UsageError
from privgan.files.atomic import remove_leftovers, sync_folder
from privgan.ledger.ledger import PrivacyLedger
from privgan.pipeline.candidate import RUN_FILE, Candidate
from privgan.pipeline.folders import INTERNAL


def purge(out: Path, ledger: PrivacyLedger) -> int:
    """Remove a run's or candidate's internal files and its candidate, and record it.

    A release is never touched.

    The note of the run goes last, after the ledger has the record, so that a purge that was cut off
    can be done again.

    Args:
        out: The folder that the run or fit was started with.
        ledger: The run's ledger.

    Returns:
        The number of files removed.

    Raises:
        UsageError: The folder is a link, not a run's, or the ledger does not know the run.
    """
    internal = out / INTERNAL
    dataset, run = _run_of(out, internal)
    if not any(entry.run == run for entry in ledger.entries(dataset)):
        raise UsageError(
            f"{out}: the ledger {ledger.url} does not know this run; give the ledger that it was"
            " charged to"
        )
    removed = _emptied(internal)
    if (out / "candidate.json").exists():
        candidate = Candidate(out, internal)
        removed += len(candidate.hashes())
        candidate.remove_files()
    removed += remove_leftovers(out, owner=run)
    sync_folder(internal)
    ledger.record(dataset, run, "purge", {"files": removed})
    (internal / RUN_FILE).unlink()
    internal.rmdir()
    return removed


def _emptied(internal: Path) -> int:
    """Remove everything but the note; returns the number of files, the note included."""
    doomed = [path for path in internal.rglob("*") if not path.is_dir() or path.is_symlink()]
    for path in internal.iterdir():
        if path != internal / RUN_FILE:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    return len(doomed)


def _run_of(out: Path, internal: Path) -> tuple[str, str]:
    """The data set and the run of a folder, known from the run's beginning on."""
    for folder in (out, internal):
        if folder.is_symlink():
            raise UsageError(f"{folder}: is a link; purge the folder that it leads to")
    if not internal.is_dir():
        raise UsageError(f"{out}: has no folder {INTERNAL}; nothing is left to purge")
    note = internal / RUN_FILE
    if note.is_symlink() or not note.is_file():
        raise UsageError(
            f"{note}: is missing, so that the folder is not known to be privgan's; remove it by"
            " hand if it is"
        )
    try:
        begun = json.loads(note.read_text(encoding="utf-8"))
        return str(begun["dataset"]), str(begun["run"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{note}: cannot be read ({type(error).__name__}); remove the folder by hand if it is"
            " privgan's"
        ) from error

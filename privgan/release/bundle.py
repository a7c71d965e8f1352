"""Write a release: only allowed files, all or nothing."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from privgan.errors import IncompleteError, InternalError, PolicyFailedError, UsageError
from privgan.files.atomic import Booking, new_folder, sync_folder
from privgan.files.field_sources import FieldSource
from privgan.policy.policy import UNWAIVABLE
from privgan.policy.verdict import GateStatus, Verdict, VerdictStatus
from privgan.release.contents import check_allowed_contents, opened
from privgan.release.leak_scan.leak_patterns import LeakPatterns
from privgan.release.leak_scan.scan import scan_files
from privgan.release.manifest import (
    CHECKSUM_NAME,
    MANIFEST_NAME,
    FileEntry,
    ReleaseFacts,
    build_manifest,
    to_text,
)
from privgan.release.signing.keys import SigningKey
from privgan.release.signing.signature import SIGNATURE_NAME, sign_manifest, signature_file
from privgan.release.table_files import ALLOWED_FILES, allowed_source

_CHUNK = 1 << 20
_ROOM_FOR_MANIFEST = 1 << 20


@dataclass(frozen=True, kw_only=True)
class WriteOptions:
    """Search, signature and record of a release.

    Attributes:
        leak_patterns: Private values that must not be in it, where the table is at hand;
            INTERNAL names never may.
        key: Signs the manifest, which then names it; None for an unsigned release.
        book: Records the release; called when all lies ready and was searched.
        now: When it is signed; the clock's time where none is given.
    """

    leak_patterns: LeakPatterns = field(default_factory=LeakPatterns)
    key: SigningKey | None = None
    book: Booking | None = None
    now: dt.datetime | None = None


def write_release(
    target: Path,
    files: Mapping[str, bytes | Path],
    facts: ReleaseFacts,
    verdict: Verdict,
    options: WriteOptions | None = None,
) -> Path:
    """Write a release in one step: the whole folder, or nothing.

    Args:
        target: The folder to make.
        files: Relative path to content, or to the file that holds it; only names that one may hold.
        facts: What the manifest says.
        verdict: The policy's verdict, which must be PASS.
        options: Its leak patterns, signature and record.

    Returns:
        The folder.

    Raises:
        PolicyFailedError: A gate failed, or one that nobody may waive was waived.
        IncompleteError: A fact is missing.
        InternalError: A file or a field that a release may not hold.
        LeakError: A text that must stay inside; nothing is recorded then.
        ReleaseExistsError: The folder is there already.
        UsageError: No room, or no right to write.
    """
    _check_passed(verdict)
    _check_known_files(files)
    check_allowed_contents(files)
    options = options or WriteOptions()
    if options.key is not None:
        facts = replace(facts, signer=options.key.public.id)

    with new_folder(target, book=options.book) as partial:
        _check_room(target.parent, files)
        made = _fill(partial, files, facts, verdict, options)
        # A hash or a signature of files is no text of a table, whatever it looks like.
        left = options.leak_patterns.without(made.seals)
        scan_files({name: partial / name for name in made.names}, left).check_clean()
    return target


def booking(run: str, record: Callable[[str], None]) -> Booking:
    """The ledger's record of a release: its manifest's SHA-256."""
    return Booking(
        owner=run,
        record=lambda folder: record(
            hashlib.sha256((folder / MANIFEST_NAME).read_bytes()).hexdigest()
        ),
    )


def _check_passed(verdict: Verdict) -> None:
    if verdict.status is VerdictStatus.FAIL:
        raise PolicyFailedError(f"policy {verdict.policy_name} failed; no release was written")
    if verdict.status is not VerdictStatus.PASS:
        raise IncompleteError(f"policy {verdict.policy_name} lacks a fact; no release was written")
    for fact in (
        outcome.gate.fact for outcome in verdict.outcomes if outcome.status is not GateStatus.PASS
    ):
        if fact in UNWAIVABLE:
            raise PolicyFailedError(
                f"{fact} cannot be waived: {UNWAIVABLE[fact]}; no release was written"
            )


def _check_known_files(files: Mapping[str, bytes | Path]) -> None:
    unknown = sorted(name for name in files if allowed_source(name) is None)
    if unknown or not files:
        found = ", ".join(map(repr, unknown)) or "no file at all"
        raise InternalError(f"a release may hold {', '.join(ALLOWED_FILES)}; it was given {found}")


def _check_room(folder: Path, files: Mapping[str, bytes | Path]) -> None:
    sizes = (
        len(content) if isinstance(content, bytes) else content.stat().st_size
        for content in files.values()
    )
    needed, free = sum(sizes) + _ROOM_FOR_MANIFEST, shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(
            f"{folder}: the release needs {needed:,} bytes, {free:,} are free; make room or name"
            " another"
        )


@dataclass(frozen=True, kw_only=True)
class _Made:
    """The written files' names, and all hashes and signatures as text."""

    names: list[str]
    seals: str


def _fill(
    partial: Path,
    files: Mapping[str, bytes | Path],
    facts: ReleaseFacts,
    verdict: Verdict,
    options: WriteOptions,
) -> _Made:
    """Write every file, then the manifest, and name the written files."""
    entries = {
        name: _copy(content, partial / name, source)
        for name, content in sorted(files.items())
        if (source := allowed_source(name)) is not None
    }
    manifest = to_text(build_manifest(facts, verdict, entries)).encode()
    digest = _copy(manifest, partial / MANIFEST_NAME, FieldSource.PROCESS).sha256
    _copy(f"{digest}  {MANIFEST_NAME}\n".encode(), partial / CHECKSUM_NAME, FieldSource.PROCESS)
    names, signed = [*files, MANIFEST_NAME, CHECKSUM_NAME], b""
    if options.key is not None:
        signature = sign_manifest(options.key, facts.release_id, manifest, now=options.now)
        signed = signature_file([signature])
        _copy(signed, partial / SIGNATURE_NAME, FieldSource.PROCESS)
        names.append(SIGNATURE_NAME)
    for folder in {(partial / name).parent for name in files} | {partial}:
        sync_folder(folder)
    seals = [*(entry.sha256 for entry in entries.values()), digest, signed.decode()]
    return _Made(names=names, seals="\n".join(seals))


def _copy(content: bytes | Path, destination: Path, source: FieldSource) -> FileEntry:
    destination.parent.mkdir(exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with opened(content) as reader, destination.open("xb") as writer:
        while chunk := reader.read(_CHUNK):
            digest.update(chunk)
            size += writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return FileEntry(sha256=digest.hexdigest(), bytes=size, source=source.value)

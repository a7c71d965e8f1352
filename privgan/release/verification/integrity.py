"""Check that a folder holds exactly the files and bytes that its manifest lists."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privgan.files.limits import LARGEST_JSON, MOST_FILES
from privgan.files.safe_open import ChangedError, identity_of, open_regular, read_regular
from privgan.files.strict_json import read_json
from privgan.release.manifest import (
    CHECKSUM_NAME,
    MANIFEST_FORMAT,
    MANIFEST_NAME,
    FileEntry,
    Manifest,
    manifest_mistakes,
)
from privgan.release.signing.signature import LARGEST_SIGNATURE_FILE, SIGNATURE_NAME
from privgan.release.table_files import allowed_folder, allowed_source

LARGEST_MANIFEST = LARGEST_JSON[MANIFEST_NAME]
SEALS = frozenset({MANIFEST_NAME, CHECKSUM_NAME, SIGNATURE_NAME})
_CHECKSUM_LINE = re.compile(rb"([0-9a-f]{64})  manifest\.json\n\Z")
_FORMAT = re.compile(r"privgan\.manifest/([0-9]{1,6})\Z")


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The content of a release's folder.

    Attributes:
        content: The manifest's exact bytes; empty where it cannot be read.
        manifest: The manifest as JSON values; empty where it cannot be read.
        stated: What it says; None where it does not follow its form, so that nothing can be judged.
        signature: The bytes of ``manifest.sig``; None where there is none.
        problems: Everything that is not as the manifest says.
        seen: What each file and folder was when the comparison began.
    """

    content: bytes
    manifest: Mapping[str, Any]
    stated: Manifest | None
    signature: bytes | None
    problems: tuple[str, ...]
    seen: Mapping[str, tuple[int, ...]]


def read_contents(folder: Path) -> Contents:
    """Compare a folder with its manifest, by names, sizes and hashes."""
    present, problems, seen = _walk(folder)
    content, manifest, reading = _read_manifest(folder, present)
    stated, unread = (None, []) if reading or not manifest else stated_in(manifest)
    problems += reading + unread
    if stated is not None:
        problems += _problems_of_files(folder, present, stated.files)
    signature, more = _read_signature(folder, present)
    return Contents(
        content=content,
        manifest=manifest,
        stated=stated,
        signature=signature,
        problems=tuple(problems + more),
        seen=seen,
    )


def changes_since(folder: Path, contents: Contents) -> Iterator[str]:
    """Files and folders that were changed or replaced while they were checked."""
    for name, before in contents.seen.items():
        try:
            same = (
                identity_of((folder / name).stat() if name == "." else (folder / name).lstat())
                == before
            )
        except OSError:
            same = False
        if not same:
            yield f"{shown(name)}: {ChangedError()}"


def _walk(folder: Path) -> tuple[set[str], list[str], dict[str, tuple[int, ...]]]:
    """Every regular file below a folder, and every entry that is no file or needed folder."""
    present: set[str] = set()
    problems: list[str] = []
    seen = {".": identity_of(folder.stat())}

    def unreadable(error: OSError) -> None:
        problems.append(f"{shown(error.filename)}: cannot be read: {error.strerror}")

    for where, folders, names in os.walk(folder, followlinks=False, onerror=unreadable):
        if len(folders) + len(names) > MOST_FILES:
            problems.append(f"holds more than {MOST_FILES} files in one folder; a release has few")
            break
        for name in [*folders, *names]:
            path = Path(where, name)
            relative, status = path.relative_to(folder).as_posix(), path.lstat()
            mode, seen[relative] = status.st_mode, identity_of(status)
            if stat.S_ISREG(mode):
                present.add(relative)
            elif not stat.S_ISDIR(mode):
                problems.append(
                    f"{shown(relative)}: is a link or a special file; a release holds plain files"
                    " only"
                )
            elif not allowed_folder(relative):
                problems.append(f"{shown(relative)}: is a folder that a release does not have")
        folders[:] = [
            name
            for name in folders
            if allowed_folder(Path(where, name).relative_to(folder).as_posix())
        ]
    return present, problems, seen


def _read_manifest(folder: Path, present: set[str]) -> tuple[bytes, dict[str, Any], list[str]]:
    missing = [
        f"{name}: is missing" for name in (MANIFEST_NAME, CHECKSUM_NAME) if name not in present
    ]
    if missing:
        return b"", {}, missing
    try:
        content = read_regular(folder / MANIFEST_NAME, LARGEST_MANIFEST)
    except OSError as error:
        return b"", {}, [f"{MANIFEST_NAME}: cannot be read: {error.strerror}"]
    except ValueError:
        return (
            b"",
            {},
            [f"{MANIFEST_NAME}: is larger than any manifest ({LARGEST_MANIFEST:,} bytes)"],
        )
    problems = _checksum_problems(folder, content)
    manifest, mistakes = parse_manifest(content)
    return content, manifest, problems + mistakes


def parse_manifest(content: bytes) -> tuple[dict[str, Any], list[str]]:
    """Parse a manifest; returns it with the violations of its form."""
    try:
        manifest = read_json(content)
    except ValueError as error:
        return {}, [f"{MANIFEST_NAME}: is not valid JSON: {error}"]
    if not isinstance(manifest, dict):
        return {}, [f"{MANIFEST_NAME}: is not a JSON object"]
    newer = _version_problem(manifest.get("format"))
    mistakes = [newer] if newer else manifest_mistakes(manifest)
    return manifest, [f"{MANIFEST_NAME}: {mistake}" for mistake in mistakes]


def stated_in(manifest: Mapping[str, Any]) -> tuple[Manifest | None, list[str]]:
    """A manifest's typed statements, and the remaining violations of its form."""
    try:
        return Manifest.from_json(manifest), []
    except ValueError as error:
        return None, [f"{MANIFEST_NAME}: {error}"]


def _checksum_problems(folder: Path, manifest: bytes) -> list[str]:
    try:
        with open_regular(folder / CHECKSUM_NAME) as reader:
            line = _CHECKSUM_LINE.match(reader.read(4096))
    except OSError as error:
        return [f"{CHECKSUM_NAME}: cannot be read: {error.strerror}"]
    if not line:
        return [f"{CHECKSUM_NAME}: is not one line as sha256sum writes it"]
    if line.group(1).decode() != hashlib.sha256(manifest).hexdigest():
        return [f"{MANIFEST_NAME}: was changed: its SHA-256 is not the one in {CHECKSUM_NAME}"]
    return []


def _version_problem(found: object) -> str:
    match = _FORMAT.match(found) if isinstance(found, str) else None
    if match and found != MANIFEST_FORMAT:
        return (
            f"has the format {found}, this privgan reads {MANIFEST_FORMAT}; verify it with a newer"
            " privgan"
        )
    return ""


def _read_signature(folder: Path, present: set[str]) -> tuple[bytes | None, list[str]]:
    if SIGNATURE_NAME not in present:
        return None, []
    try:
        content = read_regular(folder / SIGNATURE_NAME, LARGEST_SIGNATURE_FILE)
    except OSError as error:
        return None, [f"{SIGNATURE_NAME}: cannot be read: {error.strerror}"]
    except ValueError:
        return None, [
            f"{SIGNATURE_NAME}: is larger than any signature file ({LARGEST_SIGNATURE_FILE:,}"
            " bytes)"
        ]
    return content, []


def _problems_of_files(
    folder: Path, present: set[str], entries: Mapping[str, FileEntry]
) -> list[str]:
    problems = [
        f"{shown(name)}: is there, and the manifest does not list it"
        for name in sorted(present - set(entries) - SEALS)
    ]
    for name, entry in sorted(entries.items()):
        # Checked before anything is opened: a listed name such as ../secret must never be read.
        if allowed_source(name) is None:
            problems.append(f"{shown(name)}: is listed, and no release may hold it")
        elif name not in present:
            problems.append(f"{name}: is listed, and missing")
        else:
            problems += _file_problems(folder / name, name, entry)
    return problems


def _file_problems(path: Path, name: str, entry: FileEntry) -> Iterator[str]:
    if entry.source != allowed_source(name):
        yield f"{name}: is declared {entry.source}, and is {allowed_source(name)}"
    try:
        size = path.lstat().st_size
        if size != entry.bytes:
            yield f"{name}: has {size} bytes, the manifest says {entry.bytes}"
            return
        with open_regular(path) as reader:
            digest = hashlib.file_digest(reader, "sha256").hexdigest()
    except OSError as error:
        yield f"{name}: cannot be read: {error.strerror}"
        return
    if digest != entry.sha256:
        yield f"{name}: was changed: its SHA-256 is not the manifest's"


def shown(value: object) -> str:
    """Show a foreign value in a message: ASCII, quoted, short."""
    return ascii(value)[:200]

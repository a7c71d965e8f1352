"""Check a release offline: is it exactly what its manifest says, and may it still be used?"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from privgan.errors import UsageError
from privgan.release.bundle import ALLOWED_FILES
from privgan.release.manifest import CHECKSUM_NAME, MANIFEST_FORMAT, MANIFEST_NAME, conditional_text, manifest_mistakes

_LARGEST_MANIFEST = 64 << 20
_CHECKSUM_LINE = re.compile(rb"([0-9a-f]{64})  manifest\.json\n\Z")
_FORMAT = re.compile(r"privgan\.manifest/([0-9]+)\Z")


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What a check of a release found.

    Attributes:
        ok: Whether nothing is wrong.
        problems: Everything that is wrong, a sentence each.
        signed: Whether a signature vouches for the manifest; without one, whoever can rewrite all files can lie.
        manifest: The manifest; empty when it cannot be read.
    """

    ok: bool
    problems: tuple[str, ...]
    signed: bool
    manifest: Mapping[str, Any]


def verify_release(folder: Path, *, now: dt.datetime | None = None) -> Verification:
    """Check a release without network and without the table.

    Args:
        folder: The release.
        now: The moment to hold the expiry against; the clock's when not given.

    Raises:
        UsageError: There is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder; name the folder of a release")
    present, problems = _walk(folder)
    manifest, reading = _read_manifest(folder, present)
    problems += reading
    if manifest and not reading:
        problems += _problems_of_files(folder, present, manifest["files"])
        problems += _contradictions(manifest)
        problems += _expiry(manifest, now or dt.datetime.now(dt.UTC))
    return Verification(ok=not problems, problems=tuple(problems), signed=False, manifest=manifest)


def _walk(folder: Path) -> tuple[set[str], list[str]]:
    """Every regular file below a folder, and everything that is neither one nor a folder that holds one."""
    present: set[str] = set()
    problems: list[str] = []

    def unreadable(error: OSError) -> None:
        problems.append(f"{error.filename}: cannot be read: {error.strerror}")

    for where, folders, names in os.walk(folder, followlinks=False, onerror=unreadable):
        for name in [*folders, *names]:
            path = Path(where, name)
            relative, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode
            if stat.S_ISREG(mode):
                present.add(relative)
            elif not stat.S_ISDIR(mode):
                problems.append(f"{_shown(relative)}: is a link or a special file; a release holds plain files only")
            elif relative not in _ALLOWED_FOLDERS:
                problems.append(f"{_shown(relative)}: is a folder that a release does not have")
    return present, problems


_ALLOWED_FOLDERS = frozenset(parent.as_posix() for name in ALLOWED_FILES for parent in PurePosixPath(name).parents if parent.name)


def _read_manifest(folder: Path, present: set[str]) -> tuple[dict[str, Any], list[str]]:
    missing = [f"{name}: is missing" for name in (MANIFEST_NAME, CHECKSUM_NAME) if name not in present]
    if missing:
        return {}, missing
    path = folder / MANIFEST_NAME
    if path.stat().st_size > _LARGEST_MANIFEST:
        return {}, [f"{MANIFEST_NAME}: is larger than any manifest"]
    content = path.read_bytes()
    problems = _checksum_problems(folder, content)
    try:
        manifest = json.loads(content.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return {}, [*problems, f"{MANIFEST_NAME}: is not valid JSON: {error}"]
    if not isinstance(manifest, dict):
        return {}, [*problems, f"{MANIFEST_NAME}: is not a JSON object"]
    newer = _version_problem(manifest.get("format"))
    mistakes = [newer] if newer else manifest_mistakes(manifest)
    return manifest, problems + [f"{MANIFEST_NAME}: {mistake}" for mistake in mistakes]


def _checksum_problems(folder: Path, manifest: bytes) -> list[str]:
    with (folder / CHECKSUM_NAME).open("rb") as reader:
        line = _CHECKSUM_LINE.match(reader.read(4096))
    if not line:
        return [f"{CHECKSUM_NAME}: is not one line as sha256sum writes it"]
    if line.group(1).decode() != hashlib.sha256(manifest).hexdigest():
        return [f"{MANIFEST_NAME}: was changed: its SHA-256 is not the one in {CHECKSUM_NAME}"]
    return []


def _version_problem(found: object) -> str:
    match = _FORMAT.match(found) if isinstance(found, str) else None
    if match and found != MANIFEST_FORMAT:
        return f"has the format {found}, this privgan reads {MANIFEST_FORMAT}; verify it with a newer privgan"
    return ""


def _problems_of_files(folder: Path, present: set[str], entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    problems = [
        f"{_shown(name)}: is there, and the manifest does not list it"
        for name in sorted(present - set(entries) - {MANIFEST_NAME, CHECKSUM_NAME})
    ]
    for name, entry in sorted(entries.items()):
        # Checked before anything is opened: a listed name such as ../secret must never be read.
        if name not in ALLOWED_FILES:
            problems.append(f"{_shown(name)}: is listed, and no release may hold it")
        elif name not in present:
            problems.append(f"{name}: is listed, and missing")
        else:
            problems += _file_problems(folder / name, name, entry)
    return problems


def _file_problems(path: Path, name: str, entry: Mapping[str, Any]) -> Iterator[str]:
    if entry["source"] != ALLOWED_FILES[name]:
        yield f"{name}: is declared {entry['source']}, and is {ALLOWED_FILES[name]}"
    size = path.stat().st_size
    if size != entry["bytes"]:
        yield f"{name}: has {size} bytes, the manifest says {entry['bytes']}"
        return
    try:
        with path.open("rb") as reader:
            digest = hashlib.file_digest(reader, "sha256").hexdigest()
    except OSError as error:
        yield f"{name}: cannot be read: {error.strerror}"
        return
    if digest != entry["sha256"]:
        yield f"{name}: was changed: its SHA-256 is not the manifest's"


def _contradictions(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Statements of one manifest that cannot both be true: an unskilled edit with a fresh checksum shows here."""
    guarantee, policy = manifest["guarantee"], manifest["policy"]
    if guarantee["conditional_text"] != conditional_text(len(guarantee["conditional_facts"])):
        yield f"{MANIFEST_NAME}: the conditional text does not fit the list of assumed public facts"
    judged = {outcome["fact"]: outcome["value"] for outcome in policy["outcomes"]}
    stated = {
        "guarantee.epsilon": guarantee["epsilon"],
        "guarantee.delta": guarantee["delta"],
        "guarantee.max_rows_per_unit": guarantee["max_rows_per_unit"],
        "ledger.total_epsilon": guarantee["dataset_total"]["epsilon"],
        "ledger.total_delta": guarantee["dataset_total"]["delta"],
        "schema.assumed_public_facts": len(guarantee["conditional_facts"]),
        **{f"context.{name}": value for name, value in manifest["context"].items()},
    }
    for fact, value in stated.items():
        if fact in judged and judged[fact] != value:
            yield f"{MANIFEST_NAME}: states {fact} as {_shown(value)}, and the policy judged {_shown(judged[fact])}"
    known = [value for value in map(guarantee["accountant"].get, ("epsilon_pld", "epsilon_rdp")) if value is not None]
    if known and guarantee["epsilon"] < min(known) * (1 - 1e-9):
        yield f"{MANIFEST_NAME}: epsilon {guarantee['epsilon']:g} is below what either accountant found"


def _expiry(manifest: Mapping[str, Any], now: dt.datetime) -> Iterator[str]:
    expiry = manifest["context"].get("expiry")
    if expiry is None:
        return
    try:
        last = dt.date.fromisoformat(expiry)
    except ValueError:
        yield f"{MANIFEST_NAME}: context.expiry: there is no day {expiry}"
        return
    if now.astimezone(dt.UTC).date() > last:
        yield f"the release expired on {expiry}; ask its owner for a new review"


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _shown(value: object) -> str:
    return ascii(value)[:200]

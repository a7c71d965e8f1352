"""Add a key's end to a revocation list, with the signatures that stay valid."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path

from privgan.errors import UsageError
from privgan.files.atomic import replace_file
from privgan.naming import parameter
from privgan.release.manifest import MANIFEST_NAME
from privgan.release.pack import unpacked
from privgan.release.signing.keys import PublicKey, SigningKey, load_public_key
from privgan.release.signing.revocation import Reason, Revocation
from privgan.release.signing.signature import SIGNATURE_NAME, SignatureFileError, read_signatures
from privgan.release.signing.statements import make_revocations, read_revocations, read_rotation
from privgan.release.verification.integrity import Contents, read_contents

LONGEST_WHY = 1000


def ended(
    key: PublicKey,
    reason: Reason,
    *,
    why: str,
    since: dt.date | None = None,
    kept: Sequence[Path] = (),
    successor: Path | None = None,
) -> Revocation:
    """Make a key's entry for a revocation list.

    Args:
        key: The key.
        reason: Why, as one of three.
        why: Why, in a sentence.
        since: The key's last day; today where none is given.
        kept: Releases, their zips or their manifests that the key signed and that stay valid.
        successor: Its successor's public key, or the rotation in which it names it.

    Raises:
        UsageError: The day is to come, the key signed no such release, or the parts contradict.
    """
    today = dt.datetime.now(dt.UTC).date()
    day = since or today
    if day > today:
        told = "a day to come; a key is listed on its last day, not before"
        raise UsageError(f"{parameter('since')} is {day}, {told}")
    if not why.strip() or len(why) > LONGEST_WHY:
        limit = f"is empty or has more than {LONGEST_WHY:,} characters"
        raise UsageError(f"{parameter('why')} {limit}; say in a sentence why the key is revoked")
    try:
        return Revocation(
            key=key.id,
            reason=reason,
            since=day,
            why=why.strip(),
            kept=tuple(dict.fromkeys(signed_manifest(path, key, day) for path in kept)),
            successor=_successor(successor, key) if successor else "",
        )
    except ValueError as error:
        raise UsageError(f"this entry contradicts itself: {error}") from error


def make_or_extend(path: Path, issuer: SigningKey, entry: Revocation) -> int:
    """Add an entry to a list, or make the list, and sign it as a whole.

    Args:
        path: The list; made where it does not exist.
        issuer: Who signs it; the same as before.
        entry: The entry.

    Returns:
        How many entries the list has.

    Raises:
        UsageError: Another key signed the list, or the issuer is on it and would keep something.
    """
    before = read_revocations(path) if os.path.lexists(path) else None
    if before and before.issuer != issuer.public:
        told = "add to it with that key, or name another file"
        raise UsageError(f"{path}: is signed by key {before.issuer.id}; {told}")
    entries = (*(before.entries if before else ()), entry)
    own = issuer.public.id in {part.key for part in entries}
    if own and any(part.kept or part.successor for part in entries):
        told = "which is on it; a key that is revoked itself can keep nothing: sign with another"
        raise UsageError(f"{path}: would be signed by key {issuer.public.id}, {told}")
    replace_file(path, make_revocations(issuer, entries))
    return len(entries)


def signed_manifest(path: Path, key: PublicKey, day: dt.date) -> str:
    """SHA-256 of a manifest that a key signed no later than a day.

    The signature beside the manifest proves it.

    Args:
        path: A release, its zip, or its ``manifest.json``.
        key: The key.
        day: The key's last day.

    Raises:
        UsageError: There is no manifest, or it bears no such signature.
    """
    if path.is_file() and path.name != MANIFEST_NAME:
        with unpacked(path) as folder:
            return _signed_by(read_contents(folder), path, key, day)
    folder = path if path.is_dir() else path.parent
    inside = folder / "release"
    within = inside if path.is_dir() and (inside / MANIFEST_NAME).is_file() else folder
    return _signed_by(read_contents(within), path, key, day)


def _signed_by(contents: Contents, path: Path, key: PublicKey, day: dt.date) -> str:
    if contents.stated is None:
        problem = next(iter(contents.problems), "holds no manifest")
        raise UsageError(f"{path}: is no release whose signature can be kept: {problem}")
    try:
        signatures = read_signatures(contents.signature or b"")
    except SignatureFileError as error:
        raise UsageError(f"{path}: {SIGNATURE_NAME}: {error}") from error
    release = contents.stated.release_id
    for signature in signatures:
        wrong = any(signature.problems(release, contents.content))
        if signature.key == key and signature.signed.date() <= day and not wrong:
            return signature.manifest_sha256
    raise UsageError(f"{path}: bears no valid signature of key {key.id} of {day} or before")


def _successor(path: Path, key: PublicKey) -> str:
    """The successor's id, from its public key or from a rotation statement."""
    if path.suffix != ".json":
        return load_public_key(path).id
    rotation = read_rotation(path)
    if rotation.old != key:
        raise UsageError(f"{path}: is a rotation of key {rotation.old.id}, not of {key.id}")
    return rotation.new.id

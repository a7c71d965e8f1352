"""Add a signature to a finished release, for example a compliance officer's."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from privgan.errors import UsageError, VerificationError
from privgan.files.atomic import replace_file
from privgan.release.signing.keys import SigningKey
from privgan.release.signing.signature import (
    SIGNATURE_NAME,
    Signature,
    read_signatures,
    sign_manifest,
    signature_file,
)
from privgan.release.verification.integrity import read_contents
from privgan.release.verification.verify import verify_release


def sign_release(folder: Path, key: SigningKey, *, now: dt.datetime | None = None) -> Signature:
    """Add a signature to a release, beside those that it has.

    Args:
        folder: The release.
        key: The signer's private key.
        now: When; the clock's time where none is given.

    Raises:
        VerificationError: The release is not intact; nothing is signed then.
        UsageError: The key has signed it already, or the folder cannot be written.
    """
    found = verify_release(folder, now=now)
    if not found.ok:
        raise VerificationError(f"{folder}: is not intact, and is not signed: {found.problems[0]}")
    contents = read_contents(folder)
    before = read_signatures(contents.signature) if contents.signature is not None else ()
    if key.public.id in {signature.key.id for signature in before}:
        raise UsageError(f"{folder}: key {key.public.id} has signed it already")
    added = sign_manifest(key, contents.manifest["release_id"], contents.content, now=now)
    replace_file(folder / SIGNATURE_NAME, signature_file([*before, added]))
    return added

"""Encrypt a release for named recipients, as a zip file in the age format, through pyrage.

The format is age-encryption.org/v1; the ``age`` program reads and writes the same files. A
recipient's public key begins with ``age1``. The identity that opens the file stays with the
recipient.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from privgan.errors import UsageError, VerificationError
from privgan.files.atomic import new_file, new_folder
from privgan.naming import parameter
from privgan.policy.policy import Policy
from privgan.release.pack import check_intact, unpack, write_zip
from privgan.release.signing.keys import check_key_name, read_private, read_small, write_pair
from privgan.release.signing.trust import Trust
from privgan.release.verification.verify import Verification, verify_release

IDENTITY_SUFFIX, RECIPIENT_SUFFIX = ".age-key", ".age-pub"
_IN_MEMORY = 64 << 20
_CHUNK = 1 << 20


def _age() -> Any:
    try:
        import pyrage
    except ImportError as error:
        raise UsageError(
            "encryption needs the package pyrage; install it with: pip install"
            " 'privgan[encryption]'"
        ) from error
    return pyrage


def create_encryption_keys(folder: Path, name: str) -> tuple[Path, Path]:
    """Make an identity, which decrypts, and its recipient, to which others encrypt.

    Args:
        folder: Where to write.
        name: The key's name.

    Returns:
        The identity's file, of its owner alone, and the recipient's.
    """
    check_key_name(name)
    identity = _age().x25519.Identity.generate()
    recipient, created = (
        str(identity.to_public()),
        dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    )
    secret = f"# created: {created}\n# public key: {recipient}\n{identity}\n"
    return write_pair(
        folder / f"{name}{IDENTITY_SUFFIX}",
        secret.encode(),
        folder / f"{name}{RECIPIENT_SUFFIX}",
        f"{recipient}\n".encode(),
    )


def recipients_of(texts: Sequence[str]) -> list[str]:
    """Parse recipients, given as ``age1…`` or as files with one on each line.

    Raises:
        UsageError: One is no recipient of age, or none is given.
    """
    found = [
        line
        for text in texts
        for line in ([text] if text.startswith("age1") else _lines(Path(text)))
    ]
    for recipient in found:
        _recipient(recipient)
    if not found:
        raise UsageError(
            f"no recipient is given; name one with {parameter('to')}, an age1… key or a file of"
            " such keys"
        )
    return list(dict.fromkeys(found))


def encrypt_release(folder: Path, recipients: Sequence[str], target: Path) -> Path:
    """Write an intact release as an encrypted zip file, whole or not at all.

    The clear release stays where it is.

    Args:
        folder: The release.
        recipients: Who can decrypt it: each of these keys alone.
        target: The file to make.

    Raises:
        VerificationError: The release is not intact.
        UsageError: A recipient is none, the file is there already, or it cannot be written.
    """
    keys = [_recipient(text) for text in recipients]
    age = _age()
    check_intact(folder)
    with (
        new_file(target) as file,
        tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(target.parent)) as clear,
    ):
        write_zip(folder, clear)
        clear.seek(0)
        try:
            age.encrypt_io(clear, file, keys)
        except age.EncryptError as error:
            raise UsageError(f"{target}: cannot be written: {error}") from error
    return target


def decrypt_release(
    source: Path,
    identity: Path,
    target: Path,
    *,
    trust: Trust | None = None,
    policy: Policy | None = None,
) -> Verification:
    """Decrypt and unpack a release; keep it only if it verifies.

    Args:
        source: The encrypted file.
        identity: The recipient's identity file.
        target: The folder to make.
        trust: As for verify_release.
        policy: As for verify_release.

    Raises:
        VerificationError: It was changed, or what it holds is no intact release; nothing is kept.
        UsageError: The identity does not open it, or the folder is there already or cannot be
            written.
    """
    keys = _identities(identity)
    age = _age()
    if not source.is_file():
        raise UsageError(f"{source}: there is no such file")
    with new_folder(target) as partial:
        partial.chmod(0o700)
        with tempfile.TemporaryDirectory(dir=partial) as place:
            clear = Path(place) / "release.zip"
            with source.open("rb") as reader, clear.open("xb") as writer:
                try:
                    age.decrypt_io(reader, writer, keys)
                except (age.DecryptError, OSError) as error:
                    if getattr(error, "errno", None):
                        raise
                    raise _cannot_decrypt(source, identity, str(error)) from error
            inside = Path(place) / "release"
            inside.mkdir()
            unpack(clear, inside)
            found = verify_release(inside, trust=trust, policy=policy)
            if not found.ok:
                raise VerificationError(
                    f"{source}: is decrypted to a release that is not intact: {found.problems[0]}"
                )
            for path in sorted(inside.iterdir()):
                shutil.move(path, partial / path.name)
        partial.chmod(0o777 & ~_mask())
    return found


def _cannot_decrypt(source: Path, identity: Path, told: str) -> UsageError | VerificationError:
    if "No matching keys" in told:
        return UsageError(
            f"{source}: is not encrypted to the identity in {identity}; ask the sender to name your"
            " age1… key"
        )
    return VerificationError(
        f"{source}: cannot be decrypted ({told}): it is no file of age, or was changed or cut short"
    )


def _identities(path: Path) -> list[Any]:
    content = read_private(path)
    age = _age()
    try:
        lines = [line.strip() for line in content.decode("ascii").splitlines()]
        found = [
            age.x25519.Identity.from_str(line)
            for line in lines
            if line and not line.startswith("#")
        ]
    except (UnicodeDecodeError, age.IdentityError) as error:
        raise UsageError(f"{path}: is no identity file of age (AGE-SECRET-KEY-1…)") from error
    if not found:
        raise UsageError(f"{path}: holds no identity (AGE-SECRET-KEY-1…)")
    return found


def _recipient(text: str) -> Any:
    age = _age()
    try:
        return age.x25519.Recipient.from_str(text)
    except age.RecipientError as error:
        raise UsageError(f"{ascii(text)[:80]}: is no recipient of age (age1…): {error}") from error


def _lines(path: Path) -> list[str]:
    try:
        lines = [line.strip() for line in read_small(path).decode("ascii").splitlines()]
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is no list of recipients (age1…), one a line") from error
    return [line for line in lines if line and not line.startswith("#")]


def _mask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask

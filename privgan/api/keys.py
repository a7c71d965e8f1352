"""Keys as the Python API takes them: a file or a name; the passphrase from the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from privgan.api.inputs import PathLike
from privgan.release.encryption import create_encryption_keys
from privgan.release.signing.keys import (
    PRIVATE_SUFFIX,
    PUBLIC_SUFFIX,
    SigningKey,
    find_key,
    keys_folder,
    load_public_key,
    load_signing_key,
)
from privgan.release.signing.keys import create_keys as create_signing_keys
from privgan.release.signing.statements import read_revocations, read_rotation
from privgan.release.signing.trust import Trust, make_trust

PASSPHRASE = "PRIVGAN_KEY_PASSPHRASE"


def create_keys(
    name: str, *, folder: PathLike | None = None, encryption: bool = False
) -> tuple[Path, Path]:
    """Make a pair of keys: to sign releases (Ed25519), or to encrypt to and decrypt with (age).

    Args:
        name: The pair's name.
        folder: Where to write; ``$PRIVGAN_KEYS``, else the user's data folder, where none is given.
        encryption: Whether they are to encrypt and decrypt with.

    Returns:
        The private file, of its owner alone, and the public one. ``$PRIVGAN_KEY_PASSPHRASE``
        encrypts a private signing key.

    >>> [path.name for path in create_keys("acme", folder="keys")]
    ['acme.key', 'acme.pub']
    """
    place = keys_folder() if folder is None else Path(folder)
    if encryption:
        return create_encryption_keys(place, name)
    return create_signing_keys(place, name, _passphrase())


def signing_key(name: str) -> SigningKey:
    """A private key by its file or its name; UsageError where its passphrase is missing."""
    return load_signing_key(find_key(name, PRIVATE_SUFFIX), _passphrase)


def trust_of(
    keys: PathLike | Sequence[PathLike] | None,
    rotations: Iterable[PathLike],
    revoked: Iterable[PathLike],
) -> Trust:
    """Whose signatures are believed.

    Args:
        keys: A public key's file or name, or several.
        rotations: Statements by which a key names its successor.
        revoked: Revocation lists that a key signed.
    """
    names = [keys] if isinstance(keys, str | os.PathLike) else list(keys or ())
    return make_trust(
        [load_public_key(find_key(os.fspath(name), PUBLIC_SUFFIX)) for name in names],
        [read_rotation(Path(path)) for path in rotations],
        [read_revocations(Path(path)) for path in revoked],
    )


def _passphrase() -> bytes | None:
    given = os.environ.get(PASSPHRASE)
    return given.encode() if given else None

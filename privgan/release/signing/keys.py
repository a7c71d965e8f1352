"""Make, read and check Ed25519 signing keys: private in PKCS#8 PEM, public as a curve point.

A point whose order is 8 or less lets anybody make valid signatures without a private key. RFC 8032
(5.1.3) rejects coordinates of p or more, and leaves small orders to the verifier. Chalkias,
Garillot and Nikolaenko 2020 (Taming the many EdDSAs) show why these must be rejected too. OpenSSL,
and with it the ``cryptography`` library, rejects neither.

A key's id is the SHA-256 of its public half (DER, SubjectPublicKeyInfo), in hexadecimal.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from privgan.errors import UsageError
from privgan.files.atomic import write_new_file
from privgan.files.data_folder import data_folder
from privgan.naming import call

PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME
_SIGN = 1 << 255
_EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
# The y of all eight points P with 8 P = 0: order 1, 2, 4 (two points), 8 (four points).
SMALL_ORDER = frozenset({1, PRIME - 1, 0, _EIGHTH, PRIME - _EIGHTH})


def weakness(raw: bytes) -> str | None:
    """Say why bytes cannot be a public key; None where they can.

    Args:
        raw: An encoded point.
    """
    if len(raw) != 32:
        return f"it has {len(raw)} bytes; a public key has 32"
    y = int.from_bytes(raw, "little") % _SIGN
    if y >= PRIME:
        return "it is not written in the one way in which its point is written"
    if y in SMALL_ORDER:
        return "its point has a small order: anybody can make signatures that it accepts"
    if not _on_curve(y):
        return "it is no point of the curve"
    return None


def _on_curve(y: int) -> bool:
    """Whether x² = (y² - 1) / (d y² + 1) has a root.

    The divisor is never 0, since -1/d has no root.
    """
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    return square == 0 or pow(square, (PRIME - 1) // 2, PRIME) == 1


PRIVATE_SUFFIX, PUBLIC_SUFFIX = ".key", ".pub"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_LARGEST = 1 << 16
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

Passphrase = Callable[[], bytes | None]


class WeakKeyError(ValueError):
    """The bytes are no safe public key; the message says why."""


@dataclass(frozen=True)
class PublicKey:
    """The public half of a signing key.

    Attributes:
        raw: Its 32 bytes.
    """

    raw: bytes

    def __post_init__(self) -> None:
        """Check that the point is safe; WeakKeyError says why not."""
        weak = weakness(self.raw)
        if weak:
            raise WeakKeyError(weak)

    @cached_property
    def id(self) -> str:
        """SHA-256 of the key in DER, in hexadecimal."""
        key = Ed25519PublicKey.from_public_bytes(self.raw)
        der = key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return hashlib.sha256(der).hexdigest()

    def pem(self) -> bytes:
        """The key as PEM, for its file and for openssl."""
        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def vouches(self, signature: bytes, statement: bytes) -> bool:
        """Whether a signature over a statement was made with the private half."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, statement)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """The private half of a signing key; it is never printed.

    Args:
        key: The key.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def __repr__(self) -> str:
        """The public half's id."""
        return f"SigningKey({self.public.id})"

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key from the operating system's random numbers."""
        return cls(Ed25519PrivateKey.generate())

    @cached_property
    def public(self) -> PublicKey:
        """The public half."""
        raw = self._key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        return PublicKey(raw)

    def sign(self, statement: bytes) -> bytes:
        """The signature [64 bytes] over a statement."""
        return self._key.sign(statement)

    def pem(self, passphrase: bytes | None) -> bytes:
        """The key as PKCS#8 PEM, encrypted where a passphrase is given."""
        lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            lock = serialization.BestAvailableEncryption(passphrase)
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock
        )


def keys_folder() -> Path:
    """The folder of keys unless one is named: ``$PRIVGAN_KEYS``, else the user's data folder."""
    return Path(os.environ.get("PRIVGAN_KEYS") or data_folder() / "keys")


def check_key_name(name: str) -> None:
    """Check that a key name is a plain file name."""
    if not _NAME.match(name):
        raise UsageError(
            f"the key's name is {ascii(name)[:80]}; it must be 1 to 64 letters, digits, dots,"
            " dashes or underscores"
        )


def create_keys(folder: Path, name: str, passphrase: bytes | None = None) -> tuple[Path, Path]:
    """Make a signing key and write both halves; nothing is overwritten.

    Args:
        folder: Where to write; made with mode 0700 where it does not exist.
        name: The key's name.
        passphrase: Encrypts the private file; None for a file that is protected by its mode 0600
            alone.

    Returns:
        The private and the public file.

    Raises:
        UsageError: The name is no plain name, a file is there already, or the folder cannot be
            written.
    """
    check_key_name(name)
    key = SigningKey.generate()
    private, public = folder / f"{name}{PRIVATE_SUFFIX}", folder / f"{name}{PUBLIC_SUFFIX}"
    return write_pair(private, key.pem(passphrase), public, key.public.pem())


def write_pair(private: Path, secret: bytes, public: Path, open_half: bytes) -> tuple[Path, Path]:
    """Write an owner-only private file and a public file beside it: both, or none."""
    for path in (private, public):
        if os.path.lexists(path):
            raise UsageError(
                f"{path}: is there already; a key is never overwritten, choose another name"
            )
    try:
        private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UsageError(f"{private.parent}: cannot be made: {error.strerror}") from error
    write_new_file(private, secret, mode=0o600)
    try:
        write_new_file(public, open_half, mode=0o644)
    except UsageError:
        private.unlink()
        raise
    return private, public


def find_key(text: str, suffix: str) -> Path:
    """Find a key's file: a path, else a name in the keys' folder."""
    path = Path(text).expanduser()
    named = keys_folder() / f"{text}{suffix}"
    return named if not path.exists() and _NAME.match(text) and named.exists() else path


def read_private(path: Path) -> bytes:
    """The content of a private key's file.

    Raises:
        UsageError: It cannot be read, or others than its owner may read it.
    """
    content = read_small(path)
    if b"PUBLIC KEY" in content:
        raise UsageError(
            f"{path}: is a public key; give the private one, a file like"
            f" {path.with_suffix(PRIVATE_SUFFIX).name}"
        )
    if path.stat().st_mode & _OTHERS:
        raise UsageError(
            f"{path}: has mode {path.stat().st_mode & 0o777:04o}, so others can use this key; chmod"
            " 600 it"
        )
    return content


def read_small(path: Path, largest: int = _LARGEST) -> bytes:
    """Read a file that must be small.

    UsageError where it cannot be read, or is larger.
    """
    try:
        with path.open("rb") as reader:
            content = reader.read(largest + 1)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from error
    if len(content) > largest:
        raise UsageError(f"{path}: has more than {largest:,} bytes; such a file is shorter")
    return content


def load_signing_key(path: Path, passphrase: Passphrase) -> SigningKey:
    """Read a private key.

    Args:
        path: The file.
        passphrase: Asked for the passphrase where the file is encrypted; None where there is none.

    Raises:
        UsageError: It is no Ed25519 private key, others may read it, or the passphrase is missing
            or wrong.
    """
    content = read_private(path)
    secret = passphrase() if b"ENCRYPTED PRIVATE KEY" in content else None
    if secret is None and b"ENCRYPTED PRIVATE KEY" in content:
        raise UsageError(f"{path}: is encrypted; give its passphrase")
    try:
        key = serialization.load_pem_private_key(content, password=secret)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        told = (
            "is not a private key in PEM, or its passphrase is another"
            if secret
            else "is not a private key in PEM"
        )
        raise UsageError(f"{path}: {told}; {call('privgan.create_keys')} makes one") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            f"{path}: is a private key of another kind; releases are signed with Ed25519"
        )
    return SigningKey(key)


def load_public_key(path: Path) -> PublicKey:
    """Read a public key; UsageError where it is not Ed25519, or of small order."""
    content = read_small(path)
    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        hint = (
            "; it is a private key, give the file that ends in .pub"
            if b"PRIVATE KEY" in content
            else ""
        )
        raise UsageError(f"{path}: is not a public key in PEM{hint}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(
            f"{path}: is a public key of another kind; releases are signed with Ed25519"
        )
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    try:
        return PublicKey(raw)
    except WeakKeyError as error:
        raise UsageError(f"{path}: is a public key that nobody may use: {error}") from error


def public_keys_in(folder: Path) -> dict[str, PublicKey]:
    """All signing keys of a folder: name to public half.

    Other files are left out.
    """
    found = {}
    for path in sorted(folder.glob(f"*{PUBLIC_SUFFIX}")):
        try:
            found[path.stem] = load_public_key(path)
        except UsageError:
            continue
    return found

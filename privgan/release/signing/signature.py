"""Make and read `manifest.sig`, a manifest's detached signatures; openssl can check them.

Each signature is a block of seven lines. The signed statement is the first six lines, with their
line ends::

    privgan release signature, version 1
    release: 5f3c…
    manifest-sha256: 9b2e…
    signed: 2026-11-21T12:00:00+00:00
    key: 41d0…
    public-key: 7Qk1…
    signature: q3Zt…

Blocks of several signers stand one after another, with an empty line between them.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from privgan.files.limits import MOST_SIGNATURES
from privgan.naming import call
from privgan.release.signing.keys import PublicKey, SigningKey, WeakKeyError

SIGNATURE_NAME = "manifest.sig"
LARGEST_SIGNATURE_FILE = 1 << 16
_VERSION = "privgan release signature, version 1"
_NEWER = re.compile(r"privgan release signature, version ([0-9]+)\Z")
_BLOCK = re.compile(
    rf"{_VERSION}\n"
    r"release: (?P<release>[!-~]{1,200})\n"
    r"manifest-sha256: (?P<manifest>[0-9a-f]{64})\n"
    r"signed: (?P<signed>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+00:00)\n"
    r"key: (?P<key>[0-9a-f]{64})\n"
    r"public-key: (?P<public>[A-Za-z0-9+/]{43}=)\n"
    r"signature: (?P<signature>[A-Za-z0-9+/]{86}==)\n"
)


class SignatureFileError(ValueError):
    """The file is no valid ``manifest.sig``; the message says where."""


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One signer's signature of one manifest.

    Attributes:
        release: The release's id.
        manifest_sha256: SHA-256 of the manifest's exact bytes.
        signed: When, UTC to the second, as the signer states it.
        key: The signer's public key.
        signature: Over the statement [64 bytes].
    """

    release: str
    manifest_sha256: str
    signed: dt.datetime
    key: PublicKey
    signature: bytes

    @property
    def statement(self) -> bytes:
        """The signed bytes.

        They name their own purpose, so that they cannot pass for anything else.
        """
        return _statement(self.release, self.manifest_sha256, self.signed, self.key)

    def to_text(self) -> str:
        """The signature's block in the file."""
        return f"{self.statement.decode()}signature: {base64.b64encode(self.signature).decode()}\n"

    def problems(self, release: object, manifest: bytes) -> Iterator[str]:
        """List what is wrong with it as a manifest's signature, a sentence each.

        Args:
            release: The id that the manifest states.
            manifest: The manifest's exact bytes.
        """
        if not self.key.vouches(self.signature, self.statement):
            yield (
                f"the signature of key {self.key.id} is not valid: what it vouches for, or the"
                " signature, was changed"
            )
        if self.manifest_sha256 != hashlib.sha256(manifest).hexdigest():
            yield f"key {self.key.id} signed another manifest"
        elif self.release != release:
            yield (
                f"key {self.key.id} signed release {self.release}, and the manifest states"
                " another id"
            )


def sign_manifest(
    key: SigningKey, release: str, manifest: bytes, *, now: dt.datetime | None = None
) -> Signature:
    """Sign a manifest's exact bytes.

    Args:
        key: The signer's private key.
        release: The release's id.
        manifest: The bytes of ``manifest.json``.
        now: When; the clock's time where none is given.
    """
    signed = (now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).replace(microsecond=0)
    digest = hashlib.sha256(manifest).hexdigest()
    return Signature(
        release=release,
        manifest_sha256=digest,
        signed=signed,
        key=key.public,
        signature=key.sign(_statement(release, digest, signed, key.public)),
    )


def signature_file(signatures: Sequence[Signature]) -> bytes:
    """The content of ``manifest.sig``."""
    return "\n".join(signature.to_text() for signature in signatures).encode()


def read_signatures(content: bytes) -> tuple[Signature, ...]:
    """Parse ``manifest.sig``; every byte must belong to a signature.

    Raises:
        SignatureFileError: It is not made of such blocks, or one key signs twice.
    """
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        raise SignatureFileError("is not plain ASCII text") from error
    newer = _NEWER.match(text.partition("\n")[0])
    if newer and newer.group() != _VERSION:
        raise SignatureFileError(
            f"has version {newer.group(1)}, this privgan reads 1; verify it with a newer privgan"
        )
    found: list[Signature] = []
    place = 0
    while len(found) < MOST_SIGNATURES:
        block = _BLOCK.match(text, place)
        if not block:
            raise SignatureFileError(
                f"signature {len(found) + 1} is not seven lines as {call('privgan.sign')} writes"
                " them"
            )
        found.append(_of_block(block, len(found) + 1))
        place = block.end()
        if place == len(text):
            break
        if text[place] != "\n":
            raise SignatureFileError(f"there is more after signature {len(found)}")
        place += 1
    else:
        raise SignatureFileError(f"holds more than {MOST_SIGNATURES} signatures")
    if len({signature.key.id for signature in found}) < len(found):
        raise SignatureFileError("one key signs it twice")
    return tuple(found)


def _of_block(block: re.Match[str], number: int) -> Signature:
    try:
        key, signature = (
            base64.b64decode(block[name], validate=True) for name in ("public", "signature")
        )
        signed = dt.datetime.fromisoformat(block["signed"])
        found = Signature(
            release=block["release"],
            manifest_sha256=block["manifest"],
            signed=signed,
            key=PublicKey(key),
            signature=signature,
        )
        known = found.key.id == block["key"] and found.to_text() == block.group()
    except WeakKeyError as error:
        told = f"names a key that nobody may use: {error}"
        raise SignatureFileError(f"signature {number} {told}") from error
    except (binascii.Error, ValueError) as error:
        raise SignatureFileError(
            f"signature {number} holds a key, signature or time that cannot be one"
        ) from error
    if not known:
        raise SignatureFileError(
            f"signature {number}: its key's id is not that of its public key, or it is not written"
            " plainly"
        )
    return found


def _statement(release: str, digest: str, signed: dt.datetime, key: PublicKey) -> bytes:
    return (
        f"{_VERSION}\nrelease: {release}\nmanifest-sha256: {digest}\nsigned:"
        f" {signed.isoformat(timespec='seconds')}\nkey: {key.id}\npublic-key:"
        f" {base64.b64encode(key.raw).decode()}\n"
    ).encode()

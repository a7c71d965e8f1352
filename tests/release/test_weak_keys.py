"""Weak public keys, under which anybody can sign, are refused everywhere.

RFC 8032, 5.1.3 (decoding); Chalkias, Garillot and Nikolaenko 2020, Taming the many EdDSAs.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from privgan.errors import UsageError
from privgan.release import verify_release
from privgan.release.signing.keys import (
    PRIME,
    SMALL_ORDER,
    D,
    PublicKey,
    SigningKey,
    WeakKeyError,
    load_public_key,
    weakness,
)
from privgan.release.signing.revocation import Reason, Revocation
from privgan.release.signing.signature import SIGNATURE_NAME, SignatureFileError, read_signatures
from privgan.release.signing.statements import (
    _signed,
    make_revocations,
    make_rotation,
    read_revocations,
    read_rotation,
)
from tests.release.changes import NOW

DAY = NOW.date()
Point = tuple[int, int]
_SIGN = 1 << 255


def encoded(y: int, sign: int = 0) -> bytes:
    return (y + sign * _SIGN).to_bytes(32, "little")


def plus(first: Point, second: Point) -> Point:
    """The sum of two points (RFC 8032, 5.1.4, in affine coordinates)."""
    (a, b), (c, d) = first, second
    across = D * a * b * c * d
    x = (a * d + b * c) * pow(1 + across, -1, PRIME)
    y = (b * d + a * c) * pow(1 - across, -1, PRIME)
    return x % PRIME, y % PRIME


def roots(square: int) -> list[int]:
    root = pow(square, (PRIME + 3) // 8, PRIME)
    found = [root, root * pow(2, (PRIME - 1) // 4, PRIME) % PRIME]
    return [x for x in found if x * x % PRIME == square % PRIME]


def points_of(y: int) -> list[Point]:
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    found = roots(square)[:1]
    return sorted({(x, y) for root in found for x in (root, -root % PRIME)})


# Every writing of the eight points: either sign, and y + p where that still fits into 255 bits.
WRITINGS = [y + extra for y in SMALL_ORDER for extra in (0, PRIME) if y + extra < _SIGN]
ENCODINGS = sorted(encoded(y, sign) for y in WRITINGS for sign in (0, 1))
NOT_CANONICAL = [encoded(y, sign) for y in range(PRIME, _SIGN) for sign in (0, 1)]


def test_there_are_eight_small_points_and_the_list_names_them_all() -> None:
    points = [point for y in SMALL_ORDER for point in points_of(y)]
    assert len(points) == 8
    for point in points:
        twice = plus(point, point)
        eight = plus(plus(twice, twice), plus(twice, twice))
        assert eight == (0, 1)
        assert plus(point, points[0]) in points  # A group: none is missing.
    assert len(ENCODINGS) == 14
    assert len(NOT_CANONICAL) == 38


def forged(raw: bytes) -> tuple[bytes, bytes] | None:
    """A statement and a signature of nobody that the library accepts under a key."""
    key = Ed25519PublicKey.from_public_bytes(raw)
    for number in range(64):
        statement = f"ε = 0.1, release {number}".encode()
        for point in ENCODINGS:
            signature = point + bytes(32)
            try:
                key.verify(signature, statement)
            except InvalidSignature:
                continue
            return statement, signature
    return None


def test_anybody_could_sign_with_each_of_them_and_we_refuse_it() -> None:
    accepted = 0
    for raw in ENCODINGS:
        made = forged(raw)
        accepted += made is not None
        with pytest.raises(WeakKeyError):
            PublicKey(raw)
    assert accepted >= 8, "the library accepts forgeries; if it does not any more, this can go"


def test_every_point_has_one_writing() -> None:
    for raw in NOT_CANONICAL:
        with pytest.raises(WeakKeyError, match="the one way"):
            PublicKey(raw)


def test_what_is_no_point_or_no_32_bytes_is_refused() -> None:
    off = next(y for y in range(2, 99) if not points_of(y))
    on = next(y for y in range(2, 99) if points_of(y))
    for raw, told in [(encoded(off), "no point"), (b"", "0 bytes"), (bytes(33), "33 bytes")]:
        with pytest.raises(WeakKeyError, match=told):
            PublicKey(raw)
    assert weakness(encoded(on)) is None


def test_real_keys_pass() -> None:
    for _ in range(200):
        assert weakness(SigningKey.generate().public.raw) is None


def _resigned(statement: dict[str, str], signer: SigningKey) -> Any:
    """A statement about a weak key, signed by a good one."""
    return json.loads(_signed({k: v for k, v in statement.items() if k != "signature"}, signer))


def weak_pem(raw: bytes) -> bytes:
    key = Ed25519PublicKey.from_public_bytes(raw)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form)


def test_a_file_a_block_a_rotation_and_a_list_with_such_a_key_are_refused(
    tmp_path: Path, signed: Path, signer: SigningKey
) -> None:
    """Wherever a public key comes in."""
    block = (signed / SIGNATURE_NAME).read_text()
    rotation = json.loads(make_rotation(signer, SigningKey.generate().public, DAY))
    entry = Revocation(key=signer.public.id, reason=Reason.COMPROMISED, since=DAY, why="stolen")
    listed = json.loads(make_revocations(signer, [entry], now=dt.datetime.now(dt.UTC)))
    path = tmp_path / "k"
    for raw in [*ENCODINGS, *NOT_CANONICAL]:
        text = base64.b64encode(raw).decode()
        path.write_bytes(weak_pem(raw))
        with pytest.raises(UsageError, match="nobody may use"):
            load_public_key(path)
        der = hashlib.sha256(base64.b64decode(b"".join(weak_pem(raw).splitlines()[1:-1])))
        changed = block.replace(base64.b64encode(signer.public.raw).decode(), text)
        changed = changed.replace(signer.public.id, der.hexdigest())
        with pytest.raises(SignatureFileError, match="nobody may use"):
            read_signatures(changed.encode())
        (signed / SIGNATURE_NAME).write_text(changed)
        assert any("nobody may use" in problem for problem in verify_release(signed).problems)
        weak_old, weak_new = rotation | {"old": text}, _resigned(rotation | {"new": text}, signer)
        for weak in (weak_old, weak_new):
            path.write_text(json.dumps(weak))
            with pytest.raises(UsageError, match="nobody may use"):
                read_rotation(path)
        path.write_text(json.dumps(listed | {"issuer": text}))
        with pytest.raises(UsageError, match="nobody may use"):
            read_revocations(path)


def test_a_second_writing_of_a_signature_is_no_second_signature(signer: SigningKey) -> None:
    """S + L in place of S (RFC 8032, 5.1.7): the library refuses it, which we rely on."""
    order = 2**252 + 27742317777372353535851937790883648493
    signature = signer.sign(b"statement")
    larger = int.from_bytes(signature[32:], "little") + order
    assert signer.public.vouches(signature, b"statement")
    assert not signer.public.vouches(signature[:32] + larger.to_bytes(32, "little"), b"statement")

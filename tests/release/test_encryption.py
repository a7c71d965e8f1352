"""An encrypted release for named recipients: age format, kept only if it verifies."""

from __future__ import annotations

import base64
import hmac
import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from privgan.errors import UsageError, VerificationError
from privgan.release import encryption, pack
from privgan.release.encryption import (
    create_encryption_keys,
    decrypt_release,
    encrypt_release,
    recipients_of,
)
from privgan.release.signing.keys import SigningKey
from privgan.release.signing.trust import make_trust
from tests.release.changes import NOW

pytest.importorskip("pyrage", reason="the extra 'encryption' is not installed")
_PLAIN = pack.verify_release


def _at_that_time(folder: Path, **options: Any) -> Any:
    return _PLAIN(folder, **(options | {"now": NOW}))


@pytest.fixture(autouse=True)
def _before_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pack, encryption):
        monkeypatch.setattr(module, "verify_release", _at_that_time)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return create_encryption_keys(tmp_path / "keys", "partner")


@pytest.fixture
def sent(signed: Path, pair: tuple[Path, Path]) -> Path:
    return encrypt_release(signed, recipients_of([str(pair[1])]), signed.parent / "release.zip.age")


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_recipient_gets_the_same_release(
    tmp_path: Path, signed: Path, sent: Path, pair: tuple[Path, Path], signer: SigningKey
) -> None:
    found = decrypt_release(sent, pair[0], tmp_path / "received", trust=make_trust([signer.public]))
    assert found.signed
    assert files(tmp_path / "received") == files(signed)
    assert signed.exists()
    assert pair[0].stat().st_mode & 0o777 == 0o600
    assert b"manifest.json" not in sent.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {
        "keys",
        "release",
        "received",
        "release.zip.age",
    }


def test_each_of_several_recipients_can_open_it_and_nobody_else(
    tmp_path: Path, signed: Path, pair: tuple[Path, Path]
) -> None:
    second, third = (
        create_encryption_keys(tmp_path / "keys", name) for name in ("second", "third")
    )
    listed = tmp_path / "recipients.txt"
    listed.write_text(f"# partners\n{pair[1].read_text()}\n{second[1].read_text()}")
    target = encrypt_release(signed, recipients_of([str(listed)]), tmp_path / "r.age")
    for number, (identity, _) in enumerate((pair, second)):
        assert decrypt_release(target, identity, tmp_path / f"r{number}").ok
    with pytest.raises(UsageError, match="is not encrypted to the identity"):
        decrypt_release(target, third[0], tmp_path / "r3")
    assert not (tmp_path / "r3").exists()


@pytest.mark.parametrize("place", [30, 200, -1, -5_000, "cut", "header cut", "empty", "other"])
def test_a_changed_file_leaves_nothing(
    tmp_path: Path, sent: Path, pair: tuple[Path, Path], place: Any
) -> None:
    content = bytearray(sent.read_bytes())
    if isinstance(place, int):
        content[place] ^= 1
    sent.write_bytes(
        {"cut": content[:-20], "header cut": content[:50], "empty": b"", "other": b"hello"}.get(
            place, content
        )
    )
    with pytest.raises(
        (VerificationError, UsageError),
        match=r"cannot be decrypted|is not encrypted to the identity",
    ):
        decrypt_release(sent, pair[0], tmp_path / "received")
    assert not (tmp_path / "received").exists()
    assert not list(tmp_path.glob(".*partial*"))


@pytest.mark.parametrize("inside", ["path upwards", "not intact", "no zip", "another signer"])
def test_what_is_inside_is_kept_only_if_it_verifies(
    tmp_path: Path, signed: Path, pair: tuple[Path, Path], signer: SigningKey, inside: str
) -> None:
    import pyrage

    clear, trust = io.BytesIO(), make_trust([])
    with zipfile.ZipFile(clear, "w") as archive:
        for name, content in files(signed).items():
            archive.writestr(
                name, content + b"x" if (inside, name) == ("not intact", "schema.yaml") else content
            )
        if inside == "path upwards":
            archive.writestr("../evil", b"x")
    if inside == "another signer":
        trust = make_trust([SigningKey.generate().public])
    data = b"hello" if inside == "no zip" else clear.getvalue()
    path = tmp_path / "hostile.age"
    path.write_bytes(
        pyrage.encrypt(data, [pyrage.x25519.Recipient.from_str(recipients_of([str(pair[1])])[0])])
    )
    before = {str(part) for part in tmp_path.rglob("*")}
    with pytest.raises(VerificationError):
        decrypt_release(path, pair[0], tmp_path / "received", trust=trust)
    assert {str(part) for part in tmp_path.rglob("*")} == before


def test_wrong_recipients_identities_and_targets_are_told(
    tmp_path: Path, signed: Path, sent: Path, pair: tuple[Path, Path]
) -> None:
    with pytest.raises(UsageError, match="no recipient of age"):
        recipients_of(["age1nonsense"])
    with pytest.raises(UsageError, match="cannot be read"):
        recipients_of([str(tmp_path / "absent")])
    (tmp_path / "none.txt").write_text("# nobody\n")
    with pytest.raises(UsageError, match="no recipient is given"):
        recipients_of([str(tmp_path / "none.txt")])
    with pytest.raises(UsageError, match="is there already"):
        encrypt_release(signed, recipients_of([str(pair[1])]), sent)
    with pytest.raises(UsageError, match="is there already"):
        decrypt_release(sent, pair[0], signed)
    with pytest.raises(UsageError, match="no such file"):
        decrypt_release(tmp_path / "absent", pair[0], tmp_path / "x")
    pair[1].chmod(0o600)
    with pytest.raises(UsageError, match="no identity file"):
        decrypt_release(sent, pair[1], tmp_path / "x")
    pair[0].chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        decrypt_release(sent, pair[0], tmp_path / "x")


def test_what_is_not_intact_is_not_sent(signed: Path, pair: tuple[Path, Path]) -> None:
    (signed / "schema.yaml").write_bytes(b"x")
    with pytest.raises(VerificationError):
        encrypt_release(signed, recipients_of([str(pair[1])]), signed.parent / "bad.age")
    assert not (signed.parent / "bad.age").exists()


def test_without_the_extra_it_says_what_to_install(
    signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyrage", None)
    with pytest.raises(UsageError, match=r"pip install 'privgan\[encryption\]'"):
        encrypt_release(signed, ["age1x"], signed.parent / "r.age")
    with pytest.raises(UsageError, match=r"pip install 'privgan\[encryption\]'"):
        create_encryption_keys(signed.parent, "partner")


@pytest.mark.skipif(shutil.which("age") is None, reason="the age program is not installed")
def test_the_age_program_reads_and_writes_the_same_files(
    tmp_path: Path, signed: Path, sent: Path, pair: tuple[Path, Path]
) -> None:
    clear = tmp_path / "clear.zip"
    subprocess.run(["age", "-d", "-i", pair[0], "-o", clear, sent], check=True, capture_output=True)
    assert pack.verify_packed(clear).problems == ()
    other = tmp_path / "other.age"
    recipient = pair[1].read_text().strip()
    subprocess.run(["age", "-r", recipient, "-o", other, clear], check=True, capture_output=True)
    decrypt_release(other, pair[0], tmp_path / "received")
    assert files(tmp_path / "received") == files(signed)


def test_the_file_is_what_the_age_specification_says(sent: Path, pair: tuple[Path, Path]) -> None:
    """Opened by hand after age-encryption.org/v1.

    X25519, HKDF-SHA-256, ChaCha20-Poly1305 in chunks of 64 KiB.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    identity = next(
        line for line in pair[0].read_text().splitlines() if line.startswith("AGE-SECRET-KEY-1")
    )
    private = X25519PrivateKey.from_private_bytes(bech32(identity.lower()))
    content = sent.read_bytes()
    end = content.index(b"\n--- ")
    lines = content[:end].decode().split("\n")
    assert lines[0] == "age-encryption.org/v1"
    place = next(number for number, line in enumerate(lines) if line.startswith("-> X25519 "))
    share, body = unpadded(lines[place].split()[2]), unpadded(lines[place + 1])
    shared = private.exchange(X25519PublicKey.from_public_bytes(share))
    salt = share + private.public_key().public_bytes_raw()
    file_key = ChaCha20Poly1305(hkdf(shared, salt, b"age-encryption.org/v1/X25519")).decrypt(
        bytes(12), body, None
    )
    mac, _, payload = content[end + 5 :].partition(b"\n")
    wanted = hmac.digest(hkdf(file_key, b"", b"header"), content[: end + 4], "sha256")
    assert unpadded(mac.decode()) == wanted
    key, chunks, clear = hkdf(file_key, payload[:16], b"payload"), payload[16:], b""
    size = 65_536 + 16
    parts = [chunks[start : start + size] for start in range(0, len(chunks), size)]
    for number, part in enumerate(parts):
        nonce = number.to_bytes(11, "big") + bytes([number == len(parts) - 1])
        clear += ChaCha20Poly1305(key).decrypt(nonce, part, None)
    with zipfile.ZipFile(io.BytesIO(clear)) as archive:
        assert "manifest.json" in archive.namelist()


def unpadded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    extracted = hmac.digest(salt or bytes(32), secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def bech32(text: str) -> bytes:
    values = [
        "qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(letter) for letter in text.rpartition("1")[2]
    ][:-6]
    bits = "".join(f"{value:05b}" for value in values)
    return bytes(int(bits[start : start + 8], 2) for start in range(0, len(bits) - 7, 8))

"""Edit releases with fresh hashes, as someone who can write all files would."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from privgan.release.signing.keys import SigningKey
from privgan.release.signing.signature import SIGNATURE_NAME, sign_manifest, signature_file

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
Change = Callable[[Path], Any]


def seal(release: Path) -> None:
    """A fresh checksum of the manifest."""
    digest = hashlib.sha256((release / "manifest.json").read_bytes()).hexdigest()
    (release / "manifest.sha256").write_text(f"{digest}  manifest.json\n")


def edited(change: Callable[[dict[str, Any]], Any]) -> Change:
    """Change the manifest, and seal it."""

    def apply(release: Path) -> None:
        path = release / "manifest.json"
        manifest = json.loads(path.read_text())
        change(manifest)
        path.write_text(json.dumps(manifest, indent=2))
        seal(release)

    return apply


def refiled(name: str, change: Callable[[bytes], bytes]) -> Change:
    """Change a file, list its fresh hash, and seal the manifest."""

    def apply(release: Path) -> None:
        content = change((release / name).read_bytes())
        (release / name).write_bytes(content)
        entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        edited(lambda manifest: manifest["files"][name].update(entry))(release)

    return apply


def text(name: str, old: str, new: str) -> Change:
    """Replace a text in a file that the manifest lists."""

    def change(content: bytes) -> bytes:
        assert old.encode() in content
        return content.replace(old.encode(), new.encode())

    return refiled(name, change)


def rewritten(content: bytes) -> Change:
    """Another manifest, sealed."""

    def apply(release: Path) -> None:
        (release / "manifest.json").write_bytes(content)
        seal(release)

    return apply


def manifest_text(old: str, new: str) -> Change:
    """Replace a text in the manifest, and seal it."""

    def apply(release: Path) -> None:
        content = (release / "manifest.json").read_text()
        assert old in content
        rewritten(content.replace(old, new).encode())(release)

    return apply


def signature_text(change: Callable[[str], str]) -> Change:
    """Change the text of the signature file."""

    def apply(release: Path) -> None:
        path = release / SIGNATURE_NAME
        path.write_bytes(change(path.read_text()).encode())

    return apply


def resigned(release: Path, key: SigningKey, *, named: bool = True) -> None:
    """Sign the manifest with another key in place of the owner's."""
    if named:
        edited(lambda manifest: manifest.update(signer=key.public.id))(release)
    content = (release / "manifest.json").read_bytes()
    signature = sign_manifest(key, json.loads(content)["release_id"], content, now=NOW)
    (release / SIGNATURE_NAME).write_bytes(signature_file([signature]))


def flipped_base64(line: str) -> str:
    """A base64 line with another last byte."""
    head, _, value = line.partition(": ")
    data = bytearray(base64.b64decode(value))
    data[-1] ^= 1
    return f"{head}: {base64.b64encode(bytes(data)).decode()}"

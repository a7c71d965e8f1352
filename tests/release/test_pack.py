"""A release as one zip: the same bytes each time, and nothing in a hostile one is ever written or believed."""

from __future__ import annotations

import os
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from privgan.errors import UsageError, VerificationError
from privgan.release import pack
from privgan.release.keys import SigningKey
from privgan.release.pack import pack_release, unpack, verify_packed
from privgan.release.trust import make_trust
from tests.release.changes import NOW

Names = dict[str, bytes]


@pytest.fixture
def packed(signed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pack, "verify_release", _at_that_time)
    return pack_release(signed, signed.parent / "release.zip")


_PLAIN = pack.verify_release


def _at_that_time(folder: Path, **options: Any) -> Any:
    return _PLAIN(folder, **(options | {"now": NOW}))


def rezip(packed: Path, change: Callable[[zipfile.ZipFile, Names], None], **options: Any) -> None:
    """The same entries, written by a hostile hand."""
    with zipfile.ZipFile(packed) as archive:
        names = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(packed, "w", **options) as archive:
        change(archive, names)


def all_of(archive: zipfile.ZipFile, names: Names) -> None:
    for name, content in names.items():
        archive.writestr(name, content)


def added(name: str, content: bytes = b"x", mode: int = 0) -> Callable[[Path], None]:
    def change(archive: zipfile.ZipFile, names: Names) -> None:
        all_of(archive, names)
        entry = zipfile.ZipInfo("placeholder")
        entry.filename = name
        entry.external_attr = mode << 16
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            archive.writestr(entry, content)

    return lambda packed: rezip(packed, change)


def without(name: str) -> Callable[[Path], None]:
    return lambda packed: rezip(packed, lambda a, n: all_of(a, {key: value for key, value in n.items() if key != name}))


def commented(packed: Path) -> None:
    with zipfile.ZipFile(packed, "a") as archive:
        archive.comment = b"real rows"


def flag_encrypted(packed: Path) -> None:
    content = bytearray(packed.read_bytes())
    place = content.index(b"PK\x01\x02")
    content[place + 8] |= 1
    packed.write_bytes(content)


def claimed_size(size: int) -> Callable[[Path], None]:
    """The central directory states another size than the entry has."""

    def change(packed: Path) -> None:
        content = bytearray(packed.read_bytes())
        place = content.index(b"PK\x01\x02")
        content[place + 24 : place + 28] = struct.pack("<I", size)
        packed.write_bytes(content)

    return change


def bomb(packed: Path) -> None:
    def change(archive: zipfile.ZipFile, names: Names) -> None:
        all_of(archive, names | {"synthetic.csv": bytes(3_000_000)})

    rezip(packed, change, compression=zipfile.ZIP_DEFLATED)


def other_names(packed: Path) -> None:
    """The local header says another name than the central directory."""
    content = bytearray(packed.read_bytes())
    place = content.index(b"manifest.json")
    content[place : place + 13] = b"manifest.exec"
    packed.write_bytes(content)


HOSTILE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "upwards": (added("../evil"), "no release may hold it"),
    "upwards from a folder": (added("model/../../evil"), "no release may hold it"),
    "absolute": (added("/tmp/evil"), "no release may hold it"),
    "drive": (added("C:\\evil"), "no release may hold it"),
    "backslash": (added("model\\model.json"), "no release may hold it"),
    "NUL": (added("schema.yaml\0.exe"), "no release may hold it"),
    "capitals": (added("SCHEMA.yaml"), "no release may hold it"),
    "one more file": (added("customers.csv"), "no release may hold it"),
    "one more folder": (added("rows/"), "no release may hold it"),
    "folder with content": (added("model/", b"x"), "no release may hold it"),
    "twice": (added("schema.yaml"), "stands twice"),
    "link": (added("report.md" if "report.md" in pack._NAMES else "report.html", b"/etc/passwd", stat.S_IFLNK | 0o777), ""),
    "comment": (commented, "has a comment"),
    "encrypted": (flag_encrypted, "is encrypted"),
    "bomb": (bomb, "claims to hold more"),
    "more than claimed": (claimed_size(3), ""),
    "less than claimed": (claimed_size(50_000), ""),
    "another compression": (
        lambda p: rezip(p, all_of, compression=zipfile.ZIP_BZIP2), "compressed in a way",
    ),
    "names that differ": (other_names, "no whole zip file"),
    "cut": (lambda p: p.write_bytes(p.read_bytes()[:-200]), "no whole zip file"),
    "flipped bit": (lambda p: p.write_bytes(p.read_bytes()[:900] + b"\x00\x01" + p.read_bytes()[902:]), ""),
    "no zip": (lambda p: p.write_bytes(b"PK\x03\x04 nonsense"), "no whole zip file"),
    "empty": (lambda p: p.write_bytes(b""), "no whole zip file"),
    "zip of nothing": (lambda p: zipfile.ZipFile(p, "w").close(), "manifest.json: is missing"),
    "without a file": (without("schema.yaml"), "is listed, and missing"),
    "without the signature": (without("manifest.sig"), "bears no signature"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_zips_are_refused_and_write_nothing_outside(
    packed: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, told = HOSTILE[kind]
    monkeypatch.setattr(pack, "LEAST_LIMIT", 1_000_000)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    assert verify_packed(packed).problems == ()
    change(packed)
    before = {str(path) for path in tmp_path.rglob("*")}
    found = verify_packed(packed)
    assert not found.ok
    assert told in "\n".join(found.problems)
    assert {str(path) for path in tmp_path.rglob("*")} == before
    assert not os.path.lexists("/tmp/evil")


def test_the_same_release_gives_the_same_bytes(signed: Path, packed: Path, signer: SigningKey) -> None:
    os.utime(signed / "schema.yaml", (0, 0))
    (signed / "schema.yaml").chmod(0o600)
    again = pack_release(signed, signed.parent / "again.zip")
    assert again.read_bytes() == packed.read_bytes()
    assert verify_packed(packed, trust=make_trust([signer.public])).signed
    with zipfile.ZipFile(packed) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_folder_zipped_by_another_tool_verifies(signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "verify_release", _at_that_time)
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in sorted(signed.rglob("*")):
            archive.write(part, part.relative_to(signed))
    assert verify_packed(path).problems == ()


def test_what_is_not_intact_is_not_packed(signed: Path, packed: Path) -> None:
    (signed / "schema.yaml").write_bytes(b"x")
    with pytest.raises(VerificationError):
        pack_release(signed, signed.parent / "bad.zip")
    unpack(packed, _made(signed.parent / "restored"))
    with pytest.raises(UsageError, match="is there already"):
        pack_release(signed.parent / "restored", packed)
    assert not (signed.parent / "bad.zip").exists()
    assert not list(signed.parent.glob(".*partial*"))


def test_no_room_is_told_before_anything_is_unpacked(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
    target = _made(packed.parent / "target")
    with pytest.raises(UsageError, match="TMPDIR"):
        unpack(packed, target)
    assert list(target.iterdir()) == []


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder

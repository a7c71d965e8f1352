"""A release as one zip: the same bytes each time.

Nothing in a hostile one is ever written or believed.
"""

from __future__ import annotations

import os
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from privgan.errors import UsageError, VerificationError
from privgan.release import pack
from privgan.release.pack import pack_release, unpack, verify_packed
from privgan.release.signing.keys import SigningKey
from privgan.release.signing.trust import make_trust
from tests.release.changes import NOW

Names = dict[str, bytes]
HIDDEN = "no part of a file of the release"


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
    return lambda packed: rezip(
        packed, lambda a, n: all_of(a, {key: value for key, value in n.items() if key != name})
    )


def record_in_the_record(packed: Path) -> None:
    """The last record spells the beginning of another, whose length of the directory is small."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, *[0] * 8, 1, *[0] * 6) + b"a"
    count = 5_000
    end = struct.pack("<4s4s2H2LH", b"PK\5\6", b"PK\5\6", count, count, len(entry) * count, 0, 0)
    packed.write_bytes(entry * count + end)


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


def _reshaped(
    packed: Path, change: Callable[[bytes, bytes, bytes], tuple[bytes, bytes, bytes]]
) -> None:
    """Change entries, directory or end record.

    The end record then says where the directory is, and how long.
    """
    content = packed.read_bytes()
    with zipfile.ZipFile(packed) as archive:
        start = archive.start_dir
    entries, directory, end = change(content[:start], content[start:-22], content[-22:])
    packed.write_bytes(
        entries + directory + end[:12] + struct.pack("<2L", len(directory), len(entries)) + end[20:]
    )


def _entry(name: str = "synthetic.csv", content: bytes = b"a,b\n7,a real row\n") -> bytes:
    """A local entry as a program that reads from the front would unpack it."""
    head = struct.pack(
        "<4s5H3L2H",
        b"PK\3\4",
        20,
        0,
        0,
        0,
        33,
        zlib.crc32(content),
        len(content),
        len(content),
        len(name),
        0,
    )
    return head + name.encode() + content


def prefixed(packed: Path) -> None:
    packed.write_bytes(_entry() + packed.read_bytes())


def hidden_between(packed: Path) -> None:
    _reshaped(
        packed, lambda entries, directory, end: (entries + _entry("customers.txt"), directory, end)
    )


def hidden_before_the_end(packed: Path) -> None:
    content = packed.read_bytes()
    packed.write_bytes(content[:-22] + b"real rows" + content[-22:])


def with_info(packed: Path, **changes: Any) -> None:
    """Facts of the first entry that no reader of files looks at."""

    def change(archive: zipfile.ZipFile, names: Names) -> None:
        for number, (name, content) in enumerate(names.items()):
            entry = zipfile.ZipInfo(name)
            for fact, value in changes.items() if number == 0 else ():
                setattr(entry, fact, value)
            archive.writestr(entry, content)

    rezip(packed, change)


def behind_a_stream(packed: Path) -> None:
    """Bytes inside an entry, after the end of its compressed stream; all sizes say so."""

    def change(entries: bytes, directory: bytes, end: bytes) -> tuple[bytes, bytes, bytes]:
        last = directory.rindex(b"PK\1\2")
        size, place = (
            struct.unpack("<L", directory[last + at : last + at + 4])[0] for at in (20, 42)
        )
        longer = struct.pack("<L", size + 9)
        directory = directory[: last + 20] + longer + directory[last + 24 :]
        return entries[: place + 18] + longer + entries[place + 22 :] + b"real rows", directory, end

    _reshaped(packed, change)


def overlapping(packed: Path) -> None:
    """A file whose content is another entry, header and all; the directory names both."""
    inner = _entry("report.md", b"REAL ROWS")

    def change(archive: zipfile.ZipFile, names: Names) -> None:
        all_of(archive, names | {"report.json": inner})

    rezip(packed, change)

    def named(entries: bytes, directory: bytes, end: bytes) -> tuple[bytes, bytes, bytes]:
        place, content = entries.index(inner), b"REAL ROWS"
        size = len(content)
        head = struct.pack(
            "<4s6H3L5H2L",
            b"PK\1\2",
            20,
            20,
            0,
            0,
            0,
            33,
            zlib.crc32(content),
            size,
            size,
            9,
            0,
            0,
            0,
            0,
            0,
            place,
        )
        count = struct.pack("<2H", *(number + 1 for number in struct.unpack("<2H", end[8:12])))
        return entries, directory + head + b"report.md", end[:8] + count + end[12:]

    _reshaped(packed, named)


def shared(packed: Path) -> None:
    """Two names of the directory for one entry."""

    def named(entries: bytes, directory: bytes, end: bytes) -> tuple[bytes, bytes, bytes]:
        place = directory.index(b"manifest.json") - 46
        first = directory[place : place + 46 + 13].replace(b"manifest.json", b"report.json")
        other = first[:28] + struct.pack("<H", 11) + first[30:]
        count = struct.pack("<2H", *(number + 1 for number in struct.unpack("<2H", end[8:12])))
        return entries, directory + other, end[:8] + count + end[12:]

    _reshaped(packed, named)


def streamed(packed: Path) -> None:
    """As written to a pipe: the sizes stand behind the content."""
    with zipfile.ZipFile(packed) as archive:
        names = {name: archive.read(name) for name in archive.namelist()}
    with packed.open("wb") as file:
        file.seekable = lambda: False  # type: ignore[method-assign]
        file.tell = lambda: (_ for _ in ()).throw(OSError())  # type: ignore[method-assign]
        with zipfile.ZipFile(file, "w") as archive:
            all_of(archive, names)


def other_local_name(packed: Path) -> None:
    """A folder is never opened.

    Only its local header tells what a program that reads from the front makes of it.
    """
    added("model/", b"")(packed)
    content = packed.read_bytes()
    packed.write_bytes(content.replace(b"model/PK\1\2", b"row_7/PK\1\2"))


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
    "link": (
        added("report.md", b"/etc/passwd", stat.S_IFLNK | 0o777),
        "is a link or a special file",
    ),
    "comment": (commented, "has a comment"),
    "long directory behind a false record": (record_in_the_record, "directory is longer"),
    "encrypted": (flag_encrypted, "is encrypted"),
    "bomb": (bomb, "claims to hold more"),
    "more than claimed": (claimed_size(3), ""),
    "less than claimed": (claimed_size(50_000), ""),
    "another compression": (
        lambda p: rezip(p, all_of, compression=zipfile.ZIP_BZIP2),
        "compressed in a way",
    ),
    "names that differ": (other_names, "the local header of manifest.json"),
    "folder's names that differ": (other_local_name, "the local header of model/"),
    "entries before the zip": (prefixed, HIDDEN),
    "entries that the directory lacks": (hidden_between, "before the directory"),
    "bytes before the end record": (hidden_before_the_end, ""),
    "bytes after the end record": (lambda p: p.write_bytes(p.read_bytes() + b"real rows"), ""),
    "bytes behind a compressed stream": (
        behind_a_stream,
        "behind the content of synthetic.parquet",
    ),
    "comment of an entry": (
        lambda p: with_info(p, comment=b"real rows"),
        "a comment or an extra field",
    ),
    "extra field of an entry": (
        lambda p: with_info(p, extra=struct.pack("<HH", 0xCAFE, 9) + b"real rows"),
        "a comment or an extra field",
    ),
    "an entry in an entry": (overlapping, HIDDEN),
    "an entry of two names": (shared, ""),
    "disk number": (
        lambda p: p.write_bytes(p.read_bytes()[:-18] + b"\7" + p.read_bytes()[-17:]),
        "",
    ),
    "sizes behind the content": (streamed, HIDDEN),
    "cut": (lambda p: p.write_bytes(p.read_bytes()[:-200]), "no whole zip file"),
    "flipped bit": (
        lambda p: p.write_bytes(p.read_bytes()[:900] + b"\x00\x01" + p.read_bytes()[902:]),
        "",
    ),
    "no zip": (lambda p: p.write_bytes(b"PK\x03\x04 nonsense"), "no whole zip file"),
    "empty": (lambda p: p.write_bytes(b""), "no whole zip file"),
    "zip of nothing": (lambda p: zipfile.ZipFile(p, "w").close(), "manifest.json: is missing"),
    "without a file": (without("schema.yaml"), "is listed, and missing"),
    "without the signature": (without("manifest.sig"), "bears no signature"),
}


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


def test_the_same_release_gives_the_same_bytes(
    signed: Path, packed: Path, signer: SigningKey
) -> None:
    os.utime(signed / "schema.yaml", (0, 0))
    (signed / "schema.yaml").chmod(0o600)
    again = pack_release(signed, signed.parent / "again.zip")
    assert again.read_bytes() == packed.read_bytes()
    assert verify_packed(packed, trust=make_trust([signer.public])).signed
    with zipfile.ZipFile(packed) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_folder_zipped_by_another_tool_verifies(
    signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack, "verify_release", _at_that_time)
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in sorted(signed.rglob("*")):
            archive.write(part, part.relative_to(signed))
    assert verify_packed(path).problems == ()


def test_large_files_raise_no_alarm(
    signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond 2 GB sizes and places stand in 64 bits; here a lower limit brings the same form."""
    monkeypatch.setattr(pack, "verify_release", _at_that_time)
    monkeypatch.setattr(pack, "_LARGEST_SIZE", 1)
    assert verify_packed(pack_release(signed, tmp_path / "local.zip")).problems == ()
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 300)
    whole = pack_release(signed, tmp_path / "whole.zip")
    assert b"PK\6\6" in whole.read_bytes()
    assert verify_packed(whole).problems == ()


def test_what_compresses_well_raises_no_alarm(tmp_path: Path) -> None:
    for size in (0, 1, (1 << 20) - 1, 1 << 20, (1 << 21) + 1, 5_000_000):
        path = tmp_path / f"{size}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("synthetic.csv", bytes(size))
        unpack(path, _made(tmp_path / str(size)))
        assert (tmp_path / str(size) / "synthetic.csv").stat().st_size == size


def test_what_is_not_intact_is_not_packed(signed: Path, packed: Path) -> None:
    (signed / "schema.yaml").write_bytes(b"x")
    with pytest.raises(VerificationError):
        pack_release(signed, signed.parent / "bad.zip")
    unpack(packed, _made(signed.parent / "restored"))
    with pytest.raises(UsageError, match="is there already"):
        pack_release(signed.parent / "restored", packed)
    assert not (signed.parent / "bad.zip").exists()
    assert not list(signed.parent.glob(".*partial*"))


def test_no_room_is_told_before_anything_is_unpacked(
    packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
    target = _made(packed.parent / "target")
    with pytest.raises(UsageError, match="TMPDIR"):
        unpack(packed, target)
    assert list(target.iterdir()) == []


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder

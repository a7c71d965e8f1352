"""Releases: all or nothing, from an allow-list, and every kind of tampering shows."""

from __future__ import annotations

import dataclasses
import datetime as dt
import errno
import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from privgan.errors import (
    IncompleteError,
    InternalError,
    PolicyFailedError,
    ReleaseExistsError,
    UsageError,
)
from privgan.release import FileEntry, build_manifest, bundle, verify_release, write_release
from tests.release.changes import NOW, refiled
from tests.release.making import guaranteed


def edit(release: Path, change: Callable[[dict[str, Any]], Any], *, sealed: bool = True) -> None:
    path = release / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest, indent=2))
    if sealed:
        seal(release)


def seal(release: Path) -> None:
    digest = hashlib.sha256((release / "manifest.json").read_bytes()).hexdigest()
    (release / "manifest.sha256").write_text(f"{digest}  manifest.json\n")


def flip(path: Path, position: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def write(path: Path, content: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def link(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def outside(release: Path, name: str) -> None:
    """A file outside the release, listed with its right hash."""
    content = (release / "schema.yaml").read_bytes()
    (release.parent / "secret").write_bytes(content)
    entry = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "source": "public",
    }
    edit(release, lambda m: m["files"].update({name: entry}))


def same_content_link(release: Path) -> None:
    (release / "schema.yaml").rename(release.parent / "elsewhere")
    (release / "schema.yaml").symlink_to(release.parent / "elsewhere")


TAMPERING: dict[str, Callable[[Path], Any]] = {
    "flipped bit in parquet": lambda r: flip(r / "synthetic.parquet", 1000),
    "flipped bit in csv": lambda r: flip(r / "synthetic.csv"),
    "flipped bit in schema": lambda r: flip(r / "schema.yaml"),
    "flipped bit in model": lambda r: flip(r / "model/model.safetensors"),
    "flipped bit in model json": lambda r: flip(r / "model/model.json"),
    "flipped bit in report": lambda r: flip(r / "report.html"),
    "flipped bit in manifest": lambda r: flip(r / "manifest.json", 30),
    "flipped bit in checksum": lambda r: flip(r / "manifest.sha256", 3),
    "appended byte": (
        lambda r: (r / "synthetic.csv").write_bytes((r / "synthetic.csv").read_bytes() + b"\n")
    ),
    "emptied file": lambda r: (r / "synthetic.csv").write_bytes(b""),
    "removed file": lambda r: (r / "synthetic.csv").unlink(),
    "removed file in folder": lambda r: (r / "model/model.json").unlink(),
    "removed manifest": lambda r: (r / "manifest.json").unlink(),
    "removed checksum": lambda r: (r / "manifest.sha256").unlink(),
    "added file": lambda r: write(r / "customers.csv"),
    "added hidden file": lambda r: write(r / ".hidden"),
    "added file in folder": lambda r: write(r / "model/rows.npy"),
    "added folder": lambda r: (r / "empty").mkdir(),
    "added folder in folder": lambda r: write(r / "model/deep/file"),
    "renamed file": lambda r: (r / "synthetic.csv").rename(r / "synthetic2.csv"),
    "swapped files": lambda r: (r / "schema.yaml").replace(r / "report.html"),
    "link for a file": lambda r: link(r / "synthetic.csv", "schema.yaml"),
    "link with the same content": same_content_link,
    "dangling link": lambda r: link(r / "extra", "nowhere"),
    "link to a folder": lambda r: link(r / "extra", "model"),
    "link for the manifest": lambda r: link(r / "manifest.json", "schema.yaml"),
    "folder for a file": lambda r: ((r / "synthetic.csv").unlink(), (r / "synthetic.csv").mkdir()),
    "named pipe": lambda r: os.mkfifo(r / "pipe"),
    "smaller epsilon, not sealed": lambda r: edit(
        r, lambda m: m["guarantee"].update(epsilon=1.0), sealed=False
    ),
    "smaller epsilon, sealed": lambda r: edit(r, lambda m: m["guarantee"].update(epsilon=1.0)),
    "assumptions dropped": lambda r: edit(r, lambda m: m["guarantee"].update(conditional_facts=[])),
    "unlisted file": lambda r: edit(r, lambda m: m["files"].pop("synthetic.csv")),
    "wrong size": lambda r: edit(r, lambda m: m["files"]["synthetic.csv"].update(bytes=7)),
    "wrong hash": lambda r: edit(r, lambda m: m["files"]["synthetic.csv"].update(sha256="0" * 64)),
    "wrong source": lambda r: edit(
        r, lambda m: m["files"]["synthetic.csv"].update(source="public")
    ),
    "unknown source": lambda r: edit(
        r, lambda m: m["files"]["synthetic.csv"].update(source="real")
    ),
    "missing field": lambda r: edit(r, lambda m: m.pop("guarantee")),
    "extra field": lambda r: edit(r, lambda m: m.update(note="trust me")),
    "negative epsilon": lambda r: edit(r, lambda m: m["guarantee"].update(epsilon=-1)),
    "failed policy": lambda r: edit(r, lambda m: m["policy"].update(status="FAIL")),
    "newer version": lambda r: edit(r, lambda m: m.update(format="privgan.manifest/2")),
    "other format": lambda r: edit(r, lambda m: m.update(format="else/1")),
    "format is a list": lambda r: edit(r, lambda m: m.update(format=["privgan.manifest/1"])),
    "files is a list": lambda r: edit(r, lambda m: m.update(files=["synthetic.csv"])),
    "expired": lambda r: edit(r, lambda m: m["context"].update(expiry="2026-11-20")),
    "impossible expiry": lambda r: edit(r, lambda m: m["context"].update(expiry="2026-02-30")),
    "path upwards": lambda r: outside(r, "../secret"),
    "path upwards inside": lambda r: outside(r, "model/../schema.yaml"),
    "absolute path": lambda r: outside(r, str(r.parent / "secret")),
    "backslash path": lambda r: outside(r, "..\\secret"),
    "dot path": lambda r: outside(r, "./schema.yaml"),
    "manifest is a list": lambda r: (write(r / "manifest.json", "[]"), seal(r)),
    "manifest is not JSON": lambda r: (write(r / "manifest.json", "{"), seal(r)),
    "manifest is deep": lambda r: (write(r / "manifest.json", "[" * 100_000), seal(r)),
    "manifest is not UTF-8": lambda r: ((r / "manifest.json").write_bytes(b"\xff\xfe{}"), seal(r)),
    "checksum of another name": lambda r: write(
        r / "manifest.sha256",
        (r / "manifest.sha256").read_text().replace("manifest.json", "other.json"),
    ),
    "two checksum lines": lambda r: write(
        r / "manifest.sha256", (r / "manifest.sha256").read_text() * 2
    ),
    "checksum is empty": lambda r: write(r / "manifest.sha256", ""),
}


@pytest.mark.parametrize("kind", TAMPERING)
def test_tampering_shows(release: Path, kind: str) -> None:
    TAMPERING[kind](release)
    found = verify_release(release, now=NOW)
    assert not found.ok
    assert found.problems


def test_key_that_stands_twice_shows(release: Path) -> None:
    path = release / "manifest.json"
    path.write_text(
        path.read_text().replace(
            '"dataset": "customers"', '"dataset": "other", "dataset": "customers"'
        )
    )
    seal(release)
    assert "twice" in verify_release(release, now=NOW).problems[0]


def test_untouched_release_verifies(release: Path) -> None:
    found = verify_release(release, now=NOW)
    assert found.ok, found.problems
    assert not found.signed
    assert found.manifest["guarantee"]["conditional_text"] == "conditional on 1 assumed public fact"
    assert verify_release(release, now=dt.datetime(2999, 12, 31, 23, tzinfo=dt.UTC)).ok
    assert not verify_release(release, now=dt.datetime(3000, 1, 1, tzinfo=dt.UTC)).ok


@pytest.mark.parametrize("names", [["synthetic.csv"], ["schema.yaml", "model/model.json"]])
def test_part_of_the_files_verifies(
    tmp_path: Path, names: list[str], contents: Any, facts: Any, verdict: Any
) -> None:
    files = {name: content for name, content in contents(tmp_path).items() if name in names}
    figures = dataclasses.replace(facts.guarantee.accountant, epsilon_pld=None)
    facts = guaranteed(dataclasses.replace(facts, context={}), accountant=figures)
    assert verify_release(write_release(tmp_path / "a/b/release", files, facts, verdict())).ok


def test_moved_release_verifies(release: Path) -> None:
    assert verify_release(release.rename(release.parent / "moved"), now=NOW).ok


def test_sha256sum_reads_the_checksum(release: Path) -> None:
    subprocess.run(
        ["sha256sum", "--check", "--strict", "manifest.sha256"],
        cwd=release,
        check=True,
        capture_output=True,
    )


def test_nothing_is_left_beside_a_release(
    tmp_path: Path, contents: Any, facts: Any, verdict: Any
) -> None:
    write_release(tmp_path / "release", contents(tmp_path), facts, verdict())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["release", "source.parquet"]


@pytest.mark.parametrize(
    "name",
    ["internal-audit.json", "../synthetic.csv", "/etc/x", "model/rows.npy", "manifest.json", ""],
)
def test_other_files_are_refused_by_construction(
    tmp_path: Path, name: str, facts: Any, verdict: Any
) -> None:
    with pytest.raises(InternalError):
        write_release(tmp_path / "release", {"synthetic.csv": b"", name: b"x"}, facts, verdict())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("epsilon", "error"), [(6.0, PolicyFailedError), (None, IncompleteError)])
def test_only_a_pass_is_released(
    tmp_path: Path, epsilon: float | None, error: type[Exception], facts: Any, verdict: Any
) -> None:
    with pytest.raises(error):
        write_release(tmp_path / "release", {"synthetic.csv": b""}, facts, verdict(epsilon))
    assert list(tmp_path.iterdir()) == []


def test_existing_target_is_refused(tmp_path: Path, facts: Any, verdict: Any) -> None:
    files: dict[str, bytes | Path] = {"synthetic.csv": b"a"}
    for make in (
        lambda p: p.mkdir(),
        lambda p: p.write_text("x"),
        lambda p: p.symlink_to("nowhere"),
    ):
        target = tmp_path / f"release-{len(list(tmp_path.iterdir()))}"
        make(target)
        with pytest.raises(ReleaseExistsError):
            write_release(target, files, facts, verdict())


def test_crash_at_any_write_leaves_nothing_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, contents: Any, facts: Any, verdict: Any
) -> None:
    files = contents(tmp_path)
    real = os.fsync
    for survives in range(12):
        calls = iter(range(100))

        def crash(descriptor: int, calls: Any = calls, survives: int = survives) -> None:
            if next(calls) >= survives:
                raise KeyboardInterrupt
            real(descriptor)

        monkeypatch.setattr(os, "fsync", crash)
        target = tmp_path / f"release{survives}"
        try:
            write_release(target, files, facts, verdict())
        except KeyboardInterrupt:
            assert not target.exists() or verify_release(target, now=NOW).ok
        assert not list(tmp_path.glob(".*partial*"))


def test_full_disk_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, facts: Any, verdict: Any
) -> None:
    files: dict[str, bytes | Path] = {"synthetic.csv": b"a"}
    with monkeypatch.context() as patch:
        patch.setattr(bundle.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10})())
        with pytest.raises(UsageError, match="make room"):
            write_release(tmp_path / "release", files, facts, verdict())

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="no room"):
        write_release(tmp_path / "release", files, facts, verdict())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"epsilon": float("nan")},
        {"epsilon": float("inf")},
        {"not_promised": ()},
        {"plan": {"rows": object()}},
    ],
)
def test_manifest_that_says_nonsense_is_a_bug(
    changes: dict[str, Any], facts: Any, verdict: Any
) -> None:
    files = {"synthetic.csv": FileEntry(sha256="0" * 64, bytes=0, source="synthetic")}
    assert build_manifest(facts, verdict(), files)
    changed = (
        dataclasses.replace(facts, **changes) if "plan" in changes else guaranteed(facts, **changes)
    )
    with pytest.raises(InternalError):
        build_manifest(changed, verdict(), files)
    with pytest.raises(InternalError):
        build_manifest(facts, verdict(), {})


def test_verify_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        verify_release(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "hidden", "told"),
    [
        ("model/model.safetensors", b"customer 7 is 93", "bytes after its tensors"),
        ("synthetic.csv", b"1,x,customer 7 is 93\n", "another number of cells"),
    ],
)
def test_bytes_that_no_reader_of_the_file_sees_show(
    release: Path, name: str, hidden: bytes, told: str
) -> None:
    """Appended to a file whose fresh hash is listed: neither a tensor nor a cell of a column."""
    refiled(name, lambda content: content + hidden)(release)
    (problem,) = verify_release(release, now=NOW).problems
    assert told in problem

"""Pages of hostile releases: listed as not intact, never handed out, others still shown."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from privgan.release.signing.trust import make_trust, trust_from_json, trust_to_json
from privgan.release.verification import apart
from privgan.release.verification.apart import verify_apart
from privgan.serve import library
from privgan.serve.server import make_server
from tests.example.making import EXAMPLE
from tests.release.changes import refiled, rewritten
from tests.release.test_hostile_bundles import BOMBS
from tests.serve.conftest import Shelf, body

SHOWN = (
    "deep JSON",
    "attributes without end",
    "JSON of ten million lists",
    "a pipe in place of a file",
)


def test_hostile_releases_are_listed_and_not_handed_out(shelf: Shelf) -> None:
    shelf.add("good", dataset="good-customers")
    bad = {name: shelf.add(f"bad{number}") for number, name in enumerate(SHOWN)}
    for name, release in bad.items():
        BOMBS[name](release)
    pages = shelf.pages()
    begun = time.process_time()
    text = pages.text()
    assert "good-customers" in text
    for release in bad.values():
        identity = pages.id(release.name)
        assert pages.ask(f"/release/{identity}").status == 200
        for file in ("report.html", "manifest.json", "synthetic.csv"):
            answer = pages.ask(f"/release/{identity}/file/{file.replace('/', '%2F')}")
            assert answer.status in {404, 409}
            assert b"<a a" not in body(answer)
    assert time.process_time() - begun < 20


@pytest.mark.slow
def test_a_release_is_checked_apart_as_it_is_here(tmp_path: Path) -> None:
    release = tmp_path / "release"
    shutil.copytree(EXAMPLE / "release", release)
    found = verify_apart(release)
    assert found.ok
    assert found.manifest == json.loads((release / "manifest.json").read_text())
    assert found == library.verify_release(release)
    rewritten(b"[" * 1000)(release)
    assert not verify_apart(release).ok


def test_a_check_that_hangs_ends(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    release = shelf.add("good")
    monkeypatch.setattr(apart, "APART_SECONDS", 0.01)
    monkeypatch.setattr("privgan.release.verification.sandbox._GRACE", 0.0)
    found = verify_apart(release)
    assert not found.ok
    assert "seconds" in found.problems[0]


def test_trust_goes_to_the_process_and_back() -> None:
    from privgan.release.signing.keys import SigningKey

    trust = make_trust([SigningKey.generate().public])
    assert trust_from_json(json.loads(json.dumps(trust_to_json(trust)))) == trust


def test_one_check_at_a_time_blocks_no_other_release(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("good")
    asked: list[str] = []

    def slow(folder: Path, **given: Any) -> Any:
        asked.append(folder.name)
        time.sleep(0.5)
        return library.verify_release(folder, **given)

    shown = library.Library(shelf.root, check=slow)
    threads = [Thread(target=shown.releases) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == ["good"]


def test_a_table_that_cannot_be_read_is_not_compared(shelf: Shelf) -> None:
    shelf.add("one")
    two = shelf.add("two", release_id="r2")
    refiled(
        "synthetic.parquet",
        lambda content: content[:4] + bytes(len(content) - 300) + content[-296:],
    )(two)
    pages = shelf.pages()
    address = f"/compare?first={pages.id('one')}&second={pages.id('two')}"
    assert pages.ask(address).status in {200, 409}


@pytest.mark.slow
def test_a_slow_request_is_broken_off_and_others_are_answered(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    monkeypatch.setattr("privgan.serve.server._SECONDS", 1)
    shelf.add("good")
    server = make_server(shelf.root)
    Thread(target=server.serve_forever, daemon=True).start()
    slow = [socket.create_connection(server.server_address) for _ in range(20)]
    for connection in slow:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
    with urllib.request.urlopen(server.address, timeout=60) as answer:
        assert answer.status == 200
    for connection in slow:
        connection.settimeout(20)
        assert connection.recv(1000) == b""
    server.shutdown()
    server.server_close()

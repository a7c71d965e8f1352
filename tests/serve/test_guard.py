"""The server refuses paths outside its folder, foreign hosts and writing methods.

And INTERNAL pages without a key.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from privgan.files.safe_open import open_inside
from privgan.serve import Guard
from tests.serve.conftest import PORT, SECRET, Shelf, body

ESCAPES = (
    "/../secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e/secret.txt",
    "/%252e%252e/secret.txt",
    "/release/../../secret.txt",
    "/release/{id}/file/..%2F..%2Fsecret.txt",
    "/release/{id}/file/../../../secret.txt",
    "/release/{id}/file/..%5C..%5Csecret.txt",
    "/release/{id}/file/%2Fetc%2Fpasswd",
    "/release/{id}/file//etc/passwd",
    "/release/{id}/file/secret.txt",
    "/release/{id}/file/schema.yaml%00",
    "/release/{id}/file/schema.yaml/..",
    "/release/{id}/file/model",
    "/release/{id}/file/",
    "/release/{id}/file",
    "/release/..",
    "/release/%2e%2e",
    "/release/one",
    "/internal/{id}/internal-report.html",
    "/style.css/../secret.txt",
    "/%ff%fe",
    "/release/{id}/file/\u202e",
    "file:///etc/passwd",
    "http://127.0.0.1:8765/",
    "//evil.invalid/",
    "\\secret.txt",
    "*",
    "",
    "/" + "a" * 5_000,
    "/?" + "&".join(f"a{i}=1" for i in range(50)),
    "/compare?first=../secret.txt&second=/etc/passwd",
)


@pytest.mark.parametrize("target", ESCAPES)
def test_no_address_leads_out_of_the_folder(target: str, shelf: Shelf) -> None:
    shelf.add("one")
    pages = shelf.pages()
    address = target.replace("{id}", pages.id("one"))
    asked = {"with the key": pages.ask(address), "without": pages.bare(address)}
    if not target.startswith("/compare"):
        assert asked["with the key"].status in (
            {400, 404, 414} if target.startswith("/") else {303, 403}
        )
    assert asked["without"].status in {400, 403, 414}
    for response in asked.values():
        sent = body(response)
        assert SECRET.encode() not in sent
        assert b"root:" not in sent


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    target=st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
    | st.from_regex(r"/(release|internal|compare|\.\.|%2e|/)*.{0,12}")
)
def test_any_address_gets_an_answer(target: str, shelf: Shelf) -> None:
    pages = shelf.pages()
    for response in (pages.ask(target), pages.bare(target)):
        assert response.status in {200, 204, 303, 400, 403, 404, 414}
        assert SECRET.encode() not in body(response)


def test_links_are_not_followed(shelf: Shelf, tmp_path: Path) -> None:
    outside = shelf.add("moved").rename(tmp_path / "outside")
    (shelf.root / "linked").symlink_to(outside)
    (shelf.root / "up").symlink_to(tmp_path)
    release = shelf.add("one")
    (release / "report.html").unlink()
    (release / "report.html").symlink_to(tmp_path / "secret.txt")
    pages = shelf.pages(internal=True)
    (shelf.root / "internal").symlink_to(tmp_path / "inner")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "internal-report.html").write_text(SECRET)
    assert [held.name for held in pages.application.library.releases()] == ["one"]
    assert pages.application.library.insides() == ()
    assert SECRET.encode() not in body(pages.ask(f"/release/{pages.id('one')}/file/report.html"))
    assert "is a link or a special file" in pages.text(f"/release/{pages.id('one')}")


def test_opening_stays_inside_whatever_lies_there(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "folder" / "file").write_text("inside")
    (tmp_path / "secret").write_text(SECRET)
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "folder-link").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    with open_inside(root, ["folder", "file"]) as file:
        assert file.read() == b"inside"
    for parts in (
        ["link"],
        ["folder-link", "secret"],
        ["pipe"],
        ["folder"],
        ["..", "secret"],
        ["folder/../../secret"],
        [str(tmp_path / "secret")],
        ["file\0"],
        [""],
        ["."],
        [],
        ["missing"],
    ):
        with pytest.raises(OSError, match=r"no plain file name|no regular file|Errno"):
            open_inside(root, parts)


def test_a_release_that_is_swapped_for_a_link_after_the_check_is_not_followed(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.add("one")
    held = shelf.pages().application.library.releases()[0]
    with held.open("manifest.json") as file:
        assert file.read(1) == b"{"
    (shelf.root / "one").rename(tmp_path / "away")
    (shelf.root / "one").symlink_to(tmp_path / "away")
    with pytest.raises(OSError, match="Errno"):
        held.open("manifest.json")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (f"127.0.0.1:{PORT}", 200),
        (f"localhost:{PORT}", 200),
        (f"LocalHost:{PORT}", 200),
        ("127.0.0.1", 421),
        (f"127.0.0.1:{PORT + 1}", 421),
        (f"evil.invalid:{PORT}", 421),
        (f"127.0.0.1:{PORT}.evil.invalid", 421),
        (f"127.0.0.1:{PORT}, evil.invalid", 421),
        ("", 421),
    ],
)
def test_only_its_own_name_is_answered(host: str, status: int, shelf: Shelf) -> None:
    assert shelf.pages().ask(host=host).status == status


def test_another_site_s_page_gets_nothing(shelf: Shelf) -> None:
    pages = shelf.pages()
    assert pages.ask(sec_fetch_site="cross-site").status == 403
    assert pages.ask(sec_fetch_site="same-site").status == 403
    assert (
        pages.ask(sec_fetch_site="same-origin").status
        == pages.ask(sec_fetch_site="none").status
        == 200
    )


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"]
)
def test_nothing_but_reading_is_allowed(method: str, shelf: Shelf) -> None:
    response = shelf.pages().ask(method=method)
    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD"


def test_every_answer_carries_the_same_care(shelf: Shelf) -> None:
    shelf.add("one")
    pages = shelf.pages()
    address = f"/release/{pages.id('one')}"
    targets = (
        "/",
        address,
        f"{address}/file/report.html",
        f"{address}/file/synthetic.csv",
        "/style.css",
        "/nothing",
    )
    bare = (
        pages.bare("/"),
        pages.bare("/favicon.ico"),
        pages.ask(host="evil"),
        pages.ask(method="POST"),
        pages.ask(""),
    )
    for response in (*(pages.ask(target) for target in targets), *bare):
        headers = response.headers
        body(response)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "script" not in policy
        assert "Access-Control-Allow-Origin" not in headers
        assert "Set-Cookie" not in headers, (
            "the browser would send it to every other port of 127.0.0.1"
        )


def test_every_page_asks_for_the_key(shelf: Shelf) -> None:
    shelf.add("one")
    pages = shelf.pages()
    guard = pages.application.guard
    assert guard.address == f"http://127.0.0.1:{PORT}/k/{guard.key}/"
    assert guard.key not in repr(guard)
    identity = pages.id("one")
    paths = (
        "",
        "ledger",
        "compare",
        "style.css",
        f"release/{identity}",
        f"release/{identity}/file/schema.yaml",
    )
    for before in (
        "/",
        "/k/",
        "/k//",
        "/k/wrong/",
        f"/k/{guard.key[:-1]}/",
        f"/k/{guard.key}x/",
        f"/{guard.key}/",
        "/k/%ff/",
    ):
        for path in paths:
            response = pages.bare(before + path)
            assert response.status in {400, 403}, before + path
            assert guard.key.encode() not in body(response)
    assert b"that was printed" in body(pages.bare("/"))
    for cookie in (guard.key, f"privgan-key-{PORT}={guard.key}"):
        assert pages.bare(f"/?key={guard.key}", cookie=cookie).status == 403
    short = pages.bare(f"/k/{guard.key}")
    assert (short.status, short.headers["Location"]) == (303, f"/k/{guard.key}/")
    assert pages.bare(f"/k/{guard.key}/").status == 200
    assert Guard(port=PORT).key != Guard(port=PORT).key


def test_every_link_carries_the_key(shelf: Shelf, tmp_path: Path) -> None:
    shelf.add("one")
    shelf.add("two")
    inner = shelf.root / "internal"
    inner.mkdir()
    (inner / "internal-report.html").write_text("<p>x</p>")
    pages = shelf.pages(internal=True, ledger=str(tmp_path / "none.sqlite"))
    one, two = pages.id("one"), pages.id("two")
    found: set[str] = set()
    for path in (
        "/",
        f"/release/{one}",
        "/compare",
        f"/compare?first={one}&second={two}",
        "/ledger",
        "/nothing",
    ):
        found |= set(re.findall(r'(?:href|src|action)="([^"#]*)"', body(pages.ask(path)).decode()))
    home = pages.application.guard.home
    kinds = (
        "",
        "compare",
        "ledger",
        "style.css",
        f"release/{two}",
        f"release/{one}/file/report.html",
    )
    assert {home + kind for kind in kinds} <= found
    assert any(link.endswith("/internal-report.html") for link in found)
    assert [link for link in found if not link.startswith(home)] == []
    for link in found:
        response = pages.bare(link)
        body(response)
        assert response.status == 200, link


def test_a_folder_s_name_may_be_any_bytes(shelf: Shelf) -> None:
    release = shelf.add("one")
    os.rename(release, os.path.join(os.fsencode(shelf.root), b"\xff\n<b>"))
    pages = shelf.pages()
    held = pages.application.library.releases()[0]
    assert "<b>" not in pages.text()
    assert body(pages.ask(f"/release/{held.id}/file/manifest.json")).startswith(b"{")

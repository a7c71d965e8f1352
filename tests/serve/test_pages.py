"""The pages show the right facts of releases."""

from __future__ import annotations

import getpass
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from privgan.errors import UsageError
from privgan.ledger.ledger import PrivacyLedger
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.guarantee import DatasetTotal
from privgan.release.signing.keys import SigningKey
from privgan.release.signing.sign import sign_release
from privgan.release.signing.trust import make_trust
from privgan.release.verification.verify import Verification, verify_release
from privgan.schema.columns import Discrete, Kind
from privgan.serve import Library, library
from tests.hostile import HOSTILE, MARK
from tests.serve.conftest import COLUMNS, DECLARED, SECRET, Shelf, body, rewrite_manifest


def test_the_list_shows_each_release_with_its_guarantee_and_what_the_check_found(
    shelf: Shelf,
) -> None:
    shelf.add("old", DECLARED, created="2026-01-02T03:04:05+00:00", dataset="first-set")
    (shelf.root / "run").mkdir()
    shelf.add("run/release", dataset="second-set")
    pages = shelf.pages()
    text = pages.text()
    for told in (
        "first-set",
        "second-set",
        "2026-01-02 03:04",
        '<td class="n">3</td>',
        "conditional on 1 assumed public fact",
        "1 × 10⁻⁶",
        "own",
        "PASS",
        "verified",
        "unsigned",
        "run/release",
    ):
        assert told in text
    assert text.index("second-set") < text.index("first-set"), "the newest comes first"
    assert "not intact" not in text


def test_a_folder_that_is_itself_a_release_is_shown(shelf: Shelf) -> None:
    release = shelf.add("only")
    assert [held.name for held in Library(release).releases()] == ["."]


def test_an_empty_folder_says_so_and_a_missing_one_is_refused(shelf: Shelf) -> None:
    assert "There is no release in this folder" in shelf.pages().text()
    with pytest.raises(UsageError, match="there is no such folder"):
        Library(shelf.root / "nothing")


def test_a_release_page_shows_the_manifest_and_hands_out_its_own_files(shelf: Shelf) -> None:
    release = shelf.add("one")
    pages = shelf.pages()
    identity = pages.id("one")
    text = pages.text(f"/release/{identity}")
    manifest = json.loads((release / "manifest.json").read_text())
    for told in (
        "Nörthwind",
        "That a run happened stays hidden.",
        "tier.categories",
        "cd" * 32,
        "90 days.",
        "Because.",
        "at most 5",
    ):
        assert told in text
    for name, entry in manifest["files"].items():
        assert entry["sha256"] in text
        response = pages.ask(f"/release/{identity}/file/{name.replace('/', '%2F')}")
        assert body(response) == (release / name).read_bytes()
        assert response.size == entry["bytes"]
        assert ("attachment" in response.headers.get("Content-Disposition", "")) == (
            name != "report.html"
        )
    for name in ("manifest.json", "manifest.sha256"):
        assert body(pages.ask(f"/release/{identity}/file/{name}")) == (release / name).read_bytes()


def test_a_report_is_shown_without_any_power(shelf: Shelf) -> None:
    shelf.add("one")
    pages = shelf.pages()
    policy = pages.ask(f"/release/{pages.id('one')}/file/report.html").headers[
        "Content-Security-Policy"
    ]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script" not in policy


def test_of_a_release_that_is_not_intact_nothing_is_handed_out(shelf: Shelf) -> None:
    release = shelf.add("one")
    pages = shelf.pages()
    identity = pages.id("one")
    assert pages.ask(f"/release/{identity}/file/schema.yaml").status == 200
    (release / "schema.yaml").write_bytes(
        (release / "schema.yaml").read_bytes().replace(b"18", b"19")
    )
    assert "not intact" in pages.text()
    assert "schema.yaml: was changed" in pages.text(f"/release/{identity}")
    for name in ("schema.yaml", "report.html", "manifest.json"):
        assert pages.ask(f"/release/{identity}/file/{name}").status == 409
    shelf.add("two")
    assert pages.ask(f"/compare?first={identity}&second={pages.id('two')}").status == 409


def test_a_file_that_changes_between_check_and_download_is_not_handed_out(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = shelf.add("one")
    pages = shelf.pages()
    held = pages.application.library.releases()[0]
    (release / "schema.yaml").write_bytes(b"other")
    monkeypatch.setattr(Library, "release", lambda _self, _identity: held)
    assert pages.ask(f"/release/{held.id}/file/schema.yaml").status == 409


def test_an_expired_release_is_not_intact(shelf: Shelf) -> None:
    shelf.add("one", context={"expiry": "2020-01-01"})
    assert "the release expired on 2020-01-01" in shelf.pages().text()


def test_a_new_release_and_a_removed_one_are_seen_at_once(shelf: Shelf) -> None:
    pages = shelf.pages()
    shelf.add("one").rename(shelf.root / "renamed")
    assert "renamed" in pages.text()


def test_a_manifest_that_is_no_manifest_breaks_no_page(shelf: Shelf) -> None:
    for name, text in (
        ("list", "[]"),
        ("half", '{"dataset": '),
        ("deep", "[" * 100_000),
        ("empty", "{}"),
        ("text", '{"created": 3}'),
    ):
        (shelf.root / name).mkdir()
        (shelf.root / name / "manifest.json").write_text(text)
    pages = shelf.pages()
    assert pages.text().count("its manifest cannot be read") == 5
    for name in ("list", "half", "deep", "empty", "text"):
        assert "Not intact" in pages.text(f"/release/{pages.id(name)}")


FIGURES = {
    "a cost beyond all floats": ("guarantee", {"epsilon": 10**400}),
    "a cost next to nothing": ("guarantee", {"delta": 5e-324}),
    "runs beyond all floats": (
        "guarantee",
        {"dataset_total": {"epsilon": 1.0, "delta": 0.0, "runs": 10**400}},
    ),
}


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_that_nothing_can_show_spoils_its_own_release_alone(
    figure: str, shelf: Shelf
) -> None:
    shelf.add("good", dataset="good-customers")
    part, change = FIGURES[figure]
    rewrite_manifest(
        shelf.add("bad", dataset="bad-customers"), lambda manifest: manifest[part].update(change)
    )
    pages = shelf.pages()
    assert "good-customers" in pages.text()
    assert "<bdi>bad</bdi> is not intact" in pages.text()
    assert "Not intact" in pages.text(f"/release/{pages.id('bad')}")
    assert pages.ask(f"/release/{pages.id('bad')}/file/schema.yaml").status == 409


@pytest.mark.parametrize(
    "error",
    [OverflowError(), MemoryError(), RecursionError(), KeyError("files"), OSError(5, "told")],
)
def test_whatever_breaks_the_check_of_one_release_leaves_the_others(
    error: Exception, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("good", dataset="good-customers")
    shelf.add("bad")

    def check(folder: Path, **given: Any) -> Verification:
        if folder.name == "bad":
            raise error
        return verify_release(folder, **given)

    monkeypatch.setattr(library, "verify_release", check)
    pages = shelf.pages()
    assert "good-customers" in pages.text()
    told = "told" if isinstance(error, OSError) else type(error).__name__
    assert f"cannot be read: {told}" in pages.text(f"/release/{pages.id('bad')}")
    assert pages.ask(f"/release/{pages.id('bad')}/file/schema.yaml").status == 409


def test_a_page_that_fails_is_told(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_library: Library) -> None:
        raise OverflowError(SECRET)

    pages = shelf.pages()
    monkeypatch.setattr(Library, "releases", fail)
    response = pages.ask("/")
    assert response.status == 500
    assert b"cannot be shown" in body(response)
    assert SECRET.encode() not in body(response)


def test_hostile_texts_of_a_manifest_stay_texts(shelf: Shelf) -> None:
    for index, hostile in enumerate(HOSTILE):
        release = shelf.add(f"r{index}")

        def change(manifest: dict, text: str = hostile) -> None:  # type: ignore[type-arg]
            manifest |= {"dataset": text, "retention": text, "release_id": text}
            manifest["guarantee"] |= {
                "unit": text,
                "not_promised": [text],
                "conditional_facts": [text],
            }
            manifest["policy"] |= {"name": text, "purpose": text, "version": text}
            manifest["policy"]["outcomes"][0] |= {"reason": text, "condition": text}
            manifest["context"] = {"recipient": text}
            manifest["versions"][text] = text
            manifest["files"][text] = manifest["files"]["schema.yaml"]

        rewrite_manifest(release, change)
    pages = shelf.pages()
    for address in ("/", *(f"/release/{held.id}" for held in pages.application.library.releases())):
        text = pages.text(address)
        assert "<script" not in text
        assert "<img" not in text
        assert f"<svg onload=window.{MARK}" not in text
        assert "<meta http-equiv" not in text
        assert "x" * 700 not in text
        assert not set(text) & set("\u202e\u2066\u200f\x07\x1b\u2028\x85")


@pytest.mark.slow
def test_two_releases_stand_side_by_side(shelf: Shelf) -> None:
    other = (
        replace(COLUMNS[0], upper=120),
        Discrete(name="=new", kind=Kind.CATEGORICAL, categories=("<b>", "y")),
    )
    shelf.add("one", plan={**shelf.facts.plan, "effort": "quick"})
    spent = replace(
        shelf.facts.guarantee, dataset_total=DatasetTotal(epsilon=9.0, delta=3e-6, runs=3)
    )
    shelf.add(
        "two", other, {"age": [20, 20, 20, 20], "=new": ["<b>", "y", "y", "y"]}, guarantee=spent
    )
    pages = shelf.pages()
    text = pages.text(f"/compare?first={pages.id('one')}&second={pages.id('two')}")
    for told in (
        "column tier",
        "column =new",
        "18 to 120",
        "runs of the data set",
        "effort",
        "differs",
        "Total variation distance",
        "PASS",
    ):
        assert told in text
    assert "<b>" not in text
    assert "column age" in text
    same = pages.text(f"/compare?first={pages.id('one')}&second={pages.id('one')}")
    assert "differs" not in same
    assert "Total variation distance 0.000" in same


@pytest.mark.slow
def test_shares_of_two_tables_are_counted_right(shelf: Shelf) -> None:
    shelf.add("one", rows={"age": [18, 18, 99, 99], "tier": ["gold", "gold", None, "basic"]})
    shelf.add("two", rows={"age": [18, 99, 99, 99], "tier": ["gold", "gold", "gold", "basic"]})
    pages = shelf.pages()
    text = pages.text(f"/compare?first={pages.id('one')}&second={pages.id('two')}")
    assert text.count("Total variation distance 0.250") == 2
    for told in (
        "gold: first 50.0 %, second 75.0 %",
        "missing: first 25.0 %, second 0.0 %",
        "18 to 22: first 50.0 %, second 25.0 %",
    ):
        assert told in text


def test_a_choice_of_two_is_offered_where_none_was_made(shelf: Shelf) -> None:
    assert "Two intact releases are needed; this folder has 0." in shelf.pages().text("/compare")
    shelf.add("one")
    shelf.add("two")
    assert shelf.pages().text("/compare").count("<option") == 4
    assert "<form" in shelf.pages().text("/compare?first=nothing&second=nothing")


def test_the_ledger_is_shown_only_where_the_owner_gave_it(shelf: Shelf, tmp_path: Path) -> None:
    path = tmp_path / "books" / "ledger.sqlite"
    ledger = PrivacyLedger.open(str(path))
    ledger.introduce("acme-customers")
    ledger.set_lifetime("acme-customers", PrivacyBudget(epsilon=6, delta=1e-5))
    with ledger.run("acme-customers", PrivacyBudget(epsilon=1.5, delta=1e-6), secret=True):
        pass
    with ledger.run("test-customers", PrivacyBudget(epsilon=1, delta=1e-6), secret=False):
        pass
    assert shelf.pages().ask("/ledger").status == 404
    assert ">Ledger</a>" not in shelf.pages().text()
    assert ">Ledger</a>" in shelf.pages(ledger=str(path)).text()
    text = shelf.pages(ledger=str(path)).text("/ledger")
    for told in (
        "CONFIDENTIAL",
        "acme-customers",
        "ε = 6, δ = 1e-05",
        '<td class="n">4.5</td>',
        "introduce",
        getpass.getuser(),
        "∞",
    ):
        assert told in text
    assert "25 % of the lifetime budget is spent" in text
    assert "Not whole" not in text


def test_a_spoilt_ledger_is_told(shelf: Shelf, tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    PrivacyLedger.open(str(path)).introduce("acme-customers")
    with sqlite3.connect(path) as connection:
        for (name,) in connection.execute(
            "select name from sqlite_master where type = 'trigger'"
        ).fetchall():
            connection.execute(f'drop trigger "{name}"')
        connection.execute("update entries set dataset = 'other-customers'")
    assert "cannot be relied on" in shelf.pages(ledger=str(path)).text("/ledger")


def test_a_missing_ledger_is_told_and_none_is_made(shelf: Shelf, tmp_path: Path) -> None:
    path = tmp_path / "none.sqlite"
    assert "cannot be relied on" in shelf.pages(ledger=str(path)).text("/ledger")
    assert not path.exists()


def test_what_stays_inside_is_shown_only_on_request(shelf: Shelf) -> None:
    (shelf.root / "run").mkdir()
    shelf.add("run/release")
    inner = shelf.root / "run" / "internal"
    inner.mkdir(mode=0o700)
    (inner / "internal-report.html").write_text(f"<p>{SECRET}</p>")
    (inner / "internal-audit.json").write_text(SECRET)
    (inner / "manifest.json").write_text("{}")
    asked = shelf.pages(internal=True)
    inside = asked.application.library.insides()[0]
    address = f"/internal/{inside.id}/internal-report.html"
    assert SECRET.encode() in body(asked.ask(address))
    assert "CONFIDENTIAL" in asked.text()
    assert asked.ask(f"/internal/{inside.id}/internal-audit.json").status == 404
    assert asked.ask(f"/internal/{inside.id}/..%2F..%2Fsecret.txt").status == 404
    plain = shelf.pages()
    assert plain.ask(address).status == 404
    assert "internal-report" not in plain.text()
    assert "CONFIDENTIAL" not in plain.text()
    assert [held.name for held in plain.application.library.releases()] == ["run/release"]


def test_only_signers_that_are_believed_count_where_some_are_named(shelf: Shelf) -> None:
    ours, other = SigningKey.generate(), SigningKey.generate()
    sign_release(shelf.add("signed"), ours)
    shelf.add("bare")
    states = {}
    for name, keys in {"nobody": [], "ours": [ours.public], "other": [other.public]}.items():
        held = Library(shelf.root, trust=make_trust(keys)).releases()
        states[name] = {one.name: (one.ok, one.verification.signature.value) for one in held}
    assert states["nobody"] == {"signed": (True, "signer unknown"), "bare": (True, "unsigned")}
    assert states["ours"] == {"signed": (True, "signed"), "bare": (False, "unsigned")}
    assert {ok for ok, _ in states["other"].values()} == {False}
    assert "signer unknown" in shelf.pages().text()

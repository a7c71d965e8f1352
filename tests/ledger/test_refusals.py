"""Ledgers that are held, spoilt, moved or out of time give clear errors and lose nothing."""

from __future__ import annotations

import datetime as dt
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from privgan.errors import UsageError
from privgan.ledger import store
from privgan.ledger.ledger import PrivacyLedger
from privgan.ledger.postgres import _address, _without_secrets, key_name
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.events import DiscreteGaussian

BUDGET = PrivacyBudget(epsilon=1.0, delta=1e-6)
EVENT = DiscreteGaussian(20.0, 1)


def _run(ledger: PrivacyLedger) -> None:
    with ledger.run("a", BUDGET, secret=True) as run:
        run.approve("model", {"one": EVENT}, BUDGET)
        run.charge("one", EVENT)


@contextmanager
def _held(ledger: PrivacyLedger) -> Iterator[None]:
    """Another connection, in a thread of its own, holds the ledger."""
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with ledger._store.transaction():
            holding.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert holding.wait(60)
        yield
    finally:
        done.set()
        thread.join()


def test_a_commit_waits_for_the_disk(ledger: PrivacyLedger, place: Any) -> None:
    question, answer = (
        ("PRAGMA synchronous", 3) if place.kind == "sqlite" else ("SHOW synchronous_commit", "on")
    )
    with ledger._store._connected() as connection:
        assert connection.exec_driver_sql(question).scalar() == answer


def test_a_ledger_that_another_process_holds_is_told_and_nothing_is_charged(
    ledger: PrivacyLedger, place: Any
) -> None:
    hasty = PrivacyLedger.open(place.url, timeout=0.2)
    with hasty.run("a", BUDGET, secret=True) as run:
        run.approve("model", {"one": EVENT}, BUDGET)
        with (
            _held(ledger),
            pytest.raises(
                UsageError,
                match=r"another process has held the ledger for 0\.2 s.*nothing was charged",
            ),
        ):
            run.charge("one", EVENT)
        assert dict(run.charged) == {}
        run.charge("one", EVENT)
    assert [entry.kind for entry in ledger.entries("a")].count("charge") == 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("drop table entries", "not a whole ledger"),
        ("drop table meta", "not a whole ledger"),
        (
            "update meta set value = '99' where key = 'version'",
            "of version 99; this privgan reads version 1",
        ),
        ("delete from meta where key = 'version'", "of version None"),
        ("update meta set value = 'ab' where key = 'key'", "is not the key of the ledger"),
    ],
)
def test_a_spoilt_ledger_is_not_opened(
    ledger: PrivacyLedger, place: Any, change: str, text: str
) -> None:
    _run(ledger)
    place.execute(change)
    with pytest.raises(UsageError, match=text):
        PrivacyLedger.open(place.url)


def test_a_table_dropped_under_an_open_ledger_charges_nothing(
    ledger: PrivacyLedger, place: Any
) -> None:
    with ledger.run("a", BUDGET, secret=True) as run:
        run.approve("model", {"one": EVENT}, BUDGET)
        place.execute("drop table entries")
        with pytest.raises(UsageError, match="ledger"):
            run.charge("one", EVENT)
        assert dict(run.charged) == {}


@pytest.mark.parametrize(
    "body",
    ["{}", "5", "not json", '{"epsilon": "much", "delta": 1}', '{"epsilon": -1, "delta": 0.1}'],
)
def test_an_entry_edited_by_hand_is_told_and_grants_nothing(
    ledger: PrivacyLedger, place: Any, body: str
) -> None:
    ledger.set_lifetime("a", BUDGET)
    place.tamper(f"update entries set body = '{body}' where kind = 'lifetime'")
    assert ledger.problems()
    for act in (
        lambda: ledger.account("a"),
        lambda: _run(ledger),
        lambda: ledger.set_lifetime("a", BUDGET),
    ):
        with pytest.raises(UsageError, match=r"ledger|epsilon"):
            act()


@pytest.mark.parametrize("cut", ["kind = 'charge'", "1 = 1"])
def test_an_older_copy_put_back_under_a_run_ends_it(
    ledger: PrivacyLedger, place: Any, cut: str
) -> None:
    with ledger.run("a", BUDGET, secret=True) as run:
        run.approve("model", {"one": EVENT, "two": EVENT}, PrivacyBudget(epsilon=1.0, delta=1e-6))
        run.charge("one", EVENT)
        place.tamper(f"delete from entries where {cut}")
        with pytest.raises(
            UsageError, match="entries were removed from its end, or an older copy was put back"
        ):
            run.charge("two", EVENT)
        place.key.with_suffix(".head").unlink()
        place.key.write_text(place.key.read_text().splitlines()[0])
        with pytest.raises(UsageError, match="its entries are gone from the ledger"):
            run.charge("two", EVENT)


@pytest.mark.parametrize("create", [True, False])
def test_a_missing_key_is_never_replaced(ledger: PrivacyLedger, place: Any, create: bool) -> None:
    place.key.unlink()
    with pytest.raises(UsageError, match=r"the ledger's key is missing; restore it"):
        PrivacyLedger.open(place.url, create=create)
    assert not list(place.key.parent.glob("*key*"))


def test_a_key_without_its_ledger_is_never_taken_for_a_new_one(place: Any, tmp_path: Path) -> None:
    place.key.write_text("ab" * 32)
    with pytest.raises(UsageError, match="the ledger is gone but its key is there"):
        PrivacyLedger.open(place.url)


@pytest.mark.parametrize("content", ["", "zz" * 32, "ab" * 32])
def test_a_wrong_key_opens_nothing(ledger: PrivacyLedger, place: Any, content: str) -> None:
    place.key.write_text(content)
    with pytest.raises(UsageError, match="key"):
        PrivacyLedger.open(place.url)


def test_a_crash_between_ledger_and_key_is_mended(ledger: PrivacyLedger, place: Any) -> None:
    _run(ledger)
    waiting = place.key.with_name(place.key.name + ".new")
    place.key.rename(waiting)
    again = PrivacyLedger.open(place.url)
    assert again.problems() == ()
    assert not again.created_now
    assert not waiting.exists()
    place.key.unlink()
    waiting.write_text("ab" * 32)
    with pytest.raises(UsageError, match="key is missing"):
        PrivacyLedger.open(place.url)


def test_a_crash_before_the_ledger_was_made_leaves_nothing_in_the_way(place: Any) -> None:
    place.key.with_name(place.key.name + ".new").write_text("ab" * 32)
    ledger = PrivacyLedger.open(place.url)
    assert ledger.created_now
    assert place.key.read_text() != "ab" * 32
    assert stat.S_IMODE(place.key.stat().st_mode) & 0o077 == 0


def _at(monkeypatch: pytest.MonkeyPatch, time: dt.datetime) -> None:
    monkeypatch.setattr(store, "utc_now", lambda: time)


def test_a_clock_that_runs_backwards_is_not_written_down(
    ledger: PrivacyLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
    _at(monkeypatch, noon)
    _run(ledger)
    _at(monkeypatch, noon - dt.timedelta(minutes=4))
    ledger.introduce("a")
    times = [entry.time for entry in ledger.entries("a")]
    assert times == sorted(times)
    _at(monkeypatch, noon - dt.timedelta(minutes=6))
    with pytest.raises(
        UsageError,
        match=r"clock says 2026-05-01T11:54.*newest entry is of 2026-05-01T12:00.*runs backwards",
    ):
        _run(ledger)
    assert len(ledger.entries("a")) == len(times)
    _at(monkeypatch, noon + dt.timedelta(seconds=1))
    _run(ledger)
    assert ledger.problems() == ()


def _through_a_link(folder: Path) -> None:
    (folder / "real").mkdir()
    ledger = PrivacyLedger.open(str(folder / "real" / "l.sqlite"))
    (folder / "link").symlink_to(folder / "real" / "l.sqlite")
    _run(ledger)
    linked = PrivacyLedger.open(str(folder / "link"), create=False)
    _run(linked)
    assert ledger.account("a").runs == 2
    assert sorted(os.listdir(folder)) == ["link", "real"]


def _of_a_folder(folder: Path) -> None:
    with pytest.raises(UsageError, match="is a folder; name the ledger's file"):
        PrivacyLedger.open(str(folder))
    assert not os.listdir(folder)


def _through_a_link_to_nothing(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "moved.sqlite")
    with pytest.raises(UsageError, match=r"is a link to .*moved\.sqlite, which is not there"):
        PrivacyLedger.open(str(folder / "link"))
    assert os.listdir(folder) == ["link"]


def _through_a_hard_link(folder: Path) -> None:
    (folder / "other").mkdir()
    _run(PrivacyLedger.open(str(folder / "l.sqlite")))
    for name in ("l.sqlite", "l.sqlite.key", "l.sqlite.head"):
        os.link(folder / name, folder / "other" / name)
    for path in (folder / "l.sqlite", folder / "other" / "l.sqlite"):
        with pytest.raises(UsageError, match="has another name"):
            PrivacyLedger.open(str(path))
    (folder / "other" / "l.sqlite").unlink()
    _run(PrivacyLedger.open(str(folder / "l.sqlite"), create=False))


def _with_odd_characters(folder: Path) -> None:
    path = folder / "a b?c#d%20é.sqlite"
    _run(PrivacyLedger.open(str(path)))
    assert sorted(os.listdir(folder)) == [path.name, path.name + ".head", path.name + ".key"]


@pytest.mark.parametrize(
    "look",
    [
        _through_a_link,
        _through_a_hard_link,
        _of_a_folder,
        _through_a_link_to_nothing,
        _with_odd_characters,
    ],
)
def test_paths(tmp_path: Path, look: Callable[[Path], None]) -> None:
    look(tmp_path)


def test_the_password_is_told_nowhere(
    ledger: PrivacyLedger, place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place.kind == "sqlite":
        assert ledger.url == place.url
        return
    assert "not-to-be-told" not in ledger.url
    assert ledger.url.startswith("postgresql://tester@127.0.0.1:")
    for wrong in (
        place.url.replace("not-to-be-told", "wrong-but-secret"),
        place.url.replace("127.0.0.1", "no-such-host.invalid"),
    ):
        with pytest.raises(UsageError) as caught:
            PrivacyLedger.open(wrong, timeout=2)
        assert "not-to-be-told" not in str(caught.value)
        assert "wrong-but-secret" not in str(caught.value)
        assert "could not be read or written" in str(caught.value)


def test_without_a_key_file_of_its_own_the_key_lies_in_the_user_s_data_folder(
    place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PRIVGAN_LEDGER_KEY", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    ledger = PrivacyLedger.open(place.url)
    if place.kind == "sqlite":
        assert ledger.key_path == place.key
        return
    assert ledger.key_path == tmp_path / "data" / "privgan" / "keys" / key_name(ledger.url)
    assert stat.S_IMODE(ledger.key_path.stat().st_mode) == 0o600
    assert ledger.key_path.read_text().splitlines()[0] not in str(
        place.execute("select * from meta")
    )


def test_one_ledger_has_one_spelling() -> None:
    spellings = [
        "postgres://u:hidden@Host:5432/db",
        "postgresql+psycopg://u@host/db?password=hidden",
        "postgresql://u@host/db",
    ]
    assert {_without_secrets(_address(given)) for given in spellings} == {"postgresql://u@host/db"}


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("postgresql://user:hidden@host:port/db", "cannot be read"),
        ("postgresql://user:hidden@host", "names no database"),
        ("mysql://user:hidden@host/db", r"mysql://… is not supported"),
    ],
)
def test_urls_that_name_no_ledger(url: str, text: str) -> None:
    with pytest.raises(UsageError, match=text) as caught:
        PrivacyLedger.open(url)
    assert "hidden" not in str(caught.value)


def test_key_files_are_named_after_the_url_and_tell_ledgers_apart() -> None:
    names = {
        key_name(f"postgresql://{rest}") for rest in ("u@h/db", "u@h/d-b", "u@h:5433/db", "v@h/db")
    }
    assert len(names) == 4
    assert key_name("postgresql://u@h/db").startswith("u-h-db-")

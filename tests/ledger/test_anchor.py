"""The anchor of the ledger's end.

Cut, emptied, older and swapped ledgers are refused, in both databases.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from privgan.cli.main import execute
from privgan.errors import BudgetExceededError, UsageError
from privgan.ledger.anchor import Anchor
from privgan.ledger.ledger import PrivacyLedger
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.events import DiscreteGaussian

BUDGET = PrivacyBudget(epsilon=1.0, delta=1e-6)
EVENT = DiscreteGaussian(20.0, 1)
CUT = "entries were removed from its end, or an older copy was put back"


def _run(ledger: PrivacyLedger) -> None:
    with ledger.run("a", BUDGET, secret=True) as run:
        run.approve("model", {"one": EVENT}, BUDGET)
        run.charge("one", EVENT)


def _acts(ledger: PrivacyLedger) -> list[Any]:
    """Every action that spends, judges or changes the budget."""
    return [
        lambda: _run(ledger),
        lambda: ledger.set_lifetime("a", PrivacyBudget(epsilon=50.0, delta=1e-3)),
        lambda: ledger.introduce("b"),
        lambda: ledger.judge("a", "r", limit=9, policy="p", evidence="e"),
        lambda: ledger.close("a", "r", policy="p", evidence="e"),
        lambda: ledger.release("a", "r", {}, stated=ledger.account("a")),
        lambda: ledger.record("a", "r", "candidate", {}),
        lambda: ledger.accept("a", ["x"], who="A", why="b"),
        lambda: ledger.accept_customers("b", "a", who="A", why="b"),
        lambda: ledger.repair_clock(who="A", why="b"),
    ]


def _refused(place: Any, text: str, *, chain: bool = True) -> None:
    ledger = PrivacyLedger.open(place.url)
    assert any(text in problem for problem in ledger.problems()), ledger.problems()
    for act in _acts(ledger):
        with pytest.raises(UsageError) as caught:
            act()
        assert not chain or text in str(caught.value)
    assert execute(["ledger", "verify", "--ledger", place.url]) == 1
    assert execute(["ledger", "show", "--ledger", place.url]) == 0


ATTACKS = {
    "the last entry": (["delete from entries where sequence = 4"], CUT),
    "the last three": (["delete from entries where sequence > 2"], CUT),
    "all entries": (["delete from entries"], CUT),
    "all entries and the key": (["delete from entries", "delete from meta where key = 'key'"], CUT),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_cut_end_is_refused_and_told(ledger: PrivacyLedger, place: Any, attack: str) -> None:
    ledger.set_lifetime("a", BUDGET)
    _run(ledger)
    statements, text = ATTACKS[attack]
    place.tamper(*statements)
    _refused(place, text)
    assert execute(["ledger", "verify", "--ledger", place.url]) == 1


def test_another_end_of_the_same_length_is_refused(ledger: PrivacyLedger, place: Any) -> None:
    """Put back from a copy by somebody without anchor, and written to with the right key.

    It shows at the anchor's entry.
    """
    _run(ledger)
    anchor, key = place.anchor.read_bytes(), place.key.read_text().splitlines()[0]
    place.tamper("delete from entries where sequence > 2")
    place.anchor.unlink()
    place.key.write_text(key)
    again = PrivacyLedger.open(place.url)
    for _ in range(3):
        again.introduce("other")
    assert again.problems() == ()
    place.anchor.write_bytes(anchor)
    _refused(place, "it was put back from a copy and written to, or is another ledger")


def test_an_anchor_that_is_missing_or_damaged_is_refused(ledger: PrivacyLedger, place: Any) -> None:
    _run(ledger)
    written = place.anchor.read_text()
    place.anchor.unlink()
    _refused(place, "its anchor")
    older = json.loads(written) | {"sequence": 1}
    number = json.loads(written) | {"sequence": "4"}
    for content in ("", "{}", "[1]", written[:40], json.dumps(older)):
        place.anchor.write_text(content)
        _refused(place, "is damaged, or is the anchor of another ledger")
    place.anchor.write_text(json.dumps(number))
    _run(PrivacyLedger.open(place.url))


def test_an_anchor_that_lags_is_in_order(ledger: PrivacyLedger, place: Any) -> None:
    """As after a crash between commit and anchor, or a colleague's write from another machine."""
    _run(ledger)
    older = place.anchor.read_bytes()
    _run(ledger)
    place.anchor.write_bytes(older)
    again = PrivacyLedger.open(place.url)
    assert again.problems() == ()
    _run(again)
    assert json.loads(place.anchor.read_text())["mac"] == again.head()
    place.anchor.write_bytes(older)
    place.tamper("update entries set body = replace(body, '1.0', '0.5') where sequence = 8")
    with pytest.raises(UsageError, match=r"chain is not whole \(entry 8 was changed"):
        PrivacyLedger.open(place.url).introduce("b")


def test_an_older_ledger_is_adopted_told_and_goes_on(
    place: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """As an older privgan left it: a key of one line, no anchor, no triggers."""
    _run(PrivacyLedger.open(place.url))
    place.anchor.unlink()
    place.key.write_text(place.key.read_text().splitlines()[0])
    _drop_triggers(place)
    older = PrivacyLedger.open(place.url)
    assert older.problems() == ()
    assert execute(["ledger", "verify", "--ledger", place.url]) == 0
    assert "no anchor on this machine yet" in capsys.readouterr().out
    _run(older)
    told = capsys.readouterr().err
    assert told.count("its end is anchored on this machine from now on") == 1
    assert "entry 4 (MAC " in told
    assert older.anchored().mac == older.head()
    with pytest.raises(Exception, match="only ever added to"):
        place.execute("delete from entries")
    place.anchor.unlink()
    _refused(place, "its anchor")


def _drop_triggers(place: Any) -> None:
    if place.kind == "postgres":
        place.execute("drop trigger entries_stay on entries")
        place.execute("drop function refuse_change")
        return
    for (name,) in place.execute("select name from sqlite_master where type = 'trigger'"):
        place.execute(f"drop trigger {name}")


def test_the_entries_are_only_ever_added_to(ledger: PrivacyLedger, place: Any) -> None:
    _run(ledger)
    statements = ["delete from entries", "update entries set body = '{}' where sequence = 1"]
    values = "1, 't', 'a', '', 'k', '{}', '', 'm'"
    statements += (
        [f"insert or replace into entries values ({values})"]
        if place.kind == "sqlite"
        else ["truncate entries"]
    )
    for statement in statements:
        with pytest.raises(Exception, match="only ever added to"):
            place.execute(statement)
    _drop_triggers(place)
    _run(ledger)
    for statement in statements:
        with pytest.raises(Exception, match="only ever added to"):
            place.execute(statement)


FOREIGN = {
    "sqlite": [
        (
            "create trigger t after insert on entries begin delete from entries where kind ="
            " 'charge'; end"
        ),
        (
            "create trigger t after insert on entries begin update entries set body = '{}' where"
            " sequence = NEW.sequence; end"
        ),
        "create trigger t before insert on entries begin select raise(ignore); end",
        "create view v as select * from entries",
        "create table other (x)",
        "create index i on entries (body)",
        "create unique index i on entries (length(kind) > 0) where kind = 'charge'",
    ],
    "postgres": [
        (
            "create function f() returns trigger language plpgsql as 'begin delete from"
            " privgan.entries; return null; end';create trigger t after insert on entries for each"
            " row execute function f()"
        ),
        (
            "create function f() returns trigger language plpgsql as 'begin return null;"
            " end';create constraint trigger t after insert on entries deferrable initially"
            " deferred for each row execute function f()"
        ),
        "create rule r as on insert to entries do instead nothing",
        "create rule r as on delete to entries do instead nothing",
        "alter table entries enable row level security",
        "create table child () inherits (entries)",
        "alter table entries set unlogged",
        "create unique index i on entries (kind)",
        "alter table entries add constraint c check (kind <> 'charge')",
        "alter table entries alter body set default '{}'",
        (
            "create or replace function refuse_change() returns trigger language plpgsql as 'begin"
            " return null; end'"
        ),
    ],
}


def test_what_is_not_ours_and_acts_on_the_tables_is_refused(
    ledger: PrivacyLedger, place: Any
) -> None:
    with ledger.run("a", BUDGET, secret=True) as run:
        run.approve("model", {"one": EVENT}, BUDGET)
        undo = {"sqlite": _undo_sqlite, "postgres": _undo_postgres}[place.kind]
        for statement in FOREIGN[place.kind]:
            place.execute(statement)
            assert any("privgan did not make" in problem for problem in ledger.problems()), (
                statement
            )
            with pytest.raises(UsageError, match=r"privgan did not make.*nothing was charged"):
                run.charge("one", EVENT)
            undo(place)
            assert ledger.problems() == (), statement
        run.charge("one", EVENT)
    _run(ledger)


def _undo_sqlite(place: Any) -> None:
    ours = ("entries", "meta", "entries_stay", "entries_keep", "entries_grow")
    for kind, name in place.execute("select type, name from sqlite_master where sql is not null"):
        if name not in ours:
            place.execute(f"drop {kind} {name}")


def _undo_postgres(place: Any) -> None:
    from privgan.ledger.postgres import _BODY

    for statement in (
        "drop trigger if exists t on entries",
        "drop function if exists f()",
        "drop rule if exists r on entries",
        "alter table entries disable row level security",
        "drop table if exists child",
        "alter table entries set logged",
        "drop index if exists i",
        "alter table entries drop constraint if exists c",
        "alter table entries alter body drop default",
        (
            "create or replace function refuse_change() returns trigger language plpgsql "
            f"set search_path = pg_catalog as $b${_BODY}$b$"
        ),
    ):
        place.execute(statement)


def test_what_is_added_is_read_again(
    ledger: PrivacyLedger, place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trigger that the first net would miss.

    The second net reads the entry again, and no receipt is handed out.
    """
    monkeypatch.setattr(type(ledger._store), "_foreign", lambda self, connection: ())
    with ledger.run("a", BUDGET, secret=True) as run:
        run.approve("model", {"one": EVENT}, BUDGET)
        if place.kind == "sqlite":
            _drop_triggers(place)
            monkeypatch.setattr(type(ledger._store), "_protect", lambda self, connection: None)
            place.execute(FOREIGN["sqlite"][0])
        else:
            place.execute("alter table entries disable trigger all")
            monkeypatch.setattr(type(ledger._store), "_protect", lambda self, connection: None)
            deferred = (
                "create constraint trigger t after insert on entries deferrable initially deferred"
            )
            body = (
                "begin delete from privgan.entries where sequence = new.sequence; return null; end"
            )
            place.execute(f"create function f() returns trigger language plpgsql as '{body}'")
            place.execute(f"{deferred} for each row execute function f()")
        with pytest.raises(UsageError, match="entry 4 is not there as it was written"):
            run.charge("one", EVENT)
        assert dict(run.charged) == {}


def test_a_process_killed_between_commit_and_anchor_leaves_a_ledger_that_goes_on(
    place: Any,
) -> None:
    ledger = PrivacyLedger.open(place.url)
    _run(ledger)
    child = os.fork()
    if child == 0:
        Anchor.move = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
        ledger.introduce("b")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert json.loads(place.anchor.read_text())["sequence"] == 4
    again = PrivacyLedger.open(place.url)
    assert [entry.kind for entry in again.entries("b")] == ["introduce"]
    assert again.problems() == ()
    _run(again)
    assert again.anchored().mac == again.head()
    assert not list(place.anchor.parent.glob("*.new"))


def test_a_disk_that_takes_no_anchor_charges_nothing(ledger: PrivacyLedger, place: Any) -> None:
    _run(ledger)
    place.anchor.with_name(place.anchor.name + ".new").mkdir()
    with pytest.raises(
        UsageError, match=r"the ledger's anchor cannot be written.*nothing was charged"
    ):
        _run(ledger)
    assert ledger.account("a").runs == 1


# --- SQLite's files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def test_an_older_copy_put_back_spends_nothing_twice(path: Path) -> None:
    ledger = PrivacyLedger.open(str(path))
    ledger.set_lifetime("a", BUDGET)
    copy = shutil.copy(path, path.with_name("copy"))
    _run(ledger)
    with pytest.raises(BudgetExceededError):
        _run(ledger)
    shutil.copy(copy, path)
    with pytest.raises(UsageError, match=CUT):
        _run(PrivacyLedger.open(str(path)))
    assert PrivacyLedger.open(str(path)).account("a").runs == 0


def test_a_ledger_and_its_journal_of_before_are_refused(path: Path) -> None:
    """SQLite rolls a left journal back: the file then is as it was before the last transaction."""
    ledger = PrivacyLedger.open(str(path))
    ledger.set_lifetime("a", BUDGET)
    journal = path.with_name(path.name + "-journal")
    kept = path.with_name("kept")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA cache_spill=1")
    connection.execute("PRAGMA cache_size=1")
    connection.execute("BEGIN IMMEDIATE")
    for name in ("entries_stay", "entries_keep", "entries_grow"):
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(
        "UPDATE entries SET body = body || ' '"
    )  # so that the journal has their page as it was
    connection.execute("CREATE TABLE filler (x)")
    connection.executemany("INSERT INTO filler VALUES (?)", [("x" * 900,)] * 200)
    shutil.copy(journal, kept)
    connection.execute("ROLLBACK")
    connection.close()
    _run(ledger)
    shutil.copy(kept, journal)
    with pytest.raises(UsageError, match=CUT):
        _run(PrivacyLedger.open(str(path)))
    assert not journal.exists()
    assert PrivacyLedger.open(str(path)).account("a").runs == 0


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    runs=st.lists(st.sampled_from(["run", "introduce", "attempt"]), min_size=1, max_size=4),
    data=st.data(),
)
def test_any_prefix_put_back_is_refused(runs: list[str], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        ledger = PrivacyLedger.open(str(path))
        for kind in runs:
            if kind == "run":
                _run(ledger)
            elif kind == "introduce":
                ledger.introduce("a")
            else:
                ledger.judge("a", "r", limit=99, policy="p", evidence=str(len(ledger.entries())))
        total = len(ledger.entries())
        kept = data.draw(st.integers(0, total - 1))
        connection = sqlite3.connect(path)
        for (name,) in connection.execute(
            "select name from sqlite_master where type = 'trigger'"
        ).fetchall():
            connection.execute(f"drop trigger {name}")
        connection.execute("delete from entries where sequence > ?", (kept,))
        connection.commit()
        connection.close()
        again = PrivacyLedger.open(str(path))
        assert again.problems()
        with pytest.raises(UsageError, match=CUT):
            _run(again)
        assert len(again.entries()) == kept


# --- a team in PostgreSQL


@pytest.mark.slow
def test_a_new_member_gets_an_anchor_of_their_own(
    postgres_server: str,
    place: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if place.kind != "postgres":
        pytest.skip("one machine has one SQLite ledger")
    _run(PrivacyLedger.open(place.url))
    mine = tmp_path / "mine" / "member.key"
    mine.parent.mkdir()
    shutil.copy(place.key, mine)
    monkeypatch.setenv("PRIVGAN_LEDGER_KEY", str(mine))
    member = PrivacyLedger.open(place.url)
    _run(member)
    assert "from now on" in capsys.readouterr().err
    place.tamper("delete from entries where sequence > 5")
    mine.with_suffix(".head").unlink()
    with pytest.raises(UsageError, match=r"its anchor .* is missing"):
        _run(PrivacyLedger.open(place.url))
    monkeypatch.setenv("PRIVGAN_LEDGER_KEY", str(place.key))
    _run(PrivacyLedger.open(place.url))  # This member has not seen what was cut.


@pytest.mark.slow
def test_a_member_needs_to_read_and_to_add_only(
    postgres_server: str, place: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    if place.kind != "postgres":
        pytest.skip("SQLite has no users")
    _run(PrivacyLedger.open(place.url))
    name = f"member_{os.getpid()}"
    place.execute(f"drop role if exists {name}")
    place.execute(f"create role {name} login password 'member'")
    place.execute(f"grant usage on schema privgan to {name}")
    place.execute(f"grant select, insert on entries, meta to {name}")
    member = place.url.replace("tester:not-to-be-told", f"{name}:member")
    _run(PrivacyLedger.open(member))
    place.execute("drop trigger entries_stay on entries")
    _run(PrivacyLedger.open(member))
    assert "are not append-only yet; let their owner (tester)" in capsys.readouterr().err
    place.execute(f"drop owned by {name}")
    place.execute(f"drop role {name}")

"""A cut, emptied or spoilt ledger is reported, never taken for a fresh one.

A failed write charges nothing.
"""

import sqlite3
from pathlib import Path

import pytest

from privgan.errors import BudgetExceededError, InternalError, UsageError
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.private_table import PrivateTable
from privgan.privacy.budget import PrivacyBudget, PrivacyUnit
from privgan.privacy.events import DiscreteGaussian

EVENT = DiscreteGaussian(20.0, 1)
BUDGET = PrivacyBudget(epsilon=1.0, delta=1e-6)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger whose data set has spent all it may."""
    path = tmp_path / "ledger.sqlite"
    ledger = PrivacyLedger.open(str(path))
    ledger.set_lifetime("a", PrivacyBudget(epsilon=1.0, delta=1e-5))
    with ledger.run("a", BUDGET, secret=True) as run:
        run.approve("model", {"one": EVENT}, BUDGET)
        run.charge("one", EVENT)
    return path


def _spend(path: Path) -> None:
    with PrivacyLedger.open(str(path)).run("a", BUDGET, secret=True):
        pass


def _sql(path: Path, *statements: str) -> None:
    """As somebody who takes the ledger's triggers away first, and puts them back afterwards."""
    connection = sqlite3.connect(path)
    triggers = connection.execute(
        "select name, sql from sqlite_master where type = 'trigger'"
    ).fetchall()
    ours = [(name, text) for name, text in triggers if name.startswith("entries_")]
    for name, _ in ours:
        connection.execute(f"drop trigger {name}")
    for statement in statements:
        connection.execute(statement)
    if connection.execute("select 1 from sqlite_master where name = 'entries'").fetchall():
        for _, text in ours:
            connection.execute(text)
    connection.commit()
    connection.close()


def test_the_fixture_has_nothing_left(path: Path) -> None:
    with pytest.raises(BudgetExceededError):
        _spend(path)


@pytest.mark.parametrize("damage", ["key", "file", "bytes", "version"])
def test_a_damaged_ledger_is_refused_and_never_started_afresh(path: Path, damage: str) -> None:
    if damage == "key":
        path.with_name(path.name + ".key").unlink()
    elif damage == "file":
        path.unlink()
    elif damage == "bytes":
        path.write_bytes(path.read_bytes()[:700])
    else:
        _sql(path, "update meta set value = '99' where key = 'version'")
    with pytest.raises(UsageError, match="ledger"):
        PrivacyLedger.open(str(path))
    assert damage != "file" or not path.exists()


@pytest.mark.parametrize("kept", [0, 1, 600, 5_000])
def test_a_truncated_file_never_grants_again(path: Path, kept: int) -> None:
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UsageError, match="ledger"):
        _spend(path)


@pytest.mark.parametrize("table", ["entries", "meta"])
def test_a_dropped_table_is_refused(path: Path, table: str) -> None:
    _sql(path, f"drop table {table}")
    with pytest.raises(UsageError, match="ledger"):
        PrivacyLedger.open(str(path))


@pytest.mark.parametrize(
    "change", ["update meta set value = 'x'", "update entries set body = 'x' where sequence = 2"]
)
def test_text_that_cannot_be_read_is_told_as_a_damaged_ledger(path: Path, change: str) -> None:
    _sql(path, change)
    with pytest.raises(UsageError, match="ledger"):
        PrivacyLedger.open(str(path)).account("a")


@pytest.mark.parametrize("content", ["", "zz", "00ff not hex", "ab" * 16, "ab" * 32])
def test_another_key_is_no_key(path: Path, content: str) -> None:
    path.with_name(path.name + ".key").write_text(content)
    with pytest.raises(UsageError, match="key"):
        PrivacyLedger.open(str(path))


def test_entries_under_another_key_do_not_verify(path: Path) -> None:
    _sql(path, "delete from meta where key = 'key'")
    path.with_name(path.name + ".key").write_text("ab" * 32)
    *chain, anchor = PrivacyLedger.open(str(path)).problems()
    assert len(chain) == 4
    assert "is damaged, or is the anchor of another ledger" in anchor


def test_an_exchanged_order_shows(path: Path) -> None:
    _sql(path, "update entries set sequence = sequence + 100")
    _sql(
        path,
        "update entries set sequence = case sequence when 102 then 3 when 103 then 2 else sequence"
        " - 100 end",
    )
    assert PrivacyLedger.open(str(path)).problems()


def test_an_inserted_entry_shows(path: Path) -> None:
    columns = "time, dataset, run, kind, body, previous, mac"
    _sql(path, f"insert into entries select 5, {columns} from entries where sequence = 4")
    assert PrivacyLedger.open(str(path)).problems()


def test_a_charge_that_cannot_be_written_hands_out_no_receipt_and_no_row(
    path: Path, tmp_path: Path
) -> None:
    import pandas as pd

    class Spy(PrivateTable):
        looks = 0

        def rows(self, receipt: object) -> pd.DataFrame:
            Spy.looks += 1
            return super().rows(receipt)  # type: ignore[arg-type]

    table = Spy("b", PrivacyUnit(), pd.DataFrame({"x": [1]}))
    with PrivacyLedger.open(str(path)).run("b", BUDGET, secret=True) as run:
        run.approve("model", {"one": EVENT}, BUDGET)
        _sql(
            path,
            "create trigger full before insert on entries begin select raise(abort, 'disk is"
            " full'); end",
        )
        with pytest.raises(
            UsageError,
            match=r"holds a trigger 'full' that privgan did not make.*nothing was charged",
        ):
            table.rows(run.charge("one", EVENT))
        assert Spy.looks == 0
        assert dict(run.charged) == {}
        _sql(path, "drop trigger full")
        table.rows(run.charge("one", EVENT))
    assert Spy.looks == 1
    ledger = PrivacyLedger.open(str(path))
    assert ledger.problems() == ()
    assert [entry.kind for entry in ledger.entries("b")] == ["announced", "run", "stage", "charge"]


def test_a_refused_run_leaves_no_trace(path: Path) -> None:
    before = PrivacyLedger.open(str(path)).head()
    with pytest.raises(BudgetExceededError):
        _spend(path)
    assert PrivacyLedger.open(str(path)).head() == before


def test_data_sets_do_not_share_a_budget(path: Path) -> None:
    ledger = PrivacyLedger.open(str(path))
    with ledger.run("b", BUDGET, secret=True):
        pass
    assert (ledger.account("a").epsilon, ledger.account("b").epsilon) == (1.0, 1.0)


def test_delta_is_a_budget_too(tmp_path: Path) -> None:
    ledger = PrivacyLedger.open(str(tmp_path / "l.sqlite"))
    ledger.set_lifetime("a", PrivacyBudget(epsilon=50.0, delta=2.5e-6))
    for _ in range(2):
        with ledger.run("a", BUDGET, secret=True):
            pass
    with pytest.raises(BudgetExceededError), ledger.run("a", BUDGET, secret=True):
        pass


def test_coins_that_are_not_secret_end_the_lifetime(tmp_path: Path) -> None:
    ledger = PrivacyLedger.open(str(tmp_path / "l.sqlite"))
    ledger.set_lifetime("a", PrivacyBudget(epsilon=50.0, delta=1e-3))
    with ledger.run("a", BUDGET, secret=False) as run:
        run.approve("model", {"one": EVENT}, BUDGET)
    with pytest.raises(BudgetExceededError), ledger.run("a", BUDGET, secret=True):
        pass


def test_a_step_outside_any_stage_is_refused(tmp_path: Path) -> None:
    ledger = PrivacyLedger.open(str(tmp_path / "l.sqlite"))
    with ledger.run("a", BUDGET, secret=True) as run, pytest.raises(InternalError):
        run.charge("one", EVENT)
    assert [entry.kind for entry in ledger.entries()] == ["announced", "run"]

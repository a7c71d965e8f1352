"""Mistakes that a newcomer makes at the ledger and with names of files."""

from pathlib import Path
from typing import NoReturn

import pytest

from privgan.cli.main import execute
from privgan.errors import IncompleteError


def test_a_name_that_no_schema_can_have_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    ledger = tmp_path / "l.sqlite"
    assert execute(["ledger", "init", "Bad Name", "--ledger", str(ledger)]) == 2
    assert not ledger.exists()


def test_a_budget_of_an_unknown_data_set_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = str(tmp_path / "l.sqlite")
    assert execute(["ledger", "init", "known", "--epsilon", "1", "--ledger", ledger]) == 0
    assert execute(["ledger", "budget", "unknown", "--ledger", ledger]) == 2
    assert (
        execute(
            ["ledger", "budget", "known", "--epsilon", "1.5", "--delta", "1e-6", "--ledger", ledger]
        )
        == 0
    )
    assert execute(["ledger", "budget", "known", "--epsilon", "1.8", "--ledger", ledger]) == 0
    assert "δ = 1e-06" in capsys.readouterr().out.splitlines()[-1]
    assert execute(["ledger", "init", "known", "--epsilon", "2", "--ledger", ledger]) == 0
    assert "was introduced before" in capsys.readouterr().out


def test_rows_that_a_run_will_leave_out_are_told_by_the_check_of_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And by nothing else: a run's own log holds no count of real rows."""
    (tmp_path / "t.csv").write_text("who,left\n" + "a,yes\n" * 5 + "b,no\n" * 2)
    schema = tmp_path / "s.yaml"
    columns = (
        '  - {name: who, kind: identifier}\n  - {name: left, kind: boolean, labels: ["no",'
        ' "yes"]}\n'
    )
    schema.write_text(
        "format: privgan.schema/1\ndataset: d\nunit: who\nmax_rows_per_unit:"
        f" 3\ncolumns:\n{columns}"
    )
    assert execute(["schema", "check", str(tmp_path / "t.csv"), "--schema", str(schema)]) == 0
    assert "2 rows are beyond max_rows_per_unit = 3" in capsys.readouterr().out


@pytest.mark.slow
def test_a_demo_beside_another_one_runs(tmp_path: Path) -> None:
    """The same simulated customers again.

    Each demo counts in a ledger of its own, and none in the user's.
    """
    for name in ("first", "second"):
        out = tmp_path / name
        assert execute(["demo", "--rows", "500", "--out", str(out), "--quiet"]) in (0, 1)
        assert (out / "ledger.sqlite").exists()


@pytest.mark.parametrize(
    ("given", "ledger"),
    [((), "{out}/ledger.sqlite"), (("--ledger", "other.sqlite"), "other.sqlite")],
    ids=["own", "named"],
)
def test_a_demo_keeps_its_ledger_beside_its_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], ledger: str
) -> None:
    monkeypatch.setenv("PRIVGAN_LEDGER", str(tmp_path / "users.sqlite"))
    named: list[str] = []

    def perform(*arguments: object, **_: object) -> NoReturn:
        named.append(str(arguments[2]))
        raise IncompleteError("enough")

    monkeypatch.setattr("privgan.cli.runs.perform", perform)
    assert execute(["demo", "--rows", "500", "--out", str(tmp_path / "out"), *given]) == 3
    assert named == [ledger.format(out=tmp_path / "out")]

"""The walk through a draft: typed answers, groups confirmed by scripts, and resuming it."""

from __future__ import annotations

import os
import pty
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from privgan.cli import schema_review
from privgan.cli.main import execute
from privgan.schema.columns import OpenNumeric, Source
from privgan.schema.schema import Schema
from privgan.table.conform import check_confirmed
from privgan.table.schema_file import load_schema
from tests.drafting.reviewed import shop, unrelated, visits

GROUPS = schema_review.GROUPS
Capture = pytest.CaptureFixture[str]


class Desk:
    """A folder with a table and its draft, and somebody who types."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self._patch = folder, patch
        self.table, self.path = folder / "t.csv", folder / "s.yaml"

    def lay(self, frame: pd.DataFrame) -> None:
        """Put a table there and draft its schema."""
        frame.to_csv(self.table, index=False)
        assert execute(["schema", "init", str(self.table), "--out", str(self.path)]) == 0

    def review(self, *options: str) -> int:
        """Review without a terminal."""
        return execute(["schema", "review", str(self.table), "--schema", str(self.path), *options])

    def type(self, *answers: str) -> int:
        """Review in a terminal; whoever types leaves with Ctrl-C when no answer is left."""
        waiting = iter(answers)

        def answer(*_: object, **__: object) -> str:
            try:
                return next(waiting)
            except StopIteration:
                raise KeyboardInterrupt from None

        with self._patch.context() as patch:
            patch.setattr(schema_review, "has_terminal", lambda: True)
            patch.setattr("click.termui.visible_prompt_func", answer)
            code = self.review()
        assert next(waiting, None) is None, "not every answer was asked for"
        return code

    @property
    def schema(self) -> Schema:
        """The schema as it stands in its file."""
        return load_schema(self.path)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Desk:
    """The shop's table and its draft."""
    made = Desk(tmp_path, monkeypatch)
    made.lay(shop())
    capsys.readouterr()
    return made


def test_all_is_accepted_group_by_group(desk: Desk, capsys: Capture) -> None:
    assert desk.type(*["a"] * 9) == 0  # There is no personal data.
    told = capsys.readouterr().out
    check_confirmed(desk.schema)
    assert desk.schema.target == "churned"
    assert desk.schema.constraints
    assert "INTERNAL" in told.splitlines()[0]
    for sentence in (
        "somebody's exact value tells that value",
        "Each listed category is told to everybody",
    ):
        assert sentence in told
    assert "nothing; next: privgan run" in told


def test_quitting_keeps_what_was_answered_and_the_rest_is_asked_again(
    desk: Desk, capsys: Capture
) -> None:
    assert desk.type("a", "a", "q") == 0
    after = desk.schema
    assert after.unit_source is Source.DECLARED
    assert {fact.split(".")[1] for fact in after.facts_from(Source.DECLARED) if "." in fact} == {
        "role"
    }
    told = capsys.readouterr().out
    assert "go on with: privgan schema review" in told
    assert desk.type("q") == 0
    again = capsys.readouterr().out
    assert "Bounds (4 of 10)" in again
    assert "Who is protected" not in again


def test_ctrl_c_is_interrupted_and_keeps_what_was_answered(desk: Desk) -> None:
    assert desk.type("a", "a", "o", "y") == 130
    assert set(desk.schema.facts_from(Source.DECLARED)) >= {"age.lower", "age.upper"}
    assert "spend.lower" in desk.schema.facts_from(Source.CONFIRM)


def test_one_by_one_confirms_edits_measures_and_leaves(desk: Desk, capsys: Capture) -> None:
    bounds = [column.name for column in desk.schema.columns if "lower" in column.sources]
    assert bounds == ["age", "orders", "spend", "signed_up", "last_order_at"]
    answers = ["s", "s", "o", "y", "e", "0", "500", "m", "n", "n", "q"]
    assert desk.type(*answers) == 0
    after = desk.schema
    assert isinstance(after.column("spend"), OpenNumeric)
    assert after.column("orders").upper == 500
    left = {fact for fact in after.facts_from(Source.CONFIRM) if fact.endswith("er")}
    assert left == {
        "signed_up.lower",
        "signed_up.upper",
        "last_order_at.lower",
        "last_order_at.upper",
    }
    assert after.unit_source is Source.CONFIRM


def test_a_group_is_edited_by_numbers_and_an_answer_that_cannot_be_changes_nothing(
    desk: Desk, capsys: Capture
) -> None:
    before = desk.schema
    assert desk.type("s", "s", "e", "1", "ninety", "99", "q") == 0
    assert "nothing is changed: lower: found 'ninety', allowed: a number" in capsys.readouterr().out
    assert desk.schema.to_json() == before.to_json()
    assert desk.type("s", "s", "e", "9", "1", "16", "99", "q") == 0  # There is no ninth.
    assert desk.schema.column("age").lower == 16
    assert "lower" not in {
        fact.split(".")[1]
        for fact in desk.schema.facts_from(Source.CONFIRM)
        if fact.startswith("age.")
    }


def test_what_is_no_choice_is_asked_again(desk: Desk, capsys: Capture) -> None:
    assert desk.type("z", "", "q") == 0
    assert "'z' is not one of" in capsys.readouterr().out


def test_categories_are_left_to_be_measured_and_an_ordinal_column_cannot_be(
    desk: Desk, capsys: Capture
) -> None:
    frame = shop().assign(stars=[str(1 + row % 5) for row in range(len(shop()))])
    desk.path.unlink()
    desk.lay(frame)
    assert desk.type("s", "s", "s", "m", "3", "m", "1", "q") == 0
    assert (
        "stars cannot be measured; only bounds and the categories of a categorical column can"
        in capsys.readouterr().out
    )
    assert [column.name for column in desk.schema.open_columns] == ["tier"]
    assert desk.type("s", "s", "m", "0", "q") == 0
    opened = ["age", "tier", "orders", "spend", "signed_up", "last_order_at"]
    assert [column.name for column in desk.schema.open_columns] == opened
    assert [
        fact for fact in desk.schema.facts_from(Source.CONFIRM) if fact.endswith("categories")
    ] == ["stars.categories"]


def test_a_declined_dependency_is_not_proposed_again(desk: Desk, capsys: Capture) -> None:
    assert (
        desk.review(
            *(part for name in GROUPS if name != "constraints" for part in ("--yes-to", name))
        )
        == 0
    )
    assert desk.type("o", "y", "d", "q") == 0
    assert len(desk.schema.constraints) == 1
    assert "# Declined: when orders = 0" in desk.path.read_text()
    capsys.readouterr()
    assert desk.type("d") == 0
    assert "when orders = 0, then spend = 0;" not in capsys.readouterr().out
    assert desk.review("--list") == 0
    assert "constraints  nothing" in capsys.readouterr().out
    assert len(desk.schema.constraints) == 1


def test_an_id_that_repeats_is_proposed_as_the_unit(desk: Desk, capsys: Capture) -> None:
    desk.path.unlink()
    desk.lay(visits())
    capsys.readouterr()
    assert desk.type("a", "q") == 0
    assert "customer_id" in capsys.readouterr().out
    assert (desk.schema.unit.column, desk.schema.unit.max_rows) == ("customer_id", 5)
    assert desk.schema.column("customer_id").invented


@pytest.mark.parametrize(("waived", "unit"), [("y", None), ("n", "customer_id")])
def test_rows_are_the_unit_beside_an_id_that_repeats_only_when_it_is_waived(
    desk: Desk, waived: str, unit: str | None
) -> None:
    desk.path.unlink()
    desk.lay(visits())
    assert desk.review("--yes-to", "unit") == 0
    text = desk.path.read_text().replace("unit_source: declared", "unit_source: confirm")
    desk.path.write_text(text)
    assert desk.type("e", "row", "1", waived, "q") == 0
    assert desk.schema.unit.column == unit
    assert desk.schema.facts_from(Source.ASSUMED_PUBLIC) == (
        ("customer_id.repeats",) if waived == "y" else ()
    )


@pytest.mark.parametrize("name", GROUPS)
def test_yes_to_confirms_a_group_alone(desk: Desk, name: str, capsys: Capture) -> None:
    assert desk.review("--yes-to", name) == 0
    told = capsys.readouterr()
    assert desk.review("--list") == 0
    left = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert left.pop(name) == "nothing"
    assert set(left) == set(GROUPS) - {name}
    assert sum(value != "nothing" for value in left.values()) >= 6
    assert told.err.endswith("(recognised), 600 rows\n")


def test_yes_to_is_repeatable_and_an_unknown_group_is_refused(desk: Desk, capsys: Capture) -> None:
    assert desk.review("--yes-to", "bounds", "--yes-to", "kinds") == 0
    left = {fact.split(".")[-1] for fact in desk.schema.facts_from(Source.CONFIRM)}
    assert left.isdisjoint({"lower", "upper", "kind", "decimals", "format"})
    assert {"unit", "role", "missing"} <= left
    assert desk.review("--yes-to", "everything") == 2
    assert "'everything' is not one of 'unit', 'pii'" in capsys.readouterr().err


def test_without_a_terminal_nothing_is_asked(
    desk: Desk, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema_review, "has_terminal", lambda: False)
    before = desk.path.read_text()
    assert desk.review() == 2
    assert "give --yes-to GROUP or --accept-all, or look with --list" in capsys.readouterr().err
    assert desk.review("--list", "--accept-all") == 2
    assert desk.path.read_text() == before


def test_list_changes_nothing(desk: Desk, capsys: Capture) -> None:
    before = desk.path.read_text()
    assert desk.review("--list") == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told] == list(GROUPS)
    assert "bounds       10 facts of 5 columns" in told
    assert desk.path.read_text() == before


Spoil = Callable[[Desk], None]
BAD: dict[str, tuple[Spoil, str]] = {
    "no schema": (lambda desk: desk.path.unlink(), "cannot be read"),
    "no table": (lambda desk: desk.table.unlink(), "t.csv"),
    "another table": (
        lambda desk: unrelated().to_csv(desk.table, index=False),
        "not in the table once each: age, tier",
    ),
    "a schema with a mistake": (
        lambda desk: desk.path.write_text(desk.path.read_text().replace("kind: date", "kind: day")),
        "day",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(desk: Desk, case: str, capsys: Capture) -> None:
    spoil, told = BAD[case]
    spoil(desk)
    assert desk.review("--accept-all") == 2
    assert told in capsys.readouterr().err


def test_comments_of_the_draft_stay_and_it_is_a_draft_no_more(desk: Desk) -> None:
    text = desk.path.read_text().replace("- name: tier", "# Asked the shop.\n- name: tier")
    desk.path.write_text(text)
    assert "# INTERNAL draft." in text
    assert desk.review("--yes-to", "bounds") == 0
    assert "# INTERNAL draft." in desk.path.read_text()
    assert desk.review("--accept-all") == 0
    after = desk.path.read_text()
    assert "# Asked the shop.\n- name: tier" in after
    assert "# INTERNAL draft." not in after
    assert "# Reviewed with" in after


def test_a_reviewed_schema_asks_nothing_more(desk: Desk, capsys: Capture) -> None:
    assert desk.review("--accept-all") == 0
    before = desk.path.read_text()
    capsys.readouterr()
    assert desk.type() == 0
    assert "nothing; next: privgan run" in capsys.readouterr().out
    assert desk.path.read_text() == before


@pytest.mark.slow
def test_in_a_real_terminal(desk: Desk) -> None:
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "privgan",
        "schema",
        "review",
        str(desk.table),
        "--schema",
        str(desk.path),
    ]
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as started:
        os.close(theirs)
        os.write(ours, b"a\na\nq\n")
        assert started.stdout is not None
        told = started.stdout.read().decode()
    os.close(ours)
    assert started.returncode == 0, told
    assert "Bounds (4 of 10)" in told
    assert desk.schema.unit_source is Source.DECLARED


def test_what_comes_next_names_the_source_as_it_was_given_but_no_query(
    tmp_path: Path, capsys: Capture
) -> None:
    table = tmp_path / "a shop.sqlite"
    with closing(sqlite3.connect(table)) as base:
        shop().to_sql("sold here", base, index=False)
        shop().to_sql("other", base, index=False)
    for options, told in (
        (("--table", "sold here"), "--table 'sold here'"),
        (("--query", "select * from other where 'pw' = 'pw'"), "--query SQL"),
    ):
        schema = tmp_path / f"{options[0][2:]}.yaml"
        assert execute(["schema", "init", str(table), "--out", str(schema), *options]) == 0
        for more, command in (("--yes-to", "schema review"), ("--accept-all", "run")):
            chosen = (more, "roles") if more == "--yes-to" else (more,)
            capsys.readouterr()
            assert (
                execute(
                    ["schema", "review", str(table), "--schema", str(schema), *options, *chosen]
                )
                == 0
            )
            out = capsys.readouterr().out
            assert f"privgan {command} '{table}' {told} --schema {schema}" in out
            assert "pw" not in out.replace(str(tmp_path), "")

"""Commands that need no fit: schema, plan, ledger; and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml

from privgan.cli.runs import open_ledger
from privgan.ledger.ledger import PrivacyLedger
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.events import from_json
from tests.policy.sound import HEAD, gate

Capture = pytest.CaptureFixture[str]


def draft(workspace: Any, *more: str) -> dict[str, Any]:
    """The schema drafted from the workspace's table."""
    path = workspace.folder / "draft.yaml"
    assert workspace.execute("schema", "init", str(workspace.table), "--out", str(path), *more) == 0
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def figures(capsys: Capture) -> Any:
    """What a command with --json printed."""
    return json.loads(capsys.readouterr().out)


class TestSchema:
    def test_init_marks_every_fact_for_a_person(self, workspace: Any, capsys: Capture) -> None:
        drafted = draft(workspace)
        assert [column["source"] for column in drafted["columns"]] == ["confirm"] * 7
        assert {column["name"]: column["kind"] for column in drafted["columns"]} == {
            "customer_id": "identifier",
            "full_name": "name",
            "age": "integer",
            "spend": "float",
            "tier": "categorical",
            "joined": "date",
            "active": "boolean",
        }
        assert "7 columns drafted" in capsys.readouterr().out

    def test_init_tells_what_it_takes_for_missing_and_what_it_gives_up(
        self, workspace: Any, capsys: Capture
    ) -> None:
        workspace.with_cells("spend", "N/A")
        drafted = draft(workspace)
        spend = next(column for column in drafted["columns"] if column["name"] == "spend")
        assert (drafted["missing_markers"], spend["missing_markers"], spend["source"]) == (
            [""],
            ["", "N/A"],
            "confirm",
        )
        told = capsys.readouterr().out
        assert "Read as a missing value: 'N/A'." in told
        assert "Not modelled, but invented: customer_id (identifier), full_name (name)." in told
        assert "'spend': 1 text among numbers (missing_markers)" in told
        assert workspace.canary not in told

    def test_init_rounds_outwards_and_copies_no_name(self, workspace: Any) -> None:
        workspace.with_cells("spend", "4321.09")
        drafted = draft(workspace)
        spend = next(column for column in drafted["columns"] if column["name"] == "spend")
        assert spend["lower"] == 0
        assert 4321.09 < spend["upper"] <= 5000
        assert workspace.canary not in (workspace.folder / "draft.yaml").read_text()

    def test_init_assume_public(self, workspace: Any, capsys: Capture) -> None:
        drafted = draft(workspace, "--assume-public", "--dataset", "open-data")
        assert drafted["dataset"] == "open-data"
        assert {column["source"] for column in drafted["columns"]} == {"assumed_public"}
        assert "conditional" in capsys.readouterr().out

    @pytest.mark.parametrize("more", [(), ("--assume-public",)], ids=["confirm", "assume-public"])
    def test_draft_fits_its_own_table(self, workspace: Any, more: tuple[str, ...]) -> None:
        draft(workspace, *more)
        arguments = (
            "schema",
            "check",
            str(workspace.table),
            "--schema",
            str(workspace.folder / "draft.yaml"),
        )
        assert workspace.execute(*arguments) == 0

    def test_check_names_the_rows_that_depart(self, workspace: Any, capsys: Capture) -> None:
        table = workspace.rows()
        table["spend"] = table["spend"].astype(object)
        table.loc[[2, 4], "spend"] = "12a"
        workspace.write_table(table)
        arguments = ("schema", "check", str(workspace.table), "--schema", str(workspace.schema))
        assert workspace.execute(*arguments) == 2
        assert (
            "'spend': text where a number is expected in 2 rows (rows 3, 5)"
            in capsys.readouterr().out
        )
        assert workspace.execute(*arguments, "--json") == 2
        assert [
            item["first_rows"] for item in figures(capsys) if item.get("column") == "spend"
        ] == [[3, 5]]

    def test_check_tells_suspicions_that_leave_the_exit_code_alone(
        self, workspace: Any, capsys: Capture
    ) -> None:
        table = workspace.rows()
        table.loc[: len(table) // 3, "spend"] = 777
        workspace.write_table(table)
        arguments = ("schema", "check", str(workspace.table), "--schema", str(workspace.schema))
        assert workspace.execute(*arguments) == 0
        assert "INTERNAL suspicion: column 'spend': one value stands in" in capsys.readouterr().out
        assert workspace.execute(*arguments, "--json") == 0
        assert any("one value stands in" in item.get("suspicion", "") for item in figures(capsys))

    def test_draft_of_a_semicolon_table(self, workspace: Any) -> None:
        workspace.write_table(workspace.rows(), sep=";")
        assert len(draft(workspace, "--sep", ";")["columns"]) == 7

    def test_check_counts_the_rows_that_break_each_constraint(
        self, workspace: Any, capsys: Capture
    ) -> None:
        limits = (
            "\nconstraints:\n  - {when: tier = gold, then: active = true}\n  - {when: age > 18,"
            " then: spend > 3.3}\n"
        )
        workspace.with_schema({"kind: boolean}\n": "kind: boolean}" + limits})
        arguments = ("schema", "check", str(workspace.table), "--schema", str(workspace.schema))
        assert workspace.execute(*arguments) == 0
        told = capsys.readouterr().out
        assert "the table fits the schema" in told
        assert (
            "INTERNAL: constraints[0] (when tier = gold, then active = true): 10 rows break it; a"
            " fit takes such rows" in told
        )
        assert "constraints[1] (when age > 18, then spend > 3.3): 9 rows break it" in told
        assert workspace.execute(*arguments, "--json") == 0
        assert figures(capsys) == [
            {"constraint": "constraints[0]", "rows": 10},
            {"constraint": "constraints[1]", "rows": 9},
        ]
        workspace.write_table(workspace.rows().drop(columns="active"))
        assert workspace.execute(*arguments) == 2
        assert (
            "constraints[0] (when tier = gold, then active = true): cannot be checked"
            in capsys.readouterr().out
        )

    def test_check_lists_every_violation_without_a_value(
        self, workspace: Any, capsys: Capture
    ) -> None:
        workspace.write_table(
            workspace.rows()
            .assign(age=workspace.number, tier=workspace.canary)
            .drop(columns="joined")
        )
        arguments = ("schema", "check", str(workspace.table), "--schema", str(workspace.schema))
        assert workspace.execute(*arguments) == 2
        told = capsys.readouterr().out
        assert "3 violations" in told
        assert "'joined': is in the schema but not in the table" in told
        assert workspace.execute(*arguments, "--json") == 2
        found = figures(capsys)
        assert {item["column"]: item["rows"] for item in found} == {
            "age": 60,
            "tier": 60,
            "joined": None,
        }
        for private in (workspace.canary, workspace.number):
            assert private not in told + json.dumps(found)


class TestAuditOfTables:
    def test_one_separator_for_all_three_tables(self, workspace: Any, capsys: Capture) -> None:
        rows, holdout = workspace.rows(), workspace.table.with_name("holdout.csv")
        workspace.write_table(rows[::2], sep=";")
        rows[1::2].to_csv(holdout, index=False, sep=";")
        tables = (
            "--real",
            str(workspace.table),
            "--holdout",
            str(holdout),
            "--synthetic",
            str(workspace.table),
        )
        arguments = (
            "audit",
            *tables,
            "--schema",
            str(workspace.schema),
            "--target",
            "no such column",
            "--quiet",
        )
        for separator in (("--sep", ";"), ()):
            assert workspace.execute(*arguments, *separator) == 2
            assert "no such column" in capsys.readouterr().err
        assert workspace.execute(*arguments, "--sep", ",") == 2
        assert "is --sep right?" in capsys.readouterr().err


class TestPlan:
    def arguments(self, workspace: Any, *more: str, epsilon: str = "3") -> tuple[str, ...]:
        return (
            "plan",
            "--schema",
            str(workspace.schema),
            "--public-rows",
            "20000",
            "--epsilon",
            epsilon,
            *more,
        )

    def test_text_and_no_data(self, workspace: Any, ledger_path: Path, capsys: Capture) -> None:
        workspace.table.unlink()
        assert workspace.execute(*self.arguments(workspace, "--effort", "quick")) == 0
        told = capsys.readouterr().out
        assert "ε = 3, δ = 1e-06 for one customer_id with its row" in told
        for step in (
            "marginal:age",
            "marginal:joined",
            "choice:1",
            "chosen:1",
            "generator: mixture",
        ):
            assert step in told
        assert not ledger_path.exists()

    def test_every_epsilon_says_what_it_means(self, workspace: Any, capsys: Capture) -> None:
        assert workspace.execute(*self.arguments(workspace, "--effort", "quick")) == 0
        told = capsys.readouterr().out
        assert "(neighbouring: add or remove one privacy unit)" in told
        assert (
            "right at most 95.3 % of the time and finds at most 20.1 % of those who were at 1 %"
            " false alarms" in told
        )
        assert told.index("by this plan's own trade-off curve") < told.index("worst case: ε = ")
        assert [
            line for line in told.splitlines() if "ε = " in line and "δ = 1e-06" not in line
        ] == []

    def test_an_asked_risk_becomes_an_epsilon(self, workspace: Any, capsys: Capture) -> None:
        asked = (
            "plan",
            "--schema",
            str(workspace.schema),
            "--public-rows",
            "20000",
            "--effort",
            "quick",
            "--max-tpr",
            "0.05@0.01",
        )
        assert workspace.execute(*asked) == 0
        told = capsys.readouterr().out
        assert (
            "asked: true-positive rate at most 0.05 at a false-positive rate of 0.01; ε = " in told
        )
        assert workspace.execute(*asked, "--json") == 0
        plan = figures(capsys)
        found = plan["asked_risk"]
        assert (found["max_true_positive_rate"], found["at_false_positive_rate"], found["by"]) == (
            0.05,
            0.01,
            "plan",
        )
        assert found["epsilon"] == plan["epsilon"] > 1
        assert plan["attack_risk"]["max_true_positive_rate"] == found["risk"] <= 0.05

    def test_the_score_and_the_bound_that_decide_the_audit_are_named(
        self, workspace: Any, capsys: Capture
    ) -> None:
        assert workspace.execute(*self.arguments(workspace)) == 0
        told = capsys.readouterr().out
        assert workspace.execute(*self.arguments(workspace, "--json")) == 0
        named = figures(capsys)["audit"]
        assert set(named) == {"score", "bound"}
        assert (
            f"the audit is decided by one score and one bound: {named['score']}; {named['bound']}"
            in told
        )

    def test_json(self, workspace: Any, capsys: Capture) -> None:
        assert (
            workspace.execute(*self.arguments(workspace, "--json", "--delta", "1e-7", epsilon="1"))
            == 0
        )
        plan = figures(capsys)
        assert (plan["epsilon"], plan["delta"], plan["rows"], plan["effort"]) == (
            1,
            1e-7,
            20_000,
            "standard",
        )
        names = [step["name"] for step in plan["accounting"]]
        assert len(names) == len(set(names)) > 10
        # Each step alone costs something, and less than all together.
        assert all(0 < step["epsilon"] < 1 for step in plan["accounting"])

    def test_assumed_facts_and_a_weak_guarantee_are_said(
        self, workspace: Any, capsys: Capture
    ) -> None:
        """Told before the first look; the table turns out to be too small only after it."""
        workspace.with_schema({"name: tier, kind": "name: tier, source: assumed_public, kind"})
        workspace.options["--epsilon"] = "20"
        policy = HEAD + "gates:\n" + gate("guarantee.epsilon", "at_most: 100")
        workspace.options["--policy"] = str(workspace.write("lax.yaml", policy))
        assert workspace.execute() == 2
        message = capsys.readouterr().err
        assert "conditional on 4 assumed public facts" in message
        assert "above ε = 10 the guarantee is weak" in message
        assert "the noisy row count is" in message


SMALL_SCHEMA = """format: privgan.schema/1
dataset: small
unit: row
columns:
  - {name: gender, kind: categorical, categories: [female, male]}
  - {name: churned, kind: boolean}
"""


class TestLedger:
    def test_init_show_budget_and_clear(
        self, workspace: Any, ledger_path: Path, capsys: Capture
    ) -> None:
        assert workspace.execute("ledger", "init", "acme", "--epsilon", "6", "--delta", "1e-5") == 0
        assert "lifetime ε = 6" in capsys.readouterr().out
        assert workspace.execute("ledger", "init", "other") == 0
        capsys.readouterr()
        assert workspace.execute("ledger", "show", "--json") == 0
        shown = figures(capsys)
        assert [entry["kind"] for entry in shown["entries"]] == [
            "introduce",
            "lifetime",
            "introduce",
        ]
        assert shown["head"] == shown["entries"][-1]["mac"]
        assert shown["datasets"]["acme"]["lifetime_epsilon"] == 6
        assert shown["datasets"]["other"]["lifetime_epsilon"] is None
        assert workspace.execute("ledger", "show", "acme") == 0
        told = capsys.readouterr().out
        assert "other" not in told
        assert "acme: ε = 0, δ = 0 spent; ε = 6, δ = 1e-05 left of lifetime ε = 6" in told
        assert workspace.execute("ledger", "budget", "acme", "--epsilon", "8", "--json") == 0
        assert figures(capsys)["lifetime_epsilon"] == 8
        assert workspace.execute("ledger", "budget", "acme") == 0
        assert "ε = 8, δ = 1e-05 left of lifetime ε = 8" in capsys.readouterr().out
        assert (
            workspace.execute("ledger", "clear", "acme", "--who", "A. Officer", "--why", "mended")
            == 2
        )
        assert "there is nothing to clear" in capsys.readouterr().err
        PrivacyLedger.open(str(ledger_path)).record("acme", "run", "refuted", {})
        assert (
            workspace.execute("ledger", "clear", "acme", "--who", "A. Officer", "--why", "mended")
            == 0
        )
        assert not PrivacyLedger.open(str(ledger_path)).account("acme").refuted

    def test_who_and_when_stand_beside_each_entry(
        self, workspace: Any, ledger_path: Path, capsys: Capture
    ) -> None:
        with PrivacyLedger.open(str(ledger_path)).run(
            "acme", PrivacyBudget(epsilon=1), secret=True
        ) as run:
            run.checkpoint(lineage=1, step=0, digest="d", clean=True)
        assert workspace.execute("ledger", "show", "acme") == 0
        title, heads, *lines = capsys.readouterr().out.splitlines()
        entries = PrivacyLedger.open(str(ledger_path)).entries("acme")
        assert title == "acme"
        assert heads.split() == ["No.", "When", "(UTC)", "Who", "What", "ε", "δ", "ε", "left"]
        assert [entry.kind for entry in entries] == ["announced", "run", "checkpoint"]
        for line, entry in zip(lines, entries, strict=False):
            assert entry.time[:10] in line
            assert entry.kind in line
            assert entries[1].body["who"][:10] in line

    def test_the_table_of_the_ledger_is_aligned_and_at_most_100_columns_wide(
        self, workspace: Any, ledger_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "privgan.ledger.ledger.account_name",
            lambda: "a-very-long-name.of-somebody@host-with-a-long-name",
        )
        monkeypatch.setenv("COLUMNS", "60")  # What a terminal says changes nothing.
        assert workspace.execute("ledger", "init", "acme", "--epsilon", "6") == 0
        ledger = PrivacyLedger.open(str(ledger_path))
        event = from_json(
            {"event": "discrete_gaussian", "standard_deviation": 90.0, "sensitivity": 1}
        )
        for epsilon in (1.25, 2.0):
            with ledger.run("acme", PrivacyBudget(epsilon=epsilon), secret=True) as run:
                steps = {f"step {place}": event for place in range(3)}
                run.approve("model", steps, PrivacyBudget(epsilon=epsilon))
                for name, charged in steps.items():
                    run.charge(name, charged)
        with ledger.run("test-set", PrivacyBudget(epsilon=1), secret=False):
            pass
        capsys.readouterr()
        assert workspace.execute("ledger", "show") == 0
        told = capsys.readouterr().out.splitlines()
        assert max(map(len, told)) <= 100
        runs = [line.split() for line in told if "budget reserved" in line]
        assert [line[-3:] for line in runs] == [
            ["1.25", "1e-06", "4.75"],
            ["2", "1e-06", "2.75"],
            ["∞", "1e-06", "–"],
        ]
        assert sum("charge: 3 steps of run" in line for line in told) == 2
        ends = {
            line.index("1e-06") for line in told if "budget reserved" in line and "acme" not in line
        }
        assert len(ends) <= 2, "figures stand below each other"
        assert workspace.execute("ledger", "show", "--json") == 0
        kinds = [entry["kind"] for entry in figures(capsys)["entries"]]
        assert kinds.count("charge") == 6, "JSON lists every entry"

    def test_a_new_ledger_and_a_new_data_set_are_announced(
        self, ledger_path: Path, capsys: Capture
    ) -> None:
        told = []
        for _ in range(2):
            opened = open_ledger(None, "acme")
            told.append(capsys.readouterr().err)
        assert f"a new ledger was made: {ledger_path}" in told[0]
        assert "new ledger" not in told[1]
        assert all("the data set acme is new to the ledger" in text for text in told)
        with opened.run("acme", PrivacyBudget(epsilon=1), secret=True):
            pass
        open_ledger(None, "acme")
        assert capsys.readouterr().err == ""

    def test_the_rdp_filter_is_set_kept_and_told(self, workspace: Any, capsys: Capture) -> None:
        assert workspace.execute("ledger", "init", "acme", "--epsilon", "6", "--filter", "rdp") == 0
        assert "filter: rdp" in capsys.readouterr().out
        assert workspace.execute("ledger", "budget", "acme", "--epsilon", "8", "--json") == 0
        told = figures(capsys)
        assert told["filter"] == "rdp"
        assert (told["lifetime_spent"], told["rdp"]["spent"]) == (0, 0)
        assert 0 < told["rdp"]["allowance"] < 8
        assert (
            workspace.execute(
                "ledger", "budget", "acme", "--epsilon", "8", "--filter", "sum", "--json"
            )
            == 0
        )
        assert figures(capsys)["filter"] == "sum"
        assert workspace.execute("ledger", "budget", "acme", "--filter", "rdp") == 2
        assert "without --epsilon" in capsys.readouterr().err

    def test_a_person_accepts_other_columns(
        self, workspace: Any, ledger_path: Path, capsys: Capture
    ) -> None:
        workspace.execute("ledger", "init")
        schema = workspace.write("other.yaml", SMALL_SCHEMA)
        answer = ("--schema", str(schema), "--who", "A. Officer", "--why", "renamed")
        assert workspace.execute("ledger", "accept", "acme", *answer) == 2
        assert "is the schema of small, not of acme" in capsys.readouterr().err
        assert workspace.execute("ledger", "accept", "small", *answer) == 0
        (entry,) = PrivacyLedger.open(str(ledger_path)).entries("small")
        assert (entry.kind, entry.body["who"], len(entry.body["columns"])) == (
            "accept",
            "A. Officer",
            2,
        )

    def test_the_file_and_its_key_are_the_owner_s_alone(
        self, workspace: Any, ledger_path: Path
    ) -> None:
        workspace.execute("ledger", "init")
        for path in (ledger_path, ledger_path.with_name(ledger_path.name + ".key")):
            assert path.stat().st_mode & 0o077 == 0

    def test_option_before_environment(self, workspace: Any, ledger_path: Path) -> None:
        other = workspace.folder / "other.sqlite"
        assert workspace.execute("ledger", "init", "acme", "--ledger", f"sqlite:///{other}") == 0
        assert other.exists()
        assert not ledger_path.exists()

    def test_verify_finds_an_edited_entry(
        self, workspace: Any, ledger_path: Path, capsys: Capture
    ) -> None:
        workspace.execute("ledger", "init", "acme", "--epsilon", "6")
        capsys.readouterr()
        assert workspace.execute("ledger", "verify", "--json") == 0
        told = figures(capsys)
        assert (told["ok"], told["problems"], told["sequence"]) == (True, [], 2)
        ledger_path.write_bytes(
            ledger_path.read_bytes().replace(b'"epsilon": 6.0', b'"epsilon": 9.0')
        )
        assert workspace.execute("ledger", "verify", "--json") == 1
        assert figures(capsys)["problems"]
        assert workspace.execute("ledger", "budget", "acme") == 0
        assert "NOT WHOLE, these figures cannot be relied on: entry 2" in capsys.readouterr().err

    def test_verify_finds_another_ledger_by_the_manifest(
        self, workspace: Any, capsys: Capture
    ) -> None:
        workspace.execute("ledger", "init", "acme")
        manifest = workspace.write("manifest.json", json.dumps({"ledger": {"head": "0" * 64}}))
        assert workspace.execute("ledger", "verify", "--manifest", str(manifest)) == 1
        assert "chain head of the manifest is not in the ledger" in capsys.readouterr().out

    def test_a_lifetime_below_what_was_spent_is_refused(
        self, workspace: Any, ledger_path: Path, capsys: Capture
    ) -> None:
        spend(ledger_path, "acme", 3.0)
        assert workspace.execute("ledger", "budget", "acme", "--epsilon", "2") == 2
        assert "is already spent" in capsys.readouterr().err


def spend(path: Path, dataset: str, epsilon: float) -> None:
    """Reserve a run's budget."""
    with PrivacyLedger.open(str(path)).run(dataset, PrivacyBudget(epsilon=epsilon), secret=True):
        pass


class TestExitCodes:
    def refuse(self, workspace: Any, error: BaseException) -> None:
        def fail(*_: Any, **__: Any) -> NoReturn:
            raise error

        workspace.monkeypatch.setattr("privgan.pipeline.run.read_aloud", fail)

    def test_1_a_folder_that_is_no_release_fails_verification(
        self, workspace: Any, capsys: Capture
    ) -> None:
        assert workspace.execute("verify", str(workspace.folder), "--json") == 1
        assert figures(capsys)["ok"] is False

    def test_1_a_refuted_data_set_is_stopped(
        self, workspace: Any, ledger_path: Path, capsys: Capture
    ) -> None:
        PrivacyLedger.open(str(ledger_path)).record("small-customers", "run", "refuted", {})
        assert workspace.execute() == 1
        assert "privgan ledger clear" in capsys.readouterr().err
        assert PrivacyLedger.open(str(ledger_path)).account("small-customers").runs == 0

    def test_4_the_lifetime_budget_is_used_up(
        self, workspace: Any, ledger_path: Path, capsys: Capture
    ) -> None:
        workspace.execute("ledger", "init", "small-customers", "--epsilon", "4")
        spend(ledger_path, "small-customers", 2.0)
        capsys.readouterr()
        assert workspace.execute() == 4
        message = capsys.readouterr().err
        assert "asks ε = 3, 2 left (short 1)" in message
        assert "privgan ledger budget" in message
        assert PrivacyLedger.open(str(ledger_path)).account("small-customers").epsilon == 2.0

    def test_4_leaves_nothing_behind(self, workspace: Any) -> None:
        workspace.execute("ledger", "init", "small-customers", "--epsilon", "1")
        assert workspace.execute() == 4
        assert not workspace.out.exists()

    def test_130_interrupted(self, workspace: Any, ledger_path: Path, capsys: Capture) -> None:
        self.refuse(workspace, KeyboardInterrupt())
        assert workspace.execute() == 130
        assert "what was charged stays charged" in capsys.readouterr().err
        assert not ledger_path.exists()

    @pytest.mark.parametrize(
        "error", [ValueError, TypeError, KeyError, RuntimeError, UnicodeError, MemoryError]
    )
    def test_70_an_unexpected_error_tells_no_value(
        self, workspace: Any, capsys: Capture, error: type[Exception]
    ) -> None:
        workspace.monkeypatch.delenv("PRIVGAN_DEBUG", raising=False)
        self.refuse(workspace, error(f"could not convert {workspace.canary}"))
        assert workspace.execute() == 70
        message = capsys.readouterr().err
        assert f"InternalError: {error.__name__} in test_commands.py:" in message
        assert "PRIVGAN_DEBUG=1" in message
        assert workspace.canary not in message

    def test_70_the_traceback_is_for_whoever_asks(self, workspace: Any, capsys: Capture) -> None:
        workspace.monkeypatch.setenv("PRIVGAN_DEBUG", "1")
        self.refuse(workspace, ValueError("inside"))
        assert workspace.execute() == 70
        assert "ValueError: inside" in capsys.readouterr().err

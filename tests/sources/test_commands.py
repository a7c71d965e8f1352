"""Sources on the command line: recognised, told, and recorded without a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from privgan.cli.main import execute
from privgan.sources import SourceOptions, read_source
from privgan.table.conform import conform
from privgan.table.schema_file import dump_schema
from tests.ledger.conftest import PASSWORD
from tests.sources.customers import FILES, SCHEMA

TOLD = {
    "semicolon.csv": "semicolon.csv: UTF-8, separator ';' (recognised), 60 rows",
    "packed.csv.gz": "packed.csv.gz: UTF-8, separator ',' (recognised), 60 rows",
    "customers.sqlite": "customers.sqlite: table 'customers', 60 rows",
    "customers.jsonl": "customers.jsonl: JSON lines, UTF-8, 60 rows",
    "folder": "folder: 3 files, Parquet, 60 rows",
}


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "schema.yaml"
    path.write_text(dump_schema(SCHEMA), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", TOLD)
def test_commands_say_what_was_recognised(
    name: str, tmp_path: Path, schema: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FILES[name](tmp_path / name)
    assert (
        execute(["schema", "check", str(tmp_path / name), "--schema", str(schema), "--json"]) == 0
    )
    out, err = capsys.readouterr()
    assert json.loads(out) == []
    assert TOLD[name] in err


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("sheet.xlsx", ["--sheet", "customers"], "sheet 'customers', 60 rows"),
        ("customers.duckdb", ["--table", "customers"], "table 'customers', 60 rows"),
        ("customers.duckdb", ["--query", "select * from customers"], "a query (SHA-256"),
        ("comma.csv", ["--sep", ",", "--encoding", "utf-8"], "utf-8 (as asked)"),
    ],
)
def test_options_reach_the_source(
    name: str,
    options: list[str],
    told: str,
    tmp_path: Path,
    schema: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    FILES[name](tmp_path / name)
    assert (
        execute(["schema", "check", str(tmp_path / name), "--schema", str(schema), *options]) == 0
    )
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["schema", "check", "t.csv", "--schema", "postgresql://me:hunter2@host/shop"],
        ["schema", "check", "t.csv", "postgresql://me:hunter2@host/shop", "--schema", "s.yaml"],
        [
            "schema",
            "init",
            "postgresql+psycopg://me:hunter2@127.0.0.1:1/shop",
            "--query",
            "select 1",
            "--out",
            "s.yaml",
        ],
        ["schema", "init", "t.csv", "--out", "o.yaml", "--sep", "postgresql://me:hunter2@host"],
    ],
)
def test_no_password_is_shown_wherever_its_url_stands(
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    assert execute(arguments) == 2
    assert "hunter2" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("url", ["sqlite:///{}/customers.sqlite", "{}/customers.sqlite"])
def test_a_draft_takes_its_name_from_the_source(url: str, tmp_path: Path) -> None:
    FILES["customers.sqlite"](tmp_path / "customers.sqlite")
    assert (
        execute(
            [
                "schema",
                "init",
                url.format(tmp_path),
                "--out",
                str(tmp_path / "drafted.yaml"),
                "--assume-public",
            ]
        )
        == 0
    )
    assert "dataset: customers" in (tmp_path / "drafted.yaml").read_text()


@pytest.mark.parametrize(
    "name", ["rows.tsv", "rows.feather", "rows.jsonl", "rows.xlsx", "rows.sqlite", "rows.duckdb"]
)
def test_written_rows_come_back(name: str, tmp_path: Path) -> None:
    from privgan.table.output import format_of, write_rows
    from tests.sources.test_output import presented_rows

    rows = presented_rows()
    assert write_rows(
        [rows[:25], rows[25:]], SCHEMA, tmp_path / name, format_of(tmp_path / name, None)
    ) == len(rows)
    back = conform(read_source(tmp_path / name).frame(), SCHEMA)
    assert back.equals(conform(rows, SCHEMA).reset_index(drop=True))


@pytest.mark.slow
def test_a_run_from_a_server_leaves_no_secret_and_can_be_taken_up(
    postgres_server: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    query = (
        "select 'C' || n as customer_id, 18 + n % 60 as age, (array['basic', 'gold'])[1 + n % 2] as"
        " tier, 'not-so-public' as mark from generate_series(1, 1500) n order by n"
    )
    url = postgres_server.replace("postgresql:", "postgresql+psycopg:") + "/postgres"
    common = [url, "--query", query]
    schema, out, ledger = tmp_path / "schema.yaml", tmp_path / "out", tmp_path / "ledger.sqlite"
    assert execute(["schema", "init", *common, "--out", str(schema), "--assume-public"]) == 0
    asked = [
        "--schema",
        str(schema),
        "--epsilon",
        "3",
        "--public-rows",
        "1500",
        "--rows",
        "50",
        "--effort",
        "quick",
    ]
    assert execute(["fit", *common, *asked, "--ledger", str(ledger), "--out", str(out)]) == 0
    told = "".join(capsys.readouterr())
    note = json.loads((out / "internal" / "internal-run.json").read_text())
    assert note["request"]["source"]["query_sha256"] == SourceOptions(query=query).query_sha256
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert PASSWORD.encode() not in content, path
        assert b"generate_series" not in content, path
    assert PASSWORD not in told
    assert "tester:***@127.0.0.1" in told

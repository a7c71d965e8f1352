"""Bad input gets exit code 2 and a clear message.

It tells no private value, writes nothing and charges nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from privgan.ledger.ledger import PrivacyLedger

MOST_LINES = 12
Spoil = Callable[[Any], object]  # Takes the workspace of conftest.py.

POLICY = """\
format: privgan.policy/1
name: own
version: "1.0"
purpose: Tests.
attempts_per_dataset: 3
gates:
  - {fact: guarantee.epsilom, at_most: 10, scope: public, reason: Because., advice: Change it.}
  - {fact: fidelity.tvd1.high, at_most: 0.2, scope: public, reason: Because., advice: Change it.}
"""
CONTEXT = """\
format: privgan.context/1
reviewr: A. Person
expiry: 2026-02-30
"""
ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{n}: &{n} [{','.join([f'*{p}'] * 9)}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True)
)

AUDIT = (
    "audit",
    "--quiet",
    *(
        part
        for name in ("real", "holdout", "synthetic")
        for part in (f"--{name}", "{here}/table.csv")
    ),
)


def option(name: str, value: str) -> Spoil:
    return lambda w: w.options.update({name: value})


def asked(name: str, value: str, more: Mapping[str, str] | None = None) -> Spoil:
    """A requested risk limit in place of ε."""

    def spoil(w: Any) -> None:
        del w.options["--epsilon"]
        w.options.update({name: value, **(more or {})})

    return spoil


def cells(column: str, value: str | None, *rows: int) -> Spoil:
    return lambda w: w.with_cells(column, w.number if value is None else value, rows or (3,))


def replaced(old: str, new: str) -> Spoil:
    return lambda w: w.with_schema({old: new})


def command(*arguments: str, before: Spoil = lambda w: None) -> Spoil:
    def spoil(w: Any) -> None:
        before(w)
        w.command = arguments

    return spoil


def text(content: str | bytes) -> Spoil:
    return lambda w: w.with_text(content)


def schema_text(content: str) -> Spoil:
    return lambda w: w.write("schema.yaml", content)


def table_at(name: str, make: Callable[[Path], object]) -> Spoil:
    def spoil(w: Any) -> None:
        make(w.folder / name)
        w.table_name = name

    return spoil


def forbidden(w: Any) -> None:
    """A file that may not be read, for root too."""
    real = Path.open

    def refuse(path: Path, *args: Any, **kwargs: Any) -> Any:
        if path == w.table:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    w.monkeypatch.setattr(Path, "open", refuse)


def parquet(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Spoil:
    def spoil(w: Any) -> None:
        change(w.rows()).to_parquet(w.folder / "table.parquet", index=False)
        w.table_name = "table.parquet"

    return spoil


def repeated_parquet_column(path: Path) -> None:
    table = pa.table(
        [pa.array(["C1"]), pa.array([1]), pa.array([2])], names=["customer_id", "age", "age"]
    )
    pq.write_table(table, path)


def ledger_at(name: str, make: Callable[[Path], object]) -> Spoil:
    def spoil(w: Any) -> None:
        make(w.folder)
        w.options["--ledger"] = str(w.folder / name)

    return spoil


def release_link_to_nowhere(w: Any) -> None:
    w.out.mkdir(parents=True)
    (w.out / "release").symlink_to("nowhere")


def full_disk(w: Any) -> None:
    w.monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000))


TABLES: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "no such file": (table_at("absent.csv", lambda path: None), ("absent.csv", "no such file")),
    "dangling link": (
        table_at("link.csv", lambda path: path.symlink_to("nowhere")),
        ("link.csv", "no such file"),
    ),
    "folder": (table_at("folder.csv", lambda path: path.mkdir()), ("folder.csv", "is a folder")),
    "unreadable": (forbidden, ("table.csv", "cannot be read", "Permission denied")),
    "empty": (text(""), ("table.csv", "is empty")),
    "header only": (
        text("customer_id,full_name,age,spend,tier,joined,active\n"),
        ("table.csv", "no rows"),
    ),
    "other --sep": (
        lambda w: (w.write_table(w.rows(), sep=";"), option("--sep", ",")(w)),
        ("--sep", "column 'age'"),
    ),
    "wrong --sep": (option("--sep", ";"), ("--sep", "column 'age'")),
    "long --sep": (option("--sep", "::"), ("--sep is '::'", "one character")),
    "empty --sep": (option("--sep", ""), ("--sep is ''", "one character")),
    "line break as --sep": (option("--sep", "\n"), ("--sep",)),
    "quote as --sep": (option("--sep", '"'), ("--sep",)),
    "repeated column": (
        lambda w: w.with_text(w.table.read_text().replace("spend", "age", 1)),
        ("one name more than once",),
    ),
    "unnamed column": (
        lambda w: w.with_text(w.table.read_text().replace("spend", "", 1)),
        ("column 4", "no name"),
    ),
    "column missing": (
        lambda w: w.write_table(w.rows().drop(columns=["tier", "age"])),
        ("column 'age'", "column 'tier'"),
    ),
    "column too many": (
        lambda w: w.write_table(w.rows().assign(salary="1")),
        ("column 'salary'", "not in the schema"),
    ),
    "field too many": (
        lambda w: w.with_text(
            w.table.read_text() + f"C9,{w.canary},20,1,gold,2020-01-01,True,{w.canary}\n"
        ),
        ("more fields", "7 columns"),
    ),
    "field too few": (
        lambda w: w.with_text(w.table.read_text() + f"C9,{w.canary},20\n"),
        ("line 62", "fewer fields"),
    ),
    "open quote": (
        lambda w: w.with_text(w.table.read_text() + f'C9,"{w.canary},20\n'),
        ("table.csv", "quoting"),
    ),
    "binary": (text(bytes(range(256)) * 8), ("table.csv", "not a text table")),
    "zero bytes": (text(b"\0" * 300), ("table.csv",)),
    "picture": (text(b"\x89PNG\r\n\x1a\n" + os.urandom(200)), ("table.csv", "not a text table")),
    "UTF-16 without a mark": (
        lambda w: w.with_text(w.table.read_text().encode("utf-16-le")),
        ("table.csv", "UTF-8"),
    ),
    "no text in a row": (
        lambda w: w.with_text(
            w.table.read_text().replace("phyrine 7", "ph\x81rine 7").encode("latin-1")
        ),
        ("table.csv", "UTF-8"),
    ),
    "broken Parquet": (
        table_at("t.parquet", lambda path: path.write_bytes(b"PAR1" + b"x" * 99)),
        ("t.parquet", "Parquet"),
    ),
    "text named Parquet": (
        table_at("t.parquet", lambda path: path.write_text("a,b\n1,2\n")),
        ("t.parquet", "Parquet"),
    ),
    "empty Parquet": (parquet(lambda frame: frame.head(0)), ("table.parquet", "no rows")),
    "repeated column in Parquet": (
        table_at("t.parquet", repeated_parquet_column),
        ("one name more than once",),
    ),
    "lists in Parquet": (
        parquet(lambda f: f.assign(age=[[918273645]] * len(f))),
        ("column 'age'", "number"),
    ),
    "lists as identifier": (
        parquet(lambda f: f.assign(customer_id=[["Zephyrine"]] * len(f))),
        ("column 'customer_id'",),
    ),
    "bytes in Parquet": (
        parquet(lambda f: f.assign(tier=[b"Zephyrine"] * len(f))),
        ("column 'tier'", "60 rows"),
    ),
    "moments as numbers": (
        parquet(lambda f: f.assign(age=pd.Timestamp("2020-01-01"))),
        ("column 'age'", "60 rows"),
    ),
    "numbers as moments": (
        parquet(lambda f: f.assign(joined=918273645)),
        ("column 'joined'", "60 rows"),
    ),
}

VALUES: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "unknown category": (
        cells("tier", "Zephyrine", 1, 5),
        ("column 'tier'", "none of the 3 categories", "2 rows"),
    ),
    "text in a number": (
        cells("age", "Zephyrine"),
        ("column 'age'", "text where a number is expected", "1 row"),
    ),
    "number too large": (cells("age", None), ("column 'age'", "outside 18 to 99", "1 row")),
    "number too small": (cells("spend", "-918273645"), ("column 'spend'", "outside 0 to 5000")),
    "infinity": (cells("spend", "inf", 1, 2, 3), ("column 'spend'", "an infinite value", "3 rows")),
    "minus infinity": (cells("spend", "-Infinity"), ("column 'spend'", "an infinite value")),
    "number beyond float": (cells("spend", "1e999"), ("column 'spend'", "number", "1 row")),
    "NaN where none is allowed": (cells("age", "nan"), ("column 'age'", "1 row")),
    "too many decimals": (cells("spend", "12.34567"), ("column 'spend'", "more than 2 decimals")),
    "fraction in an integer": (cells("age", "20.5"), ("column 'age'", "more than 0 decimals")),
    "null": (cells("age", "", 4, 8), ("column 'age'", "missing where none may be", "2 rows")),
    "missing marker": (
        cells("tier", "NA"),
        ("column 'tier'", "missing where none may be", "1 row"),
    ),
    "no date": (cells("joined", "Zephyrine"), ("column 'joined'", "%Y-%m-%d", "1 row")),
    "impossible date": (cells("joined", "2020-02-30"), ("column 'joined'", "%Y-%m-%d")),
    "date outside": (
        cells("joined", "1999-01-01"),
        ("column 'joined'", "outside 2015-01-01 to 2025-12-31"),
    ),
    "no boolean": (cells("active", "Zephyrine"), ("column 'active'", "none of the 2 categories")),
    "unit missing": (
        cells("customer_id", "", 6),
        ("column 'customer_id'", "the unit is missing", "1 row"),
    ),
    "unit missing, clamped": (
        lambda w: (cells("customer_id", "")(w), option("--on-violation", "clamp")(w)),
        ("column 'customer_id'", "the unit is missing"),
    ),
    "id twice without a unit": (
        lambda w: (
            cells("customer_id", "Zephyrine", 1, 2)(w),
            w.with_schema({"unit: customer_id\nmax_rows_per_unit: 1": "unit: row"}),
        ),
        ("column 'customer_id'", "repeats", "declare it as the unit"),
    ),
    "several violations at once": (
        lambda w: w.write_table(w.rows().assign(tier=w.canary, age=w.number, joined="?")),
        ("3 violations", "column 'tier'", "column 'age'", "column 'joined'"),
    ),
}

SCHEMAS: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "no schema": (option("--schema", "absent.yaml"), ("absent.yaml", "cannot be read")),
    "schema is a folder": (
        lambda w: option("--schema", str(w.folder))(w),
        ("cannot be read", "directory"),
    ),
    "empty schema": (schema_text(""), ("schema.yaml", "empty")),
    "not YAML": (schema_text("columns: [a\nb: }"), ("schema.yaml", "line 2", "not valid YAML")),
    "a list": (schema_text("- 1\n"), ("schema.yaml", "line 1", "a mapping")),
    "deep": (schema_text("[" * 5_000), ("schema.yaml",)),
    "endless aliases": (
        schema_text("format: privgan.schema/1\ncolumns: &a [*a]\n"),
        ("schema.yaml",),
    ),
    "aliases of aliases": (schema_text(ALIASES), ("schema.yaml",)),
    "control character": (schema_text("format: a\x00b"), ("schema.yaml", "not valid YAML")),
    "other format": (
        replaced("privgan.schema/1", "privgan.schema/9"),
        ("line 1", "privgan.schema/1"),
    ),
    "no dataset": (replaced("dataset: small-customers\n", ""), ("schema.yaml", "lacks 'dataset'")),
    "no unit": (
        replaced("unit: customer_id\nmax_rows_per_unit: 1\n", ""),
        ("schema.yaml", "lacks 'unit'"),
    ),
    "no max_rows_per_unit": (
        replaced("max_rows_per_unit: 1\n", ""),
        ("line 3", "needs max_rows_per_unit"),
    ),
    "measured beforehand": (
        replaced("upper: 99", "upper: 99, source: {lower: measured, upper: measured}"),
        ("age.lower, age.upper", "write 'source: declared'"),
    ),
    "unit of another kind": (replaced("unit: customer_id", "unit: tier"), ("line 3", "'tier'")),
    "unknown kind": (
        replaced("kind: categorical", "kind: categoric"),
        ("line 11", "'categoric'", "did you mean 'categorical'"),
    ),
    "unknown key": (
        replaced("upper: 99", "uper: 99"),
        ("line 9", "'uper'", "did you mean 'upper'"),
    ),
    "reversed bounds": (
        replaced("lower: 18, upper: 99", "lower: 99, upper: 18"),
        ("line 9", "99 is not below upper 18"),
    ),
    "infinite bound": (replaced("upper: 5000", "upper: 1e999"), ("line 10", "spend")),
    "NaN bound": (replaced("upper: 5000", "upper: .nan"), ("line 10", "must be numbers")),
    "bound of 5000 digits": (replaced("upper: 5000", "upper: " + "9" * 5_000), ("line 10",)),
    "bounds too wide": (replaced("upper: 5000", "upper: 1e300"), ("line 10", "spend")),
    "column twice": (replaced("name: tier", "name: age"), ("'age' stands twice",)),
    "category twice": (replaced("[basic, silver, gold]", "[basic, gold, gold]"), ("line 11",)),
    "constraints with mistakes": (
        replaced(
            "kind: boolean}",
            (
                "kind: boolean}\nconstraints:\n- {at_most: [age, tier]}\n- {when: age < 9, then:"
                " spend = 0}"
            ),
        ),
        (
            "2 mistakes",
            "line 15: constraints[0].at_most: 'tier'",
            "line 16: constraints[1].when: no value of 'age'",
            "18 to 99",
        ),
    ),
    "draft that nobody confirmed": (
        replaced("name: tier, kind", "name: tier, source: confirm, kind"),
        ("must still confirm", "tier.categories"),
    ),
    "several typos": (
        lambda w: w.with_schema(
            {"kind: integer": "kind: intger", "decimals": "decimal", "role: identifier}": "rol: x}"}
        ),
        (
            "3 mistakes",
            "line 8",
            "line 9",
            "line 10",
            "did you mean 'integer'",
            "did you mean 'decimals'",
            "did you mean 'role'",
        ),
    ),
}

REQUESTS: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "ε = 0": (option("--epsilon", "0"), ("epsilon is 0",)),
    "ε < 0": (option("--epsilon", "-1"), ("epsilon is -1",)),
    "ε NaN": (option("--epsilon", "nan"), ("epsilon is nan",)),
    "ε infinite": (option("--epsilon", "inf"), ("epsilon is inf",)),
    "ε above 100": (option("--epsilon", "100.5"), ("epsilon is 100.5", "at most 100")),
    "ε is no number": (option("--epsilon", "three"), ("--epsilon", "three")),
    "δ = 0": (option("--delta", "0"), ("delta is 0",)),
    "δ = 1": (option("--delta", "1"), ("delta is 1",)),
    "δ < 0": (option("--delta", "-1e-6"), ("delta is -1e-06",)),
    "δ NaN": (option("--delta", "nan"), ("delta is nan",)),
    "δ not below 1/n": (
        lambda w: w.options.update({"--delta": "0.001", "--public-rows": "1000"}),
        ("delta is 0.001", "below 0.001"),
    ),
    "no ε and no risk": (
        lambda w: w.options.pop("--epsilon"),
        ("exactly one of --epsilon, --max-attack-advantage, --max-tpr",),
    ),
    "ε and a risk": (
        option("--max-attack-advantage", "0.2"),
        ("--epsilon and --max-attack-advantage are given",),
    ),
    "two risks": (
        asked("--max-attack-advantage", "0.2", more={"--max-tpr": "0.05@0.01"}),
        ("--max-attack-advantage and --max-tpr are given", "exactly one of"),
    ),
    "advantage of 0": (
        asked("--max-attack-advantage", "0"),
        ("attack advantage is 0", "above 0 and below 1"),
    ),
    "advantage of 1": (
        asked("--max-attack-advantage", "1"),
        ("attack advantage is 1", "above 0 and below 1"),
    ),
    "advantage NaN": (asked("--max-attack-advantage", "nan"), ("attack advantage is nan",)),
    "advantage too small for δ": (
        asked("--max-attack-advantage", "1e-6"),
        ("advantage at most 1e-06", "allow more risk"),
    ),
    "advantage with δ = 1": (
        asked("--max-attack-advantage", "0.2", more={"--delta": "1"}),
        ("delta is 1",),
    ),
    "rate without a second": (asked("--max-tpr", "0.05"), ("--max-tpr is '0.05'", "0.05@0.01")),
    "rate of three": (asked("--max-tpr", "0.1@0.2@0.3"), ("--max-tpr is '0.1@0.2@0.3'",)),
    "rate that is no number": (asked("--max-tpr", "many@few"), ("--max-tpr is 'many@few'",)),
    "rate below guessing": (
        asked("--max-tpr", "0.01@0.05"),
        ("true-positive rate is 0.01", "guessing already gives"),
    ),
    "too few rows declared": (
        option("--public-rows", "499"),
        ("--public-rows is 499", "at least 500"),
    ),
    "no rows declared": (option("--public-rows", "0"), ("row count is 0",)),
    "rows below zero declared": (option("--public-rows", "-5"), ("--public-rows is -5",)),
    "no rows to make": (option("--rows", "0"), ("--rows is 0",)),
    "too many rows to make": (option("--rows", "9" * 15), ("the disk has", "MB")),
    "seed below zero": (option("--seed", "-1"), ("--seed", "-1")),
    "seed too large": (option("--seed", "9" * 30), ("--seed",)),
    "canary probability": (option("--canary-probability", "0.9"), ("0.9", "0 to 0.5")),
    "unknown effort": (option("--effort", "huge"), ("--effort", "quick")),
    "unknown option": (option("--epsilom", "3"), ("--epsilom", "--epsilon")),
    "unknown target": (option("--target", "churn"), ("churn",)),
    "unknown policy": (
        option("--policy", "partner-shre"),
        ("'partner-shre'", "did you mean 'partner-share'"),
    ),
    "no policy file": (option("--policy", "./absent.yaml"), ("absent.yaml", "not found")),
    "policy with mistakes": (
        lambda w: option("--policy", str(w.write("own.yaml", POLICY)))(w),
        ("2 mistakes", "line 7", "did you mean 'guarantee.epsilon'", "line 8", "scope: internal"),
    ),
    "policy is not YAML": (
        lambda w: option("--policy", str(w.write("own.yaml", "{")))(w),
        ("own.yaml", "not valid YAML"),
    ),
    "no context file": (option("--context", "absent.yaml"), ("absent.yaml", "cannot be read")),
    "context with mistakes": (
        lambda w: option("--context", str(w.write("context.yaml", CONTEXT)))(w),
        ("context.yaml", "line 2", "did you mean 'reviewer'"),
    ),
    "context with an impossible day": (
        lambda w: option(
            "--context", str(w.write("context.yaml", CONTEXT.replace("reviewr", "reviewer")))
        )(w),
        ("line 3", "no day 2026-02-30"),
    ),
    "out is a file": (lambda w: w.out.write_text("mine"), ("out", "is a file")),
    "out lies under a file": (lambda w: option("--out", str(w.table / "out"))(w), ("table.csv",)),
    "out holds a release": (
        lambda w: (w.out / "release").mkdir(parents=True),
        ("there is a release already",),
    ),
    "out holds a link to no release": (release_link_to_nowhere, ("there is a release already",)),
    "out holds a candidate": (
        lambda w: (w.out / "internal" / "candidate").mkdir(parents=True),
        ("holds a candidate",),
    ),
    "no room on the disk": (full_disk, ("the disk has 0 MB free", "may need 50 MB")),
    "ledger under a file": (
        ledger_at("table.csv/ledger", lambda folder: None),
        ("ledger", "table.csv"),
    ),
    "ledger is a folder": (
        ledger_at("books", lambda folder: (folder / "books").mkdir(exist_ok=True)),
        ("books", "ledger"),
    ),
    "ledger is no ledger": (
        ledger_at(
            "l.sqlite",
            lambda f: [(f / name).write_text("ab" * 32) for name in ("l.sqlite", "l.sqlite.key")],
        ),
        ("l.sqlite", "not a readable ledger"),
    ),
    "ledger without key": (
        ledger_at("l.sqlite", lambda folder: (folder / "l.sqlite").touch()),
        ("key is missing",),
    ),
    "ledger's key is spoilt": (
        ledger_at(
            "l.sqlite",
            lambda f: [(f / name).write_text("?") for name in ("l.sqlite", "l.sqlite.key")],
        ),
        ("l.sqlite.key",),
    ),
    "ledger of another kind": (
        option("--ledger", "mysql://host/db"),
        ("mysql://… is not supported",),
    ),
}

COMMANDS: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "no command": (command("fitt"), ("fitt",)),
    "no argument": (command("run"), ("TABLE",)),
    "sample without a model": (
        command("sample", "{here}", "--out", "{here}/s.csv"),
        ("holds no model",),
    ),
    "sample over a file": (
        command("sample", "{here}", "--out", "{here}/table.csv"),
        ("is there already",),
    ),
    "fit over a candidate": (
        command(
            "fit",
            "{here}/table.csv",
            "--schema",
            "{here}/schema.yaml",
            "--epsilon",
            "3",
            "--out",
            "{here}/c",
            before=lambda w: ((w.folder / "c").mkdir(), w.write("c/candidate.json", "{}")),
        ),
        ("holds a candidate already",),
    ),
    "audit of nothing": (command("audit"), ("CANDIDATE and TABLE", "--real")),
    "audit of half": (command("audit", "--real", "{here}/table.csv"), ("--holdout",)),
    "audit of an impossible claim": (command(*AUDIT, "--epsilon", "-1"), ("ε must be ≥ 0",)),
    "audit of half a claim": (command(*AUDIT, "--delta", "1e-6"), ("--delta goes with --epsilon",)),
    "audit with an unknown target": (
        command(*AUDIT, "--target", "churn"),
        ("'churn' is not a modelled column",),
    ),
    "audit of no candidate": (
        command("audit", "{here}", "{here}/table.csv"),
        ("holds no candidate",),
    ),
    "check of no candidate": (
        command("check", "{here}", "--policy", "partner-share"),
        ("holds no candidate",),
    ),
    "release of no candidate": (
        command("release", "{here}", "--policy", "partner-share", "--out", "{here}/out"),
        ("holds no candidate",),
    ),
    "report of nothing": (command("report", "{here}"), ("holds no candidate",)),
    "verify of no folder": (command("verify", "{here}/absent"), ("absent", "no such folder")),
    "purge of nothing": (command("purge", "{here}"), ("ledger",)),
    "ledger show without a ledger": (command("ledger", "show"), ("there is no ledger",)),
    "ledger verify without a ledger": (command("ledger", "verify"), ("there is no ledger",)),
    "ledger budget without a ledger": (command("ledger", "budget", "x"), ("there is no ledger",)),
    "ledger init with a bad budget": (
        command("ledger", "init", "x", "--epsilon", "0"),
        ("epsilon is 0",),
    ),
    "draft over a file": (
        command("schema", "init", "{here}/table.csv", "--out", "{here}/schema.yaml"),
        ("is there already",),
    ),
    "draft under a bad name": (
        command(
            "schema",
            "init",
            "{here}/table.csv",
            "--dataset",
            "Bad Name!",
            "--out",
            "{here}/new.yaml",
        ),
        ("Bad Name!",),
    ),
    "draft into no folder": (
        command("schema", "init", "{here}/table.csv", "--out", "{here}/no/new.yaml"),
        ("no/new.yaml", "No such file"),
    ),
    "draft of identifiers only": (
        command(
            "schema",
            "init",
            "{here}/table.csv",
            "--out",
            "{here}/new.yaml",
            before=lambda w: w.write_table(w.rows()[["customer_id"]]),
        ),
        ("no column of the table can be modelled",),
    ),
    "plan for too little": (
        command("plan", "--schema", "{here}/schema.yaml", "--public-rows", "10", "--epsilon", "3"),
        ("--public-rows is 10",),
    ),
    "demo without customers": (
        command("demo", "--rows", "0", "--out", "{here}/out"),
        ("--rows is 0",),
    ),
    "demo with too few customers": (
        command("demo", "--rows", "20", "--out", "{here}/out"),
        ("--rows is 20", "at least 500"),
    ),
    "demo into a release": (
        command(
            "demo", "--out", "{here}/out", before=lambda w: (w.out / "release").mkdir(parents=True)
        ),
        ("there is a release already",),
    ),
}

CASES = TABLES | VALUES | SCHEMAS | REQUESTS | COMMANDS


def charged(path: Path) -> list[str]:
    """The entries of a ledger."""
    return (
        [entry.kind for entry in PrivacyLedger.open(str(path), create=False).entries()]
        if path.exists()
        else []
    )


def test_the_groups_of_cases_do_not_hide_each_other() -> None:
    assert len(CASES) == sum(map(len, (TABLES, VALUES, SCHEMAS, REQUESTS, COMMANDS)))


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_refused(
    name: str, workspace: Any, ledger_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, fragments = CASES[name]
    spoil(workspace)
    before = workspace.files()
    code = workspace.execute()
    told, message = capsys.readouterr()
    assert code == 2, message
    for fragment in fragments:
        assert fragment in message
    refusal = [line for line in message.splitlines() if not line.startswith("[")]
    assert len(refusal) <= MOST_LINES, message
    assert "Traceback" not in message
    assert told == ""
    for private in (workspace.canary, workspace.number):
        assert private not in message
    assert {path for path in workspace.files() - before if not path.startswith("books")} == set()
    assert charged(ledger_path) == []


def test_the_workspace_is_valid_before_it_is_spoilt(
    workspace: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        workspace.execute(
            "schema", "check", str(workspace.table), "--schema", str(workspace.schema)
        )
        == 0
    )
    assert capsys.readouterr().out == "the table fits the schema\n"

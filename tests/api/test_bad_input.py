"""Wrong arguments are refused before anything is charged, in the words of Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import privgan
from privgan.errors import (
    DocumentError,
    NoLedgerError,
    NotFittedError,
    PrivganError,
    ReleaseExistsError,
    TableError,
    UsageError,
)
from tests.api.world import ROWS, World, customers, schema

SECRET = "K000000"  # A value of the table; no message may tell one.


@dataclass(frozen=True)
class Case:
    """What is done, and how it is refused."""

    told: str
    do: Callable[[], Any]
    kind: type[PrivganError] = UsageError


def _new(**asked: Any) -> privgan.Synthesizer:
    return privgan.Synthesizer(
        schema(), **{"epsilon": 3, "public_rows": ROWS, "effort": "quick"} | asked
    )


def _run(**asked: Any) -> privgan.RunResult:
    return privgan.run("t.csv", schema(), epsilon=3, policy="partner-share", out="o", **asked)


def _fit(table: Any) -> Callable[[], Any]:
    return lambda: _new().fit(table)


def _twice() -> pd.DataFrame:
    table = customers()
    table.columns = ["customer_id", "age", "age", "spend", "joined"]
    return table


ARGUMENTS = {
    "no budget": Case(
        "none is given; give exactly one of epsilon, max_attack_advantage, max_tpr",
        lambda: _new(epsilon=None)),
    "two budgets": Case("epsilon and max_tpr are given", lambda: _new(max_tpr="0.05@0.01")),
    "ε negative": Case("epsilon is -1.0; it must be above 0", lambda: _new(epsilon=-1)),
    "ε not a number": Case(
        "epsilon is nan; it must be above 0",
        lambda: _new(epsilon=float("nan"))),
    "ε as text": Case("epsilon is '3'; it must be a number", lambda: _new(epsilon="3")),
    "ε as truth": Case("epsilon is 'true'; it must be a number", lambda: _new(epsilon=True)),
    "δ of one": Case("delta is 1.0; it must be above 0", lambda: _new(delta=1)),
    "rates": Case("max_tpr is 'five'", lambda: _new(epsilon=None, max_tpr="five")),
    "advantage": Case(
        "the largest attack advantage is 2",
        lambda: _new(epsilon=None, max_attack_advantage=2)),
    "effort": Case(
        "effort is 'quik'; it must be one of quick, standard, thorough; did you mean",
        lambda: _new(effort="quik")),
    "violation": Case("on_violation is 'drop'", lambda: _new(on_violation="drop")),
    "rows": Case("rows is 0; it must be at least 1", lambda: _new(rows=0)),
    "too few public rows": Case(
        "public_rows is 499; it must be at least 500",
        lambda: _new(public_rows=499, target="agee")),
    "too few public rows of a plan": Case(
        "public_rows is 20; it must be at least 500",
        lambda: privgan.plan(schema(), epsilon=3, public_rows=20)),
    "public rows": Case(
        "public_rows is 'many'; it must be a whole number",
        lambda: _new(public_rows="many")),
    "seed": Case("seed is -1; it must be in 0 to", lambda: _new(seed=-1)),
    "critic": Case(
        "the budget's share for DP-SGD is 2.0",
        lambda: _new(dp_sgd_share=2, epsilon=None, max_tpr="0.05@0.01")),
    "target": Case(
        "target 'agee' is not a modelled column",
        lambda: _new(target="agee"), TableError),
    "context alone": Case(
        "context and waivers go with policy",
        lambda: _new(context=privgan.Context())),
    "policy's name": Case("did you mean 'partner-share'?", lambda: _new(policy="partner-shar")),
    "policy's type": Case("policy is a int; give a Policy", lambda: _new(policy=3)),
    "ledger's type": Case(
        "ledger is a int; give a PrivacyLedger",
        lambda: _new(ledger=3)),
    "ledger's emptiness": Case("ledger is empty; give a PrivacyLedger", lambda: _new(ledger="")),
    "ledger of a run": Case(
        "ledger is a int; give a PrivacyLedger",
        lambda: privgan.run(
            customers(), schema(), epsilon=3, policy="partner-share", out="o", ledger=3)),
    "progress": Case(
        "progress is a int; give True, False or a Progress",
        lambda: _new(progress=5)),
    "waivers": Case(
        "waivers is a int; give a path",
        lambda: _new(policy="partner-share", waivers=5)),
    "data set of a draft": Case(
        "dataset is a int; give a short name",
        lambda: privgan.draft_schema(customers(), dataset=5)),  # type: ignore[arg-type]
    "no data set of a draft": Case(
        "dataset: found ''",
        lambda: privgan.draft_schema(customers(), dataset=""), DocumentError),
    "data set of a schema": Case(
        "dataset is a bool; give a short name",
        lambda: privgan.Schema(schema().columns, dataset=True)),  # type: ignore[arg-type]
    "data set of another schema": Case(
        "dataset is a int; give a short name",
        lambda: privgan.import_schema("a", dataset=5)),  # type: ignore[arg-type]
    "source of another schema": Case(
        "source is a int; give a path or a URL",
        lambda: privgan.import_schema(3)),  # type: ignore[arg-type]
    "an unknown option": Case(
        "'efort' is no parameter of a fit; did you mean 'effort'?", lambda: _run(efort="quick")),
    "no seed": Case("seed is", lambda: _new(seed=None)),
    "no table for the twin": Case("schema go together", lambda: privgan.audit_twin(customers())),
    "foreign schema": Case("from_ is 'sd'", lambda: privgan.import_schema("a", from_="sd")),
    "form of export": Case("to is 'avro'", lambda: privgan.export_schema("a", "avro")),
    "no schema": Case(
        "schema is a NoneType; give a Schema",
        lambda: privgan.Synthesizer(None, epsilon=3)),  # type: ignore[arg-type]
    "schema's file": Case(
        "none.yaml",
        lambda: privgan.Synthesizer("none.yaml", epsilon=3), DocumentError),
    "schema's text": Case(
        "mistakes",
        lambda: privgan.Synthesizer("format: privgan.schema/1\na: 1\n", epsilon=3), DocumentError),
    "schema's column": Case(
        "columns[0] is a dict; give a column",
        lambda: privgan.Schema([{"name": "a"}], dataset="a")),  # type: ignore[list-item]
    "schema's unit": Case(
        "unit",
        lambda: privgan.Schema(schema().columns, dataset="shop", unit="age"), DocumentError),
    "twice a column": Case(
        "stands twice",
        lambda: privgan.Schema([*schema().columns] * 2, dataset="shop"), DocumentError),
    "another column": Case(
        "'agee' is no column of the schema; did you mean",
        lambda: schema().with_column(privgan.Integer("agee"))),
    "one bound": Case("column 'age'", lambda: privgan.Integer("age", 18), DocumentError),
    "kind of PII": Case(
        "did you mean 'email'?",
        lambda: privgan.PersonalData("a", "emai"), DocumentError),
    "group": Case(
        "groups is 'bound'; it must be one of",
        lambda: privgan.draft_schema(customers()).confirm("bound")),
    "unconfirmed": Case("that a person must still confirm", lambda: _draft_fit(), TableError),
    "unfitted sample": Case(
        "this synthesizer is not fitted; call Synthesizer.fit first",
        lambda: _new().sample(), NotFittedError),
    "unfitted save": Case("not fitted", lambda: _new().save("x"), NotFittedError),
    "unfitted audit": Case(
        "not fitted",
        lambda: privgan.audit(_new(), customers()), NotFittedError),
    "load nothing": Case("there is no such folder", lambda: privgan.load("nowhere")),
    "load a number": Case("folder is a int", lambda: privgan.load(3)),  # type: ignore[arg-type]
    "load no model": Case("holds no model", lambda: privgan.load(".")),
    "verify nothing": Case("there is no such folder", lambda: privgan.verify("nowhere")),
    "verify a number": Case(
        "release is a int; give a path",
        lambda: privgan.verify(3)),  # type: ignore[arg-type]
    "check a number": Case(
        "candidate is a int",
        lambda: privgan.check(3, "internal-analytics")),  # type: ignore[arg-type]
    "check nothing": Case(
        "holds no candidate",
        lambda: privgan.check("nowhere", "internal-analytics")),
    "purge": Case(
        "there is no ledger",
        lambda: privgan.purge(".", ledger="none.sqlite"), NoLedgerError),
    "no hold-out": Case("holdout is missing", lambda: privgan.audit(customers(), customers())),
    "δ alone": Case(
        "delta goes with epsilon",
        lambda: privgan.audit(customers(), customers(), customers(), delta=1e-6)),
    "report's format": Case("format is 'doc'", lambda: privgan.report("out", format="doc")),
    "context's day": Case(
        "expiry: is a str; give a date",
        lambda: _run(context=privgan.Context(expiry="2027-05-01")),  # type: ignore[arg-type]
        DocumentError),
    "context's text": Case(
        "purpose",
        lambda: _run(context=privgan.Context(purpose="x" * 5000)), DocumentError),
    "ledger with a password": Case(
        "looks like a URL with a password",
        lambda: _new(ledger=f"postgresql//u:{SECRET}@h").fit(customers())),
    "language": Case(
        "language is 'fr'",
        lambda: _run(language="fr")),
}  # fmt: skip
TABLES = {
    "numbers": ([1, 2], "table: 'list' is no table"),
    "nothing": (None, "table: 'NoneType' is no table"),
    "a number": (3, "table: 'int' is no table"),
    "an empty list": ([], "table: 'list' is no table"),
    "one column": (customers()["age"], "table: 'Series' is no table"),
    "a dictionary": ({"a": [1, 2]}, "table['a']: 'list' is no table"),
    "numbered keys": ([{1: 2}], "a row has a key of type 'int'; each key must be text"),
    "complex numbers": (
        customers().assign(age=1j),
        "column 'age' holds values of type 'complex'; allowed are numbers, texts",
    ),
    "complex numbers in rows": (
        [{"age": 1}, {"age": np.complex64(1)}],
        "column 'age' holds values of type 'complex64'; allowed are numbers, texts",
    ),
    "things without a text": (
        customers().assign(age=[object()] * ROWS),
        "column 'age' holds values of type 'object'; allowed are numbers, texts",
    ),
    "periods": (
        customers().assign(age=pd.period_range("2020", periods=ROWS, freq="D")),
        "column 'age' holds values of a kind that no table file has",
    ),
    "a missing file": ("missing.csv", "missing.csv: no such file"),
    "a URL without its scheme": (f"u:{SECRET}@host/db", "looks like a URL with a password"),
    "a driver's settings": (f"Server=h;Password={SECRET}", "looks like a URL with a password"),
    "intervals": (
        customers().assign(age=pd.cut(customers()["age"], 3)),
        "column 'age' holds values of a kind that no table file has",
    ),
    "no rows": (customers().head(0), "has no rows"),
    "no columns": (pd.DataFrame(index=[1, 2]), "no "),
    "columns twice": (_twice(), "one name more than once, in columns 2, 3"),
    "a column too few": (
        customers().drop(columns="age"),
        "column 'age': is in the schema but not in the table",
    ),
    "a value outside": (
        customers().assign(age=200),
        "or map values into it with on_violation='clamp'",
    ),
}


def _draft_fit() -> None:
    privgan.Synthesizer(privgan.Schema.from_frame(customers()), epsilon=3, public_rows=ROWS).fit(
        customers()
    )


@pytest.mark.parametrize("case", ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments_that_mean_nothing_are_refused(case: Case, place: Path) -> None:
    with pytest.raises(case.kind) as found:
        case.do()
    assert case.told in str(found.value)
    assert "--" not in str(found.value)
    assert not (place / "books.sqlite").exists(), "nothing is charged"


@pytest.mark.parametrize(("table", "told"), TABLES.values(), ids=TABLES)
def test_what_is_no_fitting_table_is_refused_before_anything_is_charged(
    table: Any, told: str, place: Path
) -> None:
    for refuse in (
        _fit(table),
        lambda: privgan.run(table, schema(), epsilon=3, policy="internal-analytics", out="o"),
    ):
        with pytest.raises(TableError) as found:
            refuse()
        assert told in str(found.value)
        assert "--" not in str(found.value)
        assert SECRET not in str(found.value)
        assert not (place / "books.sqlite").exists(), "nothing is charged"
        assert not (place / "o").exists()


WHERE = {
    "agee = 3": "where: 'agee' is no column; did you mean 'age'?",
    "": "where: the condition is empty",
    "segment = gld": "'gld' is no category of segment; did you mean 'gold'?",
    "customer_id = a": "is invented and cannot be a condition",
}


@pytest.mark.parametrize(("where", "told"), WHERE.items())
def test_conditions_that_mean_nothing_are_refused(where: str, told: str, world: World) -> None:
    with pytest.raises(UsageError) as found:
        world.names["fitted"].sample(5, where=where)
    assert told in str(found.value)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"rows": 0}, "rows is 0; it must be at least 1"),
        ({"rows": 2.5}, "rows is '2.5'; it must be a whole number"),
        ({"rows": "5"}, "rows is '5'; it must be a whole number"),
        ({"where": ["a"]}, "where is"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_samples_that_mean_nothing_are_refused(
    asked: dict[str, Any], told: str, world: World
) -> None:
    with pytest.raises(UsageError, match=told):
        world.names["fitted"].sample(**asked)


def test_a_second_fit_is_refused_for_it_would_be_paid_again(world: World) -> None:
    before = privgan.PrivacyLedger.open("books.sqlite").entries()
    for fitted in (world.names["fitted"], privgan.load("candidate"), privgan.load("out/release")):
        with pytest.raises(UsageError, match="fitted already"):
            fitted.fit(customers())
    assert privgan.PrivacyLedger.open("books.sqlite").entries() == before


def test_nothing_is_written_over(world: World) -> None:
    fitted = world.names["fitted"]
    with pytest.raises(ReleaseExistsError, match="choose another folder"):
        fitted.save("candidate")
    with pytest.raises(ReleaseExistsError, match="choose another out"):
        _new().fit(customers(), out="candidate")
    for write in (schema().save, fitted.write, privgan.draft_schema(customers()).save):
        with pytest.raises(UsageError, match="is there already; choose another path"):
            write("customers.csv")


def test_a_release_is_loaded_but_not_judged_and_a_spoilt_one_not_even_loaded(world: World) -> None:
    released = privgan.load("out")
    assert len(released.sample(3)) == 3
    with pytest.raises(UsageError, match="came from a release"):
        privgan.check(released, "internal-analytics")
    with pytest.raises(UsageError, match="its plan stands in the record"):
        _ = released.plan
    with pytest.raises(privgan.VerificationError, match="is not intact"):
        privgan.load("spoilt")


def test_a_policy_that_can_never_pass_charges_nothing(place: Path) -> None:
    with pytest.raises(privgan.PolicyFailedError, match="nothing was charged"):
        _new(policy="public-release").fit(customers())
    assert not (place / "books.sqlite").exists()


def test_a_dictionary_may_lack_what_another_has() -> None:
    rows = [{"a": 1, "b": "x"}, {"a": 2, "c": 2.5}] * 30
    assert privgan.draft_schema(rows).schema.names == ("a", "b", "c")


@pytest.mark.parametrize("place", ["real", "holdout", "synthetic"])
def test_an_audit_names_what_is_no_table(place: str) -> None:
    given = dict.fromkeys(("real", "holdout", "synthetic"), customers()) | {place: 3}
    with pytest.raises(TableError, match=f"^{place}: 'int' is no table"):
        privgan.audit(**given)


def test_keys_of_later_rows_and_values_of_several_types_become_columns() -> None:
    rows = [{"n": 1}, {"n": "x", "late": 2.5}, {"n": 3, "late": None}] * 30
    assert privgan.draft_schema(rows).schema.names == ("n", "late")


def test_bytes_are_read_as_the_text_that_they_are_and_else_refused() -> None:
    draft = privgan.draft_schema(customers().assign(x=[b"left", "right"] * 300)).schema
    assert draft.column("x").categories == ("left", "right")
    with pytest.raises(TableError, match=r"or bytes; found 'x' \(binary\)"):
        privgan.draft_schema(customers().assign(x=b"\xff"))


def test_a_column_without_a_finite_number_is_given_up() -> None:
    draft = privgan.draft_schema(customers().assign(x=np.inf))
    assert draft.schema.column("x").kind == "text"
    assert any("numbers without a finite one" in note for note in draft.notes)

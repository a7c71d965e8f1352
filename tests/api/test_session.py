"""An analyst's session, as in a notebook: each cell is run, with pandas, polars and Arrow."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import privgan
from privgan.cli.main import execute
from privgan.pipeline.candidate import LOG_FILE
from privgan.pipeline.folders import INTERNAL
from privgan.progress import Progress
from tests.api.world import ROWS, World, customers, schema, write_policy


def test_a_session_from_a_frame_to_a_report(place: Path) -> None:
    table = customers()
    write_policy()

    # Draft, correct by hand, confirm.
    draft = privgan.draft_schema(table, dataset="shop")
    assert draft.schema.facts_from("confirm")
    shop = draft.with_column(privgan.Integer("age", 18, 99, role="quasi-identifier")).confirm()
    assert not shop.facts_from("confirm")
    assert shop.check(table).fits
    shop.save("schema.yaml")

    # Plan before paying.
    plan = privgan.plan(shop, epsilon=3, public_rows=ROWS)
    assert plan.budget.epsilon == 3

    # Fit, and sample for free.
    synthesizer = privgan.Synthesizer("schema.yaml", epsilon=3, public_rows=ROWS, effort="quick")
    with pytest.warns(UserWarning, match="ledger") as told:
        synthesizer.fit(table)
    assert "a new ledger was made" in str(told[0].message)
    assert "is new to the ledger" in str(told[1].message)
    gold = synthesizer.sample(40, where="segment = gold and age >= 60", seed=1)
    assert len(gold) == 40
    assert set(gold["segment"]) == {"gold"}
    assert gold["age"].ge(60).all()
    assert gold.equals(synthesizer.sample(40, where="segment = gold and age >= 60", seed=1))

    # Keep, load, audit, judge, report.
    synthesizer.save("kept")
    assert privgan.load("kept").sample(3).equals(synthesizer.sample(3))
    report = privgan.audit("kept", table)
    assert report.verdict != "REFUTED"
    verdict = privgan.check("kept", "our-policy.yaml")
    assert str(verdict.status) == "PASS"
    assert privgan.release("kept", "our-policy.yaml", "shared") == Path("shared/release")

    # The whole job in one call; the ledger adds up.
    result = privgan.run(
        table,
        shop,
        epsilon=2,
        public_rows=ROWS,
        effort="quick",
        policy="our-policy.yaml",
        out="out",
    )
    assert result.raise_for_status().passed
    assert result.release == Path("out/release")
    assert privgan.verify("out").ok
    assert str(privgan.report("out")).startswith("# ")
    assert privgan.report("out", internal=True, format="html", out="inside.html") == Path(
        "inside.html"
    )
    assert len(result.synthesizer().sample(7)) == 7
    account = privgan.PrivacyLedger.open().account("shop")
    assert account.epsilon == 5
    assert account.runs == 2
    assert privgan.purge("out") > 0
    assert not (place / "out" / "internal").exists()


def _forms(place: Path) -> dict[str, Any]:
    """The same table in each form that is taken."""
    table = customers()
    table.to_csv(place / "customers.csv", index=False, date_format="%Y-%m-%d")
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    return {
        "pandas": table,
        "polars": pl.from_pandas(table),
        "polars lazy": pl.from_pandas(table).lazy(),
        "Arrow table": arrow,
        "Arrow batch": arrow.to_batches()[0],
        "path": place / "customers.csv",
        "text": str(place / "customers.csv"),
        "dictionaries": table.astype(object).where(table.notna(), None).to_dict("records"),
    }


def test_a_table_is_taken_in_each_form(place: Path) -> None:
    for name, form in _forms(place).items():
        assert schema().check(form).fits, name
        assert privgan.Schema.from_frame(form, dataset="shop").names == schema().names, name


def test_a_fit_from_each_form_of_schema(place: Path) -> None:
    path = schema().save("schema.yaml")
    text = path.read_text(encoding="utf-8")
    document = {
        "format": "privgan.schema/1",
        "dataset": "tiny",
        "unit": "row",
        "columns": [{"name": "a", "kind": "boolean"}],
    }
    for given in (schema(), path, str(path), text, schema().facts):
        assert privgan.Synthesizer(given, epsilon=3).schema == schema()
    assert privgan.Synthesizer(document, epsilon=3).schema.names == ("a",)


def test_polars_and_arrow_are_fitted_and_charged(place: Path) -> None:
    forms = _forms(place)
    for spent, name in enumerate(("polars", "Arrow table"), 1):
        made = privgan.Synthesizer(schema(), epsilon=1, public_rows=ROWS, effort="quick")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            assert list(made.fit(forms[name]).sample(2).columns) == list(schema().names)
        assert privgan.PrivacyLedger.open().account("shop").epsilon == spent


def test_a_fit_charges_what_the_command_charges(place: Path) -> None:
    from privgan.cli.main import execute

    schema().save("schema.yaml")
    customers().to_csv("customers.csv", index=False, date_format="%Y-%m-%d")
    asked = ["--epsilon", "3", "--public-rows", str(ROWS), "--effort", "quick", "--quiet"]
    assert (
        execute(
            [
                "fit",
                "customers.csv",
                "--schema",
                "schema.yaml",
                "--out",
                "typed",
                "--ledger",
                "typed.sqlite",
                *asked,
            ]
        )
        == 0
    )
    made = privgan.Synthesizer(
        "schema.yaml", epsilon=3, public_rows=ROWS, effort="quick", ledger="python.sqlite"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        made.fit("customers.csv", out="called")
    typed, called = (
        privgan.PrivacyLedger.open(f"{name}.sqlite").entries("shop") for name in ("typed", "python")
    )
    assert [entry.kind for entry in typed] == [entry.kind for entry in called]
    for one, other in zip(typed, called, strict=True):
        assert one.body.get("events") == other.body.get("events")
        assert one.body.get("epsilon") == other.body.get("epsilon")
    left = [
        {path.relative_to(name) for path in Path(name).rglob("*")} for name in ("typed", "called")
    ]
    assert left[0] == left[1]


def test_what_is_kept_is_its_owners_alone(world: World, tmp_path: Path) -> None:
    kept = world.names["fitted"].save(tmp_path / "kept")
    assert kept.stat().st_mode & 0o777 == 0o700
    assert (kept / "internal").stat().st_mode & 0o777 == 0o700
    for path in (kept / "internal").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_fit_without_a_folder_leaves_nothing_behind(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(place))
    made = privgan.Synthesizer(schema(), epsilon=1, public_rows=ROWS, effort="quick")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        made.fit(customers())
    assert list(place.glob("privgan-*"))
    assert not any(isinstance(part, pd.DataFrame) for part in vars(made).values())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del made
    assert not list(place.glob("privgan-*"))


def test_what_holds_rows_or_a_folder_is_not_pickled(world: World) -> None:
    for held in (world.names["fitted"], privgan.draft_schema(customers())):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(held)


def test_a_warning_names_the_line_that_called(place: Path) -> None:
    with pytest.warns(UserWarning, match="ledger") as told:
        privgan.Synthesizer(schema(), epsilon=1, public_rows=ROWS, effort="quick").fit(customers())
    assert {warning.filename for warning in told} == {__file__}


def test_no_progress_is_told_unless_asked_for(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for asked in (False, True):
        made = privgan.Synthesizer(
            schema(), epsilon=1, public_rows=ROWS, effort="quick", progress=asked
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            made.fit(customers())
        told = capsys.readouterr()
        assert told.out == ""
        assert bool(told.err) == asked


@pytest.mark.slow
def test_a_synthetic_table_is_audited_without_a_fit(world: World) -> None:
    table, synthetic = customers(), world.names["synthetic"]
    copies = privgan.audit(
        table.head(300), table.head(300), table.tail(300), schema=schema(), epsilon=3
    )
    assert str(copies.verdict) == "REFUTED"
    assert "copies" in copies.reason
    drafted = privgan.audit(
        pl.from_pandas(synthetic), pl.from_pandas(table.head(300)), table.tail(300)
    )
    assert str(drafted.verdict) == "INCONCLUSIVE"
    assert drafted.reason == "nothing is claimed; give epsilon"


def test_typed_frames_and_files_say_the_same(place: Path) -> None:
    forms = _forms(place)
    frames = [privgan.read_table(forms[name]) for name in ("pandas", "polars", "Arrow table")]
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frames[0], frame, check_dtype=False)


def test_who_vouches_declares_and_who_only_assumes_does_not(place: Path) -> None:
    """As ``schema review --accept-all`` and ``schema init --assume-public`` do."""
    table = customers()
    table.to_csv("t.csv", index=False)
    vouched = privgan.Schema.from_frame("t.csv", dataset="shop", vouch=True)
    init = ["schema", "init", "t.csv", "--out", "reviewed.yaml", "--dataset", "shop"]
    assert execute(init) == 0
    assert execute(["schema", "review", "t.csv", "--schema", "reviewed.yaml", "--accept-all"]) == 0
    assert vouched == privgan.load_schema("reviewed.yaml")
    assert not vouched.facts_from("assumed_public")
    assert not vouched.facts_from("confirm")

    assumed = privgan.draft_schema("t.csv", dataset="shop", assume_public=True)
    facts = set(privgan.Schema.from_frame("t.csv").facts_from("confirm"))
    assert set(assumed.confirm().facts_from("assumed_public")) == facts


@pytest.mark.slow
def test_one_progress_tells_two_jobs_and_each_log_has_its_own(world: World, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        progress, first = Progress(quiet=True), tmp_path / "first"
        asked: dict[str, Any] = {"epsilon": 1, "public_rows": ROWS, "effort": "quick"}
        privgan.Synthesizer(schema(), **asked, progress=progress).fit(customers(), out=first)
        logs = [folder / INTERNAL / LOG_FILE for folder in (first, tmp_path / "second")]
        before = [logs[0].read_text(encoding="utf-8")]
        second = privgan.Synthesizer(schema(), **asked, progress=progress)
        second.fit(customers(), out=tmp_path / "second")
        before.append(logs[1].read_text(encoding="utf-8"))
        privgan.audit(first, customers(), progress=progress)
        table = customers()
        privgan.audit(table, table.head(300), table.tail(300), progress=progress)
    assert [log.read_text(encoding="utf-8") for log in logs] == before


def test_an_audit_of_a_small_table_warns_of_nothing(place: Path) -> None:
    table = customers().drop(columns="customer_id")
    parts = table.head(60), table[60:120], table[120:180].assign(segment="gold")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for target in ("segment", "age"):
            privgan.audit(*parts, target=target)

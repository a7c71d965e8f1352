"""A run on histories: a release whose customers' events fit together, and verify."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import privgan
from privgan import synthesizer
from privgan.cli.main import execute
from privgan.errors import UsageError
from privgan.generator.history_likelihood import history_log_likelihoods
from privgan.generator.mixture import Mixture
from privgan.generator.part_model import PartModel
from privgan.parts.history_form import HistoryForm
from privgan.parts.history_views import View, history_view
from privgan.table.conform import conform
from privgan.table.files import write_tables
from privgan.table.schema_file import parse_schema
from privgan.table.violations import broken
from tests.histories.purchases import SCHEMA, purchases
from tests.histories.world import few_steps, fit, run
from tests.release.changes import refiled, seal
from tests.release.forging import forge, put
from tests.thinning import some


@dataclass(frozen=True)
class Job:
    """A finished run on histories, and the folder in which it was done."""

    folder: Path
    result: privgan.RunResult

    @property
    def release(self) -> Path:
        """The release."""
        return self.folder / "out" / "release"

    @property
    def rows(self) -> pd.DataFrame:
        """Its table."""
        return pd.read_parquet(self.release / "synthetic.parquet")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The run, in Python, on a frame of purchases."""
    folder = tmp_path_factory.mktemp("histories")
    with few_steps():
        return Job(folder, run(folder, epsilon=3))


def test_a_run_releases_histories_in_order(job: Job) -> None:
    assert job.result.status == "PASS", job.result.reasons
    rows = job.rows
    assert list(rows) == ["customer", "day", "segment", "channel", "amount"]
    by = rows.groupby("customer", sort=False)
    assert by["day"].is_monotonic_increasing.all()
    assert (by["segment"].nunique() == 1).all()
    assert by.size().max() <= 12


def test_the_release_verifies(job: Job) -> None:
    found = privgan.verify(job.release)
    assert found.ok, found.problems


def test_manifest_and_report_name_the_parts(job: Job) -> None:
    manifest = json.loads((job.release / "manifest.json").read_text(encoding="utf-8"))
    assert [part["name"] for part in manifest["plan"]["parts"]] == ["customers", "events"]
    steps = {step["name"] for step in manifest["accounting"]}
    assert {"customers.pairs", "events.cells:amount", "marginal:day"} <= steps
    page = (job.release / "report.html").read_text(encoding="utf-8")
    assert "customers.pairs" in page
    assert "are a history in the order of" in page
    assert "Constant within a history: " in page


def test_each_part_tells_its_relations_and_a_lie_is_found(job: Job, tmp_path: Path) -> None:
    report = json.loads((job.release / "report.json").read_text(encoding="utf-8"))
    assert "relations" not in report["data"]
    parts = report["data"]["relations_of_parts"]
    assert [part["part"] for part in parts] == ["customers", "events"]
    for part in parts:
        names = {column["column"] for column in part["columns"]}
        assert part["pairs"]
        assert {pair[end] for pair in part["pairs"] for end in ("first", "second")} <= names
    folder = tmp_path / "release"
    shutil.copytree(job.release, folder)
    forge(folder, lambda f: put(f.data["relations_of_parts"], 1, "pairs", 0, "strength", to=9.0))
    problems = "\n".join(privgan.verify(folder).problems)
    assert "noisy marginals at relations_of_parts[1].pairs[0].strength" in problems
    shutil.rmtree(folder)
    shutil.copytree(job.release, folder)
    forge(folder, lambda f: f.data.pop("relations_of_parts"))
    problems = "\n".join(privgan.verify(folder).problems)
    assert "does not say what the noisy marginals tell: relations_of_parts" in problems


def test_a_customers_likelihood_is_that_of_its_row_and_of_each_event_given_its_context(
    job: Job,
) -> None:
    model = synthesizer.load_synthesizer(job.release / "model")
    form, (customers, events) = HistoryForm(model.schema), model.parts
    typed = conform(purchases(40, seed=3), model.schema)
    owner = typed["customer"].str[1:].astype(int).to_numpy()
    views = {part.name: history_view(part.name, form, typed, owner) for part in form.parts}
    codes = {
        part.part.name: (
            part.encoder.encode(views[part.part.name].frame),
            views[part.part.name].customers,
        )
        for part in model.parts
    }
    found = history_log_likelihoods(model.parts, codes)
    one = int(owner[np.flatnonzero(np.bincount(owner)[owner] > 2)[0]])
    here = owner == one
    alone = typed[here].reset_index(drop=True)
    row = _log_shares(customers, history_view("customers", form, alone, owner[here]))
    steps = _log_shares(events, history_view("events", form, alone, owner[here]))
    context = [events.encoder.names.index(name) for name in events.part.context]
    total = _mean_of(row, range(row.shape[-1])) - _mean_of(steps, context)
    total += _mean_of(steps, range(steps.shape[-1]))
    assert found[one] == pytest.approx(total, rel=1e-9)


def _log_shares(model: PartModel, view: View) -> np.ndarray:
    """Log-share of each code of a view's rows in each entry [rows, entries, columns]."""
    codes, mixture = model.encoder.encode(view.frame), model.distribution
    assert isinstance(mixture, Mixture)
    tiny = 1e-300
    parts = [
        np.log(part[:, codes[:, at]].T + tiny) for at, part in enumerate(mixture.probabilities)
    ]
    return np.stack(parts, axis=-1)


def _mean_of(logs: np.ndarray, columns: Iterable[int]) -> float:
    """Sum over rows of the log of the entries' mean likelihood of some columns."""
    likely = np.exp(logs[..., list(columns)].sum(-1))
    return float(np.log(likely.mean(1)).sum())


def test_the_audit_asks_how_likely_whole_customers_are(job: Job) -> None:
    audit = json.loads((job.folder / "out" / "internal" / "internal-audit.json").read_bytes())
    (found,) = [one for one in audit["metrics"] if one["name"].endswith("likelihood_auc")]
    assert found["value"] == pytest.approx(0.5, abs=0.2)  # 1,500 customers: six deviations.


def _swap_days(folder: Path) -> None:
    """Two rows of one customer change places."""
    rows = pd.read_parquet(folder / "synthetic.parquet")
    later = np.flatnonzero(
        (rows["customer"] == rows["customer"].shift(1)) & (rows["day"] > rows["day"].shift(1))
    )[0]
    rows.loc[[later - 1, later], "day"] = rows.loc[[later, later - 1], "day"].to_numpy()
    _write(folder, rows)


def _change_segment(folder: Path) -> None:
    """A customer's constant changes with its second row."""
    rows = pd.read_parquet(folder / "synthetic.parquet")
    second = np.flatnonzero(rows["customer"] == rows["customer"].shift(1))[0]
    rows.loc[second, "segment"] = {"gold": "basic", "basic": "gold"}[rows.loc[second, "segment"]]
    _write(folder, rows)


def _write(folder: Path, rows: pd.DataFrame) -> None:
    for name in ("synthetic.parquet", "synthetic.csv"):
        (folder / name).unlink()
    schema = parse_schema((folder / "schema.yaml").read_text(encoding="utf-8"))
    write_tables([rows], schema, folder / "synthetic.parquet", folder / "synthetic.csv")


def _change_manifest(change: Callable[[Any], None]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        change(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    return changed


def _change_model(change: Callable[[Any], None]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        path = folder / "model" / "model.json"
        model = json.loads(path.read_text(encoding="utf-8"))
        change(model)
        path.write_text(json.dumps(model, indent=1, ensure_ascii=False), encoding="utf-8")

    return changed


LIES = {
    "rows out of order": (_swap_days, "do not stand in its order"),
    "a constant that changes": (_change_segment, "is constant within a customer, and changes"),
    "more rows of a customer": (
        _change_manifest(lambda raw: raw["plan"]["parts"][1].update(max_rows_per_unit=7)),
        "counts 7 rows of a customer, and one may have 6",
    ),
    "fewer rows than are counted": (
        _change_manifest(lambda raw: raw["plan"]["parts"][0].update(max_rows_per_unit=0)),
        "counts 0 rows of a customer",
    ),
    "a part less in the plan": (
        _change_manifest(lambda raw: raw["plan"]["parts"].pop()),
        "its parts are not those of the schema's histories or tables",
    ),
    "a part of other columns": (
        _change_manifest(lambda raw: raw["plan"]["parts"][0].update(schema_fingerprint="0" * 64)),
        "is made for other columns",
    ),
    "another share": (
        _change_manifest(lambda raw: raw["plan"]["parts"][0].update(share=0.5)),
        "is not the one that this privgan makes",
    ),
    "a wider network": (
        _change_model(lambda raw: raw["parts"]["events"].update(width=5)),
        "part events: width is 5, and the plan's is 128",
    ),
    "shares that do not add up": (
        _change_model(lambda raw: raw["parts"]["customers"]["frequencies"][0].__setitem__(0, 0.9)),
        "part customers: column 'segment'",
    ),
    "a part without codes": (
        _change_model(lambda raw: raw["parts"]["customers"]["columns"].pop("first")),
        "part customers: its encoder is not of the schema's",
    ),
    "a model without parts": (
        _change_model(lambda raw: raw.update(format="privgan.model/1")),
        "the fields parts have no declared source",
    ),
}


@pytest.mark.parametrize("lie", some(LIES))
def test_a_changed_release_does_not_verify(job: Job, tmp_path: Path, lie: str) -> None:
    change, told = LIES[lie]
    copy = shutil.copytree(job.release, tmp_path / "release")
    change(copy)
    for name in json.loads((copy / "manifest.json").read_text(encoding="utf-8"))["files"]:
        refiled(name, lambda content: content)(copy)
    seal(copy)
    found = privgan.verify(copy)
    assert told in "\n".join(found.problems), found.problems


def test_histories_are_drawn_from_the_model_alone(job: Job, tmp_path: Path) -> None:
    alone = shutil.copytree(job.release / "model", tmp_path / "model")
    one, other = (
        privgan.load(alone).sample(500, seed=3),
        privgan.load(job.release).sample(500, seed=3),
    )
    assert one.equals(other)
    assert not one.equals(privgan.load(alone).sample(500, seed=4))
    longer = privgan.load(alone).sample(800, seed=3)
    assert len(longer) == 800
    assert longer["customer"].nunique() > one["customer"].nunique()


def test_chunks_go_on_with_a_history(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesizer, "CHUNK", 7)
    rows = pd.concat(list(privgan.load(job.release).chunks(100)), ignore_index=True)
    numbers = pd.factorize(rows["customer"])[0]
    assert (np.diff(numbers) >= 0).all()
    days = rows.groupby("customer", sort=False)["day"]
    assert days.is_monotonic_increasing.all()


def test_conditions_are_on_customers(job: Job) -> None:
    fitted = privgan.load(job.release)
    assert set(fitted.sample(200, where="segment = gold")["segment"]) == {"gold"}
    either = "not (segment = basic) and (segment = gold or segment in (basic))"
    assert set(fitted.sample(200, where=either)["segment"]) == {"gold"}
    for where in ("segment = gold and amount > 5", "segment = gold or not amount > 5"):
        with pytest.raises(UsageError, match=r"amount is of single events, .* customer: segment"):
            fitted.sample(10, where=where)
    told = "goes with rows that are drawn one by one, and .* has histories; use where"
    with pytest.raises(UsageError, match=rf"^quota {told}"):
        fitted.sample(quota={"segment = gold": 10})
    with pytest.raises(UsageError, match=rf"^shares {told}"):
        fitted.sample(10, shares={"segment": {"gold": 0.5}})
    with pytest.raises(UsageError, match=rf"^given {told}"):
        fitted.sample(given=pd.DataFrame({"segment": ["gold"]}))


def test_the_command_samples_histories(job: Job, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    assert execute(["sample", str(job.release), "--rows", "50", "--out", str(out)]) == 0
    assert len(pd.read_csv(out)) == 50


DAMAGED: dict[str, Callable[[Any], Any]] = {
    "a part less": lambda model: model["parts"].pop("events"),
    "parts in another order": lambda model: model.update(
        parts=dict(reversed(model["parts"].items()))
    ),
    "no parts": lambda model: model.pop("parts"),
    "a text for the parts": lambda model: model.update(parts="two"),
    "another format": lambda model: model.update(format="privgan.model/1"),
    "codes with a gap": lambda model: model["parts"]["events"]["columns"]["channel"].update(
        code_of=[0, 2, 3]
    ),
    "too many cells": lambda model: model["parts"]["events"].update(max_cells=10**9),
    "no shares": lambda model: model["parts"]["customers"]["frequencies"].pop(),
    "a schema without a history": lambda model: model.update(
        schema=model["schema"].replace("order: day\n", "").replace("history:", "x:")
    ),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_model_is_refused(job: Job, tmp_path: Path, damage: str) -> None:
    copy = shutil.copytree(job.release / "model", tmp_path / "model")
    model = json.loads((copy / "model.json").read_text(encoding="utf-8"))
    DAMAGED[damage](model)
    (copy / "model.json").write_text(json.dumps(model), encoding="utf-8")
    with pytest.raises(UsageError, match="model"):
        privgan.load(copy)


RULED = (
    SCHEMA
    + """\
constraints:
  - {when: channel = app, then: amount >= 0}
  - {when: segment = gold, then: amount >= 5}
"""
)


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> privgan.Synthesizer:
    """A fit of a schema with constraints between events' columns and a constant."""
    return fit(purchases(), RULED, tmp_path_factory.mktemp("ruled"))


def test_every_event_holds_the_constraints(ruled: privgan.Synthesizer) -> None:
    schema = parse_schema(RULED)
    rows = ruled.sample(3_000)
    assert broken(rows.assign(customer=rows["customer"].astype(str)), schema) == ()
    assert (rows["amount"] < 0).any()  # Other events are given back.

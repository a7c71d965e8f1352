"""A run on events: definitions leave with the release, and nothing of the events does."""

from __future__ import annotations

import json
import re
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import privgan
from privgan.cli.main import execute
from privgan.files import fields
from privgan.planning.plan import EFFORTS
from privgan.table.schema_file import load_schema, parse_schema
from tests.api.world import POLICY, TINY
from tests.features.purchases import SCHEMA, schema
from tests.release.changes import seal

CUSTOMERS = 500
REMARK = "Zephyrine"  # In a column of the events that no feature reads.
TEXT = """\
format: privgan.schema/1
dataset: purchases
unit: customer
target: came_back
events:
  time: day
  cutoff: 2024-07-01
  columns:
    - {name: customer, kind: identifier}
    - {name: day, kind: date}
    - {name: amount, kind: float, decimals: 2}
    - {name: channel, kind: categorical}
features:
  - {name: purchases, count: events, description: orders before the cut-off}
  - {name: spend, sum: amount}
  - {name: recency, days_between: [last, cutoff]}
  - {name: tenure, days_between: [first, cutoff]}
  - {name: favourite, top: channel}
  - {name: came_back, any: events, days_after: 90}
columns:
  - {name: customer, kind: identifier, pattern: "S{:06d}"}
  - {name: purchases, kind: integer, lower: 1, upper: 40}
  - {name: spend, kind: float, decimals: 2, lower: 0, upper: 2000}
  - {name: recency, kind: integer, lower: 1, upper: 182}
  - {name: tenure, kind: integer, lower: 1, upper: 182}
  - {name: favourite, kind: categorical, categories: [web, shop]}
  - {name: came_back, kind: boolean}
constraints:
  - {at_most: [recency, tenure], description: the last purchase is not before the first}
"""


def purchases() -> pd.DataFrame:
    """Purchases of 500 customers, up to 30 of each."""
    rng = np.random.default_rng(0)
    counts = rng.geometric(0.3, CUSTOMERS).clip(1, 30)
    customers = np.repeat(np.arange(CUSTOMERS), counts)
    rows = len(customers)
    first = np.r_[True, customers[1:] != customers[:-1]]
    days = np.where(first, rng.integers(0, 181, rows), rng.integers(0, 300, rows))
    return pd.DataFrame(
        {
            "customer": [f"K{serial * 7919 % 10**6:06d}" for serial in customers],
            "day": (pd.Timestamp("2024-01-01") + pd.to_timedelta(days, "D")).strftime("%Y-%m-%d"),
            "amount": rng.gamma(2, 20, rows).round(2),
            "channel": rng.choice(["web", "shop"], rows),
            "remark": f"{REMARK} 4711",
        }
    )


@dataclass(frozen=True)
class Job:
    """A finished run on events, and the folder in which it was done."""

    folder: Path
    result: privgan.RunResult

    @property
    def release(self) -> Path:
        """The release."""
        return self.folder / "out" / "release"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits take few steps, and who verifies a plan knows of it."""
    monkeypatch.setitem(EFFORTS, "quick", TINY)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The run, in Python, on a frame of events."""
    folder = tmp_path_factory.mktemp("features")
    (folder / "our-policy.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "schema.yaml").write_text(TEXT, encoding="utf-8")
    purchases().to_csv(folder / "events.csv", index=False)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setitem(EFFORTS, "quick", TINY)  # type: ignore[arg-type]
        result = privgan.run(
            purchases(),
            folder / "schema.yaml",
            epsilon=3,
            public_rows=CUSTOMERS,
            effort="quick",
            policy=folder / "our-policy.yaml",
            ledger=folder / "ledger.sqlite",
            out=folder / "out",
        )
    return Job(folder, result)


def test_a_run_on_events_releases_customers_that_hold_the_constraints(job: Job) -> None:
    assert job.result.status == "PASS", job.result.reasons
    made = pd.read_parquet(job.release / "synthetic.parquet")
    assert list(made) == ["customer", *(feature.name for feature in schema(TEXT).features)]
    assert made["customer"].is_unique
    assert (made["recency"] <= made["tenure"]).all()
    assert len(made) == CUSTOMERS


def test_the_guarantee_is_for_a_customer_with_all_its_events(job: Job) -> None:
    manifest = json.loads((job.release / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["guarantee"]["unit"] == "one customer with all its events"
    assert manifest["guarantee"]["max_rows_per_unit"] == 1
    assert "one customer with all its events" in job.result.guarantee


def test_definitions_stand_in_schema_manifest_and_report(job: Job) -> None:
    wanted = schema(TEXT).feature_facts()
    released = load_schema(job.release / "schema.yaml")
    manifest = json.loads((job.release / "manifest.json").read_text(encoding="utf-8"))
    report = json.loads((job.release / "report.json").read_text(encoding="utf-8"))
    assert released.feature_facts() == wanted
    assert {name: manifest[name] for name in ("events", "features")} == wanted
    assert {name: report["data"]["schema"][name] for name in wanted} == wanted
    page = (job.release / "report.html").read_text(encoding="utf-8")
    assert "days_between: [last, cutoff]" in page
    assert "orders before the cut-off" in page
    assert "made from all its events in the order of" in page


def test_the_release_verifies_and_a_changed_definition_does_not(job: Job, tmp_path: Path) -> None:
    found = privgan.verify(job.release)
    assert found.ok, found.problems
    copy = shutil.copytree(job.release, tmp_path / "release")
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    manifest["features"][0]["where"] = "amount > 0"
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    seal(copy)
    found = privgan.verify(copy)
    assert not found.ok
    assert any("events and features" in problem for problem in found.problems), found.problems


def test_nothing_of_the_events_leaves(job: Job) -> None:
    """Neither their number, nor a customer, nor a text that no feature declares."""
    events = purchases()
    hidden = {REMARK, *events["customer"].head(50)}
    for path in job.release.rglob("*"):
        if path.is_file():
            content = path.read_bytes().decode("utf-8", "replace")
            assert not [text for text in hidden if text in content], path.name
    rows = len(events)
    for name in ("manifest.json", "schema.yaml", "report.json"):
        text = (job.release / name).read_text(encoding="utf-8")
        assert not re.search(rf"(?<![\d.,]){rows // 1000},?{rows % 1000:03d}(?![\d.,])", text), name


@pytest.mark.slow
def test_the_audit_reads_events_again(job: Job, tmp_path: Path) -> None:
    """The canaries of a fit are found again in the features of the same events."""
    ledger = tmp_path / "ledger.sqlite"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = privgan.Synthesizer(
            job.folder / "schema.yaml",
            epsilon=2,
            public_rows=CUSTOMERS,
            effort="quick",
            ledger=ledger,
        ).fit(job.folder / "events.csv", out=tmp_path / "candidate")
        report = privgan.audit(fitted, purchases().sample(frac=1, random_state=1))
    assert report.verdict != "REFUTED"
    assert len(fitted.sample(20)) == 20


def test_a_plan_needs_no_events(job: Job) -> None:
    plan = privgan.plan(job.folder / "schema.yaml", epsilon=3, public_rows=CUSTOMERS)
    assert str(plan.unit) == "one customer with all its events"
    assert {
        getattr(step.event, "sensitivity", 1) for step in (*plan.domain_steps, *plan.steps)
    } == {1}


def test_a_schema_in_code_is_that_of_its_file(tmp_path: Path) -> None:
    made = privgan.Schema(
        [
            privgan.Identifier("customer", "S{:06d}"),
            privgan.Integer("purchases", 1, 40),
            privgan.Float("spend", 0, 2000),
            privgan.Integer("recency", 1, 182),
            privgan.Integer("tenure", 1, 182),
            privgan.Categorical("favourite", ["web", "shop"]),
            privgan.Boolean("came_back"),
        ],
        dataset="purchases",
        unit="customer",
        target="came_back",
        events=privgan.Events(
            "day",
            [
                privgan.Identifier("customer"),
                privgan.Date("day"),
                privgan.Float("amount"),
                privgan.Categorical("channel"),
            ],
            cutoff="2024-07-01",
        ),
        features=[
            privgan.Feature("purchases", count="events", description="orders before the cut-off"),
            privgan.Feature("spend", sum="amount"),
            privgan.Feature("recency", days_between=["last", "cutoff"]),
            privgan.Feature("tenure", days_between=["first", "cutoff"]),
            privgan.Feature("favourite", top="channel"),
            privgan.Feature("came_back", any="events", days_after=90),
        ],
        constraints=[
            privgan.AtMost(
                low="recency",
                high="tenure",
                description="the last purchase is not before the first",
            )
        ],
    )
    wanted = schema(TEXT)
    assert made.features == wanted.features
    assert made.events == wanted.events
    assert privgan.load_schema(made.save(tmp_path / "schema.yaml")) == made
    assert made.check(purchases()).fits
    assert privgan.write_features(purchases(), made, tmp_path / "features.parquet") == CUSTOMERS


BAD_CODE = [
    (lambda: privgan.Feature("x"), "found none, allowed: one of count"),
    (lambda: privgan.Feature("x", median="amount"), "found median"),
    (lambda: privgan.Feature("x", sum="a", mean="a"), "found sum, mean"),
    (lambda: privgan.Feature("x", days_between=["first"]), "found 1 ends"),
    (lambda: privgan.Events("day", [privgan.Integer("n", 1, 2)]), "'n' of the events has bounds"),
    (lambda: privgan.Events("day", [], cutoff="soon"), "cutoff is 'soon'; it must be a date"),
]


@pytest.mark.parametrize("place", range(len(BAD_CODE)))
def test_mistakes_in_code_are_told(place: int) -> None:
    made, told = BAD_CODE[place]
    with pytest.raises(privgan.UsageError, match=told):
        made()


def test_the_command_line_takes_the_same_events(
    job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(job.folder / "events.csv"), "--schema", str(job.folder / "schema.yaml")]
    assert execute(["schema", "check", *files]) == 0
    assert execute(["features", *files, "--out", str(tmp_path / "features.jsonl")]) == 0
    assert f"{CUSTOMERS} customers" in capsys.readouterr().out


def test_every_declared_field_of_events_and_features_is_written() -> None:
    rich = (
        SCHEMA.replace("  time: day\n", "  time: day\n  without_customer: left_out\n")
        .replace("{name: day, kind: date}", "{name: day, kind: datetime, zone: UTC}")
        .replace(
            "{name: shipped, kind: date, missing: true}",
            '{name: shipped, kind: date, missing: true, format: "%Y-%m-%d", description: said,'
            " missing_markers: [none]}",
        )
    )
    facts = parse_schema(rich).to_json()
    found = {name: facts[name] for name in ("events", "features")}
    declaration = {name: fields.SCHEMA[name] for name in found}
    used = {path.replace("[]", "") for path, source in fields.fields_of(found, declaration)}
    assert used == set(fields.declared_fields(declaration))

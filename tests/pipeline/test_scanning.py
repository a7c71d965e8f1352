"""A real release from a small fit: every field declared, a clean scan, stopped by a leak."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from privgan.cli.main import execute
from privgan.errors import InternalError, PolicyFailedError
from privgan.files import fields
from privgan.files.fields import declared_fields, fields_of
from privgan.ledger.ledger import PrivacyLedger
from privgan.metric import Metric
from privgan.owner.undeclared import undeclared_texts
from privgan.pipeline import judging, releasing, reporting, scanning
from privgan.pipeline.candidate import AUDIT_FILE, Candidate
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import fit_table
from privgan.pipeline.scanning import (
    FACT,
    SCAN_FILE,
    leak_patterns_of,
    read_scan,
    scan_candidate,
    scan_facts,
)
from privgan.planning.plan import EFFORTS, Effort
from privgan.policy.column_gates import ColumnComparison, ColumnGate
from privgan.policy.context import Context
from privgan.policy.policy import Policy, Waiver
from privgan.policy.policy_file import load_policy
from privgan.policy.verdict import Verdict
from privgan.privacy import events
from privgan.privacy.budget import PrivacyBudget
from privgan.release import verify_release
from privgan.release.leak_scan.leak_patterns import LeakPatterns
from privgan.release.leak_scan.scan import LeakError, scan_files
from privgan.release.signing.keys import SigningKey
from privgan.report.data import ShareableReport
from privgan.table.files import read_table
from privgan.table.schema_file import load_schema, parse_schema
from tests.generator.test_adversarial import SETTINGS as OF_A_GAN
from tests.generator.test_likelihood import SETTINGS
from tests.report.conftest import REACH

ROWS = 900
SCHEMA = """format: privgan.schema/1
dataset: scanned
unit: customer_id
max_rows_per_unit: 1
missing_markers: ["", "unknown-value"]
missing_markers_source: assumed_public
columns:
  - {name: customer_id, kind: identifier, pattern: "SYN-{:08d}", role: identifier}
  - {name: name, kind: name, role: identifier}
  - {name: email, kind: email, role: identifier}
  - {name: remark, kind: text, missing: true, description: What the customer said}
  - {name: segment, kind: categorical, categories: [basic plan, silver plan],
     source: assumed_public}
  - {name: churned, kind: boolean, labels: ["no", "yes"]}
  - {name: spend, kind: float, lower: 0, upper: 500, decimals: 1, special_values: [0],
     source: {lower: assumed_public}}
  - {name: job, kind: categorical, other: another job, source: {categories: measured}}
  - {name: joined, kind: date, lower: 2020-01-01, upper: 2020-12-31}
  - {name: calls, kind: integer, lower: 0, upper: 20}
  - {name: answered, kind: integer, lower: 0, upper: 20}
  - {name: phone, kind: phone, missing: true, presence: modelled, missing_markers: ["no phone"]}
  - {name: woken, kind: datetime, format: "%H:%M", lower: 1900-01-01, upper: "1900-01-01T23:59:59",
     missing: true}
  - {name: waited, kind: integer, lower: 0, upper: 900, format: "[h]:mm:ss"}
  - {name: called, kind: datetime, zone: Europe/Berlin, lower: 2020-01-01, upper: 2020-12-31}
  - {name: fax, kind: text, missing: true, presence: none}
  - {name: branch, kind: identifier, pattern: "B-{:06d}", repeats: allowed}
constraints:
  - {at_most: [answered, calls], description: Only a call can be answered}
  - {below: [calls, spend]}
  - {when: "churned = yes", then: "segment = 'basic plan' and joined < 2020-12-01"}
  - {combinations: [segment, churned],
     allowed: [[basic plan, "no"], [basic plan, "yes"], [silver plan, "no"]]}
"""
AUDIT: dict[str, Any] = {
    "format": "privgan.audit/1",
    "verdict": "NOT_REFUTED",
    "metrics": [
        Metric(name="attack.membership.advantage", value=0.01, low=0.0, high=0.05).to_json(),
        Metric(name="fidelity.tvd1", value=0.01, low=0.0, high=0.02).to_json(),
    ],
}


def customers() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    given, family = (
        rng.choice(["Zoltan", "Maria", "Kai"], ROWS),
        rng.choice(["Nyström", "Pine", "O'Hara"], ROWS),
    )
    return pd.DataFrame(
        {
            "customer_id": [f"K{7919 * serial % 10**8:08d}" for serial in range(1, ROWS + 1)],
            "name": [f"{first} {last}" for first, last in zip(given, family, strict=True)],
            "email": [
                f"{first}.{serial}@mail.example.org".lower() for serial, first in enumerate(given)
            ],
            "remark": [
                f"complained on day {serial}" if serial % 3 else "customers"
                for serial in range(ROWS)
            ],
            "segment": rng.choice(["basic plan", "silver plan"], ROWS),
            "churned": rng.choice(["no", "yes"], ROWS),
            "spend": np.round(rng.gamma(2, 40, ROWS).clip(0, 500), 1),
            "job": np.where(
                np.arange(ROWS) == 5,
                "lighthouse keeper",
                rng.choice(["cashier at a shop", "taxi driver"], ROWS),
            ),
            "joined": np.datetime_as_string(
                np.datetime64("2020-01-01") + rng.integers(0, 366, ROWS)
            ),
            "calls": rng.integers(0, 21, ROWS),
            "answered": rng.integers(0, 11, ROWS),
            "phone": [
                f"+44 20 7946 0{serial:03d}" if serial % 9 == 0 else "no phone"
                for serial in range(ROWS)
            ],
            "woken": [f"{serial % 24:02d}:30" if serial % 7 else "" for serial in range(ROWS)],
            "waited": [f"0:{serial % 15:02d}:00" for serial in range(ROWS)],
            "called": [
                f"2020-{1 + serial % 12:02d}-05 10:{serial % 60:02d}:00" for serial in range(ROWS)
            ],
            "fax": [""] * ROWS,
            "branch": [f"branch {serial % 5}" for serial in range(ROWS)],
        }
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A candidate with a measured row count and every kind of column."""
    folder = tmp_path_factory.mktemp("scanned")
    customers().to_csv(folder / "table.csv", index=False)
    (folder / "schema.yaml").write_text(SCHEMA, encoding="utf-8")
    request = RunRequest(
        table=folder / "table.csv",
        schema=folder / "schema.yaml",
        budget=PrivacyBudget(epsilon=4),
        effort="quick",
        rows=400,
        target="churned",
        dp_sgd_share=0.4,
    )
    tiny = Effort(
        entries=60, batch=100, network_steps=10, round_steps=1, final_steps=10, critic_steps=10
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("privgan.planning.model_stage.number_of_rounds", lambda _: 2)
        patch.setitem(EFFORTS, "quick", tiny)  # type: ignore[arg-type]
        candidate = fit_table(
            request, PrivacyLedger.open(str(folder / "ledger.sqlite")), folder / "candidate"
        )
    candidate.write_internal(AUDIT_FILE, json.dumps(AUDIT))
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> tuple[Candidate, PrivacyLedger, pd.DataFrame]:
    shutil.copytree(made, tmp_path / "copy")
    copy = tmp_path / "copy"
    ledger = PrivacyLedger.open(str(copy / "ledger.sqlite"))
    return Candidate.find(copy / "candidate"), ledger, read_table(copy / "table.csv")


Place = tuple[Candidate, PrivacyLedger, pd.DataFrame]
CONTEXT = Context(reviewer="A. Reviewer <reviewer@firm.example>", purpose="Testing")


TERMS = releasing.ReleaseTerms(CONTEXT)


def scanned(candidate: Candidate, table: pd.DataFrame, ledger: PrivacyLedger) -> LeakPatterns:
    return scan_candidate(
        candidate, leak_patterns_of(undeclared_texts(table, load_schema(candidate.schema))), ledger
    )


def judged(candidate: Candidate, ledger: PrivacyLedger) -> Verdict:
    return judging.judge(candidate, load_policy("internal-analytics"), ledger, CONTEXT)


def test_a_clean_candidate_is_released_and_the_outcome_stays_inside(
    place: Place, tmp_path: Path
) -> None:
    candidate, ledger, table = place
    leak_patterns = scanned(candidate, table, ledger)
    scan = read_scan(candidate)
    assert scan is not None
    assert scan["findings"] == []
    assert scan["looked_for"]["identifier"] == ROWS + 5  # The branches too.
    assert scan["looked_for"]["personal value"] > ROWS
    assert "lighthouse keeper" in leak_patterns.values  # Too rare to be discovered.
    assert "taxi driver" not in leak_patterns.values
    assert (candidate.internal / SCAN_FILE).stat().st_mode & 0o777 == 0o600
    release = releasing.release_candidate(
        candidate,
        judged(candidate, ledger),
        ledger,
        TERMS,
        tmp_path / "out",
        leak_patterns,
    )
    # The effort is this test's own, and so is the plan.
    assert [
        told for told in verify_release(release).problems if not told.startswith("plan: ")
    ] == []
    for path in release.rglob("*"):
        if path.is_file():
            assert FACT.encode() not in path.read_bytes()
            assert b"internal-scan" not in path.read_bytes()


def test_every_field_of_a_real_release_is_declared_and_every_declared_field_is_used(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate, ledger, table = place
    scanned(candidate, table, ledger)
    seen: list[ShareableReport] = []
    render = reporting.render_shareable
    monkeypatch.setattr(
        reporting,
        "render_shareable",
        lambda data, *more: (seen.append(data), render(data, *more))[1],
    )
    days = {"expiry": _day(2999), "next_review": _day(2999), "review_date": _day(2020)}
    everything = Context(
        **{part.name: days.get(part.name, "Stated") for part in dataclass_fields(Context)}
    )
    verdict = judging.judge(candidate, _policy_with_everything(), ledger, everything)
    key = SigningKey.generate()
    release = releasing.release_candidate(
        candidate, verdict, ledger, releasing.ReleaseTerms(everything, key=key), tmp_path / "out"
    )
    found: dict[str, tuple[Any, fields.Declaration]] = {
        "manifest": (json.loads((release / "manifest.json").read_text()), fields.MANIFEST),
        "model": (json.loads((release / "model/model.json").read_text()), fields.MODEL),
        "schema": (yaml.safe_load((release / "schema.yaml").read_text()), fields.SCHEMA),
        "report": (asdict(replace(seen[0], reach=REACH)), fields.REPORT),
        "report file": (json.loads((release / "report.json").read_text()), fields.REPORT_FILE),
    }
    found["report file"][0]["data"]["reach"] = asdict(REACH)
    # This run has a critic; another has a network, or a GAN's critic, and their DP-SGD may fail.
    about = [
        found["manifest"][0],
        found["report"][0]["release"],
        found["report file"][0]["data"]["release"],
    ]
    for part in about:
        part["dp_sgd"] = "unused"
        part["plan"]["settings"]["network"] = asdict(SETTINGS)
        part["plan"]["settings"]["critic"] |= asdict(OF_A_GAN)
    for name, (value, declaration) in found.items():
        fields_found = list(fields_of(value, declaration))
        assert [path for path, source in fields_found if source is None] == [], name
        used = {path.replace("[]", "").replace(".of.", ".") for path, _ in fields_found}
        declared = {path for path in declared_fields(declaration) if ".event." not in path}
        # Features, histories and related tables have releases of their own in their tests.
        unused = {path for path in declared - used if not _ELSEWHERE.search(path)}
        assert unused == set(), name


_ELSEWHERE = re.compile(
    r"(^|\.)(events|features|parts|tables|tasks|table_rows|history|order|root|rare|curves"
    r"|relations_of_parts)(\.|$)"
)


def _policy_with_everything() -> Policy:
    """A policy with every text, a gate on columns, and a waived public gate.

    The gate names columns by name, role and kind.
    """
    policy = load_policy("internal-analytics")
    first, *rest = policy.gates
    column = ColumnGate(
        names=("name",),
        roles=("identifier",),
        kinds=("name",),
        comparison=ColumnComparison.INVENTED,
        threshold=True,
        reason="Because.",
        advice="Change it.",
        reason_zh="因为。",
        advice_zh="请修改。",
        clause="Article 1",
    )
    waiver = Waiver(fact=first.fact, who="A. Officer", why="a test", until=_day(2999))
    return replace(
        policy,
        name="everything",
        standard="A standard",
        gates=(replace(first, threshold=0.5), *rest),
        columns=(column,),
        waivers=(waiver,),
    )


def _day(year: int) -> Any:
    import datetime as dt

    return dt.date(year, 1, 1)


def test_every_field_of_every_event_is_declared() -> None:
    import attr

    known = {"event", "of", "count", "sample_rate"}
    for kind in events._NAMED.values():
        known |= {part.name for part in attr.fields(kind)}
    declared = {
        path.rsplit(".", 1)[-1]
        for path in declared_fields(fields.MANIFEST)
        if path.startswith("accounting.event.")
    }
    assert declared == known - {"of"}


def _add_to_text(name: str, text: str) -> Callable[[Candidate], None]:
    def leak(candidate: Candidate) -> None:
        path = candidate.folder / name
        path.write_bytes(path.read_bytes() + text.encode())

    return leak


def _in_model(candidate: Candidate) -> None:
    path = candidate.model / "model.json"
    model = json.loads(path.read_text(encoding="utf-8"))
    model["guarantee"]["statement"] += " Zoltan Nyström"
    path.write_text(json.dumps(model), encoding="utf-8")  # The ö is written as an escape.


def _in_parquet(candidate: Candidate) -> None:
    table = pq.read_table(candidate.parquet)
    emails = ["zoltan.0@mail.example.org", *table["email"].to_pylist()[1:]]
    pq.write_table(
        table.set_column(table.column_names.index("email"), "email", [emails]), candidate.parquet
    )


@pytest.mark.parametrize(
    ("leak", "where"),
    [
        (
            _add_to_text(
                "synthetic.csv",
                "SYN-99999999,K00007919,x,x,basic plan,no,1.0,taxi driver,2020-02-02\n",
            ),
            "synthetic.csv",
        ),
        (_add_to_text("schema.yaml", "# complained on day 5\n"), "schema.yaml"),
        (_in_model, "model/model.json"),
        (_in_parquet, "synthetic.parquet"),
    ],
    ids=["id in csv", "remark in schema", "name in model", "email in parquet"],
)
def test_a_leak_is_told_without_its_value_and_bars_the_release(
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    leak: Callable[[Candidate], None],
    where: str,
) -> None:
    candidate, ledger, table = place
    scanned(candidate, table, ledger)
    verdict = judged(candidate, ledger)
    leak(candidate)
    monkeypatch.setattr(judging, "check_hashes", lambda *_: None)
    monkeypatch.setattr(
        releasing, "check_hashes", lambda *_: None
    )  # As if the fit itself had written it.
    with pytest.raises(InternalError, match=where.replace(".", r"\.")) as error:
        scanned(candidate, table, ledger)
    told = str(error.value) + (candidate.internal / SCAN_FILE).read_text(encoding="utf-8")
    for value in ("K00007919", "complained on day 5", "Nyström", "zoltan.0@"):
        assert value not in told
    assert scan_facts(candidate)[FACT] >= 1
    with pytest.raises(PolicyFailedError, match="closed"):
        judged(candidate, ledger)
    with pytest.raises(PolicyFailedError, match="findings"):
        releasing.release_candidate(candidate, verdict, ledger, TERMS, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_reviewer_may_be_a_customer(place: Place, tmp_path: Path) -> None:
    candidate, ledger, table = place
    leak_patterns = scanned(candidate, table, ledger)
    context = Context(reviewer="Zoltan Nyström", purpose="Testing, by zoltan.0@mail.example.org")
    verdict = judging.judge(candidate, load_policy("internal-analytics"), ledger, context)
    release = releasing.release_candidate(
        candidate,
        verdict,
        ledger,
        releasing.ReleaseTerms(context, language="zh"),
        tmp_path / "out",
        leak_patterns,
    )
    for form in ("html", "md", "json"):
        assert "Zoltan Nyström" in (release / f"report.{form}").read_text(encoding="utf-8")
        assert "本表可以按策略发布" in (release / f"report.{form}").read_text(encoding="utf-8")


def test_a_leak_into_the_report_stops_the_release(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate, ledger, table = place
    leak_patterns = scanned(candidate, table, ledger)
    render = reporting.render_shareable

    def leak(data: ShareableReport, form: str, language: str) -> str:
        return render(data, form, language).replace("</main>", "O&#x27;Hara: Kai O&#39;Hara</main>")

    monkeypatch.setattr(reporting, "render_shareable", leak)
    with pytest.raises(InternalError, match=r"report\.html \(text\): 1 × personal value"):
        releasing.release_candidate(
            candidate,
            judged(candidate, ledger),
            ledger,
            TERMS,
            tmp_path / "out",
            leak_patterns,
        )
    assert list((tmp_path / "out").iterdir()) == []


def test_an_internal_figure_in_the_report_stops_the_release_without_the_table(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate, ledger, table = place
    scanned(candidate, table, ledger)
    render = reporting.render_shareable

    def leak(data: ShareableReport, form: str, language: str) -> str:
        return render(data, form, language) + ("attack.membership.auc" if form == "md" else "")

    monkeypatch.setattr(reporting, "render_shareable", leak)
    with pytest.raises(InternalError, match="name of an internal figure"):
        releasing.release_candidate(
            candidate,
            judged(candidate, ledger),
            ledger,
            TERMS,
            tmp_path / "out",
        )


def test_a_finding_counts_as_an_evaluation_and_closes_the_candidate(
    place: Place, monkeypatch: Any
) -> None:
    """A missing release tells up to one bit about real rows, as any internal check."""
    candidate, ledger, table = place
    _in_model(candidate)
    before = ledger.account("scanned").attempts
    for _ in range(2):
        with pytest.raises(LeakError, match="was found"):
            scanned(candidate, table, ledger)
        assert ledger.account("scanned").attempts == before + 1
    monkeypatch.setattr(judging, "check_hashes", lambda *_: None)
    with pytest.raises(PolicyFailedError, match="closed"):
        judged(candidate, ledger)


def test_a_finding_in_the_finished_bundle_is_written_closes_counts_and_stops_a_second_command(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate, ledger, table = place
    leak_patterns = scanned(candidate, table, ledger)
    verdict, render = judged(candidate, ledger), reporting.render_shareable
    attempts = ledger.account("scanned").attempts
    with monkeypatch.context() as patch:
        patch.setattr(
            reporting,
            "render_shareable",
            lambda data, form, language: (
                render(data, form, language) + ("Kai O'Hara" if form == "md" else "")
            ),
        )
        with pytest.raises(LeakError):
            releasing.release_candidate(
                candidate,
                verdict,
                ledger,
                TERMS,
                tmp_path / "out",
                leak_patterns,
            )
    scan = read_scan(candidate)
    assert scan is not None
    assert {finding["file"] for finding in scan["findings"]} == {"report.md"}
    assert ledger.account("scanned").attempts == attempts + 1
    kinds = [entry.kind for entry in ledger.entries("scanned")]
    assert (kinds.count("closed"), kinds.count("release")) == (1, 0)
    for again in (leak_patterns, None):
        with pytest.raises(PolicyFailedError, match="findings"):
            releasing.release_candidate(candidate, verdict, ledger, TERMS, tmp_path / "out", again)
    (candidate.internal / SCAN_FILE).unlink()
    with pytest.raises(PolicyFailedError, match="closed"):
        releasing.release_candidate(candidate, verdict, ledger, TERMS, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_scan_of_other_files_is_no_fact(place: Place) -> None:
    candidate, ledger, table = place
    assert scan_facts(candidate) == {}
    assert str(judged(candidate, ledger).status) == "INCONCLUSIVE"
    scanned(candidate, table, ledger)
    assert scan_facts(candidate) == {FACT: 0}
    candidate.schema.write_text(candidate.schema.read_text() + "\n")
    assert scan_facts(candidate) == {}


@pytest.mark.slow
def test_the_audit_command_scans_after_it_found_the_table_to_be_the_right_one(
    place: Place, capsys: Any
) -> None:
    candidate, _, table = place
    copy = candidate.folder.parent
    table.head(ROWS // 2).to_csv(copy / "half.csv", index=False)
    options = ("--ledger", str(copy / "ledger.sqlite"), "--quiet")
    assert execute(["audit", str(candidate.folder), str(copy / "half.csv"), *options]) == 2
    assert read_scan(candidate) is None
    assert execute(["audit", str(candidate.folder), str(copy / "table.csv"), *options]) in {0, 3}
    assert scan_facts(candidate) == {FACT: 0}


def test_the_report_command_clamps_and_knows_the_table(place: Place, capsys: Any) -> None:
    candidate, _, table = place
    copy = candidate.folder.parent
    table.assign(spend=table["spend"].where(table.index > 3, "9999")).to_csv(
        copy / "spoilt.csv", index=False
    )
    arguments = (
        "report",
        str(candidate.folder),
        "--ledger",
        str(copy / "ledger.sqlite"),
        "--table",
    )
    assert execute([*arguments, str(copy / "spoilt.csv")]) == 2
    assert "outside 0 to 500 in 4 rows" in capsys.readouterr().err
    assert execute([*arguments, str(copy / "spoilt.csv"), "--on-violation", "clamp"]) == 2
    assert "belongs to another table" in capsys.readouterr().err
    assert execute([*arguments, str(copy / "table.csv"), "--on-violation", "clamp"]) == 0


def test_leak_patterns_are_what_the_schema_does_not_declare(made: Path) -> None:
    schema = load_schema(made / "schema.yaml")
    table = read_table(made / "table.csv").astype(object)
    table.loc[0, ["segment", "spend", "joined", "churned"]] = [
        "platinum plan",
        "about 50 euro",
        "last summer",
        "basic plan",
    ]
    table.loc[1, "remark"] = "unknown-value"
    values = leak_patterns_of(undeclared_texts(table, schema)).values
    assert {"platinum plan", "about 50 euro", "last summer", "Zoltan Nyström", "K00007919"} <= set(
        values
    )
    # A name in the prose of privgan's own code, which is never written anywhere.
    assert "Dong, Durfee, Rogers" in set(
        leak_patterns_of(undeclared_texts(table.assign(name="Dong, Durfee, Rogers"), schema)).values
    )
    # Declared, a figure of the declared domain, a missing marker, or one of privgan's own words.
    assert not {"basic plan", "silver plan", "2020-01-01", "unknown-value", "customers"} & set(
        values
    )
    assert "Zoltan" not in repr(leak_patterns_of(undeclared_texts(table, schema)))


def test_identifiers_of_a_typed_table_are_looked_for_as_text() -> None:
    schema = parse_schema(
        "format: privgan.schema/1\ndataset: d\nunit: row\ncolumns:\n"
        "  - {name: id, kind: identifier}\n  - {name: x, kind: integer, lower: 0, upper: 9}\n"
    )
    table = pd.DataFrame({"id": [1234567.0, 7654321.0], "x": [1, 2]})
    assert set(leak_patterns_of(undeclared_texts(table, schema)).values) == {"1234567", "7654321"}


def test_words_of_the_package_are_gathered_only_where_a_text_is_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    schema = parse_schema(
        "format: privgan.schema/1\ndataset: d\nunit: row\ncolumns:\n"
        "  - {name: plan, kind: categorical, categories: [basic plan, silver plan]}\n"
    )
    asked = list[str]()
    monkeypatch.setattr(scanning, "own_words", lambda _: asked.append("words") or "customers")
    for text, times in (("silver plan", 0), ("platinum plan", 1)):
        table = pd.DataFrame({"plan": ["basic plan", text]})
        leak_patterns_of(undeclared_texts(table, schema))
        assert len(asked) == times


def test_numbers_and_moments_whose_bounds_are_measured_are_no_private_texts() -> None:
    schema = parse_schema(
        "format: privgan.schema/1\ndataset: d\nunit: row\ncolumns:\n"
        "  - {name: x, kind: float, decimals: 3, source: {lower: measured, upper: measured}}\n"
        "  - {name: day, kind: date, source: {lower: measured, upper: measured}}\n"
    )
    table = pd.DataFrame(
        {"x": ["1234567.125", "about a million"], "day": ["2026-11-29", "last summer"]}
    )
    assert set(leak_patterns_of(undeclared_texts(table, schema)).values) == {
        "about a million",
        "last summer",
    }


def test_a_schema_file_does_not_vouch_for_itself(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts that a fit adds to the released schema are searched too."""
    candidate, ledger, table = place
    text = candidate.schema.read_text(encoding="utf-8")
    assert "What the customer said" in text
    candidate.schema.write_text(
        text.replace("What the customer said", "complained on day 5, K00007919"), encoding="utf-8"
    )
    leak_patterns = leak_patterns_of(
        undeclared_texts(table, load_schema(candidate.folder.parent / "schema.yaml"))
    )
    with pytest.raises(LeakError, match=r"schema\.yaml"):
        scan_candidate(candidate, leak_patterns, ledger)


@pytest.mark.parametrize("end", ["", "/profile/overview/dashboard/index.html"])
def test_long_identifiers_that_begin_and_end_as_their_pattern_does_are_looked_for(end: str) -> None:
    begin = "https://crm.acme.example/customers/"
    schema = parse_schema(
        "format: privgan.schema/1\ndataset: d\nunit: id\nmax_rows_per_unit: 1\ncolumns:\n"
        f'  - {{name: id, kind: identifier, pattern: "{begin}{{:08d}}{end}"}}\n'
        "  - {name: x, kind: integer, lower: 0, upper: 9}\n"
    )
    ids = [f"{begin}{number:08d}{end}" for number in range(7_000, 7_800)]
    leak_patterns = leak_patterns_of(undeclared_texts(pd.DataFrame({"id": ids, "x": 1}), schema))
    assert len(leak_patterns.values) >= len(ids)
    found = scan_files({"report.md": f"kept for {ids[17]}.".encode()}, leak_patterns)
    assert {finding.kind for finding in found.findings} == {"identifier"}
    assert scan_files({"report.md": f"{begin}{{:08d}}{end}".encode()}, leak_patterns).findings == ()

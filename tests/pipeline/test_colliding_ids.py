"""Identifiers equal to a release's own texts never stop it, and planted ones are found."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.undeclared import undeclared_texts
from privgan.pipeline import reporting
from privgan.pipeline.candidate import AUDIT_FILE, Candidate
from privgan.pipeline.judging import judge
from privgan.pipeline.releasing import ReleaseTerms, release_candidate
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import fit_table
from privgan.pipeline.scanning import SCAN_FILE, leak_patterns_of, scan_candidate
from privgan.planning.plan import EFFORTS, Effort
from privgan.policy.context import Context
from privgan.policy.policy_file import load_policy
from privgan.privacy.budget import PrivacyBudget
from privgan.release.leak_scan.scan import LeakError
from privgan.report.data import ShareableReport
from privgan.table.files import read_table
from privgan.table.schema_file import load_schema
from tests.thinning import some

ROWS = 600
SCHEMA = """format: privgan.schema/1
dataset: colliding
unit: row
columns:
  - {name: id, kind: identifier, pattern: "{:06d}"}
  - {name: balance, kind: integer, lower: 0, upper: 200000}
  - {name: rate, kind: float, lower: 0, upper: 500, decimals: 2}
  - {name: joined, kind: date, lower: 2020-01-01, upper: 2026-12-31}
  - {name: tier, kind: categorical, categories: [basic plan, "2019-2020"]}
"""
AUDIT: dict[str, Any] = {
    "format": "privgan.audit/1",
    "verdict": "NOT_REFUTED",
    "metrics": [
        {"name": "attack.membership.advantage", "value": 0.01, "low": 0.0, "high": 0.05},
        {"name": "fidelity.tvd1", "value": 0.01, "low": 0.0, "high": 0.02},
    ],
}
CONTEXT = Context(reviewer="A. Reviewer", purpose="Testing")


TERMS = ReleaseTerms(CONTEXT)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = Effort(
        entries=40, batch=60, network_steps=5, round_steps=1, final_steps=5, critic_steps=5
    )
    monkeypatch.setattr("privgan.planning.model_stage.number_of_rounds", lambda _: 1)
    monkeypatch.setitem(EFFORTS, "quick", tiny)  # type: ignore[arg-type]


def table_of(ids: list[str], seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = np.datetime64("2020-01-01") + rng.integers(0, 2557, ROWS)
    others = [f"{number:07d}" for number in range(4_000_000, 4_000_000 + ROWS)]
    return pd.DataFrame(
        {
            "id": list(dict.fromkeys([*ids, *others]))[:ROWS],
            "balance": rng.integers(0, 200_001, ROWS),
            "rate": np.round(rng.gamma(2, 40, ROWS).clip(0, 500), 2),
            "joined": np.datetime_as_string(days),
            "tier": rng.choice(["basic plan", "2019-2020"], ROWS),
        }
    )


def released(folder: Path, ids: list[str], seed: int = 0) -> Path:
    """The release of a small fit on a table with these identifiers."""
    candidate, ledger, leak_patterns = fitted(folder, ids, seed)
    leak_patterns = scan_candidate(candidate, leak_patterns, ledger)
    verdict = judge(candidate, load_policy("internal-analytics"), ledger, CONTEXT)
    return release_candidate(candidate, verdict, ledger, TERMS, folder / "out", leak_patterns)


def fitted(folder: Path, ids: list[str], seed: int = 0) -> tuple[Candidate, PrivacyLedger, Any]:
    folder.mkdir(parents=True)
    table_of(ids, seed).to_csv(folder / "table.csv", index=False)
    (folder / "schema.yaml").write_text(SCHEMA, encoding="utf-8")
    request = RunRequest(
        table=folder / "table.csv",
        schema=folder / "schema.yaml",
        budget=PrivacyBudget(epsilon=3),
        public_rows=ROWS,
        effort="quick",
        seed=seed,
    )
    ledger = PrivacyLedger.open(str(folder / "ledger.sqlite"))
    candidate = fit_table(request, ledger, folder / "candidate")
    candidate.write_internal(AUDIT_FILE, json.dumps(AUDIT))
    return (
        candidate,
        ledger,
        leak_patterns_of(undeclared_texts(read_table(request.table), load_schema(request.schema))),
    )


def tokens_of(release: Path) -> list[str]:
    """Every word and figure of six characters or more that a release's texts hold."""
    found: set[str] = set()
    for path in sorted(release.rglob("*")):
        if path.suffix in {".html", ".md", ".json", ".yaml", ".csv", ".sha256"}:
            text = path.read_text(encoding="utf-8")
            found |= set(re.findall(r"[0-9A-Za-z+][0-9A-Za-z_.:+%\-]{4,39}[0-9A-Za-z]", text))
    return sorted(found)


def process_texts() -> list[str]:
    """What reads like a moment, a version or a label of the days around this one."""
    days = [dt.datetime.now(dt.UTC).date() + dt.timedelta(days=shift) for shift in (-1, 0, 1)]
    versions = [
        metadata.version(name) for name in ("privgan", "torch", "numpy", "pandas", "opacus")
    ]
    labels = [str(number) for number in range(100_000, 100_300)]
    written = [day.isoformat() for day in days] + [day.strftime("%Y%m%d") for day in days]
    return [*written, *versions, load_policy("internal-analytics").fingerprint(), *labels]


def colliding(first: Path, runs: int) -> Iterator[list[str]]:
    """Identifiers of each run.

    Texts of an earlier release of the same schema, and texts of the process.
    """
    known, rng = tokens_of(first), np.random.default_rng(5)
    for _ in range(runs):
        yield [*process_texts(), *rng.choice(known, 250, replace=False).tolist()]


@pytest.mark.slow
@pytest.mark.parametrize("runs", [50])
def test_runs_with_colliding_ids_release(tmp_path: Path, runs: int) -> None:
    first = released(tmp_path / "first", [])
    for number, ids in enumerate(colliding(first, runs)):
        assert released(tmp_path / str(number), ids, seed=number).is_dir()


PLANTS = ("7654321", "4915112345678", "K00017-B", "12.75.31", "2031-05-17", "Zoé Nyström")


def in_the_data(patch: pytest.MonkeyPatch, plant: str) -> None:
    """A plant in the data that manifest and report are made of."""
    describe = reporting.describe_release
    patch.setattr(
        reporting, "describe_release", lambda facts: describe(facts) | {"retention": f"of {plant}"}
    )


def in_the_pages(patch: pytest.MonkeyPatch, plant: str) -> None:
    """A plant in what the report's files say beyond their data."""
    render = reporting.render_shareable

    def leak(data: ShareableReport, form: str, language: str) -> str:
        page = render(data, form, language).replace("</main>", f"<p>{plant}</p></main>")
        return page.replace('"title": "', f'"title": "{plant} ') + (plant if form == "md" else "")

    patch.setattr(reporting, "render_shareable", leak)


@pytest.mark.parametrize("plant", some(PLANTS))
def test_a_planted_identifier_is_found_beside_colliding_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: str
) -> None:
    candidate, ledger, leak_patterns = fitted(tmp_path / "planted", [*process_texts(), *PLANTS])
    leak_patterns = scan_candidate(candidate, leak_patterns, ledger)
    assert plant in leak_patterns.values
    verdict = judge(candidate, load_policy("internal-analytics"), ledger, CONTEXT)
    monkeypatch.setattr(PrivacyLedger, "check_releasable", lambda *_: None)
    for put, files in (
        (in_the_data, {"report.json"}),
        (in_the_pages, {"report.html", "report.json", "report.md"}),
    ):
        with monkeypatch.context() as patch:
            put(patch, plant)
            with pytest.raises(LeakError) as error:
                release_candidate(
                    candidate,
                    verdict,
                    ledger,
                    TERMS,
                    tmp_path / "out",
                    leak_patterns,
                )
        assert {finding.file for finding in error.value.scan.findings} == files
        (candidate.internal / SCAN_FILE).unlink()

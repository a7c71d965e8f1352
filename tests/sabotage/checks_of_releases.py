"""Check releases: paid for only where they can pass, and searched before the record.

No public text stops one.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from privgan.domain.cells import cells_of
from privgan.ledger.ledger import PrivacyLedger
from privgan.pipeline import reporting
from privgan.pipeline import run as running
from privgan.pipeline.candidate import AUDIT_FILE, Candidate
from privgan.pipeline.judging import judge
from privgan.pipeline.public_texts import schema_text
from privgan.pipeline.releasing import ReleaseTerms, release_candidate
from privgan.pipeline.request import RunRequest
from privgan.pipeline.scanning import scan_candidate
from privgan.policy.context import Context
from privgan.policy.policy_file import load_policy
from privgan.policy.verdict import Verdict
from privgan.progress import Progress
from privgan.release.leak_scan.leak_patterns import LeakKind, LeakPatterns
from privgan.release.leak_scan.scan import LeakError
from privgan.report.shapes import written
from privgan.table.schema_file import dump_schema
from tests.sabotage import world

TERMS = ReleaseTerms(Context())

PERSON = "Zoé Nyström"
_AUDIT = {
    "format": "privgan.audit/1",
    "verdict": "NOT_REFUTED",
    "metrics": [
        {"name": "attack.membership.advantage", "value": 0.01, "low": 0.0, "high": 0.05},
        {"name": "fidelity.tvd1", "value": 0.01, "low": 0.0, "high": 0.05},
    ],
}


def what_can_never_pass_charges_nothing() -> None:
    """A run whose policy fails beforehand leaves the ledger as it was."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame = world.table()
        frame.to_csv(folder / "table.csv", index=False)
        (folder / "schema.yaml").write_text(dump_schema(world.SCHEMA), encoding="utf-8")
        request = RunRequest(
            table=folder / "table.csv",
            schema=folder / "schema.yaml",
            budget=world.BUDGET,
            rows=50,
            effort="tiny",
        )
        ledger = PrivacyLedger.open(str(folder / "ledger.sqlite"))
        strict, quiet = load_policy("public-release"), Progress(quiet=True)
        judging = running.Judging(policy=strict, context=Context())
        outcome = running.run(request, judging, lambda _: ledger, folder / "out", quiet)
        assert outcome.blocked, "a run that can never pass was begun"
        assert not ledger.entries(), "a run that can never pass was charged"


def a_release_is_searched_before_it_is_recorded() -> None:
    """A name in the finished report: nothing is recorded, and the candidate is closed."""
    with _judged({PERSON: LeakKind.PII}) as (made, ledger, verdict, leak_patterns, out):
        render = reporting.render_shareable

        def leak(data: Any, form: str, language: str) -> str:
            return render(data, form, language) + (PERSON if form == "md" else "")

        found = False
        with mock.patch.object(reporting, "render_shareable", leak):
            try:
                release_candidate(made, verdict, ledger, TERMS, out, leak_patterns)
            except LeakError:
                found = True
        kinds = [entry.kind for entry in ledger.entries()]
        assert found, "a name in the report was not found"
        assert "release" not in kinds, "the ledger names a release that was never made"
        assert "closed" in kinds, "a finding was forgotten"


def public_texts_stop_no_release() -> None:
    """Real values that equal labels of bins are no finding.

    A refusal because of them would tell of them.
    """
    cells = cells_of(world.SCHEMA.column("spend"))
    labels = written(cells.origin + cells.starts * cells.step, cells.column)
    ids = {label: LeakKind.IDENTIFIER for label in labels if len(label) >= 6}
    with _judged(ids) as (made, ledger, verdict, leak_patterns, out):
        try:
            release_candidate(made, verdict, ledger, TERMS, out, leak_patterns)
        except LeakError as error:
            raise AssertionError("a public text stopped a release") from error


@contextmanager
def _judged(
    values: dict[str, LeakKind],
) -> Iterator[tuple[Candidate, PrivacyLedger, Verdict, LeakPatterns, Path]]:
    """A candidate that passed, and what must not leave with it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made, ledger = world.candidate(world.table(), world.Deaf(1), folder)
        leak_patterns = LeakPatterns(values=values, schema=world.SCHEMA).declaring(
            schema_text(world.SCHEMA)
        )
        try:
            leak_patterns = scan_candidate(made, leak_patterns, ledger)
        except LeakError as error:
            raise AssertionError("a public text stopped a release") from error
        made.write_internal(AUDIT_FILE, json.dumps(_AUDIT))
        verdict = judge(made, load_policy("internal-analytics"), ledger, Context())
        yield made, ledger, verdict, leak_patterns, folder / "out"

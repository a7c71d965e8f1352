"""Scan a candidate for content that must stay inside, against the real table's texts. INTERNAL."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from privgan.errors import PolicyFailedError
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.undeclared import UndeclaredTexts
from privgan.pipeline.candidate import SCAN_FILE, Candidate
from privgan.pipeline.public_texts import (
    fit_text,
    measured_text,
    own_words,
    release_text,
    schema_text,
    texts_in,
)
from privgan.pipeline.read_candidate import AnyCandidate, ReadCandidate, read_candidate
from privgan.pipeline.request import begun_schema
from privgan.pipeline.stages import StageName
from privgan.policy.context import Context
from privgan.policy.facts import FactValue
from privgan.policy.verdict import Verdict
from privgan.progress import Progress
from privgan.release.leak_scan.leak_patterns import (
    LONGEST,
    SHORTEST,
    SHORTEST_TEXT,
    LeakKind,
    LeakPatterns,
)
from privgan.release.leak_scan.scan import LeakError, Scan, scan_files
from privgan.release.manifest import ReleaseFacts
from privgan.release.report_files import REPORT_JSON
from privgan.report.data import ShareableReport
from privgan.report.render import WRITTEN, render_shareable
from privgan.schema.columns import Column, Invented, Kind
from privgan.schema.schema import Schema

FORMAT = "privgan.scan/1"
FACT = "artefacts.findings"


def leak_patterns_of(texts: UndeclaredTexts) -> LeakPatterns:
    """A table's leak patterns.

    Identifiers, personal values, and every text that the schema does not declare.

    Args:
        texts: The table's undeclared texts, by column.
    """
    values: dict[str, LeakKind] = {}
    for column, found in texts.items():
        kind, least = _kind(column, texts.schema)
        for text in found:
            if len(text) >= least:
                values.setdefault(text[:LONGEST], kind)
            if len(text) > LONGEST:  # Many begin and end alike, with the pattern's own text.
                values.setdefault(text[-LONGEST:], kind)
                start = max(0, _alike(text, column) - LONGEST // 2)
                values.setdefault(text[start : start + LONGEST], kind)
    leak_patterns = LeakPatterns(values=values, schema=texts.schema)
    declared = leak_patterns.declaring(schema_text(texts.schema))
    # All words of the package take seconds to gather.
    return declared.without(own_words(texts.schema)) if declared.values else declared


def _alike(text: str, column: Column) -> int:
    """The number of leading characters of a text that match the column's pattern."""
    pattern = column.pattern if isinstance(column, Invented) else ""
    pairs = enumerate(zip(text, pattern, strict=False))
    return next((place for place, (one, other) in pairs if one != other), 0)


def leak_patterns_for(candidate: ReadCandidate, leak_patterns: LeakPatterns) -> LeakPatterns:
    """The leak patterns less the texts of the released schema, its grid and the fit.

    Args:
        candidate: The candidate.
        leak_patterns: What must not leave of its table.
    """
    schema, record = candidate.schema, candidate.record
    cells, begun = record.max_cells, begun_schema(candidate.files)
    public = [schema_text(begun, cells), measured_text(schema, cells), fit_text(record, schema)]
    return replace(leak_patterns, schema=schema).declaring("\n".join(public))


def leak_patterns_for_release(
    leak_patterns: LeakPatterns, said: Said, data: ShareableReport
) -> LeakPatterns:
    """The leak patterns less a release's texts about its making and its report.

    The report's files are a function of its data, which is searched here. So a report made of clean
    data is public, and anything more in its files is a finding.

    Args:
        leak_patterns: What must not leave of the candidate.
        said: What is said of the release, from where it comes from.
        data: What the report says.

    Raises:
        LeakError: when the data holds what must stay inside.
    """
    left = leak_patterns.declaring(release_text(said.facts, said.head))
    left = left.declaring(
        "\n".join([*texts_in(said.verdict.to_public_json()), *texts_in(said.context.to_json())])
    )
    content = json.dumps(asdict(data), ensure_ascii=False, default=str).encode()
    scan_files({REPORT_JSON: content}, left).check_clean()
    if not left.values:
        return left
    return left.without("\n".join(render_shareable(data, form, said.language) for form in WRITTEN))


@dataclass(frozen=True, kw_only=True)
class Said:
    """A release's texts, each part from its source and not from what was written.

    Attributes:
        facts: What the manifest says.
        head: The ledger's newest entry.
        verdict: The policy's verdict.
        context: Who, for what, until when.
        language: The language of the report.
    """

    facts: ReleaseFacts
    head: str
    verdict: Verdict
    context: Context
    language: str


def scan_candidate(
    candidate: AnyCandidate,
    leak_patterns: LeakPatterns,
    ledger: PrivacyLedger,
    progress: Progress | None = None,
) -> LeakPatterns:
    """Search everything that would leave of a candidate, and write the findings.

    Args:
        candidate: The candidate.
        leak_patterns: What must not leave of the table that it was fitted on.
        ledger: Where a finding closes the candidate.
        progress: Tells the owner.

    Returns:
        What was looked for, for the release's own scan.

    Raises:
        LeakError: when anything was found: a bug in privgan; the candidate is closed.
    """
    if progress:
        progress.stage(StageName.SCAN)
    found = read_candidate(candidate)
    leak_patterns = leak_patterns_for(found, leak_patterns)
    files = found.files
    scan = scan_files({files.name_of(path): path for path in files.leaving}, leak_patterns)
    if progress:
        told = f"{len(scan.files)} files searched; {len(scan.findings)} findings (INTERNAL)"
        progress.say(f"scan: {told}")
    with closing_on_findings(found, ledger, leak_patterns):
        scan.check_clean()
    _write_scan(found, scan, leak_patterns)
    return leak_patterns


@contextmanager
def closing_on_findings(
    candidate: ReadCandidate, ledger: PrivacyLedger, leak_patterns: LeakPatterns
) -> Iterator[None]:
    """Write a scan's findings, close the candidate, and count an evaluation.

    A missing release may tell up to one bit about real rows, as an internal check does.
    """
    try:
        yield
    except LeakError as error:
        try:
            ledger.close_by_scan(candidate.record.dataset, candidate.record.run)
        finally:
            _write_scan(candidate, error.scan, leak_patterns)
        raise


def _write_scan(candidate: ReadCandidate, scan: Scan, leak_patterns: LeakPatterns) -> None:
    record = {
        "format": FORMAT,
        "candidate": candidate.fingerprint,
        "looked_for": dict(Counter(str(kind) for kind in leak_patterns.values.values())),
        **scan.to_json(),
    }
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    candidate.files.write_internal(SCAN_FILE, text)


def scan_facts(candidate: AnyCandidate) -> dict[str, FactValue]:
    """The number of findings as a fact; INTERNAL.

    Empty where no scan of these very files has run.
    """
    found = read_candidate(candidate)
    scan = found.evidence.scan
    if scan is None or scan["candidate"] != found.fingerprint:
        return {}
    return {FACT: len(scan["findings"])}


def read_scan(candidate: Candidate) -> dict[str, Any] | None:
    """Read a scan's result, or None where none has run."""
    return candidate.scan()


def check_no_findings(candidate: ReadCandidate) -> None:
    """Check that no scan found content that must stay inside; no policy can waive it.

    Raises:
        PolicyFailedError: There are findings.
    """
    scan = candidate.evidence.scan
    if scan is not None and scan["findings"]:
        raise PolicyFailedError(
            f"{candidate.files.internal / SCAN_FILE}: {len(scan['findings'])} findings of what must"
            " stay inside; this candidate cannot be released. Report it as a bug in privgan"
        )


def _kind(column: Column, schema: Schema) -> tuple[LeakKind, int]:
    if column.name == schema.unit.column or column.kind is Kind.IDENTIFIER:
        return LeakKind.IDENTIFIER, SHORTEST
    if column.invented and column.kind is not Kind.TEXT:
        return LeakKind.PII, SHORTEST
    return (LeakKind.PII if column.invented else LeakKind.TEXT), SHORTEST_TEXT

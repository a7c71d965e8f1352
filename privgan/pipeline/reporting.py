"""Make a candidate's two reports, and make them again from a release or internal files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from privgan.errors import UsageError
from privgan.generator.dependence import dependence_on
from privgan.ledger.history import DatasetHistory
from privgan.naming import call
from privgan.owner.owners_table import OwnersTable
from privgan.pipeline.candidate import internal_report_file
from privgan.pipeline.folders import INTERNAL
from privgan.pipeline.read_candidate import ReadCandidate
from privgan.policy.verdict import Verdict
from privgan.release.manifest import ReleaseFacts, describe_release
from privgan.release.marginal_files import measured_kinds, read_description
from privgan.release.marginal_folder import marginals_in
from privgan.release.report_files import REPORT_JSON, report_mistakes
from privgan.release.table_files import MARGINALS
from privgan.report.associations import real_trends, trends
from privgan.report.data import (
    InternalReport,
    MeasuredKind,
    Reach,
    RealShape,
    RealTrends,
    ShareableReport,
    Trends,
)
from privgan.report.json_text import internal_of, shareable_of
from privgan.report.ledger_line import SPENDING
from privgan.report.odds import reach_of
from privgan.report.relations import (
    DEPENDENCE_ROWS,
    Made,
    counted_by,
    noisy_relations,
    relations_of_parts,
    target_code,
)
from privgan.report.render import WRITTEN, render_internal, render_shareable
from privgan.report.shapes import counts_of, noisy_shapes, real_shapes
from privgan.report.steps import report_groups, report_steps

NOT_RELEASED = (  # In place of a release's identity in an internal report.
    "this report comes before the release"
)
_LONG = frozenset({"events", "planned", "columns", "files", "customers"})


def shareable_data(
    candidate: ReadCandidate, facts: ReleaseFacts, verdict: Verdict
) -> ShareableReport:
    """The data of the report that leaves with a release."""
    synthesizer, synthetic = candidate.synthesizer, candidate.synthetic
    encoder = synthesizer.encoder
    codes = encoder.encode(synthetic)
    return ShareableReport(
        release=describe_release(facts),
        policy=verdict.to_public_json(),
        schema=synthesizer.schema.to_json(),
        steps=report_steps(facts.accounting),
        groups=report_groups(facts.accounting, facts.guarantee.delta),
        shapes=noisy_shapes(encoder, synthesizer.frequencies, counts_of(encoder, codes)),
        trends=trends(synthesizer.schema, synthetic),
        rows=candidate.record.rows,
        reach=_reach(facts),
        marginals=_measured_kinds(candidate, facts),
        **_relations(candidate, codes),
    )


def _relations(candidate: ReadCandidate, codes: np.ndarray) -> dict[str, Any]:
    """What the noisy marginals tell of pairs, of the table or of its parts, by field."""
    synthesizer = candidate.synthesizer
    found = marginals_in(candidate.files.folder, synthesizer.encoders)
    if found is None:
        return {}
    if synthesizer.parts:
        parts = [(part.name, part.encoder, part.kept) for part in found.parts]
        return {"relations_of_parts": relations_of_parts(parts)}
    schema, encoder = synthesizer.schema, synthesizer.encoder
    target = target_code(schema, encoder)
    made = Made(
        counted=counted_by(target, encoder, codes),
        dependence=dependence_on(synthesizer.distribution, codes[:DEPENDENCE_ROWS], target),
    )
    return {"relations": noisy_relations(schema, encoder, found.parts[0].kept, made)}


def _measured_kinds(candidate: ReadCandidate, facts: ReleaseFacts) -> list[MeasuredKind]:
    """The noisy marginals that leave; none of a candidate of before 0.6.0."""
    path = candidate.files.folder / MARGINALS
    if not path.exists():
        return []
    return measured_kinds(read_description(path.read_bytes()), facts.accounting)


def written_forms(data: ShareableReport, language: str) -> dict[str, bytes]:
    """The files of the report that leaves with a release."""
    return {f"report.{form}": render_shareable(data, form, language).encode() for form in WRITTEN}


def write_internal_report(
    candidate: ReadCandidate,
    facts: ReleaseFacts,
    verdict: Verdict,
    history: DatasetHistory,
    table: OwnersTable | None,
    language: str = "en",
) -> Path:
    """Write the CONFIDENTIAL report beside the audit.

    Args:
        candidate: The candidate.
        facts: Everything a manifest would say about it.
        verdict: The policy's verdict, whatever it is.
        history: The data set's, as the ledger holds it.
        table: The owner's table for the real column shapes; None to leave them out.
        language: ``en`` or ``zh``.

    Returns:
        The HTML file; Markdown and JSON lie beside it.
    """
    data = _internal_data(candidate, facts, verdict, history, table)
    for form in WRITTEN:
        candidate.files.write_internal(
            internal_report_file(form), render_internal(data, form, language)
        )
    return candidate.files.internal / internal_report_file("html")


def released_report(release: Path) -> tuple[ShareableReport, str]:
    """Data and language of a release's report, from the release alone.

    Verify the release first.

    Raises:
        UsageError: It holds no report as JSON, or one that does not follow its schema.
    """
    value = _read(release / REPORT_JSON, "it was made by an older privgan; open its report.html")
    mistakes = report_mistakes(value)
    if mistakes:
        raise UsageError(
            f"{release / REPORT_JSON}: does not follow its schema: {'; '.join(mistakes[:3])}"
        )
    return shareable_of(value), value["language"]


def internal_report(folder: Path) -> tuple[InternalReport, str]:
    """INTERNAL: data and language of the report inside a folder.

    A run, a fit or ``privgan report`` left it there.
    """
    name = internal_report_file("json")
    found = next(
        (path for path in (folder / INTERNAL / name, folder / name) if path.exists()),
        folder / INTERNAL / name,
    )
    value = _read(
        found,
        f"make one with {call('privgan.run')}, or with {call('privgan.report')} for a candidate",
    )
    return internal_of(value), value["language"]


def _internal_data(
    candidate: ReadCandidate,
    facts: ReleaseFacts,
    verdict: Verdict,
    history: DatasetHistory,
    table: OwnersTable | None,
) -> InternalReport:
    synthesizer, synthetic, schema = candidate.synthesizer, candidate.synthetic, candidate.schema
    shapes: list[RealShape] = []
    together: Trends | RealTrends = trends(schema, synthetic)
    if table is not None:
        table = table.clamped(schema)
        canaries = candidate.canary_list.of(table)
        real = table.real_rows(canaries.left_out).kept_in_frame
        encoder = synthesizer.encoder
        shapes = real_shapes(encoder, encoder.encode(real), encoder.encode(synthetic))
        together = real_trends(schema, real, synthetic)
    lifetime = history.account.lifetime
    return InternalReport(
        release=describe_release(facts),
        verdict=verdict.to_json(),
        schema=schema.to_json(),
        steps=report_steps(facts.accounting),
        groups=report_groups(facts.accounting, facts.guarantee.delta),
        shapes=shapes,
        trends=together,
        rows=candidate.record.rows,
        audit=candidate.evidence.audit or {"verdict": "NOT RUN", "metrics": []},
        ledger=[_flat(asdict(entry)) for entry in history.entries],
        lifetime=None if lifetime is None else lifetime.epsilon,
        reach=_reach(facts),
    )


def _reach(facts: ReleaseFacts) -> Reach | None:
    return reach_of(facts.guarantee.epsilon, facts.guarantee.delta, facts.accounting)


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    body = {key: value for key, value in entry["body"].items() if key not in _LONG}
    return {
        "sequence": entry["sequence"],
        "time": entry["time"],
        "kind": entry["kind"],
        "run": entry["run"][:8],
        "epsilon": body.pop("epsilon", None) if entry["kind"] in SPENDING else None,
        "particulars": json.dumps(body, ensure_ascii=False),
    }


def _read(path: Path, otherwise: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"{path}: is missing; {otherwise}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not JSON; it is damaged") from error
    if not isinstance(value, dict):
        raise UsageError(f"{path}: is not a report; it is damaged")
    return value

"""Release a candidate that passed."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from privgan.errors import IncompleteError, PolicyFailedError, ReleaseExistsError
from privgan.ledger.evaluations import SPENT_MEANWHILE
from privgan.ledger.history import DatasetHistory
from privgan.ledger.ledger import DatasetAccount, PrivacyLedger
from privgan.naming import call, parameter
from privgan.pipeline.candidate_record import CandidateRecord
from privgan.pipeline.folders import RELEASE
from privgan.pipeline.judging import accounting_complete, check_hashes, ledger_facts
from privgan.pipeline.measured_noise import check_noise
from privgan.pipeline.read_candidate import AnyCandidate, ReadCandidate, read_candidate
from privgan.pipeline.reporting import shareable_data, written_forms
from privgan.pipeline.scanning import (
    Said,
    check_no_findings,
    closing_on_findings,
    leak_patterns_for_release,
)
from privgan.policy.context import Context
from privgan.policy.gates import Gate
from privgan.policy.verdict import Verdict, VerdictStatus
from privgan.privacy import accountant
from privgan.privacy.guarantee import AccountantFigures, DatasetTotal, ReleasedGuarantee
from privgan.release.bundle import WriteOptions, booking, write_release
from privgan.release.guarantee import NOT_PROMISED, RETENTION
from privgan.release.leak_scan.leak_patterns import LeakPatterns
from privgan.release.manifest import ReleaseFacts, conditional_text
from privgan.release.signing.keys import SigningKey
from privgan.release.table_files import stated_tables
from privgan.release.unfinished import Asked, take_up
from privgan.release.verification.outcome import check_impostor
from privgan.release.versions import versions

FIRST = "0.1.0"
_NO_GUARANTEE = (
    "this candidate has no guarantee: the coins of its run were not secret; it cannot be released"
)


@dataclass(frozen=True)
class ReleaseTerms:
    """The context, signing key and language of a release.

    Attributes:
        context: Who, for what, until when.
        key: Signs the manifest; None for an unsigned release.
        language: The language of the reports, ``en`` or ``zh``.
    """

    context: Context
    key: SigningKey | None = None
    language: str = "en"


def release_candidate(
    candidate: AnyCandidate,
    verdict: Verdict,
    ledger: PrivacyLedger,
    terms: ReleaseTerms,
    out: Path,
    leak_patterns: LeakPatterns | None = None,
) -> Path:
    """Write ``out/release`` for a candidate that passed.

    The whole bundle is made and searched; then the ledger records it; then it is renamed. A process
    killed between the last two leaves a whole bundle under a hidden name. The next call takes it
    up; no other command touches it.

    Args:
        candidate: The candidate.
        verdict: The policy's verdict on it.
        ledger: The ledger.
        terms: The release's context, signing key and language.
        out: The folder for ``release``.
        leak_patterns: What the finished bundle is searched for, where the table is at hand.

    Raises:
        PolicyFailedError: when a gate failed, or, whatever the policy asks, a scan has findings,
            the audit refuted the guarantee or the ledger does not bear it out.
        LeakError: when the finished bundle holds what must stay inside; the candidate is closed.
        IncompleteError: when a fact is missing.
        InternalError: when the noise of its marginals is not as large as stated.
        ReleaseExistsError: when there is one already.
    """
    _check_passed(verdict)
    check_impostor(verdict.policy_name, verdict.policy_version, verdict.policy_own_hash)
    target = out / RELEASE
    if target.exists():
        raise ReleaseExistsError(
            f"{target}: there is a release already; choose another {parameter('out')}"
        )
    found = read_candidate(candidate)
    dataset, run, files = found.record.dataset, found.record.run, found.files
    if found.record.guarantee.epsilon is None:
        raise PolicyFailedError(_NO_GUARANTEE)
    check_no_findings(found)
    check_noise(found.synthesizer, found.files.folder)
    history = ledger.history(dataset)
    _check_founded(found, history)
    _check_judged(verdict, history)
    # The files may have been read hours ago. What leaves is hashed again, so that it is what was
    # judged.
    check_hashes(replace(found, hashes=files.hashes()), history)
    ledger.check_releasable(dataset, run)
    context, language = terms.context, terms.language
    signer = terms.key.public.id if terms.key else ""
    asked = Asked(verdict=verdict, context=context, signer=signer, language=language)
    if take_up(target, run, asked, history.released_manifests(run)):
        return target
    identity = uuid.uuid4().hex
    facts = release_facts(found, history, context, identity)
    data = shareable_data(found, facts, verdict)
    contents: dict[str, bytes | Path] = {**files.released, **written_forms(data, language)}

    def book(manifest: str) -> None:
        body = {"release": identity, "policy": verdict.policy_name, "manifest": manifest}
        ledger.release(dataset, run, body, stated=history.account)

    looked_for = leak_patterns or LeakPatterns()
    with closing_on_findings(found, ledger, looked_for):
        said = Said(
            facts=facts, head=history.head, verdict=verdict, context=context, language=language
        )
        left = leak_patterns_for_release(looked_for, said, data)
        options = WriteOptions(leak_patterns=left, key=terms.key, book=booking(run, book))
        return write_release(target, contents, facts, verdict, options)


def _check_passed(verdict: Verdict) -> None:
    if verdict.status is VerdictStatus.FAIL:
        raise PolicyFailedError(
            f"the policy does not allow this release; {call('privgan.check')} explains each gate"
        )
    if verdict.status is VerdictStatus.INCONCLUSIVE:
        raise IncompleteError(
            f"the policy cannot be decided: a fact is missing; {call('privgan.check')} explains"
            " each gate"
        )


def _check_founded(found: ReadCandidate, history: DatasetHistory) -> None:
    """Check what no policy may waive.

    The audit did not refute the guarantee, and the ledger supports it.
    """
    if (found.evidence.audit or {}).get("verdict") == "REFUTED":
        raise PolicyFailedError(
            f"{history.dataset}: the audit refuted the guarantee of this candidate; it cannot be"
            " released"
        )
    if not accounting_complete(found.record, history):
        raise PolicyFailedError(
            f"{history.dataset}: the ledger does not bear out the guarantee; it cannot be released"
        )


def _check_judged(verdict: Verdict, history: DatasetHistory) -> None:
    """Check that the ledger still says what its public gates were judged by."""
    now = ledger_facts(history.account)
    for outcome in verdict.public_outcomes:
        fact = outcome.gate.fact if isinstance(outcome.gate, Gate) else ""
        if fact.startswith("ledger.") and outcome.value != now.get(fact):
            raise PolicyFailedError(SPENT_MEANWHILE.format(dataset=history.dataset))


def release_facts(
    candidate: ReadCandidate, history: DatasetHistory, context: Context, identity: str
) -> ReleaseFacts:
    """The manifest's facts about a candidate, apart from files and policy."""
    record, schema, account = candidate.record, candidate.schema, history.account
    return ReleaseFacts(
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        dataset=schema.dataset,
        release_id=identity,
        guarantee=_released_guarantee(record, account),
        plan=record.plan,
        accounting=record.accounting,
        schema_fingerprint=schema.fingerprint(),
        schema_sources={
            label: {fact: str(source) for fact, source in column.sources.items()}
            for label, column in schema.labelled
        },
        context=context.to_json(),
        ledger_head=history.head,
        # Older candidates state no versions; an earlier privgan made their plan and words.
        versions=record.versions or versions() | {"privgan": FIRST},
        canary_probability=record.canaries.probability,
        canary_commitment=record.canaries.commitment,
        retention=RETENTION,
        features=schema.feature_facts(),
        dp_sgd_unused=record.dp_sgd_unused,
        tables=stated_tables(schema, record.table_rows),
    )


def _released_guarantee(record: CandidateRecord, account: DatasetAccount) -> ReleasedGuarantee:
    claimed, (name, _, version) = record.guarantee, accountant.accountant_version().partition(" ")
    if claimed.epsilon is None:
        raise PolicyFailedError(_NO_GUARANTEE)
    figures = AccountantFigures(
        name=name,
        version=version,
        epsilon_pld=record.cost.epsilon_pld,
        epsilon_rdp=record.cost.epsilon_rdp,
    )
    return ReleasedGuarantee(
        epsilon=claimed.epsilon,
        delta=claimed.delta,
        unit=claimed.unit,
        neighbouring_relation=claimed.neighbouring_relation,
        max_rows_per_unit=claimed.max_rows_per_unit,
        conditional_facts=claimed.conditional_facts,
        conditional_text=conditional_text(len(claimed.conditional_facts)),
        accountant=figures,
        not_promised=NOT_PROMISED,
        dataset_total=DatasetTotal(epsilon=account.epsilon, delta=account.delta, runs=account.runs),
    )

"""Count a candidate's evaluations, close candidates, and check what may be released."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from privgan.errors import PolicyFailedError
from privgan.ledger.account import DatasetAccount, account_of
from privgan.ledger.store import Entry, Transaction, account_name
from privgan.naming import call

SPENT_MEANWHILE = (
    "{dataset}: the ledger's account changed after the candidate was judged; judge it again"
)


@dataclass(frozen=True)
class Evaluation:
    """One policy on one state of the evidence.

    Attributes:
        policy: Hash of the policy.
        evidence: Hash of the audit.
    """

    policy: str
    evidence: str

    @classmethod
    def of(cls, entry: Entry) -> Evaluation:
        """The evaluation of an ``attempt`` or ``closed`` entry."""
        return cls(policy=entry.body["policy"], evidence=entry.body["evidence"])

    def to_body(self) -> dict[str, Any]:
        """The body of its entry."""
        return {**asdict(self), "who": account_name()}


BY_SCAN = Evaluation(policy="none", evidence="scan")


def count_evaluation(
    transaction: Transaction, dataset: str, run: str, evaluation: Evaluation, limit: int
) -> None:
    """Count an evaluation before it is made; a repetition is not counted again.

    Raises:
        PolicyFailedError: when the limit is reached, the candidate was closed, or an audit refuted
            the guarantee.
    """
    entries = check_not_refuted(transaction, dataset)
    _check_not_closed(dataset, run, entries, evaluation)
    attempts = [entry for entry in entries if entry.kind == "attempt"]
    if any(entry.run == run and Evaluation.of(entry) == evaluation for entry in attempts):
        return
    if len(attempts) >= limit:
        raise PolicyFailedError(
            f"{dataset}: candidates were judged {len(attempts)} times and the policy"
            f" allows {limit}; judging until one passes would leak; a person must"
            " decide on a policy that allows more"
        )
    transaction.append(dataset, run, "attempt", evaluation.to_body())


def close_candidate(
    transaction: Transaction, dataset: str, run: str, evaluation: Evaluation
) -> None:
    """Close a candidate that an internal gate failed, unless it is closed already."""
    own = _entries_of(transaction, dataset, run)
    if not any(entry.kind == "closed" for entry in own):
        transaction.append(dataset, run, "closed", evaluation.to_body())


def close_by_scan(transaction: Transaction, dataset: str, run: str) -> None:
    """Count a scan's finding as an evaluation, and close the candidate by it."""
    own = _entries_of(transaction, dataset, run)
    for kind in ("attempt", "closed"):
        if not any(entry.kind == kind and Evaluation.of(entry) == BY_SCAN for entry in own):
            transaction.append(dataset, run, kind, BY_SCAN.to_body())


def check_not_refuted(transaction: Transaction, dataset: str) -> tuple[Entry, ...]:
    """The data set's entries, unless an audit refuted the guarantee and nobody cleared it."""
    entries = transaction.entries(dataset)
    if account_of(dataset, entries).refuted:
        clear = f"a person must clear it with {call('PrivacyLedger.clear')}"
        raise PolicyFailedError(f"{dataset}: an audit refuted the guarantee; {clear}")
    return entries


def check_open(transaction: Transaction, dataset: str, run: str) -> None:
    """Check that no internal gate closed a candidate, and that no audit refuted its guarantee."""
    entries = check_not_refuted(transaction, dataset)
    if any(entry.kind == "closed" and entry.run == run for entry in entries):
        raise PolicyFailedError(f"{dataset}: an internal check closed this candidate; fit another")


def check_stated(stated: DatasetAccount, now: DatasetAccount) -> None:
    """Check that a release states what is spent on its data set when it is recorded."""
    if (stated.epsilon, stated.delta, stated.runs) != (now.epsilon, now.delta, now.runs):
        raise PolicyFailedError(SPENT_MEANWHILE.format(dataset=now.dataset))


def _check_not_closed(
    dataset: str, run: str, entries: Sequence[Entry], evaluation: Evaluation
) -> None:
    """Check that no other evaluation closed a candidate."""
    closed = [entry for entry in entries if entry.kind == "closed" and entry.run == run]
    if closed and evaluation not in map(Evaluation.of, closed):
        text = (
            "an internal check closed this candidate; it cannot be judged in another way, fit"
            " another"
        )
        raise PolicyFailedError(f"{dataset}: {text}")


def _entries_of(transaction: Transaction, dataset: str, run: str) -> list[Entry]:
    return [entry for entry in transaction.entries(dataset) if entry.run == run]

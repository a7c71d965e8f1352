"""The manifest: what a release promises, how it was made, and the hash of every file in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files as packaged
from itertools import islice
from typing import Any, Protocol

from privgan.errors import InternalError
from privgan.files.documents import strict_validator
from privgan.files.fields import MANIFEST, check_declared
from privgan.files.limits import MOST_MISTAKES
from privgan.privacy.budget import condition_text

MANIFEST_FORMAT = "privgan.manifest/1"
MANIFEST_NAME = "manifest.json"
CHECKSUM_NAME = "manifest.sha256"


class PublicVerdict(Protocol):
    """What the manifest needs of a policy verdict."""

    def to_public_json(self) -> dict[str, Any]:
        """What may leave of the verdict."""
        ...


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """One file of a release.

    Attributes:
        sha256: Its SHA-256, in hexadecimal.
        bytes: Its size.
        source: Where its content comes from: public, measured, synthetic or process.
    """

    sha256: str
    bytes: int
    source: str


@dataclass(frozen=True, kw_only=True)
class ReleaseFacts:
    """Everything a manifest says apart from its files and the policy.

    JSON values only, each declared in ``privgan/files/fields.py``.

    Attributes:
        created: Moment of the release, UTC, ISO 8601 with ``+00:00`` or ``Z``.
        dataset: The data set's name.
        release_id: A name for this release that no other has.
        epsilon: Epsilon of the run.
        delta: Delta of the run.
        unit: Who is protected, in words.
        neighbouring_relation: What neighbouring tables differ by, in words.
        max_rows_per_unit: The most rows of one unit.
        conditional_facts: Schema facts assumed to be public, as ``column.fact``.
        accountant_name: The accountant.
        accountant_version: Its version.
        epsilon_pld: Epsilon by privacy loss distributions; None where it is not valid for the plan.
        epsilon_rdp: Epsilon by Rényi divergences; None where it is not valid for the plan.
        not_promised: What the guarantee does not cover, one sentence each.
        total_epsilon: Epsilon spent on the data set by all runs, this one included.
        total_delta: Delta spent on the data set by all runs, this one included.
        total_runs: Number of those runs.
        plan: The plan.
        accounting: Every charged step: ``name``, ``event`` and ``epsilon`` (of the step alone).
        schema_fingerprint: SHA-256 of the schema.
        schema_sources: Column to the sources of its facts.
        context: Reviewer, purpose, recipient, expiry, review_date, where known.
        ledger_head: Hash of the ledger chain's last entry.
        versions: Package to version; ``privgan`` and ``python`` at least.
        canary_probability: Probability with which a customer is a canary.
        canary_commitment: Commitment to the canary coins; empty where there is none.
        retention: What stays inside, and for how long.
        signer: Id of the key that signs the manifest when it is made; empty where none does.
    """

    created: str
    dataset: str
    release_id: str
    epsilon: float
    delta: float
    unit: str
    neighbouring_relation: str
    max_rows_per_unit: int
    conditional_facts: Sequence[str]
    accountant_name: str
    accountant_version: str
    epsilon_pld: float | None
    epsilon_rdp: float | None
    not_promised: Sequence[str]
    total_epsilon: float
    total_delta: float
    total_runs: int
    plan: Mapping[str, Any]
    accounting: Sequence[Mapping[str, Any]]
    schema_fingerprint: str
    schema_sources: Mapping[str, Any]
    context: Mapping[str, str]
    ledger_head: str
    versions: Mapping[str, str]
    canary_probability: float
    canary_commitment: str
    retention: str
    signer: str = ""


def describe_release(facts: ReleaseFacts) -> dict[str, Any]:
    """The manifest without policy and files: what a report, itself one of the files, can know."""
    return {
        "format": MANIFEST_FORMAT,
        "created": facts.created,
        "dataset": facts.dataset,
        "release_id": facts.release_id,
        "guarantee": _guarantee(facts),
        "plan": dict(facts.plan),
        "accounting": [dict(step) for step in facts.accounting],
        "schema_fingerprint": facts.schema_fingerprint,
        "schema_sources": dict(facts.schema_sources),
        "context": dict(facts.context),
        "ledger": {"head": facts.ledger_head},
        "versions": dict(facts.versions),
        "canaries": {
            "probability": facts.canary_probability,
            "commitment": facts.canary_commitment,
        },
        "retention": facts.retention,
        # Left out where there is none; where there is one, a signature that was taken away or
        # replaced shows.
        **({"signer": facts.signer} if facts.signer else {}),
    }


def build_manifest(
    facts: ReleaseFacts, verdict: PublicVerdict, files: Mapping[str, FileEntry]
) -> dict[str, Any]:
    """The manifest of a release, checked against its JSON Schema.

    Args:
        facts: What the release promises and how it was made.
        verdict: A policy verdict that passed.
        files: Relative path to hash, size and source.

    Raises:
        InternalError: A field without a declared source, or a result that does not follow the
            manifest's JSON Schema.
    """
    manifest = describe_release(facts) | {
        "policy": verdict.to_public_json(),
        "files": {name: asdict(entry) for name, entry in sorted(files.items())},
    }
    check_declared(MANIFEST_NAME, manifest, MANIFEST)
    mistakes = manifest_mistakes(json.loads(to_text(manifest)))
    if mistakes:
        raise InternalError("the manifest does not follow its JSON Schema: " + "; ".join(mistakes))
    return manifest


def to_text(manifest: Mapping[str, Any]) -> str:
    """The manifest as the text of its file; InternalError where a value is not JSON."""
    try:
        return (
            json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False)
            + "\n"
        )
    except (TypeError, ValueError) as error:
        raise InternalError(f"the manifest holds a value that is not JSON: {error}") from error


def manifest_mistakes(manifest: Any) -> list[str]:
    """Where a manifest departs from its JSON Schema, a sentence each; empty when nowhere."""
    found = islice(strict_validator(_manifest_schema()).iter_errors(manifest), MOST_MISTAKES)
    errors = sorted(found, key=lambda error: error.json_path)
    return [f"{error.json_path}: {error.message[:200]}" for error in errors]


@cache
def _manifest_schema() -> dict[str, Any]:
    text = packaged("privgan").joinpath("formats/manifest.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _guarantee(facts: ReleaseFacts) -> dict[str, Any]:
    return {
        "epsilon": facts.epsilon,
        "delta": facts.delta,
        "unit": facts.unit,
        "neighbouring_relation": facts.neighbouring_relation,
        "max_rows_per_unit": facts.max_rows_per_unit,
        "conditional_facts": list(facts.conditional_facts),
        "conditional_text": conditional_text(len(facts.conditional_facts)),
        "accountant": {
            "name": facts.accountant_name,
            "version": facts.accountant_version,
            "epsilon_pld": facts.epsilon_pld,
            "epsilon_rdp": facts.epsilon_rdp,
        },
        "not_promised": list(facts.not_promised),
        "dataset_total": {
            "epsilon": facts.total_epsilon,
            "delta": facts.total_delta,
            "runs": facts.total_runs,
        },
    }


def conditional_text(count: int) -> str:
    """What must stand beside every epsilon; empty when nothing was assumed."""
    return condition_text(count)

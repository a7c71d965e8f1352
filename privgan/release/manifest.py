"""Build and read the manifest: a release's claim, its making, and each file's hash."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from importlib.resources import files as packaged
from itertools import islice
from typing import Any, Protocol

from privgan.errors import InternalError
from privgan.files.documents import strict_validator
from privgan.files.fields import MANIFEST, check_declared
from privgan.files.json_types import JsonDict
from privgan.files.limits import MOST_MISTAKES
from privgan.json_object import JsonObject
from privgan.planning.accounted_step import AccountedStep
from privgan.planning.plan_facts import PlanFacts
from privgan.privacy.budget import condition_text
from privgan.privacy.guarantee import CanaryFacts, ReleasedGuarantee
from privgan.release.stated_policy import StatedPolicy

MANIFEST_FORMAT = "privgan.manifest/1"
MANIFEST_NAME = "manifest.json"
CHECKSUM_NAME = "manifest.sha256"


class PublicVerdict(Protocol):
    """The parts of a policy verdict that the manifest needs."""

    def to_public_json(self) -> dict[str, Any]:
        """The public part of the verdict as JSON values."""
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

    @classmethod
    def of(cls, read: JsonObject) -> FileEntry:
        """Read it; ValueError names what is missing."""
        return cls(
            sha256=read.text("sha256"), bytes=read.whole("bytes"), source=read.text("source")
        )


@dataclass(frozen=True, kw_only=True)
class ReleaseFacts:
    """The manifest's facts apart from files and policy.

    JSON values only, each declared in ``privgan/files/fields.py``.

    Attributes:
        created: Moment of the release, UTC, ISO 8601 with ``+00:00`` or ``Z``.
        dataset: The data set's name.
        release_id: A name for this release that no other has.
        guarantee: What the run claims, and what all runs on the data set spent.
        plan: The plan.
        accounting: Every charged step.
        schema_fingerprint: SHA-256 of the schema.
        schema_sources: Column to the sources of its facts.
        context: Reviewer, purpose, recipient, expiry, review_date, where known.
        ledger_head: Hash of the ledger chain's last entry.
        versions: Package to version; ``privgan`` and ``python`` at least.
        canary_probability: Probability with which a customer is a canary.
        canary_commitment: Commitment to the canary coins; empty where there is none.
        retention: What stays inside, and for how long.
        signer: Id of the key that signs the manifest when it is made; empty where none does.
        features: How a customer's row is made from its events: ``Schema.feature_facts()``; empty
            where the table is read as it is.
        dp_sgd_unused: Whether noisy figures said that DP-SGD failed, and the model is without it.
        tables: Each of several tables with its keys, its files and its rows; empty of one alone.
    """

    created: str
    dataset: str
    release_id: str
    guarantee: ReleasedGuarantee
    plan: Mapping[str, Any]
    accounting: Sequence[AccountedStep]
    schema_fingerprint: str
    schema_sources: Mapping[str, Any]
    context: Mapping[str, str]
    ledger_head: str
    versions: Mapping[str, str]
    canary_probability: float
    canary_commitment: str
    retention: str
    signer: str = ""
    features: Mapping[str, Any] = field(default_factory=dict)
    dp_sgd_unused: bool = False
    tables: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Manifest:
    """A manifest that follows its JSON Schema.

    Plan and accounting are read on first use: that schema does not cover their parts.

    Attributes:
        raw: The manifest as JSON values.
        created: Moment of the release, as it states it.
        dataset: The data set's name.
        release_id: The release's own name.
        guarantee: What it promises.
        schema_fingerprint: SHA-256 of the schema.
        policy: The policy and its public outcomes.
        context: Reviewer, purpose, recipient, expiry and so on, where known.
        ledger_head: MAC of the ledger's newest entry.
        versions: Package to version.
        canaries: What may be told of them.
        retention: What stays inside, and for how long.
        files: Relative path to hash, size and source.
        signer: Id of the key that signed it when it was made; empty where none did.
    """

    raw: Mapping[str, Any]
    created: str
    dataset: str
    release_id: str
    guarantee: ReleasedGuarantee
    schema_fingerprint: str
    policy: StatedPolicy
    context: Mapping[str, str]
    ledger_head: str
    versions: Mapping[str, str]
    canaries: CanaryFacts
    retention: str
    files: Mapping[str, FileEntry]
    signer: str

    @classmethod
    def from_json(cls, value: object) -> Manifest:
        """Read a manifest that follows its JSON Schema.

        Raises:
            ValueError: naming the field that is missing or of another kind.
        """
        read = JsonObject(value)
        files = read.inner("files")
        return cls(
            raw=read.raw,
            created=read.text("created"),
            dataset=read.text("dataset"),
            release_id=read.text("release_id"),
            guarantee=ReleasedGuarantee.from_json(read.inner("guarantee").raw),
            schema_fingerprint=read.text("schema_fingerprint"),
            policy=StatedPolicy.of(read.inner("policy")),
            context=read.text_map("context"),
            ledger_head=read.inner("ledger").text("head"),
            versions=read.text_map("versions"),
            canaries=CanaryFacts.of(read.inner("canaries")),
            retention=read.text("retention"),
            files={name: FileEntry.of(files.inner(name)) for name in files.raw},
            signer=read.text("signer") if "signer" in read.raw else "",
        )

    @cached_property
    def plan(self) -> PlanFacts:
        """The plan; ValueError where it is not written in full."""
        return PlanFacts.from_json(self.raw["plan"])

    @cached_property
    def accounting(self) -> tuple[AccountedStep, ...]:
        """Every charged step; ValueError where one is not written in full."""
        return JsonObject(self.raw).each("accounting", AccountedStep.of)

    @property
    def schema_sources(self) -> Any:
        """Column to the sources of its facts, as JSON values."""
        return self.raw["schema_sources"]

    @property
    def tables(self) -> Sequence[Mapping[str, Any]]:
        """Each of several tables, as JSON values; empty of one alone."""
        found: Sequence[Mapping[str, Any]] = self.raw.get("tables", ())
        return found

    @property
    def features(self) -> JsonDict:
        """Events and features, as in a schema; empty where the table is read as it is."""
        return {name: self.raw[name] for name in ("events", "features") if name in self.raw}


def describe_release(facts: ReleaseFacts) -> dict[str, Any]:
    """The manifest without policy and files, for the report, which is itself a file."""
    return {
        "format": MANIFEST_FORMAT,
        "created": facts.created,
        "dataset": facts.dataset,
        "release_id": facts.release_id,
        "guarantee": facts.guarantee.to_json(),
        "plan": dict(facts.plan),
        "accounting": [step.to_json() for step in facts.accounting],
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
        **facts.features,
        **({"dp_sgd": "unused"} if facts.dp_sgd_unused else {}),
        **({"tables": [dict(table) for table in facts.tables]} if facts.tables else {}),
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
    """Violations of the manifest's JSON Schema, a sentence each; empty for none."""
    found = islice(strict_validator(_manifest_schema()).iter_errors(manifest), MOST_MISTAKES)
    errors = sorted(found, key=lambda error: error.json_path)
    return [f"{error.json_path}: {error.message[:200]}" for error in errors]


@cache
def _manifest_schema() -> dict[str, Any]:
    text = packaged("privgan").joinpath("formats/manifest.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def conditional_text(count: int) -> str:
    """The condition to state beside every ε; empty when nothing was assumed."""
    return condition_text(count)

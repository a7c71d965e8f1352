"""Check a manifest's consistency with itself, its policy, the day and the other files."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from pathlib import Path

from privgan.errors import PrivganError
from privgan.files.fields import MANIFEST, check_declared
from privgan.files.safe_open import read_regular
from privgan.files.strict_json import read_json
from privgan.policy.facts import FactValue
from privgan.privacy.guarantee import ReleasedGuarantee
from privgan.release.contents import LARGEST, check_allowed_contents
from privgan.release.manifest import MANIFEST_NAME, Manifest, conditional_text
from privgan.release.verification.integrity import shown
from privgan.release.verification.released import schema_of
from privgan.schema.columns import Source
from privgan.schema.schema import Schema

_SCHEMA, _MODEL = "schema.yaml", "model/model.json"
_BUG = ". This is a bug in privgan; nothing was released."
_CLAIMED = ("epsilon", "delta", "unit", "max_rows_per_unit", "conditional_facts")
_REPORTS = ("report.html", "report.md", "report.json")


def contradictions(manifest: Manifest) -> Iterator[str]:
    """Statements of one manifest that cannot both be true.

    An unskilled edit with a fresh checksum shows here.
    """
    guarantee = manifest.guarantee
    if guarantee.conditional_text != conditional_text(len(guarantee.conditional_facts)):
        yield f"{MANIFEST_NAME}: the conditional text does not fit the list of assumed public facts"
    yield from _judged_otherwise(manifest)
    yield from _accountant_problems(guarantee)
    yield from _total_problems(guarantee)
    try:
        dt.datetime.fromisoformat(manifest.created)
    except ValueError:
        yield f"{MANIFEST_NAME}: created: there is no moment {shown(manifest.created)}"
    if not math.isfinite(guarantee.epsilon):
        yield f"{MANIFEST_NAME}: epsilon is not finite"


def _judged_otherwise(manifest: Manifest) -> Iterator[str]:
    """Facts that the policy judged with another value than the manifest states."""
    judged = {outcome.fact: outcome.value for outcome in manifest.policy.outcomes}
    guarantee = manifest.guarantee
    stated: dict[str, FactValue] = {
        **stated_facts(guarantee),
        "guarantee.max_rows_per_unit": guarantee.max_rows_per_unit,
        "schema.assumed_public_facts": len(guarantee.conditional_facts),
        **{f"context.{name}": value for name, value in manifest.context.items()},
    }
    for fact, value in stated.items():
        if fact in judged and judged[fact] != value:
            yield (
                f"{MANIFEST_NAME}: states {fact} as {shown(value)}, and the policy judged"
                f" {shown(judged[fact])}"
            )


def stated_facts(guarantee: ReleasedGuarantee) -> dict[str, FactValue]:
    """The policy's facts that a guarantee states in figures."""
    total = guarantee.dataset_total
    return {
        "guarantee.epsilon": guarantee.epsilon,
        "guarantee.delta": guarantee.delta,
        "ledger.total_epsilon": total.epsilon,
        "ledger.total_delta": total.delta,
    }


def _accountant_problems(guarantee: ReleasedGuarantee) -> Iterator[str]:
    known = guarantee.accountant.known
    if known and guarantee.epsilon < min(known) * (1 - 1e-9):
        yield (
            f"{MANIFEST_NAME}: epsilon {guarantee.epsilon:g} is below what either accountant found"
        )
    if not known:
        yield f"{MANIFEST_NAME}: states neither accountant's epsilon"


def _total_problems(guarantee: ReleasedGuarantee) -> Iterator[str]:
    total = guarantee.dataset_total
    pairs = (
        ("epsilon", total.epsilon, guarantee.epsilon),
        ("delta", total.delta, guarantee.delta),
    )
    for name, together, alone in pairs:
        if together < alone * (1 - 1e-9):
            yield f"{MANIFEST_NAME}: the data set's total {name} is below that of this run alone"


def undeclared_fields(manifest: Manifest) -> Iterator[str]:
    """Fields that no release may hold."""
    try:
        check_declared(MANIFEST_NAME, manifest.raw, MANIFEST)
    except PrivganError:
        yield f"{MANIFEST_NAME}: holds a field that no manifest has"


def expiry_problems(manifest: Manifest, now: dt.datetime) -> Iterator[str]:
    """Check that the release has not expired."""
    expiry = manifest.context.get("expiry")
    if expiry is None:
        return
    try:
        last = dt.date.fromisoformat(expiry)
    except ValueError:
        yield f"{MANIFEST_NAME}: context.expiry: there is no day {expiry}"
        return
    if now.astimezone(dt.UTC).date() > last:
        yield f"the release expired on {expiry}; ask its owner for a new review"


def file_problems(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Check that schema, model, tables and report are those of the manifest.

    Args:
        folder: A release whose files have the hashes that the manifest lists.
        manifest: Its manifest.
    """
    listed = set(manifest.files)
    if _SCHEMA in listed:
        schema = _schema(folder / _SCHEMA)
        if schema is None:
            yield f"{_SCHEMA}: is not a schema"
            return
        yield from _schema_problems(schema, manifest)
    if _MODEL in listed:
        yield from _model_problems(folder / _MODEL, manifest)
    for name in _REPORTS:
        if name in listed and not _names(folder / name, manifest.release_id):
            yield (
                f"{name}: is the report of another release: it does not name release"
                f" {shown(manifest.release_id)}"
            )
    try:
        check_allowed_contents({name: folder / name for name in listed}, foreign=True)
    except PrivganError as error:
        yield str(error).removesuffix(_BUG)
    except OSError as error:
        yield f"{shown(Path(str(error.filename)).name)}: cannot be read: {error.strerror}"


def _names(path: Path, release: str) -> bool:
    """Whether a report names a release; an oversized report is reported elsewhere."""
    try:
        return release.encode() in read_regular(path, LARGEST[path.name])
    except (OSError, ValueError):
        return False


def _schema(path: Path) -> Schema | None:
    try:
        text = read_regular(path, LARGEST[_SCHEMA]).decode("utf-8")
        return schema_of(text)
    except (PrivganError, OSError, ValueError, ArithmeticError):
        return None


def _schema_problems(schema: Schema, manifest: Manifest) -> Iterator[str]:
    guarantee, plan = manifest.guarantee, manifest.raw["plan"]
    if schema.fingerprint() != manifest.schema_fingerprint:
        yield (
            f"{_SCHEMA}: is not the schema that the manifest speaks of: its fingerprint is another"
        )
        return
    sources = {
        label: {fact: str(source) for fact, source in column.sources.items()}
        for label, column in schema.labelled
    }
    stated = {
        "schema_sources": (manifest.schema_sources, sources),
        "events and features": (manifest.features, schema.feature_facts()),
        "dataset": (manifest.dataset, schema.dataset),
        "guarantee.unit": (guarantee.unit, str(schema.unit)),
        "guarantee.max_rows_per_unit": (guarantee.max_rows_per_unit, schema.unit.max_rows),
        "guarantee.conditional_facts": (
            list(guarantee.conditional_facts),
            list(schema.facts_from(Source.ASSUMED_PUBLIC)),
        ),
        "plan.dataset": (plan.get("dataset"), schema.dataset),
        "plan.unit": (plan.get("unit"), str(schema.unit)),
    }
    for name, (said, meant) in stated.items():
        if said != meant:
            yield f"{MANIFEST_NAME}: {name} is {shown(said)}, and {_SCHEMA} says {shown(meant)}"


def _model_problems(path: Path, manifest: Manifest) -> Iterator[str]:
    try:
        model = read_json(read_regular(path, LARGEST[_MODEL]), _MODEL)
        schema = schema_of(model["schema"])
        claim = model["guarantee"]
        claimed = {key: claim[key] for key in _CLAIMED}
    except (PrivganError, OSError, ValueError, KeyError, TypeError, ArithmeticError):
        yield f"{_MODEL}: is not a model"
        return
    if schema.fingerprint() != manifest.schema_fingerprint:
        yield f"{_MODEL}: was made for another schema than the one that the manifest speaks of"
    stated = manifest.guarantee.to_json()
    for key, value in claimed.items():
        if value != stated[key]:
            yield f"{_MODEL}: claims {key} {shown(value)}, and the manifest {shown(stated[key])}"

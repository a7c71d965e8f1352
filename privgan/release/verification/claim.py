"""Check the manifest's claim: relation, totals, canaries, moment and versions."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Mapping
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from privgan.files.documents import json_schema, strict_validator
from privgan.policy.context import CONTEXT_FORMAT
from privgan.privacy.budget import NEIGHBOURING_RELATION
from privgan.privacy.guarantee import AccountantFigures
from privgan.release.guarantee import NOT_PROMISED, RETENTION
from privgan.release.verification.integrity import shown
from privgan.release.verification.released import FIRST_DAYS, Released
from privgan.release.versions import PACKAGES


def moment_problems(released: Released) -> Iterator[str]:
    """Problems of a release's date: its form, or a date before its version's.

    ``verify_release`` checks future dates and dates after a signature.
    """
    said, first = released.manifest.created, FIRST_DAYS.get(released.version)
    created = dt.datetime.fromisoformat(said)
    if created.isoformat(timespec="seconds") != said:
        yield f"created is {shown(said)}, and a release writes whole seconds of UTC with '+00:00'"
    if first is not None and created.date() < first:
        version = released.version
        yield f"created is {shown(said)}, and privgan {version} is there since {first} only"


def version_problems(versions: Mapping[str, str]) -> Iterator[str]:
    """Versions that do not exist, or do not run with the installed privgan.

    Args:
        versions: Package to version, ``python`` too.
    """
    found = {name: _version(text) for name, text in versions.items()}
    for name in (name for name, version in found.items() if version is None):
        yield f"versions: {name} {shown(versions[name])} is no version"
    if versions["privgan"] != _own():
        return  # The requirements of other versions are not known here.
    for name, allowed in _allowed().items():
        version = found.get(name)
        if version is not None and not allowed.contains(version, prereleases=True):
            told = f"versions: {name} is {shown(versions[name])}"
            yield f"{told}, and privgan {versions['privgan']} runs with {allowed}"


def _version(text: str) -> Version | None:
    """Parse a version; Python built between two releases writes a plus at its end."""
    try:
        return Version(text.removesuffix("+"))
    except InvalidVersion:
        return None


def _own() -> str | None:
    try:
        return metadata.version("privgan")
    except metadata.PackageNotFoundError:
        return None


def _allowed() -> dict[str, SpecifierSet]:
    """The library versions that the installed privgan allows."""
    known = metadata.metadata("privgan")
    requirements = map(Requirement, metadata.requires("privgan") or [])
    ranges = {found.name: found.specifier for found in requirements if found.marker is None}
    return ranges | {"python": SpecifierSet(known["Requires-Python"] or "")}


_NAME = "manifest.json"
_HASH = re.compile(r"[0-9a-f]{64}\Z")
_DAYS = ("review_date", "next_review")
_LARGEST_CANARY_PROBABILITY = 0.5


def claim_problems(released: Released) -> Iterator[str]:
    """Statements of a manifest that no release can make, a sentence each."""
    for problem in _problems(released):
        yield f"{_NAME}: {problem}"


def _problems(released: Released) -> Iterator[str]:
    manifest, ours = released.manifest, released.ours
    yield from _relations(released)
    yield from _canaries(released)
    yield from _total(released)
    if not _HASH.match(manifest.ledger_head):
        yield f"ledger.head is {shown(manifest.ledger_head)}, which is no SHA-256"
    yield from _accountant(released)
    yield from _sentences(released)
    yield from _days(released)
    if ours:
        yield from moment_problems(released)
        yield from _context(manifest.context)


def _relations(released: Released) -> Iterator[str]:
    planned = released.manifest.raw["plan"].get("neighbouring_relation", NEIGHBOURING_RELATION)
    claimed = released.manifest.guarantee.neighbouring_relation
    for where, relation in (("guarantee", claimed), ("plan", planned)):
        if relation != NEIGHBOURING_RELATION:
            told = f"the {where}'s neighbouring relation is {shown(relation)}"
            yield f"{told}, and every guarantee is for {NEIGHBOURING_RELATION!r}"


def _sentences(released: Released) -> Iterator[str]:
    manifest, ours = released.manifest, released.ours
    not_promised = manifest.guarantee.not_promised
    if ours and not_promised != NOT_PROMISED:
        yield "what is not promised is not what this privgan writes"
    if ours and manifest.retention != RETENTION:
        yield "the retention of what stays inside is not what this privgan writes"
    if not all(sentence.strip() for sentence in (*not_promised, manifest.retention)):
        yield "what is not promised, or the retention, holds an empty sentence"


def _canaries(released: Released) -> Iterator[str]:
    stated, plan = released.manifest.canaries, released.manifest.raw["plan"]
    probability, commitment = stated.probability, stated.commitment
    planned = plan.get("canary_probability", probability)
    if not 0 <= probability <= _LARGEST_CANARY_PROBABILITY:
        yield f"the canary probability is {shown(probability)}, and can be 0 to 0.5"
    elif probability != planned:
        yield f"the canary probability is {probability:g}, and the plan's is {shown(planned)}"
    if not _HASH.match(commitment) and (released.ours or commitment):
        yield f"the canaries' commitment is {shown(commitment)}, which is no SHA-256"


def _total(released: Released) -> Iterator[str]:
    guarantee = released.manifest.guarantee
    total = guarantee.dataset_total
    parts = (
        ("epsilon", total.epsilon, guarantee.epsilon),
        ("delta", total.delta, guarantee.delta),
    )
    for name, together, alone in parts:
        if total.runs == 1 and not math.isclose(together, alone, rel_tol=1e-9):
            told = f"the data set's total {name} after one run is {together:g}"
            yield f"{told}, and that run's is {alone:g}"
    if total.runs > 1 and total.epsilon <= guarantee.epsilon:
        told = f"the data set's total epsilon after {total.runs} runs is {total.epsilon:g}"
        yield f"{told}, which this run alone has"


def _accountant(released: Released) -> Iterator[str]:
    stated, versions = released.manifest.guarantee.accountant, released.manifest.versions
    version = versions.get(stated.name)
    if version is not None and stated.version.partition(" ")[0] != version:
        told = f"the accountant is {shown(stated.name)} {shown(stated.version)}"
        yield f"{told}, and the versions say {shown(version)}"
    for name in ("privgan", "python"):
        if not versions.get(name):
            yield f"versions: does not say which {name} made it"
    if released.ours:
        yield from _as_written(stated, versions)
        yield from version_problems(versions)


def _as_written(stated: AccountantFigures, versions: Mapping[str, str]) -> Iterator[str]:
    """Check the fixed statements on accountant and libraries."""
    if set(versions) != {"python", *PACKAGES}:
        yield (
            f"versions: are of {shown(sorted(versions))}, and a release states python and"
            f" {', '.join(PACKAGES)}"
        )
        return
    written = f"{versions['dp-accounting']} (PLD and RDP)"
    if (stated.name, stated.version) != ("dp-accounting", written):
        yield (
            f"the accountant is {shown(stated.name)} {shown(stated.version)}, and is dp-accounting"
            f" {written}"
        )
    if len(stated.known) < 2:
        yield "the accountant's epsilon is not given by both PLD and RDP"


def _days(released: Released) -> Iterator[str]:
    context = released.manifest.context
    found: dict[str, dt.date] = {}
    for name in (*_DAYS, "expiry"):
        try:
            if name in context:
                found[name] = dt.date.fromisoformat(context[name])
        except ValueError:
            yield f"context.{name}: there is no day {shown(context[name])}"
    for later in ("expiry", "next_review"):
        if {later, "review_date"} <= set(found) and found[later] < found["review_date"]:
            yield f"context.{later} is before context.review_date"


def _context(context: Mapping[str, str]) -> Iterator[str]:
    """Check the printed context against the limits of a context file."""
    form = strict_validator(json_schema(CONTEXT_FORMAT))
    for mistake in form.iter_errors({"format": CONTEXT_FORMAT, **context}):
        yield f"context: {mistake.json_path} is not as a context file may state it"
    for name, text in context.items():
        if text != text.strip():
            yield f"context.{name} begins or ends with a space, which no context does"

"""Check a release offline: its files, its consistency, its signatures, its expiry."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from privgan.errors import UsageError
from privgan.naming import parameter
from privgan.notebook import card
from privgan.policy.policy import Policy
from privgan.release.manifest import MANIFEST_NAME, Manifest
from privgan.release.signing.signature import (
    SIGNATURE_NAME,
    Signature,
    SignatureFileError,
    read_signatures,
)
from privgan.release.signing.trust import AHEAD, Trust
from privgan.release.stated_policy import StatedPolicy
from privgan.release.verification.accounting import accounting_problems
from privgan.release.verification.agreement import agreement_notes, meaning_problems
from privgan.release.verification.consistency import (
    contradictions,
    expiry_problems,
    file_problems,
    undeclared_fields,
)
from privgan.release.verification.integrity import Contents, changes_since, read_contents, shown
from privgan.release.verification.outcome import policy_problems, shipped_policy


class SignatureStatus(StrEnum):
    """Who vouches for a manifest."""

    UNSIGNED = "unsigned"
    UNKNOWN = "signer unknown"
    SIGNED = "signed"
    INVALID = "signature not valid"


@dataclass(frozen=True, kw_only=True)
class Signer:
    """One signer of a manifest.

    Attributes:
        key: The id of the signer's key.
        signed: When, as the signer states it.
        believed: Whether the key is one that was given, or a successor of one, and was not revoked.
    """

    key: str
    signed: dt.datetime
    believed: bool

    def to_json(self) -> dict[str, Any]:
        """The signer as JSON values."""
        return {"key": self.key, "signed": self.signed.isoformat(), "believed": self.believed}


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The outcome of a release's verification.

    Attributes:
        ok: Whether nothing is wrong.
        problems: Everything that is wrong, a sentence each.
        signed: Whether a believed key vouches for the manifest; if none does, whoever can rewrite
            all files can lie.
        manifest: The manifest as JSON values; empty when it cannot be read.
        signature: Who vouches for it, in words.
        signers: Whose valid signatures it bears.
        notes: What could not be checked, a sentence each.

    >>> verify("out").ok, verify("out").problems
    (True, ())
    """

    ok: bool
    problems: tuple[str, ...]
    signed: bool
    manifest: Mapping[str, Any]
    signature: SignatureStatus = SignatureStatus.UNSIGNED
    signers: tuple[Signer, ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Whether it is intact, and who vouches for it."""
        return (
            f"Verification({'intact' if self.ok else f'NOT INTACT, {len(self.problems)} problems'},"
            f" {self.signature})"
        )

    def _repr_html_(self) -> str:
        rows = [("problem", told) for told in self.problems] + [
            ("note", told) for told in self.notes
        ]
        rows += [
            ("signer", f"{signer.key}, {signer.signed.isoformat()}") for signer in self.signers
        ]
        return card(
            "The release is intact" if self.ok else "NOT INTACT",
            [("signature", self.signature)],
            rows=rows,
        )

    @cached_property
    def stated(self) -> Manifest:
        """An intact release's manifest; ValueError where it violates its form."""
        return Manifest.from_json(self.manifest)

    def to_json(self) -> dict[str, Any]:
        """The outcome as JSON values, without the manifest."""
        return {
            "ok": self.ok,
            "signed": self.signed,
            "signature": self.signature.value,
            "signers": [signer.to_json() for signer in self.signers],
            "problems": list(self.problems),
            "notes": list(self.notes),
        }


def verify_release(
    folder: Path,
    *,
    now: dt.datetime | None = None,
    trust: Trust | None = None,
    policy: Policy | None = None,
) -> Verification:
    """Check a release without network and without the table.

    Args:
        folder: The release.
        now: The moment to hold the expiry against; the clock's when not given.
        trust: Whose signatures are believed; where it holds a key, one of them must have signed.
        policy: The policy that the release must have been judged by; shipped ones are known without
            it.

    Raises:
        UsageError: There is no such folder.
    """
    if not os.path.isdir(folder):
        raise UsageError(
            f"{folder}: there is no such folder; name the folder of a release, or its .zip"
        )
    contents, trust = read_contents(folder), trust or Trust()
    signatures, problems = _signatures(contents)
    problems = [*contents.problems, *trust.problems, *problems]
    signers = tuple(_signer(signature, trust) for signature in signatures)
    signed = any(signer.believed for signer in signers)
    notes: list[str] = []
    if contents.stated is not None:
        now, manifest = now or dt.datetime.now(dt.UTC), contents.stated
        problems += _signer_problems(manifest.signer, signatures, signers, trust)
        problems += _moment_problems(manifest.created, signatures, now)
        problems += _statements(manifest, now, policy)
        notes += [*_notes(manifest.policy, policy), *_ended(signers, trust)]
        if not contents.problems:
            found = list(file_problems(folder, manifest))
            problems += found or meaning_problems(folder, manifest, vouched=signed)
            if not problems:
                notes += agreement_notes(folder, manifest)
    problems += changes_since(folder, contents)
    return Verification(
        ok=not problems,
        problems=tuple(problems),
        signed=signed,
        manifest=contents.manifest,
        signature=_status(contents, signers, signed=signed),
        signers=signers,
        notes=tuple(notes),
    )


def _signatures(contents: Contents) -> tuple[list[Signature], list[str]]:
    """The valid signatures of the manifest's exact bytes, and the others' problems."""
    if contents.signature is None:
        return [], []
    try:
        found = read_signatures(contents.signature)
    except SignatureFileError as error:
        return [], [f"{SIGNATURE_NAME}: {error}"]
    wrong = {
        signature: list(signature.problems(contents.manifest.get("release_id"), contents.content))
        for signature in found
    }
    problems = [f"{SIGNATURE_NAME}: {problem}" for parts in wrong.values() for problem in parts]
    return [signature for signature in found if not wrong[signature]], problems


def _signer(signature: Signature, trust: Trust) -> Signer:
    key = signature.key.id
    refused = trust.refusals(key, signature.manifest_sha256, signature.signed.date())
    return Signer(key=key, signed=signature.signed, believed=key in trust.keys and not refused)


def _signer_problems(
    named: str, signatures: list[Signature], signers: tuple[Signer, ...], trust: Trust
) -> Iterator[str]:
    yield from _refused_signatures(signatures, signers, trust)
    keys = [signer.key for signer in signers]
    if named and named not in keys:
        yield (
            f"{SIGNATURE_NAME}: the manifest was signed by key {named} when it was made, and bears"
            " no signature of it"
        )
    if trust.keys and not any(signer.believed for signer in signers):
        found = ", ".join(keys) or "nobody"
        yield (
            f"{SIGNATURE_NAME}: none of the given keys vouches for this release; it is signed by"
            f" {found}"
        )


def _refused_signatures(
    signatures: list[Signature], signers: tuple[Signer, ...], trust: Trust
) -> Iterator[str]:
    vouched = any(signer.believed and signer.key not in trust.revoked for signer in signers)
    for signature in signatures:
        key, day = signature.key.id, signature.signed.date()
        for refused in trust.refusals(key, signature.manifest_sha256, day):
            if not (vouched and refused.leaves_to_others(day)):
                yield f"{SIGNATURE_NAME}: key {key} {refused}"


def _moment_problems(created: str, signatures: list[Signature], now: dt.datetime) -> Iterator[str]:
    """Check that the manifest's day is not after a signature's.

    The owner of a retired key could state an earlier day.
    """
    try:
        begun = dt.datetime.fromisoformat(created).astimezone(dt.UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return  # A missing moment is reported elsewhere.
    if begun - now > AHEAD:
        yield f"{MANIFEST_NAME}: was made later than now, as it states: {shown(created)}"
    for signature in signatures:
        if signature.signed < begun:
            yield (
                f"{SIGNATURE_NAME}: key {signature.key.id} signed before the manifest was made, as"
                " it states"
            )
        elif signature.signed - now > AHEAD:
            yield f"{SIGNATURE_NAME}: key {signature.key.id} signed later than now, as it states"


def _statements(manifest: Manifest, now: dt.datetime, policy: Policy | None) -> Iterator[str]:
    yield from undeclared_fields(manifest)
    yield from contradictions(manifest)
    yield from (f"{MANIFEST_NAME}: {problem}" for problem in accounting_problems(manifest))
    yield from policy_problems(manifest, policy)
    yield from expiry_problems(manifest, now)


def _notes(stated: StatedPolicy, policy: Policy | None) -> Iterator[str]:
    if policy is None and shipped_policy(stated.name, stated.version) is None:
        yield (
            f"policy {stated.name!a} {stated.version!a} is none that this privgan ships; its"
            f" text was not compared, give it with {parameter('policy')}"
        )


def _ended(signers: tuple[Signer, ...], trust: Trust) -> Iterator[str]:
    for signer in signers:
        if signer.key in trust.revoked and not signer.believed:
            yield f"the signature of key {signer.key} does not count: the key has ended"


def _status(contents: Contents, signers: tuple[Signer, ...], *, signed: bool) -> SignatureStatus:
    if signed:
        return SignatureStatus.SIGNED
    if signers:
        return SignatureStatus.UNKNOWN
    return SignatureStatus.UNSIGNED if contents.signature is None else SignatureStatus.INVALID

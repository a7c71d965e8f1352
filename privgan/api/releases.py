"""What leaves: judge and release a fit; verify, sign, pack, encrypt and report a release."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from privgan.api.auditing import candidate_of
from privgan.api.inputs import PathLike, chosen, ledger_of, path_of, policy_of, table_of
from privgan.api.jobs import Ledger, check_job, internal_report_job, release_job
from privgan.api.keys import signing_key, trust_of
from privgan.api.running import LANGUAGES, judging_of
from privgan.api.synthesizer import Synthesizer
from privgan.errors import UsageError
from privgan.naming import parameter
from privgan.pipeline.candidate import Candidate
from privgan.pipeline.folders import release_folder
from privgan.pipeline.purging import purge as purge_folder
from privgan.pipeline.reporting import internal_report, released_report
from privgan.policy.context import Context
from privgan.policy.policy import Policy
from privgan.policy.verdict import Verdict
from privgan.release.encryption import decrypt_release, encrypt_release, recipients_of
from privgan.release.pack import check_intact, pack_release, verify_packed
from privgan.release.signing.keys import SigningKey
from privgan.release.signing.sign import sign_release
from privgan.release.verification.verify import Verification, verify_release
from privgan.report.render import FORMATS, render

Fit = Synthesizer | Candidate | PathLike
Keys = PathLike | Sequence[PathLike] | None


def check(
    candidate: Fit,
    policy: Policy | PathLike,
    *,
    context: Context | PathLike | None = None,
    waivers: PathLike | None = None,
    ledger: Ledger = None,
) -> Verdict:
    """Judge a fit by a policy. INTERNAL.

    Public gates are judged first: where one does not pass, no attempt is counted and an error says
    why. Else it counts as one attempt on the data set, which the policy caps.

    Args:
        candidate: A fitted Synthesizer, or the folder of a fit.
        policy: A Policy, a shipped policy's name, or the path of a policy file.
        context: Who, for what, until when.
        waivers: The waivers' file.
        ledger: The ledger that the fit was charged to.

    Raises:
        PolicyFailedError: when a public gate fails, or no attempt is left.
        IncompleteError: when a public fact is missing.

    >>> check(fitted, "internal-analytics")
    Verdict(INCONCLUSIVE, policy='internal-analytics', 8 gates)
    """
    judging = judging_of(policy, context, waivers)
    return check_job(candidate_of(candidate), judging, _charged(candidate, ledger))[0]


def release(
    candidate: Fit,
    policy: Policy | PathLike,
    out: PathLike,
    *,
    context: Context | PathLike | None = None,
    waivers: PathLike | None = None,
    ledger: Ledger = None,
    key: SigningKey | PathLike | None = None,
    language: str = "en",
) -> Path:
    """Write ``out/release`` for a fit that passes the policy: all of it, or nothing.

    Args:
        candidate: A fitted Synthesizer, or the folder of a fit; audited before.
        policy: As for ``check``, and so are context, waivers and ledger.
        out: The folder for ``release``.
        context: See policy.
        waivers: See policy.
        ledger: See policy.
        key: Signs the manifest: a private key's file or name.
        language: Of the report, ``en`` or ``zh``.

    Raises:
        PolicyFailedError: when a gate fails.
        IncompleteError: when a fact is missing, as where nothing was audited.

    >>> release(fitted, "internal-analytics", "shared")
    Traceback (most recent call last):
    privgan.errors.IncompleteError: the policy cannot be decided: a fact is missing; ...
    """
    judging = judging_of(policy, context, waivers, key, language)
    return release_job(candidate_of(candidate), judging, _charged(candidate, ledger), Path(out))


def verify(
    release: PathLike,
    key: Keys = None,
    *,
    rotations: Sequence[PathLike] = (),
    revoked: Sequence[PathLike] = (),
    policy: Policy | PathLike | None = None,
) -> Verification:
    """Check a release offline, without the private table.

    Args:
        release: The release's folder, the folder around it, or its zip file.
        key: A public key, or several, of which one must have signed; without one integrity alone is
            shown.
        rotations: Statements by which a key names its successor.
        revoked: Revocation lists that a key signed.
        policy: The policy that it must have been judged by.

    Raises:
        UsageError: when there is no such folder.

    >>> verify("out")
    Verification(intact, unsigned)
    """
    path = path_of("release", release)
    trust = trust_of(key, rotations, revoked)
    asked = None if policy is None else policy_of(policy)
    if path.is_file():
        return verify_packed(path, trust=trust, policy=asked)
    return verify_release(release_folder(path), trust=trust, policy=asked)


def sign(release: PathLike, key: SigningKey | PathLike) -> str:
    """Sign an intact release that was written before, and return the key's id.

    Args:
        release: The release's folder.
        key: The private key's file or name.

    >>> sign("out", "nobody")
    Traceback (most recent call last):
    privgan.errors.UsageError: ...nobody...
    """
    signer = key if isinstance(key, SigningKey) else signing_key(os.fspath(key))
    return sign_release(release_folder(path_of("release", release)), signer).key.id


def pack(release: PathLike, out: PathLike | None = None) -> Path:
    """Write an intact release as one zip file, which ``verify`` checks.

    Args:
        release: The release's folder.
        out: The file; beside the folder where none is given.

    >>> verify(pack("out", "release.zip"))
    Verification(intact, unsigned)
    """
    folder = release_folder(path_of("release", release))
    return pack_release(
        folder, folder.with_name(f"{folder.name}.zip") if out is None else Path(out)
    )


def encrypt(release: PathLike, to: PathLike | Sequence[PathLike], out: PathLike) -> Path:
    """Write an intact release as a file that only the named recipients can open (age).

    It needs ``privgan[encryption]``.

    Args:
        release: The release's folder.
        to: An ``age1…`` key or a file of such keys, or several.
        out: The file to make.

    >>> encrypt("out", [], "release.age")
    Traceback (most recent call last):
    privgan.errors.UsageError: no recipient is given; name one with to, an age1… key or ...
    """
    names = [to] if isinstance(to, str | os.PathLike) else list(to)
    recipients = recipients_of([os.fspath(name) for name in names])
    return encrypt_release(release_folder(path_of("release", release)), recipients, Path(out))


def decrypt(
    file: PathLike,
    identity: PathLike,
    out: PathLike,
    *,
    key: Keys = None,
    rotations: Sequence[PathLike] = (),
    revoked: Sequence[PathLike] = (),
    policy: Policy | PathLike | None = None,
) -> Verification:
    """Decrypt a release into a folder, and keep it only if it verifies.

    Args:
        file: The encrypted file.
        identity: The recipient's identity file.
        out: The folder to make.
        key: As for ``verify``, and so are rotations, revoked and policy.
        rotations: See key.
        revoked: See key.
        policy: See key.

    >>> decrypt("release.age", "partner.age-key", "received")
    Traceback (most recent call last):
    privgan.errors.UsageError: partner.age-key: cannot be read: No such file or directory
    """
    asked = None if policy is None else policy_of(policy)
    return decrypt_release(
        Path(file), Path(identity), Path(out), trust=trust_of(key, rotations, revoked), policy=asked
    )


def report(
    folder: PathLike | Synthesizer,
    *,
    format: str = "md",
    language: str | None = None,
    out: PathLike | None = None,
    internal: bool = False,
) -> str | Path:
    """The report of a release, or the internal report that a run or ``internal_report`` left.

    Args:
        folder: A release, the folder around it, or with ``internal`` the folder of a run or fit.
        format: ``md``, ``html``, ``json`` or ``pdf``.
        language: ``en`` or ``zh``; None for the one it was written in.
        out: The file to write; a PDF needs one.
        internal: Whether the internal report is meant. CONFIDENTIAL.

    Returns:
        The text; the file's path where it was written.

    Raises:
        VerificationError: when the release is not intact.
        UsageError: when there is no such report.

    >>> report("out").splitlines()[0][:2]
    '# '
    """
    form = chosen("format", format, FORMATS)
    if isinstance(folder, Synthesizer):
        folder = folder.candidate.internal
    place = path_of("folder", folder)
    if not internal:
        check_intact(release_folder(place))
    data, own = internal_report(place) if internal else released_report(release_folder(place))
    content = render(data, form, chosen("language", language or own, LANGUAGES))
    if out is not None:
        return _written(Path(out), content, private=internal)
    if form == "pdf":
        raise UsageError(f"a PDF is no text; give {parameter('out')}")
    return content.decode()


def judge_and_report(
    candidate: Fit,
    policy: Policy | PathLike = "internal-analytics",
    *,
    table: Any = None,
    context: Context | PathLike | None = None,
    language: str = "en",
    ledger: Ledger = None,
) -> Path:
    """Judge a fit and write its internal report; one counted attempt on the data set. CONFIDENTIAL.

    Args:
        candidate: A fitted Synthesizer, or the folder of a fit.
        policy: As for ``check``, and so are context and ledger.
        table: The table that it was fitted on, to draw its real shapes; None to leave them out.
        context: See policy.
        language: ``en`` or ``zh``.
        ledger: See policy.

    Returns:
        The HTML file; ``report(…, internal=True)`` gives it in other forms.

    >>> judge_and_report(fitted).name
    'internal-report.html'
    """
    judging = judging_of(policy, context, None, None, language)
    source = None if table is None else table_of(table)
    return internal_report_job(
        candidate_of(candidate), judging, _charged(candidate, ledger), source
    )


def purge(folder: PathLike, *, ledger: Ledger = None) -> int:
    """Remove what stays inside, record that in the ledger, and return the number of files removed.

    Args:
        folder: The ``out`` of a run or a fit; a release in it is never touched.
        ledger: The ledger that it was charged to.

    >>> purge("fitted-to-purge", ledger="books.sqlite") > 0
    True
    """
    return purge_folder(path_of("folder", folder), ledger_of(ledger, create=False))


def _charged(candidate: Fit, ledger: Ledger) -> Ledger:
    """The ledger that is named, else the one that a Synthesizer was made with."""
    return candidate.ledger if ledger is None and isinstance(candidate, Synthesizer) else ledger


def _written(path: Path, content: bytes, *, private: bool) -> Path:
    if path.exists():
        raise UsageError(f"{path}: is there already; choose another {parameter('out')}")
    path.touch(mode=0o600 if private else 0o666)
    path.write_bytes(content)
    return path

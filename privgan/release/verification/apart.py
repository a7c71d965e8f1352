"""Check a release in a separate process, so that a hostile one cannot harm the caller."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from privgan.files.limits import APART_MEGABYTES, APART_SECONDS, BYTES_A_SECOND, MOST_FILES
from privgan.release.signing.trust import Trust, trust_from_json, trust_to_json
from privgan.release.verification.sandbox import GuardedError, run_guarded
from privgan.release.verification.verify import (
    SignatureStatus,
    Signer,
    Verification,
    verify_release,
)


def verify_apart(
    folder: Path, *, now: dt.datetime | None = None, trust: Trust | None = None
) -> Verification:
    """Verify a release in a separate process of limited time and memory.

    Args:
        folder: The release.
        now: The moment to hold the expiry against; the clock's when not given.
        trust: Whose signatures are believed.
    """
    moment = (now or dt.datetime.now(dt.UTC)).isoformat()
    known = trust_to_json(trust or Trust())
    seconds = APART_SECONDS + _size(folder) / BYTES_A_SECOND
    try:
        found = run_guarded(
            _verify, folder, moment, known, seconds=seconds, megabytes=APART_MEGABYTES
        )
    except GuardedError as error:
        return Verification(ok=False, problems=(str(error),), signed=False, manifest={})
    signers = tuple(
        Signer(
            key=part["key"],
            signed=dt.datetime.fromisoformat(part["signed"]),
            believed=part["believed"],
        )
        for part in found["signers"]
    )
    return Verification(
        ok=found["ok"],
        problems=tuple(found["problems"]),
        signed=found["signed"],
        manifest=found["manifest"],
        signature=SignatureStatus(found["signature"]),
        signers=signers,
        notes=tuple(found["notes"]),
    )


def _verify(folder: str, now: str, trust: dict[str, Any]) -> dict[str, Any]:
    """Verify a release; returns the outcome as JSON values."""
    moment = dt.datetime.fromisoformat(now)
    found = verify_release(Path(folder), now=moment, trust=trust_from_json(trust))
    return found.to_json() | {"manifest": dict(found.manifest)}


def _size(folder: Path) -> int:
    """Bytes of a folder's files, up to the number that a release has."""
    files = (path for _, path in zip(range(MOST_FILES), folder.rglob("*"), strict=False))
    return sum(path.lstat().st_size for path in files)

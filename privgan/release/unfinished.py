"""Complete a recorded release whose process was killed before it was renamed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privgan.files.atomic import adopt_leftover
from privgan.files.strict_json import read_json
from privgan.policy.context import Context
from privgan.policy.verdict import Verdict
from privgan.release.manifest import MANIFEST_NAME
from privgan.release.report_files import REPORT_JSON
from privgan.release.verification.verify import verify_release


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The requested release.

    Attributes:
        verdict: The policy's verdict.
        context: Who, for what, until when.
        signer: Id of the key that signs it; empty for none.
        language: The language of its report.
    """

    verdict: Verdict
    context: Context
    signer: str
    language: str


def take_up(target: Path, run: str, asked: Asked, recorded: Set[str]) -> bool:
    """Give a finished release its name, where one lies ready under a hidden name.

    Other hidden releases of the same candidate are removed. Nobody can ask for them by this name
    any more, or they were never recorded.

    Args:
        target: The release's folder to be.
        run: The candidate's run.
        asked: What is asked for; a release for another recipient is not taken up.
        recorded: SHA-256 of each manifest that the ledger records of the candidate.

    Returns:
        Whether there was one.
    """
    return adopt_leftover(target, run, lambda path: _is_wanted(path, asked, recorded))


def _is_wanted(folder: Path, asked: Asked, recorded: Set[str]) -> bool:
    try:
        content = (folder / MANIFEST_NAME).read_bytes()
        manifest, report = read_json(content), read_json((folder / REPORT_JSON).read_bytes())
    except (OSError, ValueError):
        return False
    policy: Any = json.loads(json.dumps(asked.verdict.to_public_json()))
    same = (
        manifest["policy"] == policy
        and manifest["context"] == asked.context.to_json()
        and manifest.get("signer", "") == asked.signer
        and report["language"] == asked.language
    )
    known = hashlib.sha256(content).hexdigest() in recorded
    return known and same and verify_release(folder).ok

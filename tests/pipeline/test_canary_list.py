"""The list of canaries: owner-only, the same after a crash, public as one commitment."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from privgan.files.fields import MANIFEST
from privgan.generator.refine import Refinement
from privgan.ledger.ledger import PrivacyLedger
from privgan.pipeline.canaries import FILE, Canaries, draw_canaries
from privgan.pipeline.interrupted import resume_candidate
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import fit_table
from privgan.progress import Progress
from tests.coins import RepeatableStream


class _Crash(Exception):
    pass


@pytest.mark.slow
def test_list_and_salt_are_the_owner_s_alone_and_serve_again_after_a_crash(
    tmp_path: Path, purchase_request: RunRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, out = PrivacyLedger.open(str(tmp_path / "ledger.sqlite")), tmp_path / "out"
    step = Refinement._critic_step

    def crashing(self: Refinement, *rest: object) -> None:
        if self.step == 11:
            raise _Crash
        step(self, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Refinement, "_critic_step", crashing)
        with pytest.raises(_Crash):
            fit_table(purchase_request, ledger, out)
    path = out / "internal" / FILE
    written = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    candidate = resume_candidate(out, purchase_request.table, ledger, Progress(quiet=True))
    assert path.read_bytes() == written
    assert path.stat().st_mode & 0o777 == 0o600
    _check_one_commitment(candidate.record.to_json(), json.loads(written))
    assert str(json.loads(written)["salt"]) not in json.dumps(candidate.record.to_json())


def _check_one_commitment(record: dict, data: dict) -> None:
    told = record["canaries"]
    assert set(told) == {"probability", "commitment"}
    body = data["salt"].encode() + bytes.fromhex(data["canary"]) + bytes.fromhex(data["left_out"])
    assert told["commitment"] == hashlib.sha256(body).hexdigest()


def test_the_manifest_has_a_field_for_the_commitment_and_none_for_a_count() -> None:
    assert set(MANIFEST["canaries"]) == {"probability", "commitment"}  # type: ignore[arg-type, index]
    assert [name for name in MANIFEST if "canar" in name] == ["canaries"]


def test_the_commitment_binds_the_list_and_hides_it() -> None:
    """Another coin or salt is another commitment.

    Without the salt the same list cannot be recognised.
    """
    drawn = draw_canaries(np.arange(200), 0.2, RepeatableStream(1))
    flipped = drawn.left_out.copy()
    flipped[np.flatnonzero(drawn.canary)[0]] ^= True
    others = (
        Canaries(drawn.canary, flipped, drawn.salt),
        Canaries(drawn.canary, drawn.left_out, "00" * 32),
    )
    assert len({drawn.commitment, *(other.commitment for other in others)}) == 3
    assert len(bytes.fromhex(drawn.salt)) >= 16


def test_left_out_customers_are_canaries_and_coins_are_their_own() -> None:
    """Independent coins at the public probability.

    Within 5 standard errors, and never exactly half by construction.
    """
    counts = []
    for seed in range(20):
        drawn = draw_canaries(np.arange(2_000), 0.2, RepeatableStream(seed))
        assert not (drawn.left_out & ~drawn.canary).any()
        counts.append((drawn.canary.sum(), drawn.left_out.sum()))
    canaries, left_out = np.array(counts).T
    assert abs(canaries.mean() - 400) < 5 * np.sqrt(2_000 * 0.2 * 0.8 / 20)
    assert abs(left_out.mean() - 200) < 5 * np.sqrt(2_000 * 0.1 * 0.9 / 20)
    assert len(set(canaries)) > 10
    assert (2 * left_out != canaries).sum() > 10

"""Unjudged files belong to their owner alone, from the first byte."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from privgan.files.atomic import owner_only
from privgan.ledger.ledger import PrivacyLedger
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import fit_table

SEEN: dict[str, set[int]] = {}
WATCHED: list[Path] = []


def _look(event: str, _: tuple[Any, ...]) -> None:
    """Note all modes below the watched folders on each open, rename and removal."""
    if event in {"open", "os.rename", "os.remove", "os.chmod"}:
        for folder in WATCHED:
            for place, folders, names in os.walk(folder):
                for path in (place, *(os.path.join(place, name) for name in (*folders, *names))):
                    try:
                        SEEN.setdefault(path, set()).add(os.stat(path).st_mode & 0o777)
                    except FileNotFoundError:
                        continue


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Path]:
    """A folder that others may read, in a process whose mask hides nothing."""
    before = os.umask(0)
    sys.addaudithook(_look)
    folder = tmp_path / "candidate"
    folder.mkdir(mode=0o777)
    yield folder
    WATCHED.clear()
    os.umask(before)


def test_a_candidate_is_its_owners_alone_from_the_first_byte(
    purchase_request: RunRequest, watched: Path, tmp_path: Path
) -> None:
    ledger = PrivacyLedger.open(str(tmp_path / "ledger.sqlite"))
    WATCHED.append(watched)
    fit_table(purchase_request, ledger, watched)
    SEEN[str(watched)].discard(0o777)  # As it was when somebody else had made it.
    names = {Path(path).name for path in SEEN}
    assert {
        "synthetic.csv",
        "synthetic.parquet",
        "model.safetensors",
        "model.json",
        "candidate.json",
    } <= names
    assert any("checkpoint" in name for name in names)
    for path, modes in SEEN.items():
        assert modes == {
            (
                0o700
                if Path(path).is_dir() or Path(path).name in {"candidate", "model", "internal"}
                else 0o600
            )
        }, path
    assert os.umask(0) == 0


def test_the_mask_comes_back_after_an_error() -> None:
    before = os.umask(0o022)
    try:
        with pytest.raises(ValueError, match="x"), owner_only():
            raise ValueError("x")
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)

"""Many processes on one ledger, killed processes, and a full disk.

Nothing is overspent, nothing forgotten.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from privgan.ledger.ledger import PrivacyLedger
from privgan.privacy.budget import PrivacyBudget

Child = Callable[..., dict[str, Any]]


@pytest.mark.slow
def test_fifty_processes_at_once_never_overspend_together(
    ledger: PrivacyLedger, place: Any, child: Child
) -> None:
    ledger.set_lifetime("a", PrivacyBudget(epsilon=2.05, delta=1e-3))
    found = child("spend", place.url, count=50)
    assert sorted(found["codes"]) == [0] * 20 + [4] * 30, found["stderr"]
    account = ledger.account("a")
    assert account.runs == 20
    assert account.epsilon == pytest.approx(2.0)
    assert [entry.kind for entry in ledger.entries("a")].count("charge") == 20
    assert ledger.problems() == ()


def test_processes_that_make_one_ledger_at_the_same_moment_share_it(
    place: Any, child: Child
) -> None:
    found = child("create", place.url, count=8)
    assert sorted(found["codes"]) == [0] * 7 + [1], found["stderr"]
    ledger = PrivacyLedger.open(place.url)
    assert len(ledger.entries("a")) == 8
    assert ledger.problems() == ()
    assert not list(place.key.parent.glob("*.new"))


@pytest.mark.slow
def test_a_run_killed_at_any_of_two_hundred_moments_leaves_a_ledger_that_counted_what_was_released(
    place: Any, child: Child, tmp_path: Path
) -> None:
    kills, released = 200, str(tmp_path / "released")
    found = child("kill", place.url, kills=kills, seed=2, released=released)
    assert found["lost"] == found["problems"] == []
    assert found["released"] >= kills // 4 * (0 + 1 + 2 + 3), found["stderr"]


@pytest.mark.slow
def test_a_disk_that_fills_while_charging_loses_nothing(tmp_path: Path, child: Child) -> None:
    path = tmp_path / "ledger.sqlite"
    with PrivacyLedger.open(str(path)).run("a", PrivacyBudget(epsilon=0.1), secret=True):
        pass
    found = child("full", str(path), room=20_000)
    assert "could not be read or written" in found["told"]
    assert "no row was read for it" in found["told"]
    assert found["after"] == 1
    ledger = PrivacyLedger.open(str(path))
    assert ledger.problems() == ()
    kept = [
        f"{entry.run} {entry.body['step']}"
        for entry in ledger.entries("a")
        if entry.kind == "charge"
    ]
    assert kept == found["charged"]
    assert kept


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can enter, as no folder of pytest's is."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_what_may_not_be_written_is_read_and_charges_nothing(
    open_folder: Path, child: Child
) -> None:
    for name in ("readable", "keyless"):
        with PrivacyLedger.open(str(open_folder / name)).run(
            "a", PrivacyBudget(epsilon=0.1), secret=True
        ):
            pass
    for file in open_folder.iterdir():
        file.chmod(0 if file.name == "keyless.key" else 0o444)
    open_folder.chmod(0o555)
    found = child("read_only", str(open_folder), names=["readable", "keyless", "new"])
    open_folder.chmod(0o755)
    runs, told = found["readable"]
    assert runs == 1
    assert "cannot be written: Permission denied" in told
    assert "nothing was charged" in told
    for name in ("keyless", "new"):
        assert "the ledger cannot be used: Permission denied" in found[name][1]
    names = ["keyless", "keyless.head", "keyless.key", "readable", "readable.head", "readable.key"]
    assert sorted(file.name for file in open_folder.iterdir()) == names
    assert PrivacyLedger.open(str(open_folder / "readable")).account("a").runs == 1

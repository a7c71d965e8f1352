"""Fixtures of all tests.

No test touches the user's own ledger, or fails because a machine is slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "privgan", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("privgan")


@pytest.fixture(scope="session", autouse=True)
def _no_real_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Point the user's data folder and the ledger into a temporary folder."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(home / "share"))
        patch.setenv("PRIVGAN_LEDGER", str(home / "ledger.sqlite"))
        yield


@pytest.fixture
def ledger_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger of the test's own, not made yet, in a folder of its own.

    ``$PRIVGAN_LEDGER`` names it.
    """
    path = tmp_path / "books" / "ledger.sqlite"
    monkeypatch.setenv("PRIVGAN_LEDGER", str(path))
    return path


@pytest.fixture(scope="session", autouse=True)
def _toy_releases() -> Iterator[None]:
    """Toy releases of tests say that version 0.0.9 made them, whose plans nobody can make again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("privgan.release.verification.released.AS_STATED", frozenset({"0.0.9"}))
        yield

"""A release with every kind of column, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.interchange.making import make_release
from tests.ledger.conftest import postgres_server

__all__ = ["postgres_server"]


@pytest.fixture(scope="session")
def made_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release, to be copied."""
    return make_release(tmp_path_factory.mktemp("release"))


@pytest.fixture
def release(tmp_path: Path, made_release: Path) -> Path:
    """A release of its own."""
    return shutil.copytree(made_release, tmp_path / "release")

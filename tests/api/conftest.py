"""One small world for all tests of the Python API."""

from __future__ import annotations

from pathlib import Path

import pytest

from privgan.planning.plan import EFFORTS
from tests.api.world import TINY, World, make


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The world, made in its folder with a fit of few steps; nothing of that stays set."""
    folder = tmp_path_factory.mktemp("api")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setitem(EFFORTS, "quick", TINY)  # type: ignore[arg-type]
        return make(folder)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """Each test stands in the world's folder, and its fits take few steps."""
    monkeypatch.chdir(world.folder)
    monkeypatch.setitem(EFFORTS, "quick", TINY)  # type: ignore[arg-type]
    monkeypatch.setenv("PRIVGAN_LEDGER", str(world.folder / "books.sqlite"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and a ledger in it that is not made yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRIVGAN_LEDGER", str(tmp_path / "books.sqlite"))
    return tmp_path

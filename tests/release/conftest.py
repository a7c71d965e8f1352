"""Fixtures of the tests of releases."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from privgan.policy import Verdict
from privgan.release import ReleaseFacts, write_release
from privgan.release.bundle import WriteOptions
from privgan.release.signing.keys import SigningKey
from tests.release.changes import resigned
from tests.release.making import FACTS, contents_of, passed


@pytest.fixture
def facts() -> ReleaseFacts:
    """The facts of a manifest."""
    return FACTS


@pytest.fixture
def verdict() -> Callable[..., Verdict]:
    """Makes a verdict for an ε, or for none."""
    return passed


@pytest.fixture(scope="session")
def signer() -> SigningKey:
    """The key of the releases' owner."""
    return SigningKey.generate()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, signer: SigningKey) -> Path:
    """An unsigned and a signed release, to be copied."""
    folder = tmp_path_factory.mktemp("made")
    write_release(folder / "unsigned", contents_of(folder), FACTS, passed())
    write_release(folder / "signed", contents_of(folder), FACTS, passed(), WriteOptions(key=signer))
    resigned(folder / "signed", signer)  # On the day of the tests, whatever the clock says.
    return folder


@pytest.fixture
def release(tmp_path: Path, made: Path) -> Path:
    """An unsigned release."""
    return shutil.copytree(made / "unsigned", tmp_path / "release")


@pytest.fixture
def signed(tmp_path: Path, made: Path) -> Path:
    """A release that its owner has signed."""
    return shutil.copytree(made / "signed", tmp_path / "release")


@pytest.fixture
def contents() -> Callable[[Path], dict[str, bytes | Path]]:
    """Makes a release's files."""
    return contents_of

"""What the tests of releases share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from privgan.policy import Verdict
from privgan.release import ReleaseFacts, write_release
from privgan.release.keys import SigningKey
from tests.release.making import FACTS, contents_of, passed


@pytest.fixture
def facts() -> ReleaseFacts:
    """What a manifest says."""
    return FACTS


@pytest.fixture
def verdict() -> Callable[..., Verdict]:
    """Makes a verdict for an ε, or for none."""
    return passed


@pytest.fixture(scope="session")
def signer() -> SigningKey:
    """The key of the releases' owner."""
    return SigningKey.generate()


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """An unsigned release."""
    return write_release(tmp_path / "release", contents_of(tmp_path), FACTS, passed())


@pytest.fixture
def signed(tmp_path: Path, signer: SigningKey) -> Path:
    """A release that its owner has signed."""
    return write_release(tmp_path / "release", contents_of(tmp_path), FACTS, passed(), key=signer)


@pytest.fixture
def contents() -> Callable[[Path], dict[str, bytes | Path]]:
    """Makes a release's files."""
    return contents_of

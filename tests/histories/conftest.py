"""Fits of histories take few steps in all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.histories.world import few_steps


@pytest.fixture(autouse=True)
def _few_steps() -> Iterator[None]:
    """Quick fits take few steps, and who verifies a plan knows of it."""
    with few_steps():
        yield

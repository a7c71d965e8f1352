"""Run one browser for all tests.

Skipped with a reason where there is none, unless the environment asks for it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.browser.page import Browser, chromium
from tests.hostile_run import HostileRun, run_hostile
from tests.report.conftest import internal, shareable  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A running headless Chromium."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        missing = "chromium" if program is None else "chromium-driver (chromedriver)"
        if os.environ.get("PRIVGAN_REQUIRE_SERVERS") == "1":
            pytest.fail(f"{missing} is not installed, and PRIVGAN_REQUIRE_SERVERS=1 asks for it")
        pytest.skip(
            f"{missing} is not installed; Debian's packages are chromium and chromium-driver"
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("browser-home")))
        with chromium(program, driver) as running:
            yield running


@pytest.fixture(scope="session")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> HostileRun:
    """One small run on a hostile table, for all tests."""
    return run_hostile(tmp_path_factory.mktemp("hostile"))

"""What every page begins with: a simulated table, its reviewed schema, and one finished run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from privgan.demo import simulate_customers
from tests.pages.reading import Page
from tests.pages.running import Desk

ROWS, SEED = 2_000, 0
TABLE = "customers.csv"
RUN = (
    "privgan run customers.csv --schema schema.yaml --policy internal-analytics "
    "--epsilon 3 --effort quick --out out"
)
PREPARED = (
    "privgan schema init customers.csv --out schema.yaml",
    "privgan schema review customers.csv --schema schema.yaml --accept-all",
    RUN,
)
BARE = "<!-- page: begins with the table alone -->"


@dataclass(frozen=True)
class Shop:
    """A finished run in a folder, and what its commands printed."""

    folder: Path
    printed: dict[str, str]

    def desk(self, page: Page, folder: Path) -> Desk:
        """The folder in which the blocks of a page are run."""
        folder.mkdir()
        if BARE in page.text:
            shutil.copy(self.folder / TABLE, folder)
        else:
            shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Desk(folder, self.folder, {RUN: self.printed[RUN]})


def open_shop(folder: Path) -> Shop:
    """Simulate the table and do the run once for all pages."""
    simulate_customers(ROWS, seed=SEED).to_csv(folder / TABLE, index=False)
    desk, printed = Desk(folder), {}
    with at_home(folder):
        for command in PREPARED:
            code, printed[command] = desk.typed(command)
            assert code == 0, printed[command]
    return Shop(folder, printed)


@contextmanager
def at_home(folder: Path) -> Iterator[None]:
    """Ledger, keys and all that privgan keeps for a user lie in the folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRIVGAN_LEDGER", str(folder / "ledger.sqlite"))
        patch.setenv("PRIVGAN_KEYS", str(folder / "keys"))
        patch.setenv("XDG_DATA_HOME", str(folder / "share"))
        yield

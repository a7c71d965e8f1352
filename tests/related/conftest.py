"""A release of the shop, made once."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from privgan.api.running import run
from tests.related.shop import SCHEMA, frames, written

CUSTOMERS = 3_000


@pytest.fixture(scope="session")
def shop_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on the shop: its tables, schema, ledger and ``out``."""
    folder = tmp_path_factory.mktemp("shop-run")
    written(folder / "shop", frames(CUSTOMERS))
    (folder / "shop.yaml").write_text(SCHEMA, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = run(
            str(folder / "shop"),
            str(folder / "shop.yaml"),
            policy="internal-analytics",
            out=folder / "out",
            ledger=str(folder / "ledger.sqlite"),
            epsilon=3,
            public_rows=CUSTOMERS,
            effort="quick",
        )
    assert found.passed, found.reasons
    return folder

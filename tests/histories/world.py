"""Runs and fits of the purchases, as several tests make them: few steps, and no warnings."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import privgan
from privgan.planning.plan import EFFORTS
from tests.api.world import POLICY, TINY
from tests.histories.purchases import SCHEMA, purchases


@contextmanager
def few_steps() -> Iterator[pytest.MonkeyPatch]:
    """Quick fits take few steps, and who verifies a plan knows of it."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setitem(EFFORTS, "quick", TINY)  # type: ignore[arg-type]
        yield patch


def run(folder: Path, **options: Any) -> privgan.RunResult:
    """A run, in Python, on a frame of purchases; its release is in the folder's ``out``."""
    (folder / "our-policy.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "schema.yaml").write_text(SCHEMA, encoding="utf-8")
    return privgan.run(
        purchases(),
        folder / "schema.yaml",
        effort="quick",
        policy=folder / "our-policy.yaml",
        ledger=folder / "ledger.sqlite",
        out=folder / "out",
        **options,
    )


def fit(rows: pd.DataFrame, text: str, folder: Path) -> privgan.Synthesizer:
    """A fit of some rows to a schema's text."""
    with few_steps():
        made = privgan.Synthesizer(text, epsilon=3, effort="quick", ledger=folder / "ledger.sqlite")
        return made.fit(rows, out=folder / "fitted")

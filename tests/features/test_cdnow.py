"""Features of CDNOW, where its file lies beside the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from privgan.features.building import build_features
from privgan.sources import SourceOptions
from privgan.table.schema_file import parse_schema
from tests.pages.reading import ROOT, Page

DATA = Path(os.environ.get("PRIVGAN_DATA", ROOT.parent / "shared" / "data"))
CDNOW = DATA / "cdnow_transactions.txt"


@pytest.mark.skipif(not CDNOW.exists(), reason=f"{CDNOW} is not there")
def test_features_of_the_page_are_those_of_pandas() -> None:
    page = Page(ROOT / "privgan" / "features" / "README.md")
    text = next(block.text for block in page.blocks if block.rules.get("file") == "cdnow.yaml")
    events = pd.read_csv(CDNOW, sep=r"\s+", dtype=str)
    made = build_features(events, SourceOptions(), parse_schema(text))
    found = made.source.frame().set_index("customer_id")
    typed = events.assign(
        date=pd.to_datetime(events["date"], format="%Y%m%d"),
        spend=events["dollar_value"].astype(float),
    )
    cutoff = pd.Timestamp("1998-01-01")
    before = typed[typed["date"] < cutoff].groupby("customer_id")
    later = set(typed[typed["date"].between(cutoff, "1998-06-30")]["customer_id"])
    assert made.violations == ()
    assert len(found) == 23_570
    assert found["purchases"].astype(int).equals(before["date"].nunique().rename("purchases"))
    assert found["spend"].sub(before["spend"].sum()).abs().max() < 1e-6
    first, last = before["date"].min(), before["date"].max()
    assert found["tenure"].astype(int).equals((cutoff - first).dt.days.rename("tenure"))
    assert found["active"].astype(int).equals((last - first).dt.days.rename("active"))
    assert {name for name in found.index if found.at[name, "came_back"] == "True"} == later
    assert (found["active"] < found["tenure"]).all()

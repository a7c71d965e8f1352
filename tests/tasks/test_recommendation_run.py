"""A whole run with tasks of a history, from its rows to a release that recommends."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

import privgan
from privgan.planning.plan import EFFORTS
from tests.api.world import POLICY, TINY
from tests.tasks.shoppers import PRODUCTS, TEXT, draw


@pytest.mark.slow
def test_recommendations_and_forecasts_are_asked_for_released_and_made(tmp_path: Path) -> None:
    (tmp_path / "our-policy.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "schema.yaml").write_text(TEXT, encoding="utf-8")
    rows = draw(900, 1)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setitem(EFFORTS, "quick", TINY)  # type: ignore[arg-type]
        found = privgan.run(
            rows,
            tmp_path / "schema.yaml",
            policy=tmp_path / "our-policy.yaml",
            out=tmp_path / "out",
            ledger=tmp_path / "ledger.sqlite",
            epsilon=3,
            public_rows=len(rows),
            effort="quick",
        )
        assert found.passed, found.reasons
        release = tmp_path / "out" / "release"
        model = privgan.load(release)  # It verifies what it loads.
        past = draw(3, 9)
        made = model.recommend(past, "product", top=4)
    assert made.groupby("customer").size().to_dict() == dict.fromkeys(past["customer"].unique(), 4)
    assert set(made["value"]) <= set(PRODUCTS)
    report = json.loads((release / "report.json").read_text(encoding="utf-8"))
    (section,) = (part for part in report["sections"] if part["name"] == "tasks")
    assert len(section["blocks"][1]["items"]) == 4

"""The page of a rare outcome: what was asked, every ε apart, and peers that have no table."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.rare.cut import RARE
from tests.benchmarks.rare.report import write_markdown
from tests.benchmarks.rare.study import AS_MANY, BAYES, MORE, REAL, Scored


def _figures(area: float) -> dict[str, float]:
    return {"AUC": area, "average precision": area / 2}


def test_each_budget_has_its_table_and_losses_are_shown(tmp_path: Path) -> None:
    found = [
        Scored(how=REAL, rows=AS_MANY, figures=_figures(0.86), epsilon=None),
        Scored(how=BAYES, rows="", figures=_figures(0.8)),
        *(Scored(how=RARE, rows=AS_MANY, figures=_figures(area)) for area in (0.7, 0.75, 0.8)),
        Scored(how=RARE, rows=MORE, figures=_figures(0.84)),
        Scored(how=RARE, rows=AS_MANY, figures=_figures(0.65), epsilon=1.0),
        Scored(how="dpmm-mst", rows=AS_MANY, figures=_figures(0.6)),
        Scored(how="dpmm-aim", rows="", figures={}, status="no result in 15 minutes"),
    ]
    write_markdown(tmp_path / "rare.md", found, (0.8, 79))
    text = (tmp_path / "rare.md").read_text(encoding="utf-8")
    assert "| AUC | as many rows | ≥ 0.77 | 0.750 (0.700 to 0.800) | **missed** |" in text
    assert "| AUC | 10 times as many rows | ≥ 0.77 | 0.840 | met |" in text
    main, _, other = text.partition("## ε = 1\n")
    assert "| dpmm-mst | as many rows | 0.600 | 0.300 |" in main
    assert "- dpmm-aim: no result in 15 minutes" in main
    assert "| synthetic, `rare: true` | as many rows | 0.650 | 0.325 |" in other
    assert "| real training rows | as many rows | 0.860 | 0.430 |" in other, "they have no ε"
    assert "naive Bayes" not in other.partition("## ε = 10")[0]

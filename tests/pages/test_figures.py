"""The comparisons on the pages are those of the benchmark's own table, cell by cell."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from tests.pages.reading import ROOT, Page

CSV = ROOT / "reports" / "benchmarks" / "peers.csv"
TABLES = {
    "Adult": "adult",
    "Bank": "bank",
    "Credit default": "credit_default",
    "Online shoppers": "online_shoppers",
}
PEERS = {"MST": "dpmm-mst", "PrivBayes": "dpmm-privbayes", "AIM": "dpmm-aim"}
FIGURES = ("tvd3", "gap", "c2st")
CELL = re.compile(r"(\.\d+), (\.\d+) \((\w+)\)")
HALF_A_DIGIT = 0.00051


def measured() -> list[dict[str, str]]:
    with CSV.open(encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream) if row["status"].startswith("ok")]


def shown(path: Path) -> list[tuple[str, str, list[str]]]:
    """Table, ε (3 where the row has none) and cells of each row that compares."""
    rows = [
        line.strip("| ").split(" | ") for line in Page(path).text.splitlines() if CELL.search(line)
    ]
    return [(row[0], row[1] if row[1].isdigit() else "3", row) for row in rows]


@pytest.mark.parametrize("name", ["README.md", "reports/benchmarks/README.md"])
def test_what_is_compared_is_what_was_measured(name: str) -> None:
    rows = measured()
    found = shown(ROOT / name)
    assert len(found) in {4, 12}
    for table, epsilon, cells in found:
        cell = [row for row in rows if (row["table"], row["epsilon"]) == (TABLES[table], epsilon)]
        own = next(row for row in cell if row["method"] == "privgan")
        peers = [row for row in cell if row["method"].startswith(("dpmm", "smartnoise"))]
        compared = [match for text in cells if (match := CELL.fullmatch(text.strip()))]
        assert len(compared) == len(FIGURES)
        for figure, match in zip(FIGURES, compared, strict=True):
            best = min(peers, key=lambda row: float(row[figure]))
            assert float(match[1]) == pytest.approx(float(own[figure]), abs=HALF_A_DIGIT)
            assert float(match[2]) == pytest.approx(float(best[figure]), abs=HALF_A_DIGIT)
            assert PEERS[match[3]] == best["method"], f"{table}, ε = {epsilon}, {figure}"


def test_the_claims_below_the_table_are_its_own() -> None:
    text = " ".join(Page(ROOT / "reports" / "benchmarks" / "README.md").text.split())
    wins = dict.fromkeys(FIGURES, 0)
    halves = 0
    for _, _, cells in shown(ROOT / "reports" / "benchmarks" / "README.md"):
        matches = [match for part in cells if (match := CELL.fullmatch(part.strip()))]
        for figure, match in zip(FIGURES, matches, strict=True):
            wins[figure] += float(match[1]) < float(match[2])
        halves += float(matches[1][1]) <= 0.5 * float(matches[1][2])
    assert wins == {"tvd3": 12, "gap": 11, "c2st": 12}
    assert halves == 9
    assert (
        "at most half of the best peer's in nine of twelve cells. It is smaller in all but one"
        in text
    )


def test_what_the_gate_shows_is_what_was_measured() -> None:
    """Each line of the page's table has the figures of one line of the gate's own."""
    with CSV.with_name("gate.csv").open(encoding="utf-8") as stream:
        cells = [row for row in csv.DictReader(stream) if row["table"] == "simulator"]
    text = CSV.with_name("README.md").read_text(encoding="utf-8")
    shown_lines = re.findall(
        r"^\|\s*([\d,]*)\s*\| [^|]+ \| (\.\d+) \| (\.\d+) \| (\.\d+) \| (?:−[\d.]+ )?\|$",
        text,
        re.M,
    )
    assert len(shown_lines) == 10
    rows = ""
    for size, *figures in shown_lines:
        rows = size.replace(",", "") or rows
        assert any(
            cell["rows"] == rows
            and all(
                float(cell[name]) == pytest.approx(float(figure), abs=HALF_A_DIGIT)
                for name, figure in zip(("tvd3", "tvd4", "c2st"), figures, strict=True)
            )
            for cell in cells
        ), (rows, figures)

"""Citations can be read: papers, standards and files of the repository only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACES = ("privgan", "policies", "tests", "README.md", "Makefile")
KINDS = {".py", ".md", ".yaml", ".json", ".j2", ".toml", ".css", ""}
SABOTAGE = ROOT / "tests" / "sabotage"

CITED = {
    "a page that is not here": (
        r"\b(?:DESIGN|style|house)\.md\b|\b(?:audit|peers)\.md, section|audit reference"
    ),
    "a design that is not here": (
        r"\bdesign, section|\bthe design's\b|\bof the design\b|\bdesign section"
    ),
    "a ticket that is not here": r"\b[Ii]ssues? [0-9]+\b",
    "a numbered defect": (
        r"\bdefects? R[0-9]|\(R[0-9]+\)|\bR[0-9]+ of the\b|\btest_r[0-9]+_|\"\"\"R[0-9]+:"
    ),
    "a numbered leak": r"\bL(?:[3-9]|[1-9][0-9])\b",  # L1 and L2 are norms.
}


def _lines() -> Iterator[tuple[Path, int, str]]:
    for place in PLACES:
        root = ROOT / place
        paths = [root] if root.is_file() else sorted(root.rglob("*"))
        for path in paths:
            if path.is_file() and path.suffix in KINDS and path != Path(__file__):
                for number, line in enumerate(
                    path.read_text("utf-8", errors="replace").splitlines(), 1
                ):
                    yield path, number, line


def test_nothing_cites_a_document_that_is_not_in_the_repository() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {kind}: {match.group()}"
        for path, number, line in _lines()
        for kind, pattern in CITED.items()
        if (match := re.search(pattern, line))
        and not (kind == "a numbered leak" and path.is_relative_to(SABOTAGE))
    ]
    assert found == [], "cite the paper or the standard instead"


def test_the_sabotage_suites_leak_patterns_are_told_in_its_readme() -> None:
    table = (SABOTAGE / "README.md").read_text(encoding="utf-8").partition("## Leak patterns")[2]
    told = re.findall(r"^\| (L[0-9]+) \|", table, re.MULTILINE)
    named = {
        one
        for path in SABOTAGE.glob("*.py")
        for one in re.findall(r"\bL[0-9]+\b", path.read_text("utf-8"))
    }
    assert set(told) == named
    assert len(told) == len(set(told))

"""The architecture page draws the imports as they are, and names files and functions that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pages.drawing import drawn, imports, packages, reduced
from tests.pages.reading import ROOT, Page, pages

PAGE = Page(ROOT / "privgan" / "README.md")
ROOTS = (ROOT, ROOT / "privgan")
A_FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|json|yaml|md|png|csv))`")
A_TEST = re.compile(r"`(test_\w+\.py)`")
A_NAME = re.compile(r"`(\w+)` in\s+`((?:[\w-]+/)+[\w-]+\.py)`")
ELSEWHERE = re.compile(r"(out|release|keys|demo-out|internal|candidate|build)/")


def test_the_drawing_is_what_the_imports_say() -> None:
    """On a difference replace it by what ``python -m tests.pages.drawing`` prints."""
    [block] = [block for block in PAGE.blocks if block.language == "mermaid"]
    assert block.text == drawn()


def test_the_table_names_every_package() -> None:
    named = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`[^|]+) \|", PAGE.text, re.M))))
    assert set(packages()) - {"synthesizer"} <= named
    assert {name for name in named if not (ROOT / "privgan" / name).is_dir()} == set()


def test_arrows_that_follow_from_others_are_left_out() -> None:
    graph = {"a": frozenset("bc"), "b": frozenset("c"), "c": frozenset()}
    assert reduced(graph) == {"a": {"b"}, "b": {"c"}, "c": frozenset()}
    with pytest.raises(ValueError, match="in a circle: a, b"):
        reduced({"a": frozenset("b"), "b": frozenset("a")})


def test_the_command_line_is_above_and_the_mechanisms_are_below() -> None:
    graph = imports()
    assert all("cli" not in used for used in graph.values())
    assert graph["privacy"] == frozenset()


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_files_and_functions_that_a_page_names_exist(page: Page) -> None:
    tests = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    missing = [
        name
        for name in A_FILE.findall(page.text)
        if not ELSEWHERE.match(name) and not _is_there(name, page)
    ]
    missing += [name for name in A_TEST.findall(page.text) if name not in tests]
    for name, path in A_NAME.findall(page.text):
        found = next((root / path for root in ROOTS if (root / path).exists()), None)
        if found and not re.search(rf"\b{name}\b", found.read_text(encoding="utf-8")):
            missing.append(f"{name} in {path}")
    assert missing == []


def _is_there(name: str, page: Page) -> bool:
    return any((root / name).exists() for root in (*ROOTS, page.path.parent, Path(ROOT / "tests")))

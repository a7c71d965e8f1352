"""The pages are short and plain: lines, sentences, links."""

from __future__ import annotations

import re
from statistics import mean

import pytest

from tests.pages.reading import KEPT, ROOT, Page, pages, words

WIDTH, LONGEST, MEAN = 100, 40, 18
README_LINES, README_MEAN = 130, 16
PAGES = pages()
PLAIN = [page for page in PAGES if page.name not in KEPT]


def _named(page: Page) -> str:
    return page.name


def test_the_readme_is_one_page() -> None:
    page = Page(ROOT / "README.md")
    assert len(page.text.splitlines()) <= README_LINES
    assert mean(len(words(one)) for one in page.sentences) <= README_MEAN


@pytest.mark.parametrize("page", PLAIN, ids=_named)
def test_sentences_are_short(page: Page) -> None:
    lengths = {one: len(words(one)) for one in page.sentences}
    longest = max(lengths, key=lambda one: lengths[one])
    assert lengths[longest] <= LONGEST, longest
    assert mean(lengths.values()) <= MEAN


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_lines_are_narrow(page: Page) -> None:
    wide = [
        (number, line)
        for number, line in enumerate(page.text.splitlines(), 1)
        if len(line) > WIDTH and not line.lstrip().startswith("|") and "://" not in line
    ]
    assert not wide


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_links_lead_somewhere(page: Page) -> None:
    for link in page.links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        assert target.exists(), f"{page.name} links to {link}, which is not there"
        if anchor and target.suffix == ".md":
            assert anchor in Page(target).anchors, f"{page.name}: {link}: no such heading"


def test_files_that_pages_name_are_there() -> None:
    named = re.compile(r"(?:tests|privgan|reports|policies)/[\w/]+\.(?:py|md|csv|yaml|png)")
    missing = {
        (page.name, path)
        for page in PLAIN
        for path in named.findall(page.text)
        if not (ROOT / path).exists()
    }
    assert not missing


def test_every_page_is_reached_from_the_readme() -> None:
    found, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = Page(waiting.pop())
        found.add(page.name)
        for link in page.links:
            target = (page.path.parent / link.partition("#")[0]).resolve()
            inside = target.suffix == ".md" and target.is_relative_to(ROOT) and target.exists()
            if inside and target.relative_to(ROOT).as_posix() not in found:
                waiting.append(target)
    assert {page.name for page in PAGES} <= found

"""The pages of this repository: their fenced blocks, prose, links and long lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Written by commands, each with a test of its own; a changelog keeps the words of its day.
MADE = (
    "reports/benchmarks/audit.md",
    "reports/benchmarks/copies.md",
    "reports/benchmarks/gate.md",
    "reports/benchmarks/peers.md",
)
MADE += ("reports/benchmarks/planner.md", "reports/benchmarks/scaling.md", "CHANGELOG.md")
NOT_PAGES = re.compile(rf"reports/example/|{'|'.join(map(re.escape, MADE))}")
# Laboratory notes and lists of variants: they are kept as they were written.
KEPT = {"reports/benchmarks/notebook.md", "tests/sabotage/README.md"}
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
RULE = re.compile(r"<!-- run: (.+?) -->\n\Z")


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block of a page.

    Attributes:
        page: The page's path from the repository's root.
        line: Line of its first line of text, from 1.
        language: What stands behind the opening fence.
        text: Its text, with line ends.
        rules: Words of the comment ``<!-- run: … -->`` right before it: ``code=1``, of the last
            command; ``answers=a,q``, typed in a review; ``data=FILE:NAME``, a public table that
            must lie there; ``file=NAME``, to which the block is written; ``no=REASON``.
    """

    page: str
    line: int
    language: str
    text: str
    rules: dict[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """``page:line``."""
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Page:
    """A page in Markdown."""

    path: Path

    @property
    def name(self) -> str:
        """Its path from the repository's root."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Its fenced blocks, from the top."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Block]:
        for found in FENCE.finditer(self.text):
            before = self.text[: found.start()]
            rule = RULE.search(before)
            yield Block(
                page=self.name,
                line=before.count("\n") + 2,
                language=found[2],
                text=found[3],
                rules=_rules(rule[1]) if rule else {},
            )

    @cached_property
    def prose(self) -> str:
        """Its paragraphs and list items without blocks, tables, headings, comments and pictures."""
        text = re.sub(r"<!--.*?-->", "", FENCE.sub("", self.text), flags=re.DOTALL)
        text = re.sub(r"\n {4,}(?![-*\d ])\S.*", "", text)
        lines = [line for line in text.splitlines() if not re.match(r"\s*(\||#|!\[|:?---)", line)]
        return "\n".join(lines)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """Sentences of the prose; a colon ends none, a list item ends one."""
        parts = re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )", self.prose)
        found = [
            sentence
            for part in parts
            for sentence in re.split(r"(?<=[.!?])[*_)\"]*\s+(?=[\"*_(`\[]*[A-Z0-9`])", part.strip())
        ]
        return tuple(sentence for sentence in found if words(sentence))

    @property
    def links(self) -> tuple[str, ...]:
        """Targets of all its links and pictures."""
        return tuple(re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", self.text)))

    @property
    def anchors(self) -> frozenset[str]:
        """Names of its headings, as links write them."""
        heads = re.findall(r"^#+ (.+)$", FENCE.sub("", self.text), re.MULTILINE)
        plain = (re.sub(r"[^\w\- ]", "", head.lower()) for head in heads)
        return frozenset(head.replace(" ", "-") for head in plain)


def words(sentence: str) -> list[str]:
    """Words of a sentence: code and the text of a link count as what they show."""
    shown = re.sub(r"\]\([^)]*\)", "", re.sub(r"`[^`]*`", "code", sentence))
    return re.findall(r"[^\W_][\w.,'’–-]*", shown)


def _rules(text: str) -> dict[str, str]:
    name, _, reason = text.partition("=")
    if name == "no":
        return {"no": reason}
    pairs = (word.partition("=") for word in text.split())
    return {word: value for word, _, value in pairs}


def pages() -> tuple[Page, ...]:
    """Every page that a person wrote, in the order of their names."""
    tops = [*ROOT.glob("*.md"), *ROOT.glob("policies/*.md")]
    inner = [
        path for top in ("privgan", "tests", "reports") for path in ROOT.glob(f"{top}/**/*.md")
    ]
    found = (path for path in sorted([*tops, *inner]) if not _left_out(path))
    return tuple(Page(path) for path in found)


def _left_out(path: Path) -> bool:
    return bool(NOT_PAGES.match(path.relative_to(ROOT).as_posix()))

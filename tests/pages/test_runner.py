"""The runner of the pages can fail: at what was not printed, and at another exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages.matching import agrees, first_difference
from tests.pages.reading import FENCE, Block, words
from tests.pages.running import Desk, console_steps

SHOWN = [
    ("a\nb\n", "a\nb\n", True),
    ("a\n…\nd\n", "a\nb\nc\nd\n", True),
    ("a\n…\nd\n", "a\nd\n", True),
    ("a\n…\n", "a\n", True),
    ("took … s\n", "took 3.1 s\n", True),
    ("took … s\n", "took 3.1 s\nmore\n", False),
    ("took … s\n", "took 3.1\n s\n", False),
    ("a\nb\n", "a\n", False),
    ("a.c\n", "abc\n", False),
    ("a\n", "a  \n\n", True),
]


@pytest.mark.parametrize(("shown", "printed", "right"), SHOWN)
def test_an_ellipsis_stands_for_any_text(shown: str, printed: str, *, right: bool) -> None:
    assert agrees(shown, printed) is right


def test_the_first_line_that_differs_is_named() -> None:
    assert first_difference("a\nb\nc\n", "a\nx\nc\n") == "b"
    assert first_difference("a\n", "a\nb\n").startswith("(more")


def block(text: str, language: str = "console", **rules: str) -> Block:
    return Block(page="p.md", line=1, language=language, text=text, rules=rules)


def test_a_console_block_is_read_command_by_command() -> None:
    steps = list(console_steps(block("$ a \\\n    b\nout\n\n$ c\n$ d  # told\nx\n")))
    assert [step.command for step in steps] == ["a \\\n    b", "c", "d  # told"]
    assert [step.shown for step in steps] == ["out\n\n", None, "x\n"]


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("$ privgan policy check no-such.yaml\n", {}),
        ("$ privgan policy diff partner-share partner-share\nboth differ\n", {}),
        ("$ privgan policy diff partner-share partner-share\n", {"code": "1"}),
        ("$ false\n", {}),
        ("$ echo a\nb\n", {}),
    ],
)
def test_a_block_that_says_something_else_fails(
    text: str, rules: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        Desk(tmp_path).run(block(text, **rules))


def test_a_block_that_is_right_passes(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.run(block("$ privgan policy diff partner-share partner-share\nboth decide alike\n"))
    desk.run(block("$ false\n", code="1"))
    desk.run(block("x = 3\n", "python"))
    desk.run(block(">>> print(x, 'and more')\n3 …\n", "python"))
    desk.run(block("a,b\n", "csv", file="t.csv"))
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == "a,b\n"
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        desk.run(block(">>> x\n4\n", "python"))


def test_fences_are_found_with_their_language() -> None:
    assert [found[2] for found in FENCE.finditer("```console\na\n```\n\n```\nb\n```\n")] == [
        "console",
        "",
    ]


def test_words_are_those_that_a_reader_reads() -> None:
    assert len(words("See [the page](a/b.md) and `privgan run x`, now.")) == 6

"""The page on Python: each block runs, and it says what is so."""

from __future__ import annotations

import doctest
import re
import warnings
from pathlib import Path

import pytest

import privgan
from tests.api.world import customers, write_policy

PAGE = Path(privgan.__file__).parent / "api" / "README.md"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.slow
def test_each_block_gives_what_the_page_says(place: Path) -> None:
    write_policy()
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == PAGE.read_text(encoding="utf-8").count("```") // 2, (
        "no block of another kind"
    )
    told: list[str] = []
    test = doctest.DocTestParser().get_doctest(
        "\n".join(blocks), {"table": customers()}, "page", str(PAGE), 0
    )
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        runner.run(test, out=told.append)
    assert not runner.failures, "".join(told)
    assert runner.tries > 20


def test_the_page_names_every_error_and_only_public_names() -> None:
    text = PAGE.read_text(encoding="utf-8")
    errors = {name for name in privgan.__all__ if name.endswith("Error")}
    assert errors == {*re.findall(r"\b\w+Error\b", text)} - {"ValueError"}
    for name in re.findall(r"\bprivgan\.(\w+)", text):
        assert name in privgan.__all__ or name == "errors", name


def test_sentences_are_short() -> None:
    page = re.sub(r"```.*?```", "", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"^[|#].*$", "", page, flags=re.MULTILINE)
    sentences = [part for part in re.split(r"(?<=[.:;])\s+", text.strip()) if part]
    assert max(len(sentence.split()) for sentence in sentences) <= 20

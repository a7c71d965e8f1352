"""The commands that pages tell: in console blocks, in pipelines, in running text."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import yaml

from tests.pages.reading import Page
from tests.pages.running import console_steps


def inline(page: Page) -> Iterator[str]:
    """Whole commands in running text: those with an option or a file, not names such as `run`."""
    text = " ".join(re.sub(r"```.*?```", "", page.text, flags=re.DOTALL).split())
    found = re.findall(r"`(privgan [^`]+|python -m tests\.benchmarks [^`]+)`", text)
    yield from (command for command in found if "…" not in command and "|" not in command)


def told(page: Page) -> Iterator[str]:
    """Every command of a page: in console blocks, in pipelines (YAML) and in the text."""
    for block in page.blocks:
        if block.language == "console":
            yield from (step.command for step in console_steps(block))
        elif block.language == "yaml":
            for line in _strings(yaml.safe_load(block.text)):
                yield from line.splitlines()
    yield from inline(page)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in inner:
        yield from _strings(part)


def parse(command: click.Command, words: list[str], name: str) -> None:
    """Parse as the command line does, without running it; click complains of what it refuses."""
    if isinstance(command, click.Group):
        if not words or words[0] in {"--version", "--help"}:
            return
        inner = command.get_command(click.Context(command), words[0])
        assert inner is not None, words
        parse(inner, words[1:], f"{name} {words[0]}")
    elif words:  # A bare name of a command stands for the command itself.
        command.make_context(name, words)

"""Every command and every Python example of the pages is run; what it prints is what is shown."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import click
import pytest

from privgan.cli.main import group
from tests.benchmarks.__main__ import main as benchmarks
from tests.pages.commands import parse, told
from tests.pages.reading import ROOT, Page, pages
from tests.pages.running import on_one_line
from tests.pages.shop import Shop, at_home, open_shop

RUN = ("console", "python")
# Pages whose blocks begin with something of their own, and the test that runs them.
ELSEWHERE = {"privgan/api/README.md": "tests/api/test_page.py"}
SHOWN = [page for page in pages() if any(block.language in RUN for block in page.blocks)]
PAGES = [page for page in SHOWN if page.name not in ELSEWHERE]
DATA = Path(os.environ.get("PRIVGAN_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """One finished run, made once."""
    return open_shop(tmp_path_factory.mktemp("shop"))


def _named(page: Page) -> str:
    return page.name


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_the_blocks_of_a_page_do_what_it_shows(page: Page, shop: Shop, tmp_path: Path) -> None:
    needed = dict(block.rules["data"].split(":") for block in page.blocks if "data" in block.rules)
    if missing := sorted(name for name in needed if not (DATA / name).exists()):
        pytest.skip(f"{page.name} needs {', '.join(missing)} in {DATA} ($PRIVGAN_DATA)")
    desk = shop.desk(page, tmp_path / "desk")
    for name, called in needed.items():
        shutil.copy(DATA / name, desk.folder / called)
    with at_home(desk.folder):
        for block in page.blocks:
            if "no" not in block.rules:
                desk.run(block)


TOOLS = {"privgan": (group, 1), "python -m tests.benchmarks": (benchmarks, 3)}


@pytest.mark.parametrize("page", pages(), ids=_named)
def test_every_command_is_taken_as_written(page: Page, tmp_path: Path) -> None:
    for line in told(page):
        command = on_one_line(line).partition(" > ")[0].strip()
        for tool, (group_of, skipped) in TOOLS.items():
            if command.startswith(f"{tool} "):
                words = shlex.split(command, comments=True)[skipped:]
                try:
                    parse(group_of, words, tool)
                except click.exceptions.Exit:
                    pass
                except click.ClickException as error:
                    pytest.fail(f"{page.name}: {command}: {error.format_message()}", pytrace=False)


@pytest.mark.parametrize(("page", "test"), ELSEWHERE.items())
def test_a_page_that_is_run_elsewhere_has_its_test(page: str, test: str) -> None:
    if not (ROOT / page).exists():
        pytest.skip(f"{page} is not there")
    assert Path(page).parent.name in (ROOT / test).read_text(encoding="utf-8")


def test_commands_are_found() -> None:
    found = [command for page in pages() for command in told(page)]
    assert sum(command.startswith("privgan ") for command in found) > 60


def test_what_is_not_run_says_why() -> None:
    unrun = [block for page in PAGES for block in page.blocks if "no" in block.rules]
    assert all(len(block.rules["no"]) > 10 for block in unrun)
    run = [block for page in PAGES for block in page.blocks if block.language in RUN]
    assert len(unrun) < len(run) / 3

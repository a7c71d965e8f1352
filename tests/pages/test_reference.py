"""The reference of all names is built from the docstrings."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import privgan
from tests.pages.reading import ROOT


def _built(out: Path, *modules: str) -> None:
    command = [sys.executable, "-m", "tests.pages.reference", str(out), *modules]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "does not resolve" not in done.stderr, done.stderr


@pytest.mark.slow
def test_the_page_of_public_names_has_each_with_its_docstring(tmp_path: Path) -> None:
    _built(tmp_path, "privgan")
    text = (tmp_path / "privgan.html").read_text(encoding="utf-8")
    for name in privgan.__all__:
        assert f'id="{name}"' in text, name
    assert (tmp_path / "index.html").exists()


@pytest.mark.slow
def test_every_module_has_a_page(tmp_path: Path) -> None:
    _built(tmp_path)
    wanted = {
        path.relative_to(ROOT / "privgan").with_suffix("")
        for path in (ROOT / "privgan").rglob("*.py")
    }
    wanted = {path for path in wanted if not path.name.startswith("__")}
    made = {
        path.relative_to(tmp_path / "privgan").with_suffix("")
        for path in (tmp_path / "privgan").rglob("*.html")
    }
    assert wanted <= made


def test_the_command_stands_in_the_makefile() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^api: .*\n\t.*tests\.pages\.reference build/api$", text, re.MULTILINE)
    assert "/build/" in (ROOT / ".gitignore").read_text(encoding="utf-8")

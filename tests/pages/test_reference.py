"""The reference of all names is built from the docstrings."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import privgan
from tests.pages.reading import ROOT


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reference")
    command = [sys.executable, "-m", "tests.pages.reference", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "does not resolve" not in done.stderr, done.stderr
    return out


@pytest.mark.slow
def test_the_page_of_public_names_has_each_with_its_docstring(built: Path) -> None:
    text = (built / "privgan.html").read_text(encoding="utf-8")
    for name in privgan.__all__:
        assert f'id="{name}"' in text, name
    assert (built / "index.html").exists()


@pytest.mark.slow
def test_every_module_has_a_page(built: Path) -> None:
    wanted = {
        path.relative_to(ROOT / "privgan").with_suffix("")
        for path in (ROOT / "privgan").rglob("*.py")
    }
    wanted = {path for path in wanted if not path.name.startswith("__")}
    made = {
        path.relative_to(built / "privgan").with_suffix("")
        for path in (built / "privgan").rglob("*.html")
    }
    assert wanted <= made


def test_the_command_stands_in_the_makefile() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^api: .*\n\t.*tests\.pages\.reference build/api$", text, re.MULTILINE)
    assert "/build/" in (ROOT / ".gitignore").read_text(encoding="utf-8")

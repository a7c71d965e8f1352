"""The public names: one list, all there, documented, and light to import."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

import privgan
from privgan import _HOMES


def test_all_lists_follow_the_one_table() -> None:
    assert list(_HOMES) == sorted(_HOMES)
    assert set(privgan.__all__) == {*_HOMES, "__version__"}
    assert dir(privgan) == sorted(privgan.__all__)


def test_what_a_type_checker_sees_is_the_one_table() -> None:
    tree = ast.parse(Path(privgan.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    seen = {
        alias.asname: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == _HOMES


@pytest.mark.parametrize("name", sorted(_HOMES))
def test_each_name_is_there_and_documented(name: str) -> None:
    home = import_module(_HOMES[name])
    found = getattr(home, name)
    assert found.__module__ == home.__name__, "the table names the module that defines it"
    assert inspect.getdoc(found)
    public = getattr(privgan, name)
    assert callable(public)
    if not inspect.ismodule(public):
        assert public is found


@pytest.mark.parametrize("name", ["audit", "release", "report"])
def test_a_part_of_the_same_name_is_called_as_the_function(name: str) -> None:
    part = getattr(privgan, name)
    assert inspect.ismodule(part)
    assert inspect.signature(part) == inspect.signature(getattr(import_module(_HOMES[name]), name))


def test_the_version_is_that_of_the_package() -> None:
    assert privgan.__version__ == version("privgan")


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(privgan, "no_such_name")


def test_importing_the_package_is_light() -> None:
    heavy = "{'torch', 'pandas', 'numpy', 'pyarrow', 'sdmetrics', 'opacus', 'matplotlib'}"
    used = "import sys, privgan; dir(privgan); privgan.PrivganError"
    code = f"{used}; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_function_is_reached_whatever_was_imported_before() -> None:
    for first in ("import privgan.audit.suite", "import privgan.release", "pass"):
        code = (
            f"import privgan\n{first}\nassert callable(privgan.audit) and callable(privgan.release)"
        )
        subprocess.run([sys.executable, "-c", code], check=True)

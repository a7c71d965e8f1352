"""Every example of the package's docstrings is executed; each public name has one."""

from __future__ import annotations

import doctest
import inspect
import re
import warnings
from importlib import import_module
from pathlib import Path

import pytest

import privgan
from privgan import _HOMES
from tests.api.world import World

PACKAGE = Path(privgan.__file__).parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def _modules() -> list[str]:
    found = [
        path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")
    ]
    names = [
        path.relative_to(PACKAGE.parent).with_suffix("").as_posix().replace("/", ".")
        for path in found
    ]
    return [name.removesuffix(".__init__") for name in names]


@pytest.mark.parametrize("name", _modules())
def test_examples_give_what_they_say(name: str, world: World) -> None:
    module = import_module(name)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    told: list[str] = []
    finder = doctest.DocTestFinder(exclude_empty=True)
    for example in finder.find(module, name, extraglobs=None):
        if example.examples:
            example.globs = {**vars(module), **world.names, **_own_names(module)}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                runner.run(example, out=told.append, clear_globs=False)
    assert not runner.failures, "".join(told)
    assert runner.tries


def _own_names(module: object) -> dict[str, object]:
    """The functions that share their name with a part: in an example they are functions."""
    return {
        name: getattr(import_module(_HOMES[name]), name) for name in ("audit", "release", "report")
    }


def test_no_example_is_skipped() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert "doctest: +SKIP" not in path.read_text(encoding="utf-8"), path


def test_no_example_prints_a_scalar_of_numpy() -> None:
    """NumPy 1 prints ``3`` where NumPy 2 prints ``np.int64(3)``; both are supported."""
    printed = re.compile(r"\bnp\.(int|uint|float|bool|str|True|False)\w*\(?")
    for name in _modules():
        for example in doctest.DocTestFinder().find(import_module(name), name):
            for part in example.examples:
                assert not printed.search(part.want), f"{name}: {part.source}"


@pytest.mark.parametrize("name", sorted(_HOMES))
def test_each_public_name_has_an_example(name: str) -> None:
    found = getattr(import_module(_HOMES[name]), name)
    told = inspect.getdoc(found) or ""
    assert ">>> " in told, f"{_HOMES[name]}.{name}"

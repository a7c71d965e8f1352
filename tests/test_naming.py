"""Messages of the library speak Python; the command line translates each name that they use."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

import privgan
from privgan import _HOMES
from privgan.cli.main import _COMMANDS
from privgan.cli.naming import COMMANDS, CommandLineNames
from privgan.interchange import exporting, importing
from privgan.naming import call, parameter, speaking
from privgan.release.signing import ending
from privgan.serve import server
from privgan.table import output

PACKAGE = Path(privgan.__file__).parent
LIBRARY = [
    path for path in sorted(PACKAGE.rglob("*.py")) if "cli" not in path.relative_to(PACKAGE).parts
]
OPTION = re.compile(r"(?<![-\w])--[a-z]")
# The text of a file that commands read, with the commands to type.
FILES_OF_COMMANDS = {"policy/template.py"}
# Functions beside the public ones whose parameters a message may name.
FURTHER = (
    ending.ended,
    server.make_server,
    exporting.export,
    importing.import_schema,
    output.format_of,
)


def _constants(path: Path) -> Iterator[tuple[str, int]]:
    """The texts of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documents
        ):
            yield node.value, node.lineno


def _named(function: str) -> Iterator[tuple[str, str]]:
    """Each name that a message gives to ``parameter`` or ``call``, and where."""
    for path in LIBRARY:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == function
                and node.args
            ):
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield first.value, f"{path.relative_to(PACKAGE)}:{node.lineno}"


def test_no_message_of_the_library_speaks_of_options() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {text}"
        for path in LIBRARY
        if path.relative_to(PACKAGE).as_posix() not in FILES_OF_COMMANDS
        for text, line in _constants(path)
        if OPTION.search(text)
    ]
    assert not found, "\n".join(found)


def _options() -> set[str]:
    """All options of the command line."""

    def of(command: click.Command) -> Iterator[str]:
        for part in command.params:
            yield from part.opts
        if isinstance(command, click.Group):
            for inner in command.commands.values():
                yield from of(inner)

    return {
        option
        for module, name, _ in _COMMANDS.values()
        for option in of(getattr(import_module(module), name))
    }


def _parameters() -> set[str]:
    """All parameters of public functions, and of the methods of public classes."""
    public = [getattr(import_module(home), name) for name, home in _HOMES.items()]
    methods = [
        part
        for found in public
        if inspect.isclass(found)
        for _, part in inspect.getmembers(found, callable)
    ]
    names: set[str] = set()
    for function in (*public, *methods, *FURTHER):
        try:
            names |= set(inspect.signature(function).parameters)
        except (TypeError, ValueError):
            continue
    from privgan.api.synthesizer import FitOptions
    from privgan.sources import SourceOptions

    return names | set(FitOptions.__annotations__) | set(SourceOptions.__dataclass_fields__)


def test_each_parameter_that_a_message_names_is_one_in_python() -> None:
    known = _parameters()
    unknown = [f"{place}: {name}" for name, place in _named("parameter") if name not in known]
    assert not unknown, "\n".join(unknown)


def test_each_parameter_outside_the_python_layer_is_an_option_too() -> None:
    known, names = _options(), CommandLineNames()
    unknown = [
        f"{place}: {name}"
        for name, place in _named("parameter")
        if not place.startswith("api/") and names.parameter(name, "") not in known
    ]
    assert not unknown, "\n".join(unknown)


def test_each_call_that_a_message_names_is_there_and_has_a_command() -> None:
    for name, place in _named("call"):
        first, *rest = name.split(".")
        found: object = privgan if first == "privgan" else getattr(privgan, first)
        for part in rest:
            found = getattr(found, part)
        assert callable(found), place
        assert name in COMMANDS, place
    for command in COMMANDS.values():
        assert command.split()[0] in _COMMANDS


@pytest.mark.parametrize(
    ("told", "python", "typed"),
    [
        (lambda: parameter("max_rows_per_unit"), "max_rows_per_unit", "--max-rows-per-unit"),
        (
            lambda: parameter("on_violation", "clamp"),
            "on_violation='clamp'",
            "--on-violation clamp",
        ),
        (lambda: parameter("from_"), "from_", "--from"),
        (lambda: call("privgan.run"), "privgan.run", "'privgan run'"),
        (
            lambda: call("PrivacyLedger.accept", "shop", columns="NAMES", who="NAME"),
            "PrivacyLedger.accept('shop', columns='NAMES', who='NAME')",
            "privgan ledger accept shop --schema FILE --who NAME",
        ),
    ],
)
def test_a_name_is_written_as_the_one_who_asks_writes_it(
    told: object, python: str, typed: str
) -> None:
    assert callable(told)
    assert told() == python
    with speaking(CommandLineNames()):
        assert told() == typed
    assert told() == python

"""Declared and imported packages agree; private names come from capped libraries only."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
# Where no file says import: SQLAlchemy loads it for a ledger at postgresql+psycopg://.
BY_NAME = {"psycopg"}
# Programs of the two commands, and stubs; axe-core-python holds the script that a browser runs,
# python-calamine reads sheets.
TOOLS = {
    "axe-core-python",
    "mypy",
    "pandas-stubs",
    "psycopg",
    "pypdf",
    "pytest-xdist",
    "python-calamine",
    "ruff",
    "types-pyyaml",
}
# Peers that a benchmark compares with; each has an environment of its own.
PEERS = {"anonymeter", "ctgan", "dpmm", "dpsynth", "pe", "snsynth"}
# An extra for tests alone: tools that check what is exported for them; tests without them are
# skipped.
CHECKERS = "interchange"
# Private names of libraries: file, name, and the library, which must have a cap.
PRIVATE = {
    ("generator/dpsgd.py", "_BatchNorm"): "torch",
    ("generator/dpsgd.py", "_InstanceNorm"): "torch",
    ("generator/dpsgd.py", "_module"): "opacus",
    ("generator/dpsgd.py", "_processed"): "opacus",
    ("privacy/accountant.py", "_maybe_compose"): "dp-accounting",
    ("privacy/accountant.py", "_rdp"): "dp-accounting",
    ("privacy/accountant.py", "_pld"): "dp-accounting",
    ("privacy/accountant.py", "_orders"): "dp-accounting",
    ("privacy/accountant.py", "_contains_non_dp_event"): "dp-accounting",
}


def declared(requirements: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(r.name): r for r in map(Requirement, requirements)}


CORE = declared(PROJECT["dependencies"])


def imported(folder: str) -> set[str]:
    """The distributions whose modules are imported anywhere below a folder."""
    known = metadata.packages_distributions()
    own = {path.stem for path in (ROOT / folder).rglob("*.py")} | {"privgan", "tests"}
    modules = {
        name.split(".")[0]
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in _names(node)
    }
    found = set()
    for module in modules - set(sys.stdlib_module_names) - PEERS:
        if module in known:
            found.add(canonicalize_name(known[module][0]))
        else:
            assert module in own, f"{module} is imported in {folder} and not installed"
    return found - {"privgan"}


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module


def test_what_privgan_imports_is_declared_and_nothing_else_is() -> None:
    optional = {
        name
        for key, parts in EXTRAS.items()
        if key not in {"dev", CHECKERS}
        for name in declared(parts)
    }
    found = imported("privgan")
    assert found - set(CORE) - optional == set(), "imported, not declared"
    assert set(CORE) - found == set(), "declared, not imported"
    assert optional - found == BY_NAME, "an extra that nothing uses"


def test_what_the_tests_import_is_declared_and_nothing_else_is() -> None:
    dev, found = declared(EXTRAS["dev"]), imported("tests")
    assert found - set(CORE) - set(dev) == set(), "imported by tests, not declared"
    assert set(dev) - found - TOOLS == set(), "declared for tests, used by none"
    for name, parts in EXTRAS.items():
        assert name == CHECKERS or set(declared(parts)) <= set(dev), (
            f"the tests of the extra {name} lack it"
        )


def test_each_requirement_has_a_floor_and_extras_agree_on_it() -> None:
    for part in (PROJECT["dependencies"], *EXTRAS.values()):
        for name, requirement in declared(part).items():
            stubs = name in {"pandas-stubs", "types-pyyaml"}
            floor = [s for s in requirement.specifier if s.operator == ">="]
            assert stubs or len(floor) == 1, f"{name} has no lowest version"
    every = [r for parts in EXTRAS.values() for r in declared(parts).items()]
    for name, requirement in every:
        assert all(other.specifier == requirement.specifier for n, other in every if n == name)


def test_the_installed_versions_are_within_what_is_declared() -> None:
    for name, requirement in CORE.items():
        version = metadata.version(name)
        assert requirement.specifier.contains(version, prereleases=True), f"{name} {version}"


def test_private_parts_are_used_of_capped_libraries_only() -> None:
    """Names that begin with one underscore, of anything but an object of privgan's own."""
    defined: set[str] = set()
    used: set[tuple[str, str]] = set()
    for path in (ROOT / "privgan").rglob("*.py"):
        name = path.relative_to(ROOT / "privgan").as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and _private(node.attr):
                used.add((name, node.attr))
                if isinstance(node.ctx, ast.Store) and _of_self(node):
                    defined.add(node.attr)
            elif isinstance(node, ast.FunctionDef) and _private(node.name):
                defined.add(node.name)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                defined.add(node.target.id)
    overridden = {name for (_, name), _ in PRIVATE.items()}
    foreign = {(path, name) for path, name in used if name not in defined - overridden}
    assert {one for one in foreign if one[0] in _FILES} == set(PRIVATE)
    assert {one for one in foreign if one[0] not in _FILES} == set()
    for library in {*PRIVATE.values(), "opendp"}:
        operators = {s.operator for s in CORE[library].specifier}
        assert operators == {">=", "<"}, f"{library} has no cap"


_FILES = {path for path, _ in PRIVATE}


def _private(name: str) -> bool:
    # os._exit is the documented name of a public function.
    return name.startswith("_") and not name.startswith("__") and name != "_exit"


def _of_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}

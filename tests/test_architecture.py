"""Imports go one way, heavy libraries stay where they belong, files stay short."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "privgan"
FILES = sorted(PACKAGE.rglob("*.py"))

# Lowest first: a module may import modules of its own layer's folder and of lower layers only.
LAYERS = [
    {"errors", "formats", "limits"},
    {"plain_yaml"},
    {"metric", "documents", "durable", "fields"},
    {"privacy"},
    {"sources"},
    {"table"},
    {"planning"},
    {"measurement"},
    {"gan"},
    {"synthesizer", "audit", "policy", "progress", "demo"},
    {"report"},
    {"release"},
    {"serve", "interchange"},
    {"pipeline"},
    {"cli"},
    {"__main__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
ONLY_IN = {
    "opacus": {"gan/dpsgd.py"},
    "opendp": {"privacy/opendp_noise.py"},
    "click": {"cli/"},
    "sdmetrics": {"audit/quality.py"},
    "sqlalchemy": {
        "interchange/sql.py",
        "privacy/ledger_store.py",
        "privacy/ledger_database.py",
        "privacy/ledger_sqlite.py",
        "privacy/ledger_postgres.py",
        "privacy/ledger_postgres_guard.py",
        "sources/",
    },
    "duckdb": {"sources/", "table/output.py"},
    "narwhals": {"sources/"},
    "python_calamine": {"sources/"},
    "xlsxwriter": {"table/output.py"},
    "psycopg": set(),
    "cryptography": {"privacy/randomness.py", "release/keys.py"},
    "pyrage": {"release/encryption.py"},
    "torch": {"gan/", "synthesizer.py", "pipeline/fitting.py"},
}
FORBIDDEN = {
    "privacy/": {"torch", "pandas"},
    "policy/": {"torch", "pandas", "numpy"},
    "": {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"},
}


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _part(path: Path) -> str:
    return _name(path).split("/")[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", [path for path in FILES if _name(path) != "__init__.py"], ids=_name)
def test_imports_go_down_only(path: Path) -> None:
    own = _part(path)
    for module in _imports(path):
        parts = module.split(".")
        if parts[0] != "privgan" or len(parts) == 1:
            assert module != "privgan", f"{_name(path)} imports the package root"
            continue
        assert parts[1] == own or LEVEL[parts[1]] < LEVEL[own], f"{_name(path)} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_libraries_stay_behind_their_files(path: Path) -> None:
    libraries = {module.split(".")[0] for module in _imports(path)}
    for library in libraries & set(ONLY_IN):
        assert any(_name(path).startswith(place) for place in ONLY_IN[library]), f"{library} in {_name(path)}"
    for place, names in FORBIDDEN.items():
        if _name(path).startswith(place):
            assert not libraries & names, f"{libraries & names} in {_name(path)}"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_files_are_short_and_say_what_they_are(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text)), f"{_name(path)} has no docstring"


def _calls(path: Path, attribute: str) -> bool:
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return any(isinstance(node, ast.Attribute) and node.attr == attribute for node in tree)


def test_unpaid_looks_are_made_nowhere_but_by_name() -> None:
    callers = {_name(path) for path in FILES if _calls(path, "uncharged_rows")}
    assert callers == set()


def test_opacus_is_used_without_its_engine_and_without_global_seeds() -> None:
    text = (PACKAGE / "gan" / "dpsgd.py").read_text(encoding="utf-8")
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    assert "PrivacyEngine" not in names
    for path in FILES:
        if _calls(path, "manual_seed"):
            assert _name(path) in {"gan/model.py", "gan/refine.py"}, "only initial weights are seeded"

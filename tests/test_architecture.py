"""Imports go one way, heavy libraries stay where they belong, files stay short."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "privgan"
FILES = sorted(PACKAGE.rglob("*.py"))

# Lowest first: a module may import its own package and packages of lower layers.
LAYERS = [
    {"errors", "formats", "metrics", "namespace", "naming", "notation", "notebook", "progress"},
    {"files", "json_object", "metric"},
    {"privacy"},
    {"ledger", "sources", "schema"},
    {"domain"},
    {"table"},
    {"features", "parts", "related"},
    {"drafting", "planning"},
    {"owner"},
    {"measurement"},
    {"generator"},
    {"synthesizer", "audit", "policy", "demo"},
    {"report"},
    {"release"},
    {"answers", "serve", "interchange"},
    {"pipeline"},
    {"cli", "api"},
    {"__main__"},
]
LONGEST_FILE = 410
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
ONLY_IN = {
    "opacus": {"generator/dpsgd.py"},
    "opendp": {"privacy/opendp_noise.py"},
    "click": {"cli/"},
    "sdmetrics": {"audit/fidelity/quality.py"},
    "lifetimes": {"audit/histories/lifetime_value.py"},
    "optbinning": {"audit/tasks/binning.py"},
    "sklift": {"audit/tasks/uplift.py"},
    "imblearn": {"audit/tasks/augmentation.py"},
    "implicit": {"audit/tasks/recommender.py"},
    "shap": {"audit/tasks/shapley.py"},
    "sqlalchemy": {
        "interchange/sql.py",
        "ledger/store.py",
        "ledger/database.py",
        "ledger/sqlite.py",
        "ledger/postgres.py",
        "sources/",
    },
    "duckdb": {"features/building.py", "sources/", "table/output.py"},
    "narwhals": {"sources/"},
    "python_calamine": {"sources/"},
    "xlsxwriter": {"table/output.py"},
    "psycopg": set(),
    "cryptography": {"privacy/randomness.py", "release/signing/keys.py"},
    "pyrage": {"release/encryption.py"},
    "torch": {"generator/", "synthesizer.py", "pipeline/fitting.py"},
}
FORBIDDEN = {
    "notation/": {"torch", "privgan.schema"},
    "privacy/": {"torch", "pandas"},
    "ledger/": {"torch", "pandas"},
    "policy/": {"torch", "pandas", "numpy"},
    "": {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"},
}


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _part(path: Path) -> str:
    return _name(path).split("/")[0].removesuffix(".py")


def _module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    )


def _modules_of(path: Path) -> set[str]:
    """The package's modules that a module imports, itself left out.

    A package's facade counts as what it is.
    """
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("privgan"):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (names & MODULES) or {node.module}
    return found - {_module(path)}


MODULES = {_module(path) for path in FILES}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_imports_go_down_only() -> None:
    for path in FILES:
        own = _part(path)
        for module in _imports(path) if _name(path) != "__init__.py" else ():
            parts = module.split(".")
            if parts[0] != "privgan" or len(parts) == 1:
                assert module != "privgan", f"{_name(path)} imports the package root"
                continue
            part = parts[1]
            assert part == own or LEVEL[part] < LEVEL[own], f"{_name(path)} imports {module}"


def test_modules_import_each_other_in_no_circle() -> None:
    imported = {_module(path): _modules_of(path) for path in FILES}
    left = dict(imported)
    while free := [name for name, uses in left.items() if not uses & left.keys()]:
        for name in free:
            del left[name]
    assert not left, f"import cycles among {sorted(left)}"


def test_libraries_stay_behind_their_files() -> None:
    for path in FILES:
        name, modules = _name(path), set(_imports(path))
        libraries = {module.split(".")[0] for module in modules}
        for library in libraries & set(ONLY_IN):
            allowed = any(name.startswith(place) for place in ONLY_IN[library])
            assert allowed, f"{library} in {name}"
        for place, names in FORBIDDEN.items():
            found = (libraries | modules) & names if name.startswith(place) else set()
            assert not found, f"{found} in {name}"


def test_files_are_short_and_say_what_they_are() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        lines = len(text.splitlines())
        assert lines <= LONGEST_FILE, f"{_name(path)} has {lines} lines"
        assert ast.get_docstring(ast.parse(text)), f"{_name(path)} has no docstring"


def _calls(path: Path, attribute: str) -> bool:
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return any(isinstance(node, ast.Attribute) and node.attr == attribute for node in tree)


def test_opacus_is_used_without_its_engine_and_without_global_seeds() -> None:
    text = (PACKAGE / "generator" / "dpsgd.py").read_text(encoding="utf-8")
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    assert "PrivacyEngine" not in names
    for path in FILES:
        if _calls(path, "manual_seed"):
            assert _name(path) in {
                "generator/autoregressive.py",
                "generator/mixture.py",
                "generator/refine.py",
            }, "only initial weights are seeded"

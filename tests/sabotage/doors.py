"""List the modules that may take rows, and check the package's source against the list.

``SOURCES`` holds the text of every module, so that a way of breaking the code may change one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "privgan"
SOURCES = {
    path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
}

PRIVATE, OWNERS, UNDECLARED = (
    "owner/private_table.py",
    "owner/owners_table.py",
    "owner/undeclared.py",
)
DOORS = frozenset({PRIVATE, OWNERS, UNDECLARED})
# What the tables hold; nobody but they themselves may name it.
HELD = frozenset({"_frame", "_customers", "_codes", "_texts", "_source"})
# Each exit, and who may use it: the charged ones first.
EXITS = {
    "redeem": {PRIVATE},
    "samples": {"pipeline/fitting.py"},
    "private_table": {"pipeline/fitting.py", "pipeline/resuming.py"},
    "unit_numbers": {"pipeline/fitting.py"},
    "customer_names": {"pipeline/fitting.py"},
    "row_count": {"pipeline/canaries.py", "pipeline/run.py", "pipeline/twin.py"},
    "salted_hash": {"pipeline/canaries.py"},
    "real_rows": {"pipeline/judging.py", "pipeline/reporting.py"},
    "kept_in_frame": {
        OWNERS,
        "audit/inputs.py",
        "pipeline/reference_fits.py",
        "pipeline/reporting.py",
    },
    "left_out_frame": {OWNERS, "audit/inputs.py"},
    "canary_codes": {"pipeline/white_box.py"},
    "conforming": {
        "api/jobs.py",
        "cli/judge.py",
        "cli/reports.py",
        "pipeline/interrupted.py",
        "pipeline/run.py",
    },
    "undeclared_texts": {
        "api/jobs.py",
        "cli/judge.py",
        "pipeline/interrupted.py",
        "pipeline/run.py",
    },
    "rows_of_foreign_audit": {"pipeline/foreign_tables.py"},
}
# Names of exits that other things have too: only calls with a receipt, or on a table as read, are
# meant.
COMMON_EXITS = {
    "rows": {"measurement/looks.py"},
    "customers": {"measurement/looks.py"},
    "codes": {"measurement/looks.py"},
    "review": {"api/schema.py", "cli/schema_review.py"},
    "draft": {"api/schema.py", "cli/tables.py"},
}
# What a receipt is called, and what hands one out.
RECEIPTS = frozenset({"receipt", "charge", "mint", "_charged", "rest_of"})
# Functions that read rows or hold them, and who may call them.
CALLS = {
    "read_source": {OWNERS, "table/files.py"},
    "read_table": {"sources/"},
    "mint": {"ledger/runs.py"},
    "Samples": {PRIVATE},
    "PrivateTable": {PRIVATE, OWNERS},
    "OwnersTable": {OWNERS, "pipeline/reference_fits.py", "pipeline/twin.py"},
    "RealRows": {OWNERS},
    "TableAsRead": set(),
    "read_aloud": {"cli/", "pipeline/run.py"},
    "SourceTable": {OWNERS, "sources/"},
    "conform": {
        OWNERS,
        "pipeline/foreign_tables.py",
        "pipeline/read_candidate.py",
        "pipeline/twin.py",
        "pipeline/writing.py",
    },
    "customer_names": {OWNERS},
    "undeclared_texts": {OWNERS},
    "draft_schema": {OWNERS, "api/schema.py", "pipeline/foreign_tables.py"},
    "violations": {OWNERS, "audit/fidelity/coverage.py"},
    "broken_constraints": {OWNERS},
    "suspicions": {OWNERS},
    "rows_over_limit": {OWNERS, "drafting/review_sight.py"},
    "Review": {OWNERS},
    "read_csv": {"release/", "sources/"},
    "read_parquet": {"pipeline/read_candidate.py"},
}
# Who may take or give a frame above the tables: each is synthetic, simulated, or listed for the
# audit.
FRAMES = {
    "api/synthesizer.py": {"chunks", "sample"},
    "pipeline/foreign_tables.py": {
        "_legible",
        "_columns_apart",
        "_drafted",
        "_drafted_schema",
        "_conformed",
    },
    "generator/row_sampler.py": {"chunk"},
    "measurement/looks.py": {"values"},
    "pipeline/read_candidate.py": {"synthetic"},
    "pipeline/reference_fits.py": {"fitted_sample"},
    "pipeline/writing.py": {"noisy_figures"},
}
ABOVE = ("api/", "cli/", "generator/", "measurement/", "pipeline/", "planning/", "policy/")
# Modules that may name the types in which rows travel.
HOLDERS = {
    "TableAsRead": {
        OWNERS,
        "api/checking.py",
        "api/jobs.py",
        "api/schema.py",
        "cli/options.py",
        "pipeline/foreign_tables.py",
        "pipeline/interrupted.py",
        "pipeline/request.py",
        "pipeline/run.py",
    },
    "OwnersTable": {
        OWNERS,
        "pipeline/canaries.py",
        "pipeline/fitting.py",
        "pipeline/judging.py",
        "pipeline/reference_fits.py",
        "pipeline/reporting.py",
        "pipeline/resuming.py",
        "pipeline/run.py",
        "pipeline/twin.py",
    },
    "PrivateTable": {OWNERS, PRIVATE, "measurement/looks.py", "pipeline/fitting.py"},
    "Samples": {PRIVATE, "generator/refine.py"},
    "RealRows": {
        OWNERS,
        "audit/inputs.py",
        "pipeline/judging.py",
        "pipeline/reference_fits.py",
        "pipeline/white_box.py",
    },
    "AuditTables": {
        "api/auditing.py",
        "audit/inputs.py",
        "audit/suite.py",
        "pipeline/foreign_tables.py",
    },
    "AuditInputs": {"audit/inputs.py", "audit/suite.py", "pipeline/judging.py"},
    "UndeclaredTexts": {OWNERS, UNDECLARED, "pipeline/scanning.py"},
}


def trespasses() -> Iterator[str]:
    """Every place that takes rows other than by a door, as a line each."""
    for module, text in SOURCES.items():
        for node in ast.walk(ast.parse(text)):
            for told in _offences(module, node):
                yield f"{module}:{getattr(node, 'lineno', 0)} {told}"


def _offences(module: str, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute):
        yield from _attribute(module, node)
    elif isinstance(node, ast.Call):
        yield from _call(module, node)
    elif isinstance(node, ast.FunctionDef):
        yield from _frames(module, node)
    elif isinstance(node, ast.ImportFrom):
        yield from _holders(module, node)


def _attribute(module: str, node: ast.Attribute) -> Iterator[str]:
    of_itself = isinstance(node.value, ast.Name) and node.value.id == "self"
    if node.attr in HELD and not of_itself and module not in DOORS:
        yield f"reads {node.attr} of another object"
    if node.attr in {"__dict__", "__getattribute__"}:
        yield f"reads {node.attr}, past every exit"
    if node.attr in EXITS and not _listed(module, EXITS[node.attr]) and not _is_module(node.value):
        yield f"uses the exit {node.attr}"


def _call(module: str, node: ast.Call) -> Iterator[str]:
    if isinstance(node.func, ast.Attribute):
        yield from _method(module, node, node.func)
    elif isinstance(node.func, ast.Name):
        name = node.func.id
        if not _listed(module, CALLS.get(name, {module})):
            yield f"calls {name}"
        if name in {"getattr", "setattr", "vars"} and _names_held(node):
            yield "reads by its name what a table holds"


def _method(module: str, node: ast.Call, method: ast.Attribute) -> Iterator[str]:
    name = method.attr
    if name.startswith("read_") and not _listed(module, CALLS.get(name, {module})):
        yield f"calls {name}"
    of_a_table = not _is_module(method.value) and _on_a_table(node)
    if of_a_table and not _listed(module, COMMON_EXITS.get(name, {module})):
        yield f"uses the exit {name}"


def _on_a_table(node: ast.Call) -> bool:
    """Whether a call hands in a receipt, or is made on something that is called a table."""
    given = [part for argument in node.args for part in ast.walk(argument)]
    names = {getattr(part, "id", "") or getattr(part, "attr", "") for part in given}
    return bool(names & RECEIPTS) or "table" in ast.unparse(node.func).split(".")


def _names_held(node: ast.Call) -> bool:
    return any(isinstance(part, ast.Constant) and part.value in HELD for part in node.args)


def _frames(module: str, node: ast.FunctionDef) -> Iterator[str]:
    if not module.startswith(ABOVE) or node.name in FRAMES.get(module, ()):
        return
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    annotations = [part.annotation for part in arguments if part.annotation] + (
        [node.returns] if node.returns else []
    )
    if any("DataFrame" in ast.unparse(annotation) for annotation in annotations):
        yield f"takes or gives a bare frame, in {node.name}"


def _holders(module: str, node: ast.ImportFrom) -> Iterator[str]:
    for alias in node.names:
        if alias.name in HOLDERS and not _listed(module, HOLDERS[alias.name]):
            yield f"holds {alias.name}"


def _is_module(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in {
        "np",
        "pd",
        "click",
        "hashlib",
        "accountant",
    }


def _listed(module: str, allowed: set[str]) -> bool:
    return any(
        module == place or (place.endswith("/") and module.startswith(place)) for place in allowed
    )

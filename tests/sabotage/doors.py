"""List the modules that may take rows, and check the package's source against the list.

``SOURCES`` holds the text of every module, so that a way of breaking the code may change one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "privgan"
SOURCES = {
    path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
}

PRIVATE, OWNERS, UNDECLARED, UNDECLARED_TABLES, RELATED = (
    "owner/private_table.py",
    "owner/owners_table.py",
    "owner/undeclared.py",
    "owner/undeclared_tables.py",
    "owner/related_rows.py",
)
DOORS = frozenset({PRIVATE, OWNERS, UNDECLARED, UNDECLARED_TABLES, RELATED})
# What the tables hold; nobody but they themselves may name it.
HELD = frozenset(
    {
        *("_frame", "_customers", "_codes", "_texts", "_source", "_whole"),
        *("_child_tables", "_related_rows"),
    }
)
AUDIT_INPUTS = ("audit/inputs.py", "audit/bounded.py", "audit/prepared.py")
# Each exit, and who may use it: the charged ones first.
EXITS = {
    "redeem": {PRIVATE},
    "samples": {"pipeline/private_training.py"},
    "summed": {f"measurement/{name}.py" for name in ("interactions", "looks", "measure")},
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
    "kept_in_units": {OWNERS, *AUDIT_INPUTS},
    "left_out_units": {OWNERS, *AUDIT_INPUTS},
    "canary_codes": {"pipeline/white_box.py"},
    "canary_histories": {"pipeline/white_box.py"},
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
    "write_features": {"api/features.py", "cli/features.py"},
    "related_sides": {OWNERS, "audit/inputs.py"},
    "audited": {OWNERS},
    "typed_frames": {OWNERS, RELATED},
    "read_frames": {OWNERS, RELATED},
}
# Names of exits that other things have too: only calls with a receipt, or on a table as read, are
# meant.
COMMON_EXITS = {
    "rows": {"measurement/looks.py"},
    "customers": {"measurement/looks.py"},
    "codes": {"measurement/looks.py"},
    "view": {PRIVATE, "pipeline/fitting.py"},
    "review": {"api/schema.py", "cli/schema_review.py"},
    "draft": {"api/schema.py", "cli/tables.py"},
}
# What a receipt is called, and what hands one out.
RECEIPTS = frozenset({"receipt", "charge", "mint", "_charged", "rest_of"})
# Functions that read rows or hold them, and who may call them.
CALLS = {
    # Profiles are a person's own wishes: they reach sampling alone, and no fit.
    "read_source": {
        OWNERS,
        UNDECLARED_TABLES,
        "table/files.py",
        "table/past_events.py",
        "table/profiles.py",
    },
    # Tables without a schema are read to draft one, by their owner.
    "read_undeclared": {"api/schema.py", "cli/options.py"},
    "read_to_draft": {"cli/tables.py"},
    "UndeclaredTables": {UNDECLARED_TABLES},
    "draft_related": {UNDECLARED_TABLES},
    "read_profiles": {"api/sampling.py", "cli/sampling.py", "pipeline/recommending.py"},
    # So are past events of which the next one is wanted.
    "read_past_events": {"pipeline/recommending.py"},
    "profiles_of": {"table/profiles.py"},
    # Of a folder's files the names of the columns are read.
    "stream_source": {"features/building.py", "sources/listing.py"},
    "build_features": {OWNERS},
    "FeatureTable": {"features/building.py"},
    # Synthetic rows are linked too.
    "linked": {RELATED, "drafting/related_draft.py", "pipeline/read_candidate.py"},
    "typed_rows": {OWNERS, RELATED},
    "RelatedRows": {RELATED},
    "RelatedReading": set(),
    "read_table": {"sources/"},
    "mint": {"ledger/runs.py"},
    "CodedRows": {PRIVATE},
    "Samples": {PRIVATE},
    "WholeRows": {OWNERS, PRIVATE, RELATED},
    "RelatedWhole": {RELATED},
    "related_view": {RELATED},
    # Past events that somebody asks about are seen as the model's are, and no fit sees them.
    "history_view": {PRIVATE, "parts/next_event.py", "pipeline/writing.py"},
    "next_events": {"pipeline/recommending.py"},
    "batch": {"generator/likelihood.py", "generator/refine.py"},
    "PrivateTable": {PRIVATE, OWNERS},
    "OwnersTable": {OWNERS, "pipeline/reference_fits.py", "pipeline/twin.py"},
    "RealRows": {OWNERS},
    "TableAsRead": set(),
    "read_aloud": {"cli/", "pipeline/run.py"},
    "SourceTable": {OWNERS, "features/building.py", "sources/"},
    "SourceStream": {"sources/"},
    "conform": {
        OWNERS,
        "answers/asking.py",
        "pipeline/foreign_tables.py",
        "pipeline/read_candidate.py",
        "pipeline/twin.py",
        "pipeline/writing.py",
    },
    "customer_names": {OWNERS},
    "undeclared_texts": {OWNERS},
    "draft_schema": {OWNERS, "api/schema.py", "pipeline/foreign_tables.py"},
    "violations": {OWNERS, "audit/fidelity/coverage.py"},
    "task_violations": {OWNERS},
    "broken_constraints": {OWNERS, RELATED},
    "suspicions": {OWNERS, RELATED},
    "rows_over_limit": {OWNERS, "drafting/review_sight.py"},
    "Review": {OWNERS},
    "read_csv": {"release/", "sources/"},
    "read_parquet": {"pipeline/read_candidate.py"},
}
# Who may take or give a frame above the tables: each is synthetic, simulated, or listed for the
# audit.
FRAMES = {
    "api/recommending.py": {"recommend"},
    "api/related_tables.py": {"sample_tables"},
    "api/sampling.py": {"_completed", "sample"},
    "cli/sampling.py": {"rows_of"},
    "pipeline/foreign_tables.py": {
        "_legible",
        "_columns_apart",
        "_drafted",
        "_drafted_schema",
        "_conformed",
    },
    "generator/calendar.py": {"kept"},
    "generator/child_draws.py": {
        *("of", "_nothing", "_block", "_above", "_rows", "_drawn", "_decoded", "_holds", "_held"),
    },
    "generator/related_sampler.py": {"chunk", "_drawn", "_finished"},
    "generator/exchanges.py": {
        *("exchanged", "of", "_scaled", "_squared", "_ordinary", "_classes", "_allowed", "_dealt"),
    },
    "generator/history_draws.py": {
        *("of", "_block", "_coded", "_event", "_own", "_alone", "_held", "_holds", "_drawn"),
    },
    "generator/ordered_draws.py": {"of"},
    "generator/history_sampler.py": {"chunk", "_in_periods", "_presented"},
    "generator/completion.py": {"_typed"},
    "generator/recommendations.py": {"frame"},
    "generator/row_sampler.py": {"chunk", "finished", "typed"},
    "generator/strata.py": {"chunk"},
    "measurement/looks.py": {"values"},
    "pipeline/read_candidate.py": {"synthetic"},
    "pipeline/reference_fits.py": {"fitted_sample"},
    "pipeline/writing.py": {"noisy_figures", "_compared", "_of_root", "_coded"},
    "pipeline/writing_related.py": {"write_related", "_written"},
}
ABOVE = (
    "answers/",
    "api/",
    "cli/",
    "generator/",
    "measurement/",
    "pipeline/",
    "planning/",
    "policy/",
)
# Modules that may name the types in which rows travel.
HOLDERS = {
    "TableAsRead": {
        OWNERS,
        UNDECLARED_TABLES,
        "api/checking.py",
        "api/features.py",
        "api/jobs.py",
        "api/schema.py",
        "cli/options.py",
        "pipeline/foreign_tables.py",
        "pipeline/interrupted.py",
        "pipeline/request.py",
        "pipeline/run.py",
    },
    "UndeclaredTables": {UNDECLARED_TABLES, "api/schema.py", "cli/options.py"},
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
    "PrivateTable": {OWNERS, PRIVATE, "measurement/looks.py", "pipeline/job.py"},
    "Samples": {
        PRIVATE,
        "generator/likelihood.py",
        "generator/private_phase.py",
        "generator/refine.py",
    },
    "CodedRows": {
        PRIVATE,
        "measurement/interactions.py",
        "measurement/looks.py",
        "measurement/measure.py",
    },
    "WholeRows": {OWNERS, PRIVATE, RELATED},
    "RelatedWhole": {RELATED},
    "View": {PRIVATE, RELATED, "parts/related_views.py"},
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
    "AuditInputs": {*AUDIT_INPUTS, "audit/suite.py", "pipeline/judging.py"},
    "UndeclaredTexts": {OWNERS, UNDECLARED, "pipeline/scanning.py"},
    "RelatedRows": {OWNERS, RELATED},
    "RelatedFrames": {
        OWNERS,
        RELATED,
        "audit/inputs.py",
        "audit/related/customers.py",
        "audit/related/tables.py",
        "parts/related_views.py",
        "pipeline/read_candidate.py",
    },
    "RelatedFacts": {"audit/inputs.py", "audit/related/tables.py"},
    "RelatedReading": {OWNERS, RELATED},
    "Links": {RELATED, "drafting/related_draft.py"},
}


SEALED = (
    "AuditInputs",
    "AuditTables",
    "CodedRows",
    "OwnersTable",
    "PrivateTable",
    "RealRows",
    "RelatedFacts",
    "RelatedReading",
    "RelatedRows",
    "Samples",
    "TableAsRead",
    "UndeclaredTables",
    "WholeRows",
)
PAST_EXITS = frozenset(
    {"__dict__", "__getattribute__", "__getstate__", "attrgetter", "methodcaller"}
)
# Who may read attributes by names that stand in no source.
BUILT: dict[str, set[str]] = {"attrgetter": set(), "methodcaller": set()}


def trespasses() -> Iterator[str]:
    """Every place that takes rows other than by a door, as a line each.

    It reads names, as a linter does: it finds slips and shows intent. Who builds names at run time
    in a way of his own is stopped by review alone.
    """
    return (told for module, text in SOURCES.items() for told in _of_module(module, text))


@cache
def _of_module(module: str, text: str) -> tuple[str, ...]:
    tree = ast.parse(text)
    meant = dict(_aliases(tree))
    methods = {part for kind in ast.walk(tree) for part in _methods_of(kind)}
    return tuple(
        f"{module}:{getattr(node, 'lineno', 0)} {told}"
        for node in ast.walk(tree)
        for told in (*_offences(module, node, meant), *_played(node, methods))
    )


def _aliases(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Names given by ``import … as``, with what they mean."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((part.asname, part.name) for part in node.names if part.asname)


def _methods_of(node: ast.AST) -> list[ast.AST]:
    return [*node.body] if isinstance(node, ast.ClassDef) else []


def _offences(module: str, node: ast.AST, meant: Mapping[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Attribute):
        yield from _attribute(module, node)
    elif isinstance(node, ast.Call):
        yield from _call(module, node, meant)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from _frames(module, node)
    elif isinstance(node, ast.ImportFrom):
        yield from _holders(module, (alias.name for alias in node.names))
    elif isinstance(node, ast.ClassDef) and module not in DOORS:
        bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        yield from (f"makes a kind of {meant.get(base, base)}" for base in bases & set(SEALED))
    elif isinstance(node, ast.MatchClass) and HELD & set(node.kwd_attrs):
        yield "matches what a table holds"
    elif isinstance(node, ast.Constant) and node.value in HELD and module not in DOORS:
        yield "names by a text what a table holds"


def _played(node: ast.AST, methods: set[ast.AST]) -> Iterator[str]:
    """A function outside of a class that takes what a method reads of its object."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        first = [argument.arg for argument in node.args.args[:1]]
        reads = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
        if first == ["self"] and node not in methods and reads & HELD:
            yield "reads as a method what a table holds"


def _attribute(module: str, node: ast.Attribute) -> Iterator[str]:
    of_itself = isinstance(node.value, ast.Name) and node.value.id == "self"
    if node.attr in HELD and not of_itself and module not in DOORS:
        yield f"reads {node.attr} of another object"
    if node.attr in PAST_EXITS and module not in DOORS:
        yield f"reads {node.attr}, past every exit"
    if node.attr in EXITS and not _listed(module, EXITS[node.attr]) and not _is_module(node.value):
        yield f"uses the exit {node.attr}"
    of_a_table = ast.unparse(node.value).rpartition(".")[2] == "table"
    allowed = COMMON_EXITS["rows"]
    if node.attr == "rows" and of_a_table and module.startswith(ABOVE):
        yield from () if _listed(module, allowed) else ("takes the exit rows along",)
    yield from _holders(module, (node.attr,))


def _call(module: str, node: ast.Call, meant: Mapping[str, str]) -> Iterator[str]:
    if isinstance(node.func, ast.Attribute):
        yield from _method(module, node, node.func)
    elif isinstance(node.func, ast.Name):
        name = meant.get(node.func.id, node.func.id)
        if not _listed(module, CALLS.get(name, {module})):
            yield f"calls {name}"
        if name in {"getattr", "setattr", "vars"} and _names_held(node):
            yield "reads by its name what a table holds"
        if name in BUILT and not _listed(module, BUILT[name]):
            yield f"reads by a built name, with {name}"


def _method(module: str, node: ast.Call, method: ast.Attribute) -> Iterator[str]:
    name = method.attr
    if name not in EXITS and not _listed(module, CALLS.get(name, {module})):
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


def _frames(module: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    if not module.startswith(ABOVE) or node.name in FRAMES.get(module, ()):
        return
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    annotations = [part.annotation for part in arguments if part.annotation] + (
        [node.returns] if node.returns else []
    )
    if any("DataFrame" in ast.unparse(annotation) for annotation in annotations):
        yield f"takes or gives a bare frame, in {node.name}"


def _holders(module: str, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if name in HOLDERS and not _listed(module, HOLDERS[name]):
            yield f"holds {name}"


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

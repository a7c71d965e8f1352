"""Collect texts that are public by construction.

They are functions of the schema, of the public grid, or of the process. A real value equal to one
of them reveals nothing, and no release is refused because of it.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files as packaged
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
import pandas as pd

from privgan.domain.cells import MAX_CELLS, Cells, cells_of
from privgan.pipeline.candidate_record import CandidateRecord
from privgan.privacy import accountant
from privgan.release.guarantee import statement
from privgan.release.manifest import ReleaseFacts
from privgan.release.versions import versions
from privgan.report.shapes import written
from privgan.schema.columns import Discrete, Numeric, Source, Temporal
from privgan.schema.schema import Schema
from privgan.table.schema_file import dump_schema

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+00:00\Z")
_HEX = re.compile(r"[0-9a-f]{32}\Z")
_OWN_TEXTS = (".json", ".j2", ".css", ".yaml")
# Invented people for demonstrations; their names are no words of the package.
_NO_OWN_WORDS = frozenset({"demo", "__pycache__"})


def schema_text(schema: Schema, max_cells: int = MAX_CELLS) -> str:
    """The schema as its file writes it, each of its texts, and the labels of its grid.

    Args:
        schema: The schema; a column that is still to be measured has no grid yet.
        max_cells: The most intervals of a numeric or temporal column.
    """
    closed = [column for column in schema.modelled if isinstance(column, Numeric | Temporal)]
    grid = [label for column in closed for label in _edge_labels(cells_of(column, max_cells))]
    written = dump_schema(schema)
    # Inside a JSON text its line ends are escaped, and the letter of an escape joins the word that
    # follows.
    escaped = json.dumps(written, ensure_ascii=False)
    return "\n".join([written, escaped, *texts_in(schema.to_json()), *grid])


def measured_text(schema: Schema, max_cells: int) -> str:
    """The measured and charged facts of a schema's columns.

    Categories, bounds, and the labels of their grid.

    Args:
        schema: The released schema.
        max_cells: The most intervals of a numeric or temporal column.
    """
    found: list[str] = []
    for column in schema.modelled:
        if Source.MEASURED not in column.sources.values():
            continue
        if isinstance(column, Discrete):
            found += [
                *column.categories,
                *(json.dumps(text, ensure_ascii=False) for text in column.categories),
            ]
        elif isinstance(column, Numeric | Temporal):
            bare = replace(column, description="", name="x")
            alone = replace(schema, columns=(bare,), constraints=(), target=None)
            alone = replace(alone, events=None, features=(), root="", tables=())
            found += [
                *_edge_labels(cells_of(column, max_cells)),
                dump_schema(alone),
                *texts_in(alone.to_json()),
            ]
    return "\n".join(found)


def own_words(schema: Schema) -> str:
    """All texts that privgan and the formats of its files write by themselves."""
    return f"{_words_of_package()}\n{_format_words(schema)}"


def fit_text(record: CandidateRecord, schema: Schema) -> str:
    """A fit's texts that no row changes: names, hashes, versions, and the claim.

    Args:
        record: The candidate's record.
        schema: The released schema.
    """
    budget = record.guarantee.budget
    claims = [] if budget is None else [statement(budget, schema)]
    hashes = [record.run, record.canaries.commitment, schema.fingerprint()]
    named = [f"{name} {version}" for name, version in versions().items()]
    steps = [step.name for step in record.accounting]
    return "\n".join([*hashes, *named, *steps, accountant.accountant_version(), *claims])


def release_text(facts: ReleaseFacts, head: str) -> str:
    """A release's texts about its making, as far as they have their required form.

    Args:
        facts: What the manifest says; what has another form is not taken from it.
        head: The ledger's newest entry.
    """
    named = [f"{name} {version}" for name, version in versions().items()]
    found = [
        text
        for form, text in ((_MOMENT, facts.created), (_HEX, facts.release_id))
        if form.match(text)
    ]
    day, _, clock = facts.created.partition("T")
    moment = [day, clock[:8]] if _MOMENT.match(facts.created) else []
    return "\n".join([*found, *moment, head, *named])


def texts_in(value: Any) -> Iterator[str]:
    """Every text of a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield str(key)
            yield from texts_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from texts_in(part)


def _edge_labels(cells: Cells) -> Iterator[str]:
    """The label of each value at which a bin of the column can begin or end."""
    steps = np.concatenate([cells.starts, cells.starts + cells.lengths - 1])
    numbers = np.concatenate([cells.origin + steps * cells.step, np.array(cells.special)])
    yield from written(np.unique(numbers), cells.column)


@cache
def _words_of_package() -> str:
    """Every text that privgan can write by itself."""
    return "\n".join(_package_texts(packaged("privgan")))


def _package_texts(folder: Traversable) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name not in _NO_OWN_WORDS:
            yield from _package_texts(entry)
        elif entry.name.endswith(".py"):
            yield from _words_of_code(entry.read_text(encoding="utf-8"))
        elif entry.name.endswith(_OWN_TEXTS):
            yield entry.read_text(encoding="utf-8")


def _words_of_code(code: str) -> Iterator[str]:
    """Texts, and names that become keys.

    Docstrings and comments are left out, since they are never written.
    """
    tree = ast.parse(code)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) not in prose:
            yield from _word_of(node)


def _word_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.arg | ast.keyword):
        yield node.arg or ""


def _format_words(schema: Schema) -> str:
    """The texts of an empty Parquet file with these columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.Table.from_pandas(
            pd.DataFrame({name: [] for name in schema.names}), preserve_index=False
        ),
        sink,
    )
    return bytes(sink.getvalue()).decode("utf-8", "replace")

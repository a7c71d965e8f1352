"""Scan a candidate for what must stay inside, while the real table is at hand. INTERNAL: it reads real rows."""

from __future__ import annotations

import ast
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files as packaged
from importlib.resources.abc import Traversable
from typing import Any

import pandas as pd

from privgan.errors import PolicyFailedError
from privgan.pipeline.candidate import Candidate
from privgan.policy.facts import FactValue
from privgan.progress import Progress
from privgan.release.needles import LONGEST, SHORTEST, SHORTEST_TEXT, Matcher, NeedleKind, Needles
from privgan.release.scan import scan_files
from privgan.table.columns import Column, Discrete, Kind, Numeric, Temporal
from privgan.table.conform import canonical_text
from privgan.table.schema import Schema
from privgan.table.schema_file import dump_schema, load_schema

FORMAT, SCAN_FILE = "privgan.scan/1", "internal-scan.json"
FACT = "artefacts.findings"
_OWN_TEXTS = (".json", ".j2", ".css", ".yaml")
# Invented people for demonstrations: they are nobody's words.
_NO_OWN_WORDS = frozenset({"demo", "__pycache__"})


def needles_of(table: pd.DataFrame, schema: Schema) -> Needles:
    """What must not leave of a table: identifiers, personal values, and every text that the schema does not declare.

    Args:
        table: The table as read, before any value was mapped into the schema [rows, columns].
        schema: The schema.
    """
    values: dict[str, NeedleKind] = {}
    for column in schema.columns:
        if column.name in table:
            kind, least = _kind(column, schema)
            for text in _private_texts(table[column.name], column, schema.missing_markers):
                if len(text) >= least:
                    values.setdefault(text[:LONGEST], kind)
    declared = dump_schema(schema) + "\n".join(_texts_in(schema.to_json()))
    values = _without(values, f"{declared}\n{_own_words()}\n{_format_words(schema)}")
    return Needles(values=values, schema=schema, declared=declared)


def _without(values: Mapping[str, NeedleKind], public: str) -> dict[str, NeedleKind]:
    """The values that a public text does not hold: where it stands, so do they."""
    hits = Matcher(values).hits(public.encode("utf-8", "replace"))
    found = {hit.value.decode() for hit in hits if hit.whole or not hit.digits}
    return {value: kind for value, kind in values.items() if value not in found}


def scan_candidate(candidate: Candidate, table: pd.DataFrame, progress: Progress | None = None) -> Needles:
    """Search everything that would leave of a candidate, and write what was found beside the audit.

    Args:
        candidate: The candidate.
        table: The table that it was fitted on, as read.
        progress: Tells the owner.

    Returns:
        What was looked for, for the release's own scan.

    Raises:
        InternalError: when anything was found: a bug in privgan; the candidate cannot be released any more.
    """
    needles = needles_of(table, load_schema(candidate.schema))
    hashes = candidate.hashes()
    scan = scan_files({name: candidate.folder / name for name in hashes}, needles)
    record = {
        "format": FORMAT,
        "candidate": _fingerprint(hashes),
        "looked_for": dict(Counter(str(kind) for kind in needles.values.values())),
        **scan.to_json(),
    }
    candidate.write_internal(SCAN_FILE, json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False))
    if progress:
        progress.say(f"scan: {len(scan.files)} files searched; {len(scan.findings)} findings (INTERNAL)")
    scan.require_clean()
    return needles


def scan_facts(candidate: Candidate) -> dict[str, FactValue]:
    """The number of findings as a fact; INTERNAL. Empty where no scan of these very files has run."""
    scan = read_scan(candidate)
    if scan is None or scan["candidate"] != _fingerprint(candidate.hashes()):
        return {}
    return {FACT: len(scan["findings"])}


def read_scan(candidate: Candidate) -> dict[str, Any] | None:
    """What a scan wrote, or None where none has run."""
    path = candidate.internal / SCAN_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def refuse_findings(candidate: Candidate) -> None:
    """Refuse a candidate in which a scan found what must stay inside, whatever a policy says.

    Raises:
        PolicyFailedError: There are findings.
    """
    scan = read_scan(candidate)
    if scan is not None and scan["findings"]:
        raise PolicyFailedError(
            f"{candidate.internal / SCAN_FILE}: {len(scan['findings'])} findings of what must stay inside; this candidate "
            "cannot be released. Report it as a bug in privgan"
        )


def with_declared(needles: Needles, *values: Any) -> Needles:
    """The same needles, with the texts of more public JSON values declared: the policy's and the context's."""
    texts = "\n".join(text for value in values for text in _texts_in(value))
    return replace(needles, values=_without(needles.values, texts), declared=f"{needles.declared}\n{texts}")


def _fingerprint(hashes: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()


def _kind(column: Column, schema: Schema) -> tuple[NeedleKind, int]:
    if column.name == schema.unit.column or column.kind is Kind.IDENTIFIER:
        return NeedleKind.IDENTIFIER, SHORTEST
    if column.invented and column.kind is not Kind.TEXT:
        return NeedleKind.PII, SHORTEST
    return (NeedleKind.PII if column.invented else NeedleKind.TEXT), SHORTEST_TEXT


def _private_texts(values: pd.Series, column: Column, markers: tuple[str, ...]) -> Iterator[str]:
    """The distinct texts of a column that its declared domain does not hold."""
    distinct = pd.Series(values.dropna().unique(), dtype=object)
    if isinstance(column, Numeric):
        distinct = distinct[pd.to_numeric(distinct, errors="coerce").isna()]
    elif isinstance(column, Temporal):
        if pd.api.types.is_datetime64_any_dtype(values):
            return
        distinct = distinct[pd.to_datetime(distinct.map(str), format=column.format, errors="coerce").isna()]
    known = {*markers, *(column.categories if isinstance(column, Discrete) else ())}
    for value in distinct:
        text = canonical_text(value).strip()
        if text not in known:
            yield text


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield str(key)
            yield from _texts_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts_in(part)


@cache
def _own_words() -> str:
    """Everything that privgan can write by itself: a real value that is one of its words says nothing where it stands."""
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
    """Texts and names, which become keys; not the prose of docstrings and comments, which is never written anywhere."""
    tree = ast.parse(code)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg | ast.keyword):
            yield node.arg or ""


def _format_words(schema: Schema) -> str:
    """What the Parquet format says about a table with these columns and no row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(pd.DataFrame({name: [] for name in schema.names}), preserve_index=False), sink)
    return bytes(sink.getvalue()).decode("utf-8", "replace")

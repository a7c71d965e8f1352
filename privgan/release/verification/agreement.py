"""Check that the files of a release agree: manifest, schema, plan, model, tables, report.

Someone who can write all files can also list fresh hashes. Derived content is computed again here,
and compared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from privgan.errors import PrivganError
from privgan.files.limits import BYTES_A_SECOND, MB, TABLES_MEGABYTES, TABLES_SECONDS
from privgan.files.safe_open import ChangedError
from privgan.naming import parameter
from privgan.release.manifest import Manifest
from privgan.release.table_files import ALLOWED_FILES, MARGINALS
from privgan.release.verification import released as opened
from privgan.release.verification.accounting import accounting_problems
from privgan.release.verification.claim import claim_problems
from privgan.release.verification.dependence import dependence_problems
from privgan.release.verification.marginals import marginal_problems
from privgan.release.verification.model import model_problems
from privgan.release.verification.outcome import outcome_problems
from privgan.release.verification.plan import is_planned_again, plan_problems
from privgan.release.verification.related import listed_problems, unknown_files
from privgan.release.verification.released import CSV, MODEL, PARQUET, REPORT, SCHEMA, Released
from privgan.release.verification.report import report_problems
from privgan.release.verification.sandbox import GuardedError, run_guarded
from privgan.release.verification.table import table_findings
from privgan.table.schema_file import dump_schema

_KNOWN: dict[str, list[str]] = {}
_MOST_KNOWN = 32
_TABLES = (".parquet", ".csv")
_Check: TypeAlias = Callable[[Released], Iterator[str]]
# Errors that damaged or hostile values cause in the comparison.
_UNREADABLE = (
    PrivganError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    OSError,
)


def meaning_problems(folder: Path, manifest: Manifest, *, vouched: bool) -> Iterator[str]:
    """Contradictions between the files of a release, a sentence each.

    The tables are read only where all else agrees.

    Args:
        folder: A release whose files have the hashes and the forms that they should have.
        manifest: Its manifest.
        vouched: Whether a believed key signed it: then the words of a report that cannot be made
            again are its signer's.
    """
    if accounting_problems(manifest):
        return  # Reported already; the later checks need valid events.
    released = Released(folder, manifest)
    if not (released.ours or vouched or released.version in opened.AS_STATED):
        yield (
            f"privgan {ascii(released.version)[:60]} made it, whose plans and reports this privgan"
            " cannot make again: verify it with that version, or give the key of who signed it"
            f" with {parameter('key')}"
        )
        return
    found = [problem for name, check in _CHECKS for problem in _told(name, check, released)]
    yield from found
    if not found and released.holds(SCHEMA) and released.holds(PARQUET):
        yield from _told(PARQUET, _tables, released)


def agreement_notes(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Parts that could not be compared, a sentence each.

    Args:
        folder: A release in which nothing is wrong.
        manifest: Its manifest.
    """
    released = Released(folder, manifest)
    if not released.ours:
        said = ascii(released.version)[:60]
        yield f"privgan {said} made it: its plan and its report were not made again"
    elif not released.same_words:
        said = ascii(released.version)[:60]
        yield (
            f"privgan {said} made it: the figures of its report were worked out again, its words"
            " were not; without a signature anybody may have written them"
        )
    if released.ours and released.holds(SCHEMA) and not is_planned_again(released.schema):
        yield "it has very many columns or categories: its plan was not made again"
    if released.holds(CSV) and not released.holds(PARQUET):
        yield f"it holds no {PARQUET}: the rows of {CSV} were not compared"


def _told(name: str, check: _Check, released: Released) -> Iterator[str]:
    try:
        yield from check(released)
    except (GuardedError, ChangedError) as error:
        yield f"{name}: {error}"
    except _UNREADABLE as error:
        why = f"({type(error).__name__}): it is not written in full"
        yield f"{name}: cannot be compared with the rest {why}"


def _missing(released: Released) -> Iterator[str]:
    """Required files that a release lacks."""
    needed = (
        ()
        if released.version in opened.AS_STATED
        else ALLOWED_FILES
        if released.ours
        else (SCHEMA,)
    )
    for name in needed:
        if not released.holds(name):
            yield f"{name}: is missing, and every release of privgan holds it"


def _related(released: Released) -> Iterator[str]:
    """Related tables and their files as the manifest lists them."""
    if released.holds(SCHEMA):
        yield from (*listed_problems(released), *unknown_files(released))


def _schema_text(released: Released) -> Iterator[str]:
    """Check the schema's text; a comment in it would be an unchecked claim."""
    if not (released.ours and released.holds(SCHEMA)):
        return
    if released.content(SCHEMA) != dump_schema(released.schema).encode():
        yield f"{SCHEMA}: is not written as privgan writes it: it holds more than its facts"


def _tables(released: Released) -> Iterator[str]:
    """The tables' problems, found in a separate process: pyarrow reads a foreign file."""
    listed, raw = released.manifest.files, released.manifest.raw
    size = sum(entry.bytes for name, entry in listed.items() if name.endswith(_TABLES))
    # The manifest lists a hash of every file, and these are compared with what is read.
    told = json.dumps(raw, sort_keys=True)
    digest = hashlib.sha256(told.encode()).hexdigest()
    if digest not in _KNOWN:
        while len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.pop(next(iter(_KNOWN)))
        found = run_guarded(
            table_findings,
            str(released.folder.absolute()),
            dict(raw),
            seconds=TABLES_SECONDS + size / BYTES_A_SECOND,
            megabytes=TABLES_MEGABYTES + 20 * size // MB,
        )
        problems: list[str] = found["problems"]
        _KNOWN[digest] = problems or list(dependence_problems(released, found["first"]))
    yield from _KNOWN[digest]


_CHECKS: tuple[tuple[str, _Check], ...] = (
    ("the release", _missing),
    (SCHEMA, _schema_text),
    ("the tables", _related),
    ("manifest.json", claim_problems),
    ("plan", plan_problems),
    ("policy", outcome_problems),
    (MODEL, model_problems),
    (MARGINALS, marginal_problems),
    (REPORT, report_problems),
)
